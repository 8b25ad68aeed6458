/**
 * Texts of a user inside messages.
 *
 * @module
 */

/** The longest text that is shown whole, in UTF-16 code units. */
const longest = 60;

/** @returns the text in double quotes, fit for one line of a terminal: shortened, control characters written out */
export function quote(text: string): string {
  return `"${shorten(text)}"`;
}

/** @returns the text as {@linkcode quote} has it, without the quotes */
export function shorten(text: string): string {
  const short = text.length > longest ? `${text.slice(0, longest).toWellFormed()}…` : text;
  return short.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\u00a0]/gu, (character) => {
    return `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}
