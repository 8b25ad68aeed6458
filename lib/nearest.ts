/**
 * Suggestions for words that are nearly right.
 *
 * @module
 */

/**
 * The candidate that is most like a word: at most one wrong, missing, extra or swapped character for each three of
 * the word (but one at least), upper and lower case being the same.
 *
 * @param word what was written; one of more than 64 characters is never a slip
 * @param candidates what could have been meant; the first of equally good ones wins
 * @returns the candidate, or `undefined` when none is near
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word === "" || word.length > longest) return undefined;
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let limit = Math.max(1, Math.floor(word.length / 3)) + 1;
  const rows: Rows = [[], [], []];
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= limit) continue;
    const distance = editDistance(wanted, candidate.toLowerCase(), rows);
    if (distance < limit) [best, limit] = [candidate, distance];
  }
  return best;
}

/** The longest word that can be a slip, in characters. */
const longest = 64;

/** Three rows of distances, used again and again. */
type Rows = readonly [before: number[], above: number[], current: number[]];

/** The number of single changes between two words; swapping two neighbours counts as one. */
function editDistance(a: string, b: string, rows: Rows): number {
  let [before, above, current] = rows;
  for (let column = 0; column <= b.length; column++) above[column] = column;
  for (let row = 1; row <= a.length; row++) {
    const letter = a.charCodeAt(row - 1);
    current[0] = row;
    for (let column = 1; column <= b.length; column++) {
      const other = b.charCodeAt(column - 1);
      let cost = (above[column - 1] ?? 0) + (letter === other ? 0 : 1);
      cost = Math.min(cost, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      const swapped = row > 1 && column > 1 && letter === b.charCodeAt(column - 2) &&
        a.charCodeAt(row - 2) === other;
      if (swapped) cost = Math.min(cost, (before[column - 2] ?? 0) + 1);
      current[column] = cost;
    }
    [before, above, current] = [above, current, before];
  }
  return above[b.length] ?? 0;
}
