// Colours for terminals, and none elsewhere.

/** Wraps text in a colour, or returns it as it is. */
export type Paint = (colour: Colour, text: string) => string;

/** SGR codes. */
const CODES = { green: 32, red: 31, yellow: 33, dim: 2, bold: 1 } as const;
export type Colour = keyof typeof CODES;

/** Paints if told so. */
export function paintFor(isColoured: boolean): Paint {
  return isColoured ? (colour, text) => `\u001b[${CODES[colour]}m${text}\u001b[0m` : (_, text) => text;
}
