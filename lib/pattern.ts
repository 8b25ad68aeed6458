/**
 * Patterns that leave files out: `.dockerignore` and `--exclude`. The rules are those of Docker's matcher
 * (github.com/moby/patternmatcher): Go's `filepath.Match`, `**` for any number of directories, `!` for exceptions,
 * the last one that matches decides, and what is said of a directory goes for everything in it.
 *
 * No package on npm passes that matcher's own cases (tests/pattern_test.ts), nor tells which line was decisive.
 *
 * @module
 */
import { normalize } from "@std/path/posix";
import { compileOne } from "./copy/glob.ts";
import { parentPath } from "./tree.ts";

/** One pattern. */
export interface Pattern {
  /** As matched: clean, relative, without `!`. */
  readonly text: string;
  /** Whether it takes files back in. */
  readonly exception: boolean;
  /** Where it stands in its file, from 1; 0 for one of the command line. */
  readonly line: number;
  /** For whole paths. */
  readonly expression: RegExp;
}

/**
 * @param written a pattern as a user writes it, blanks around it and a slash at its front being ignored
 * @param line its line in a file. Default: 0, none
 * @returns the pattern, or `undefined` when it is malformed
 */
export function parsePattern(written: string, line = 0): Pattern | undefined {
  const trimmed = written.trim();
  const exception = trimmed.startsWith("!");
  const bare = exception ? trimmed.slice(1).trim() : trimmed;
  if (bare === "") return undefined;
  const text = normalize(bare).replace(/(?<=.)\/$/, "").replace(/^\/(?=.)/, "");
  const expression = compilePattern(text);
  return expression && { text, exception, line, expression };
}

function compilePattern(pattern: string): RegExp | undefined {
  const characters = [...pattern];
  // In front of plain text a leading ** takes any beginning, even one inside of a name: "**file" matches "myfile".
  const suffix = /^\*\*([^*?[\\]*)$/.exec(pattern)?.[1];
  if (suffix !== undefined) return suffixExpression(suffix);
  let source = "";
  for (let at = 0; at < characters.length;) {
    if (characters[at] === "*" && characters[at + 1] === "*") {
      at += characters[at + 2] === "/" ? 3 : 2;
      source += at < characters.length ? "(?:.*/)?" : ".*";
    } else if (characters[at] === "*") {
      at++;
      source += "[^/]*";
    } else {
      const piece = compileOne(characters, at);
      if (piece === undefined) return undefined;
      at = piece.next;
      source += piece.source;
    }
  }
  return new RegExp(`^${source}$`, "su");
}

function suffixExpression(suffix: string): RegExp {
  const plain = [...suffix].map((_, at, all) => compileOne(all, at)?.source).join("");
  return new RegExp(suffix.startsWith("/") ? `^(?:.*/)?${plain.slice(2)}$` : `^.*${plain}$`, "su");
}

/** Which patterns matched a directory; its entries need not be compared with those again. */
export type MatchState = readonly boolean[];

/** What the patterns say of a path. */
export interface Match {
  /** Whether it is left out. */
  readonly matched: boolean;
  /** The pattern that decided it; absent when none matched. */
  readonly by?: Pattern;
  /** For the entries of the path. */
  readonly state: MatchState;
}

/** Patterns in their order. */
export class PatternList {
  readonly #patterns: readonly Pattern[];
  readonly #states = new Map<string, MatchState>();

  /** @param patterns the patterns, the last one that matches decides */
  constructor(patterns: readonly Pattern[]) {
    this.#patterns = patterns;
  }

  /** Whether something inside of a directory that is left out may be taken back in. */
  get hasExceptions(): boolean {
    return this.#patterns.some(({ exception }) => exception);
  }

  /**
   * @param path clean and relative
   * @returns what the patterns say of it, its directories taken into account
   */
  match(path: string): Match {
    const parent = this.#stateOf(parentPath(path));
    const state: boolean[] = [];
    let by: Pattern | undefined;
    for (const [index, pattern] of this.#patterns.entries()) {
      // A pattern that would change nothing is not tried, and then does not count for the entries either.
      const matters = pattern.exception === (by !== undefined && !by.exception);
      const matches = parent[index] === true || (matters && pattern.expression.test(path));
      state.push(matches);
      if (matches) by = pattern;
    }
    return { matched: by?.exception === false, state, ...(by === undefined ? {} : { by }) };
  }

  #stateOf(directory: string): MatchState {
    if (directory === "") return [];
    const known = this.#states.get(directory);
    if (known !== undefined) return known;
    const { state } = this.match(directory);
    this.#states.set(directory, state);
    return state;
  }
}
