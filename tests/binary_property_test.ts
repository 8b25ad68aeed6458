/** Whatever the bytes are, the answer is a platform or a BinaryError. */
import { assert, assertInstanceOf } from "@std/assert";
import fc from "fast-check";
import { BinaryError, identifyBinary, type ReadAt } from "../lib/binary.ts";
import { readerOf } from "./support/bytes.ts";
import { type FixtureName, realFile } from "./support/fixtures.ts";

const architectures = new Set(
  "amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x".split(" "),
);

async function checkAnswer(read: ReadAt, size: number): Promise<void> {
  try {
    const { platform, description } = await identifyBinary(read, size);
    assert(platform.os === "linux" && architectures.has(platform.architecture) && description !== "");
  } catch (error) {
    assertInstanceOf(error, BinaryError);
    assert(error.reason !== "");
  }
}

const magics = [
  "",
  "\x7fELF",
  "\x7fELF\x02\x01\x01",
  "\x7fELF\x01\x02\x01",
  "MZ",
  "MZ\0\0zimg",
  "\x1f\x8b\x08\0",
];

Deno.test("identifyBinary() only ever throws a BinaryError on random bytes", async () => {
  const input = fc.tuple(fc.constantFrom(...magics), fc.uint8Array({ maxLength: 6000 }));
  await fc.assert(
    fc.asyncProperty(input, async ([magic, rest]) => {
      const bytes = new Uint8Array([...[...magic].map((char) => char.charCodeAt(0)), ...rest]);
      await checkAnswer(readerOf(bytes), bytes.byteLength);
    }),
    { numRuns: 1000 },
  );
});

/** One of each format, of each word size and byte order. */
const names: readonly FixtureName[] = [
  "amd64-bzImage",
  "arm64-Image",
  "arm64-boot.efi",
  "arm64-module.ko",
  "libc-amd64.so",
  "libc-i386.so",
  "libc-mips.so",
  "libc-s390x.so",
];

const change = fc.record({
  // Headers are where it hurts; now and then somewhere else.
  at: fc.oneof(fc.nat(63), fc.nat(1100), fc.nat(70_000)),
  value: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)),
});

for (const name of names) {
  Deno.test(`identifyBinary() only ever throws a BinaryError on damaged copies of ${name}`, async () => {
    const file = await Deno.readFile(realFile(name));
    const cut = fc.oneof(fc.nat(100), fc.nat(5000), fc.nat(file.byteLength), fc.constant(file.byteLength));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), cut, async (changes, size) => {
        const copy = file.subarray(0, size);
        const read: ReadAt = (offset, length) => {
          const part = copy.slice(offset, offset + length);
          for (const { at, value } of changes) {
            if (at >= offset && at < offset + part.byteLength) part[at - offset] = value;
          }
          return Promise.resolve(part);
        };
        await checkAnswer(read, size);
      }),
      { numRuns: 500 },
    );
  });
}

Deno.test("identifyBinary() only ever throws a BinaryError on damaged gzip data", async () => {
  const stream = (await Deno.open(realFile("libc-amd64.so"))).readable.pipeThrough(
    new CompressionStream("gzip"),
  );
  const file = new Uint8Array(await new Response(stream).arrayBuffer());
  const changes = fc.array(change, { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(changes, fc.nat(file.byteLength), async (list, size) => {
      const copy = file.slice(0, size);
      for (const { at, value } of list) if (at < size) copy[at] = value;
      await checkAnswer(readerOf(copy), size);
    }),
    { numRuns: 300 },
  );
});
