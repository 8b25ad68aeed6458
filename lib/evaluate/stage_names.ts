/**
 * The names of stages, and what FROM, `--from` and the target mean by them.
 *
 * @module
 */
import { finding } from "../codes.ts";
import type { Diagnostic } from "../diagnostic.ts";
import type { Text } from "../parse/instruction.ts";

/** The stages so far. A later stage takes over the name of an earlier one, as in BuildKit. */
export class StageNames {
  readonly #indexes = new Map<string, number>();
  readonly #places = new Map<string, number>();
  #count = 0;

  /** @param all the names of all stages of the file, in order */
  constructor(all: Iterable<Text>) {
    for (const { text, span } of all) this.#places.set(text, span.start.line);
  }

  /** The number of stages so far. */
  get count(): number {
    return this.#count;
  }

  /** Counts a stage and takes its name. */
  add(name: Text | undefined, diagnostics: Diagnostic[]): void {
    if (name !== undefined) {
      if (this.#indexes.has(name.text)) {
        const message = `Stage name "${name.text}" is used twice: from here on it means this stage`;
        diagnostics.push(finding("BIMA068", message, name.span, "give each stage its own name"));
      }
      this.#indexes.set(name.text, this.#count);
    }
    this.#count++;
  }

  /** @returns the index of the stage with this name, in any case, or with this index */
  find(text: string): number | undefined {
    const named = this.named(text);
    if (named !== undefined) return named;
    const index = /^[0-9]{1,9}$/.test(text) ? Number(text) : this.#count;
    return index < this.#count ? index : undefined;
  }

  /** @returns the index of the stage with this name, in any case */
  named(text: string): number | undefined {
    return this.#indexes.get(text.toLowerCase());
  }

  /** @returns the line of the last FROM, of all in the file, that has this name, in any case */
  lineOf(text: string): number | undefined {
    return this.#places.get(text.toLowerCase());
  }

  /** @returns the names so far in order of first use */
  all(): Iterable<string> {
    return this.#indexes.keys();
  }
}
