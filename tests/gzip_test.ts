/** The gzip stage: its bytes are right, and the same however they come about. */
import { assertEquals, assertGreater, assertLess, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { crc32 } from "node:zlib";
import { digestOf } from "../lib/digest.ts";
import { UsageError } from "../lib/errors.ts";
import { GzipPool, GzipStream } from "../lib/gzip.ts";
import { assertUnpacks, bytesOf, cut, filter, gzip, MiB, mixture, readyPool } from "./support/gzip.ts";
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
    "sha256:58a2cf42b1913440da0930c2766e0e1a95652395aba982aca656d49faa6119b1",
    "sha256:6b8a9d2be840cbc33ea7d5345d491dfa802fa14a14eee71d70de9ec8ee9fcda9",
    "sha256:a4d06dfe1dd670a6ecd9d431601d92dee793d1c783e8f7ace128a512a6a5aa18",
    "sha256:f7ed561d16b4fdbc0ffe9cd3508903500fcd0bcf3b87378b6b9d78a5ce191b31",
    "sha256:841c6a6b535157be3d444708b03db5586990f7c2540e06918b223ed513d4b010",
    "sha256:a0f5bc50475adb77e75a20db8f657eee3aedbc16cd6cf5b5ebc0eaa1ec66a39a",
    "sha256:4a6e06689e62524bd79b9a9968a854a9f2fb9458e7e921d7a92354c685e51f20",
    "sha256:90e5100a48ee5c7d9b3a144c9d492b1822d69b916c192362608e8c09ce97f7be",
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
  const pools = await Promise.all([0, 1, 2, 3].map(readyPool));
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
  using pool = await readyPool(2);
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
