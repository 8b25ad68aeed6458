/**
 * Work on a list, a few items at a time.
 *
 * @module
 */

/**
 * Works on all items, at most `limit` at once, and keeps their order. After an item failed no further one begins;
 * those that are under way are waited for, so that nothing goes on behind the caller's back.
 *
 * @param items the items
 * @param limit how many at once, from 1
 * @param work what is done with an item
 * @returns the results in the order of the items
 * @throws what the first failed item failed with
 */
export async function inTurns<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  const rest = items.entries();
  const runner = async (): Promise<void> => {
    for (const [index, item] of rest) {
      if (failures.length > 0) return;
      try {
        results[index] = await work(item, index);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, runner));
  if (failures.length > 0) throw failures[0];
  return results;
}
