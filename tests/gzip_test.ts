/** The gzip stage: its bytes are right, and the same however they come about. */
import { assertEquals, assertGreater, assertLess, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { crc32 } from "node:zlib";
import { digestOf } from "../lib/digest.ts";
import { UsageError } from "../lib/errors.ts";
import { GzipPool, GzipStream } from "../lib/gzip.ts";
import { assertUnpacks, bytesOf, cut, filter, gzip, MiB, mixture } from "./support/gzip.ts";
import { noise } from "./support/image.ts";

const sizes = [0, 1, 3, 4, 5, 1000, MiB - 1, MiB, MiB + 1, 3 * MiB, 5 * MiB, 5 * MiB + 3];

for (const level of [1, 3, 6, 9]) {
  Deno.test(`GzipStream writes what gzip unpacks at sizes around its blocks, level ${level}`, async () => {
    using pool = new GzipPool({ workers: 0 });
    for (const size of sizes) {
      const input = mixture(size, level);
      await assertUnpacks(await gzip([input], { pool, level }), input);
    }
  });
}

Deno.test("GzipStream gives one digest for each level, on every machine and with every runtime", async () => {
  // A change here changes the digest of every image. Then `format` in lib/layer.ts has to change as well.
  const expected = [
    "sha256:b63f9d73b6bd0000f2a7358ec473e47a6b7a1f27c39a07541ca2fb25f818f477",
    "sha256:576ff592d8e82bd36fe969624b8be48f02ea4ecdc9cca06be8655cd7015570c0",
    "sha256:7cd9c9fa92f4fcce645b0de97ffab985ae90efc5c49276a6d4b66fe6092750e4",
    "sha256:9c028f7bfef796e4c485364f77bc82903d56b4975918fb8bde4bc37bbbdae777",
    "sha256:7525644c93ba5a7f8511c31ca9df95c0858190c12c5ae119e130c938ecf2f196",
    "sha256:6b6ddca93325a926d18fec9c6f232136164726c95f3d17ea684edf1c2d629b4d",
    "sha256:5ba05af6e98447bd9a48da9fcababfb84a352cf8b483dd6a23562b841d98b00e",
    "sha256:0b0e7ac9e0471b873e71128e2420454738a7621ca408b4713834fed925dda83b",
    "sha256:c25c5cff357ad45c6fb53a957abf7d7a870700ea99809042a79e87ed32ee230e",
  ];
  const input = mixture(3 * MiB + 12_345);
  using pool = new GzipPool({ workers: 0 });
  const actual = [];
  for (let level = 1; level <= 9; level++) actual.push(await digestOf(await gzip([input], { pool, level })));
  assertEquals(actual, expected);
});

Deno.test("GzipStream gives the same bytes for any chunks, workers and earlier work", async () => {
  const inputs = [mixture(300_000, 7), mixture(2 * MiB, 3), mixture(5 * MiB + 1, 2)];
  const places = fc.array(fc.oneof(fc.nat(5 * MiB + 9), fc.nat(6).map((block) => block * MiB)), {
    maxLength: 40,
  });
  const cases = fc.record({
    input: fc.constantFrom(...inputs),
    places,
    level: fc.constantFrom(1, 2, 4),
    workers: fc.constantFrom(0, 1, 2, 3),
  });
  // These pools have compressed something else before, their workers run already.
  const pools = [0, 1, 2, 3].map((workers) => new GzipPool({ workers }));
  const known = new Map<string, string>();
  for (const input of inputs) {
    for (const level of [1, 2, 4]) {
      using pool = new GzipPool({ workers: 0 });
      known.set(`${level} ${input.byteLength}`, await digestOf(await gzip([input], { pool, level })));
    }
  }
  await fc.assert(
    fc.asyncProperty(cases, async ({ input, places, level, workers }) => {
      const pool = pools[workers]!;
      const packed = await gzip(cut(input, places), { pool, level });
      assertEquals(await digestOf(packed), known.get(`${level} ${input.byteLength}`));
    }),
    { numRuns: 40 },
  );
  assertEquals(pools.map((pool) => pool.workers), [0, 1, 2, 3]);
  for (const pool of pools) pool[Symbol.dispose]();
});

Deno.test("GzipStream writes the header and the empty block of RFC 1952 for no input", async () => {
  const empty = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  assertEquals([...await gzip([])], empty);
  assertEquals([...await gzip([new Uint8Array(0), new Uint8Array(0)])], empty);
});

Deno.test("GzipStream stores what does not shrink, in hardly more bytes", async () => {
  const input = noise(4 * MiB);
  const packed = await gzip([input]);
  assertLess(packed.byteLength, input.byteLength + 2000);
  await assertUnpacks(packed, input);
});

Deno.test("GzipStream at its levels is no worse than gzip at level 1, and each level is no worse than the last", async () => {
  const input = (await Deno.readFile(Deno.execPath())).slice(0, 6 * MiB);
  using pool = new GzipPool();
  const packed: number[] = [];
  for (const level of [1, 3, 6, 9]) packed.push((await gzip([input], { pool, level })).byteLength);
  assertLess(packed[0]!, (await filter(["gzip", "-1"], input)).byteLength);
  for (let index = 1; index < packed.length; index++) assertLess(packed[index]!, packed[index - 1]!);
});

Deno.test("GzipStream refers to the block before, so cutting into blocks costs little", async () => {
  const half = noise(20_000);
  const input = new Uint8Array(2 * MiB);
  for (let offset = 0; offset < input.length; offset += half.length) {
    input.set(half.subarray(0, input.length - offset), offset);
  }
  assertLess((await gzip([input])).byteLength, 2 * half.byteLength);
});

Deno.test("GzipStream goes on beyond 4 GiB, where the trailer's size starts from 0 again", async () => {
  const zeros = new Uint8Array(64 * MiB);
  const chunks = 65;
  let left = chunks;
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => left-- > 0 ? controller.enqueue(zeros) : controller.close(),
  });
  using pool = new GzipPool();
  const packed = await bytesOf(source.pipeThrough(new GzipStream({ pool, level: 1 })));
  let crc = 0;
  for (let chunk = 0; chunk < chunks; chunk++) crc = crc32(zeros, crc);
  const trailer = new DataView(packed.buffer, packed.byteLength - 8);
  assertEquals(trailer.getUint32(0, true), crc);
  assertEquals(trailer.getUint32(4, true), 64 * MiB);
});

Deno.test("GzipStream takes no more than it can hold when nobody reads", async () => {
  using pool = new GzipPool({ workers: 2 });
  await gzip([mixture(8 * MiB)], { pool });
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      pulled++;
      controller.enqueue(noise(MiB));
    },
  });
  const reader = endless.pipeThrough(new GzipStream({ pool })).getReader();
  await reader.read();
  // Every turn of the event loop would let it take one more chunk.
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
  assertGreater(pulled, 0);
  assertLess(pulled, 2 * pool.width);
  await reader.cancel();
});

Deno.test("GzipStream lets several streams share a pool", async () => {
  using pool = new GzipPool({ workers: 2 });
  const inputs = [1, 2, 3, 4].map((seed) => mixture(4 * MiB + seed, seed));
  const alone = [];
  for (const input of inputs) alone.push(await digestOf(await gzip([input], { level: 1 })));
  const together = await Promise.all(inputs.map((input) => gzip([input], { pool, level: 1 })));
  assertEquals(await Promise.all(together.map(digestOf)), alone);
});

Deno.test("GzipStream refuses a level outside of 1 to 9", () => {
  for (const level of [0, 10, 1.5, NaN, -1]) {
    assertThrows(() => new GzipStream({ level }), UsageError, `Cannot compress at level ${level}: expected`);
  }
});

Deno.test("GzipStream cancelled by its reader cancels its source and frees the pool", async () => {
  using pool = new GzipPool({ workers: 1 });
  const cancelled = Promise.withResolvers<unknown>();
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(noise(MiB)),
    cancel: cancelled.resolve,
  });
  const reader = source.pipeThrough(new GzipStream({ pool })).getReader();
  for (let chunk = 0; chunk < 8; chunk++) await reader.read();
  await reader.cancel("enough");
  assertEquals(await cancelled.promise, "enough");
  const input = mixture(5 * MiB);
  await assertUnpacks(await gzip([input], { pool }), input);
});

Deno.test("GzipStream passes on the error of its source, also with a pool of its own", async () => {
  let chunks = 0;
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (chunks++ < 8) controller.enqueue(noise(MiB));
      else controller.error(new Error("disk on fire"));
    },
  });
  await assertRejects(() => bytesOf(source.pipeThrough(new GzipStream())), Error, "disk on fire");
});

Deno.test("GzipStream ends when its signal is aborted, before and in the middle", async () => {
  await assertRejects(
    () => gzip([], { signal: AbortSignal.abort(new Error("too late")) }),
    Error,
    "too late",
  );
  const controller = new AbortController();
  let chunks = 0;
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(stream) {
      if (chunks++ === 8) controller.abort(new Error("stopped"));
      stream.enqueue(noise(MiB));
    },
  });
  const packed = source.pipeThrough(new GzipStream({ signal: controller.signal }));
  await assertRejects(() => bytesOf(packed), Error, "stopped");
});
