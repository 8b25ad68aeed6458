/** Digests: the known answers of SHA-256, and the stage that counts. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { digestOf, HashStream, hexOf, isDigest } from "../lib/digest.ts";
import { noise } from "./support/image.ts";

const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/** FIPS 180-2, appendix B.1. */
const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Deno.test("isDigest() takes 64 lower-case hexadecimal digits after sha256:", () => {
  assert(isDigest(`sha256:${abc}`));
  const wrong = [
    "",
    abc,
    `sha256:${abc.slice(1)}`,
    `sha256:${abc}0`,
    `sha256:${abc.toUpperCase()}`,
    `SHA256:${abc}`,
    `sha512:${abc}`,
    `sha256:${abc}\n`,
    ` sha256:${abc}`,
    `sha256:${"g".repeat(64)}`,
  ];
  for (const text of wrong) assert(!isDigest(text), text);
});

Deno.test("hexOf() is what follows the colon", () => {
  assertEquals(hexOf(`sha256:${abc}`), abc);
});

Deno.test("digestOf() gives the known answers", async () => {
  assertEquals(await digestOf(new Uint8Array()), `sha256:${empty}`);
  assertEquals(await digestOf(new TextEncoder().encode("abc")), `sha256:${abc}`);
});

Deno.test("digestOf() looks at the bytes of a view only", async () => {
  assertEquals(await digestOf(new TextEncoder().encode("xabcx").subarray(1, 4)), `sha256:${abc}`);
});

/** Sends chunks through a stage. @returns what came out */
async function send(
  hash: HashStream,
  chunks: Iterable<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  return await new Response(ReadableStream.from(chunks).pipeThrough(hash)).bytes();
}

Deno.test("HashStream hashes and counts the same in any chunks, and passes everything on", async () => {
  const bytes = noise(300_000);
  for (const size of [1000, 65_536, 300_000]) {
    const chunks = [];
    for (let start = 0; start < bytes.length; start += size) chunks.push(bytes.subarray(start, start + size));
    const hash = new HashStream();
    assertEquals(await send(hash, chunks), bytes);
    assertEquals([hash.size, hash.digest], [300_000, await digestOf(bytes)]);
  }
});

Deno.test("HashStream of nothing is the digest of nothing", async () => {
  const hash = new HashStream();
  await send(hash, []);
  assertEquals([hash.size, hash.digest], [0, `sha256:${empty}`]);
  assertEquals(hash.digest, `sha256:${empty}`, "may be asked for again");
});

Deno.test("HashStream has no digest before its end", async () => {
  const hash = new HashStream();
  const writer = hash.writable.getWriter();
  const reader = hash.readable.getReader();
  const written = writer.write(new Uint8Array(3));
  await reader.read();
  await written;
  assertEquals(hash.size, 3);
  assertThrows(() => hash.digest, TypeError, "the stream has not ended");
  await writer.abort(new Error("enough"));
  assertThrows(() => hash.digest, TypeError, "the stream has not ended");
});

Deno.test("HashStream passes an error on", async () => {
  const broken = new ReadableStream({ pull: (controller) => controller.error(new RangeError("broken")) });
  const hash = new HashStream();
  await assertRejects(() => broken.pipeThrough(hash).pipeTo(new WritableStream()), RangeError, "broken");
  assertThrows(() => hash.digest, TypeError);
});
