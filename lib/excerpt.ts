/**
 * The line of a file that a diagnostic is about, with carets below the place, for a terminal of any width.
 *
 * @module
 */

/** The widest piece of a line that is shown, in terminal cells. */
const widest = 120;

/** How much of a long line is shown before the place at fault, in characters. */
const before = 20;

/** What the lines of a file look like in a terminal. */
export class Excerpts {
  readonly #lines: readonly string[];

  /** Takes a text apart. @param source the file's text */
  constructor(source: string) {
    this.#lines = source.replace(/^\uFEFF/, "").split("\n").map(withoutReturns);
  }

  /**
   * Shows a place.
   *
   * @param line the line, from 1
   * @param start the first column, from 1, in UTF-16 code units
   * @param end the column after the last one; `undefined` for the rest of the line
   * @returns the line and the carets below it; nothing when the line is blank or not there
   */
  show(line: number, start: number, end: number | undefined): string[] {
    const text = this.#lines[line - 1] ?? "";
    // A very long line is shown from shortly before the place at fault; never from within a character.
    let from = start - 1 > widest - before ? start - 1 - before : 0;
    if (/[\uDC00-\uDFFF]/.test(text[from] ?? "")) from--;
    let shown = "";
    let cells = 0;
    let indent = 0;
    let marked = 0;
    let at = from;
    const piece = text.slice(from, from + 2 * widest);
    if (piece.trim() === "") return [];
    for (const character of piece) {
      const picture = visible(character);
      const width = cellsOf(picture);
      if (cells + width > widest) break;
      if (at < start - 1) indent += width;
      else if (at < (end ?? Infinity) - 1) marked += width;
      shown += picture;
      cells += width;
      at += character.length;
    }
    const gutter = `${line}`;
    const bar = `  ${" ".repeat(gutter.length)} |`;
    return [`  ${gutter} | ${shown}`, `${bar} ${" ".repeat(indent)}${"^".repeat(Math.max(1, marked))}`];
  }
}

/** The carriage returns at the end of a line belong to the line end. */
function withoutReturns(line: string): string {
  let end = line.length;
  while (line[end - 1] === "\r") end--;
  return line.slice(0, end);
}

/** A tab becomes a blank; what a terminal would obey instead of show becomes a sign for it. */
function visible(character: string): string {
  if (character === "\t") return " ";
  return control.test(character) ? "\uFFFD" : character;
}

const control = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u;
const combining = /^[\p{Mn}\p{Me}\u200b-\u200d\ufe00-\ufe0f]/u;
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{17000}-\u{18cff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;

/** The cells that a character takes: none, one or two (Unicode Standard Annex 11). */
function cellsOf(character: string): number {
  if (combining.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}
