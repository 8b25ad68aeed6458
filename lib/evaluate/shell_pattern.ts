/**
 * The patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/text}`: `*` is any text, `?` any
 * character, a backslash takes their meaning away. Matching takes time of length of value times length of pattern.
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
export function parsePattern(text: string): ShellPattern | undefined {
  const items: PatternItem[] = [];
  const characters = [...text].values();
  for (const character of characters) {
    if (character === "*") items.push({ kind: "all" });
    else if (character === "?") items.push({ kind: "any" });
    else if (character !== "\\") items.push({ kind: "character", character });
    else {
      const escaped = characters.next().value ?? "";
      if (!["*", "?", "\\", "}", "/"].includes(escaped)) return undefined;
      items.push({ kind: "character", character: escaped });
    }
  }
  return items;
}

/** @returns the value without the shortest, or longest, beginning that matches */
export function trimStart(value: string, pattern: ShellPattern, longest: boolean): string {
  const characters = [...value];
  const end = matchEnds(characters, pattern, longest)[0] ?? none;
  return end === none ? value : characters.slice(end).join("");
}

/** @returns the value without the shortest, or longest, end that matches */
export function trimEnd(value: string, pattern: ShellPattern, longest: boolean): string {
  const backwards = [...value].reverse();
  const end = matchEnds(backwards, pattern.toReversed(), longest)[0] ?? none;
  return end === none ? value : backwards.slice(end).reverse().join("");
}

/** @returns the value with the first match, or all that are not empty, replaced; the longest one at each place */
export function replaceMatches(value: string, pattern: ShellPattern, text: string, all: boolean): string {
  const characters = [...value];
  const ends = matchEnds(characters, pattern, true);
  const out: string[] = [];
  let at = 0;
  while (at <= characters.length) {
    const end = ends[at] ?? none;
    if (end === none || (all && end === at)) out.push(characters[at++] ?? "");
    else {
      out.push(text);
      at = end;
      if (!all) break;
    }
  }
  return out.join("") + characters.slice(at).join("");
}

/** There is no match. */
const none = -1;

/**
 * Where the shortest or longest match from each place ends, found from the end backwards: the match of a pattern at
 * a place follows from those of its rest at this place and the next one.
 */
function matchEnds(characters: readonly string[], pattern: ShellPattern, longest: boolean): Int32Array {
  const ends = new Int32Array(characters.length + 1);
  const better = (a: number, b: number) => {
    if (a === none || b === none) return Math.max(a, b);
    return longest ? Math.max(a, b) : Math.min(a, b);
  };
  let next = new Int32Array(pattern.length + 1).fill(none);
  for (let at = characters.length; at >= 0; at--) {
    const row = new Int32Array(pattern.length + 1).fill(none);
    row[pattern.length] = at;
    for (let item = pattern.length - 1; item >= 0; item--) {
      const element = pattern[item];
      const isLast = at === characters.length;
      if (element?.kind === "all") row[item] = better(row[item + 1] ?? none, next[item] ?? none);
      else if (isLast) row[item] = none;
      else if (element?.kind === "any" || element?.character === characters[at]) {
        row[item] = next[item + 1] ?? none;
      }
    }
    ends[at] = row[0] ?? none;
    next = row;
  }
  return ends;
}
