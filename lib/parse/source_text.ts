/**
 * A piece of text that was put together from several places of a file, and the way back to those places.
 *
 * @module
 */
import type { Position, Span } from "../diagnostic.ts";

/** Where a stretch of the joined text comes from. */
export interface Origin {
  /** The offset in the joined text at which the stretch begins. */
  readonly offset: number;
  /** Its place in the file. */
  readonly position: Position;
}

/** A joined text: an instruction with its continuation lines, or the decoded text of a JSON string. */
export class SourceText {
  /** The text without line ends, continuation characters and comments. */
  readonly text: string;
  readonly #origins: readonly Origin[];

  /** @param text the joined text; @param origins where its stretches come from, by ascending offset, the first at 0 */
  constructor(text: string, origins: readonly Origin[]) {
    this.text = text;
    this.#origins = origins;
  }

  /** @returns the place in the file of the character at `offset`, by binary search */
  position(offset: number): Position {
    let low = 0;
    let high = this.#origins.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#origins[middle]?.offset ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const origin = this.#origins[low];
    if (origin === undefined) return { line: 1, column: 1 };
    const { line, column } = origin.position;
    return { line, column: column + offset - origin.offset };
  }

  /** @returns where the characters from `start` up to, not including, `end` stand in the file */
  span(start: number, end: number): Span {
    const first = this.position(start);
    if (end <= start) return { start: first, end: first };
    // The end belongs to the last character: the one after it may stand on another line.
    const { line, column } = this.position(end - 1);
    const ended = this.text[end - 1] === "\n";
    return { start: first, end: ended ? { line: line + 1, column: 1 } : { line, column: column + 1 } };
  }
}
