// When two ORIGINs are the same: they are written by browsers, operators and coturn's tools, each in its own way.

const DEFAULT_PORTS: Readonly<Record<string, string>> = Object.freeze({ http: ':80', https: ':443' });

/** The form that origins are compared in: small letters, no default port, no slash at the end (RFC 6454 §6.2). */
export function canonicalOrigin(origin: string): string {
  const text = origin.trim().toLowerCase().replace(/\/+$/, '');
  const scheme = text.slice(0, Math.max(0, text.indexOf('://')));
  const port = DEFAULT_PORTS[scheme];
  return port !== undefined && text.endsWith(port) ? text.slice(0, -port.length) : text;
}
