/**
 * A limit on the work that one Containerfile may cause. Variables that double their length in every line, and
 * stages that inherit from each other by the thousand, would otherwise take all memory.
 *
 * @module
 */
import { finding } from "../codes.ts";
import type { Diagnostic, Span } from "../diagnostic.ts";
import { nearest } from "../nearest.ts";

/** Characters that variables may produce, and entries that stages may inherit, in one evaluation. */
const limit = 1 << 24;

/** Words that are compared to find suggestions, in one evaluation. */
const mostComparisons = 1 << 17;

/** Counts work and reports, once, that it was too much. */
export class Meter {
  readonly #diagnostics: Diagnostic[];
  #left = limit;
  #comparisons = mostComparisons;

  /** @param diagnostics receives the finding */
  constructor(diagnostics: Diagnostic[]) {
    this.#diagnostics = diagnostics;
  }

  /**
   * @param amount how much is about to be done; @param span what causes it
   * @returns whether to go on
   */
  spend(amount: number, span: Span): boolean {
    const before = this.#left;
    this.#left -= amount;
    if (this.#left >= 0) return true;
    if (before >= 0) {
      const message =
        `Cannot evaluate this file: its variables and stages make more than ${limit} characters`;
      this.#diagnostics.push(
        finding("BIMA037", message, span, "look for a variable that contains itself twice"),
      );
    }
    return false;
  }

  /** @returns the candidate that was most likely meant; none any more after very many suggestions */
  suggest(word: string, candidates: Iterable<string>): string | undefined {
    return nearest(word, this.#counted(candidates));
  }

  *#counted(candidates: Iterable<string>): Iterable<string> {
    for (const candidate of candidates) {
      if (this.#comparisons-- <= 0) return;
      yield candidate;
    }
  }
}
