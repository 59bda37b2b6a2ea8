// Owns the estimate of how hard a password or shared secret is to guess. Whoever reads one signed message can try as many
// as his machines can hash (RFC 8656 §21.1.2). It never says what it found, so a warning tells no guesser where to begin.

/** What follows the name of a secret that is weak. */
export const WEAK_SECRET =
  'can be guessed from one message (fewer than 128 bits): make a new one with "openssl rand -hex 32" or "turnctl secret rotate"';

/** What follows the name of a password that is weak. */
export const WEAK_PASSWORD =
  'can be guessed from one message (fewer than 64 bits): make one with "openssl rand -base64 18" or "turnctl user passwd --generate"';

const SECRET_BITS = 128;
const PASSWORD_BITS = 64;

/** Longer text is as good as this much of it, and costs no more to judge. */
const JUDGED_CHARACTERS = 256;

/** The first that is tried. Each counts as one character. */
const WORDS = [
  ...[
    'password',
    'passwort',
    'passwd',
    'secret',
    'geheim',
    'changeme',
    'letmein',
    'welcome',
    'qwerty',
    'admin',
    'test',
  ],
  ...['turnserver', 'coturn', 'turnd', 'turn', 'stun', 'webrtc', 'static', 'shared', 'auth', 'user', 'example', 'your'],
  ...['here', 'replace', 'default', 'long', 'key', 'this', 'with'],
];

/** Whether a shared secret can be guessed. */
export function isWeakSecret(secret: string): boolean {
  return estimateBits(secret) < SECRET_BITS;
}

/** Whether the password of a user can be guessed. */
export function isWeakPassword(password: string, user: string): boolean {
  return estimateBits(password, [user]) < PASSWORD_BITS;
}

/**
 * Bits of a text, at best: characters that are no part of a word, a repetition or a row, each as unpredictable as the
 * kinds of characters allow. Other words of a language are not known to it.
 */
export function estimateBits(text: string, more: readonly string[] = []): number {
  const judged = text.slice(0, JUDGED_CHARACTERS);
  const rest = withoutRows(withoutRepetition(withoutWords(judged.toLowerCase(), [...more, ...WORDS])));
  // Random text has a short row now and then.
  const length = rest.length * 4 < judged.length * 3 ? rest.length : judged.length;
  return length * Math.log2(alphabetOf(judged));
}

function withoutWords(text: string, words: readonly string[]): string {
  return words
    .filter((word) => word.length > 2)
    .reduce((left, word) => left.replaceAll(word.toLowerCase(), '\0'), text);
}

/** `aaaa` and `abab` become what is repeated. */
function withoutRepetition(text: string): string {
  return text.replace(/(.{1,16}?)\1+/gsu, '$1');
}

/** `abcd` and `4321` become their first character. */
function withoutRows(text: string): string {
  let kept = '';
  for (let index = 0; index < text.length; index++) {
    if (Math.abs(stepTo(text, index)) !== 1 || stepTo(text, index) !== stepTo(text, index + 1)) kept += text[index];
  }
  return kept;
}

function stepTo(text: string, index: number): number {
  return text.charCodeAt(index) - text.charCodeAt(index - 1);
}

/** How many characters a guesser has to try at each place. */
function alphabetOf(text: string): number {
  if (/^[\d\s:._-]*$/.test(text)) return 10;
  if (/^(?:[\da-f:._-]*|[\dA-F:._-]*)$/.test(text)) return 16;
  const sizes = [
    [/[a-z]/.test(text), 26],
    [/[A-Z]/.test(text), 26],
    [/\d/.test(text), 10],
    [/[^a-zA-Z\d]/.test(text), 33],
  ] as const;
  const size = sizes.reduce((sum, [isUsed, count]) => (isUsed ? sum + count : sum), 0);
  // Base64 that happens to have no digit in it.
  return /[a-z]/.test(text) && /[A-Z]/.test(text) ? Math.max(size, 64) : Math.max(size, 2);
}
