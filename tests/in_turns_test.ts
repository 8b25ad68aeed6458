import { assertEquals, assertRejects } from "@std/assert";
import { inTurns } from "../lib/in_turns.ts";

/** Resolves when told so. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

Deno.test("inTurns() keeps the order of the results", async () => {
  const gates = [gate(), gate(), gate()];
  const result = inTurns(gates, 3, async ({ opened }, index) => {
    await opened;
    return index;
  });
  for (const { open } of gates.toReversed()) {
    open();
    await Promise.resolve();
  }
  assertEquals(await result, [0, 1, 2]);
});

Deno.test("inTurns() works on no more items at once than allowed", async () => {
  for (const limit of [1, 2, 5, 20]) {
    let running = 0;
    let most = 0;
    const results = await inTurns([...Array(10).keys()], limit, async (item) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      return item * 2;
    });
    assertEquals(most, Math.min(limit, 10));
    assertEquals(results, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  }
});

Deno.test("inTurns() begins nothing after a failure, and waits for what is under way", async () => {
  const begun: number[] = [];
  const slow = gate();
  let finished = false;
  const result = inTurns([0, 1, 2, 3], 2, async (item) => {
    begun.push(item);
    if (item === 1) throw new Error("one");
    await slow.opened;
    finished = true;
  });
  setTimeout(slow.open, 5);
  await assertRejects(() => result, Error, "one");
  assertEquals([begun, finished], [[0, 1], true]);
});

Deno.test("inTurns() of nothing is nothing", async () => {
  assertEquals(await inTurns([], 4, () => Promise.reject(new Error("never"))), []);
});
