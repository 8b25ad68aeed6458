/**
 * The patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/text}`: `*` is any text, `?` any
 * character, a backslash takes their meaning away. Matching takes at most length of value times length of pattern.
 *
 * @module
 */

/** One element: a character, any character, or any text. */
export type PatternItem =
  | { readonly kind: "character"; readonly character: string }
  | { readonly kind: "any" }
  | { readonly kind: "all" };

/** A pattern, element by element. */
export type ShellPattern = readonly PatternItem[];

/**
 * @param text the pattern with its escapes
 * @returns the pattern, or `undefined` when a backslash stands before a character that needs none
 */
export function operandPattern(text: string): ShellPattern | undefined {
  const items: PatternItem[] = [];
  const characters = [...text];
  for (let at = 0; at < characters.length; at++) {
    let character = characters[at] ?? "";
    if (character === "*") {
      // Two stars in a row are one.
      if (items.at(-1)?.kind !== "all") items.push({ kind: "all" });
      continue;
    }
    if (character === "?") {
      items.push({ kind: "any" });
      continue;
    }
    if (character === "\\") {
      character = characters[++at] ?? "";
      if (!"*?\\}/".includes(character) || character === "") return undefined;
    }
    items.push({ kind: "character", character });
  }
  return items;
}

/** @returns the value without the shortest, or longest, beginning that matches */
export function trimStart(value: string, pattern: ShellPattern, longest: boolean): string {
  const characters = [...value];
  const length = matchLength(characters, 0, pattern, longest);
  return length === undefined ? value : characters.slice(length).join("");
}

/** @returns the value without the shortest, or longest, end that matches */
export function trimEnd(value: string, pattern: ShellPattern, longest: boolean): string {
  const backwards = [...value].reverse();
  const length = matchLength(backwards, 0, [...pattern].reverse(), longest);
  return length === undefined ? value : backwards.slice(length).reverse().join("");
}

/** @returns the value with the first match, or all of them, replaced; the longest match at each place counts */
export function replaceFirst(
  value: string,
  pattern: ShellPattern,
  replacement: string,
  all: boolean,
): string {
  const characters = [...value];
  const out: string[] = [];
  let at = 0;
  while (at <= characters.length) {
    const length = matchLength(characters, at, pattern, true);
    if (length !== undefined && (length > 0 || !all)) {
      out.push(replacement);
      at += length;
      if (!all) break;
      continue;
    }
    if (at < characters.length) out.push(characters[at] ?? "");
    at++;
  }
  return out.join("") + characters.slice(at).join("");
}

/**
 * Runs the pattern as an automaton over the characters from `start` on: all its states go forward at once.
 *
 * @returns how many characters match, `undefined` when none do
 */
function matchLength(
  characters: readonly string[],
  start: number,
  pattern: ShellPattern,
  longest: boolean,
): number | undefined {
  let states = closure([0], pattern);
  let found: number | undefined;
  for (let at = start;; at++) {
    if (states.has(pattern.length)) {
      found = at - start;
      if (!longest) return found;
    }
    if (at >= characters.length || states.size === 0) return found;
    states = closure(step(states, characters[at] ?? "", pattern), pattern);
  }
}

function* step(states: Iterable<number>, character: string, pattern: ShellPattern): Iterable<number> {
  for (const state of states) {
    const item = pattern[state];
    if (item === undefined) continue;
    if (item.kind === "all") yield state;
    else if (item.kind === "any" || item.character === character) yield state + 1;
  }
}

/** A star may also match nothing. */
function closure(states: Iterable<number>, pattern: ShellPattern): Set<number> {
  const reached = new Set<number>();
  for (let state of states) {
    reached.add(state);
    while (pattern[state]?.kind === "all") reached.add(++state);
  }
  return reached;
}
