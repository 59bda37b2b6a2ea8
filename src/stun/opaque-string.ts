// The OpaqueString profile of PRECIS (RFC 8265 §4.2), by which realms and passwords are prepared before hashing.
// Unicode tables are the engine's own (regular expression property escapes), so they age with Node.

const NON_ASCII_SPACE = /\p{Zs}/gu;

// What the FreeformClass refuses (RFC 8264 §4.3.3, §8): controls, surrogates, unassigned and private code points,
// default ignorables (U+00AD among them) and old Hangul jamo. ZWJ and ZWNJ need context and are refused as well.
const DISALLOWED =
  /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb]/u;

/**
 * Prepares a realm or password: non-ASCII spaces become U+0020, then NFC; case and width are kept.
 * Returns null when the result is empty or holds a character that the profile forbids.
 */
export function opaqueString(text: string): string | null {
  const prepared = text.replace(NON_ASCII_SPACE, ' ').normalize('NFC');
  if (prepared === '' || DISALLOWED.test(prepared)) return null;
  return prepared;
}
