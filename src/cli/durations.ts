// Owns times as operators write and read them: `90`, `90m`, `1h30m`, `7d`.

const UNITS: Readonly<Record<string, number>> = Object.freeze({ s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 });
const SHAPE = /^(?:\d{1,12}|(?:\d{1,9}[smhdw])+)$/i;

/** What a time looks like, for refusals. */
export const DURATION_FORM = 'a time such as 3600, 90m, 12h or 7d';

/** The seconds of a time; a bare number is seconds. Null for what is none. */
export function parseDuration(text: string): number | null {
  if (!SHAPE.test(text)) return null;
  if (/^\d+$/.test(text)) return Number(text);
  const parts = text.toLowerCase().matchAll(/(\d+)([smhdw])/g);
  return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0), 0);
}

/** A time in its two largest units: `1d 1h`, `5m 3s`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'm'],
    [whole % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return '0s';
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count}${unit}`).join(' ');
}

/** A moment in Unix milliseconds, as everybody reads it alike: `2026-01-01 00:00:00 UTC`. */
export function formatMoment(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Bytes in the largest fitting unit: `1.5 kB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${step === 0 ? value : value.toFixed(1)} ${units[step]}`;
}
