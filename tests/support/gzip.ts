/**
 * Input and reference decoders for the tests of the gzip stage.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { digestOf } from "../../lib/digest.ts";
import { type GzipOptions, GzipPool, GzipStream } from "../../lib/gzip.ts";
import { noise } from "./image.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** One MiB. */
export const MiB = 1 << 20;

/**
 * Bytes of all sorts, the same each time: noise, zeros, a long period, words, and symbols so unevenly spread that
 * their Huffman codes would be longer than DEFLATE allows.
 *
 * @param size how many bytes
 * @param seed another seed gives other bytes in another order
 */
export function mixture(size: number, seed = 1): Bytes {
  const bytes = noise(size, seed);
  const words = ["unikernel ", "layer", "\n", "hypervisor=qemu ", "0x00007f", "the ", "\0\0\0\0"];
  const encoder = new TextEncoder();
  for (let offset = 0, part = seed; offset < size; part++) {
    const piece = bytes.subarray(offset, offset + 1000 + (bytes[offset]! << 10));
    if (part % 5 === 1) piece.fill(0);
    if (part % 5 === 2) piece.copyWithin(30_011, 0);
    if (part % 5 === 3) {
      for (let at = 0; at < piece.length;) {
        at += encoder.encodeInto(words[piece[at]! % words.length]!, piece.subarray(at)).written || 1;
      }
    }
    if (part % 5 === 4) {
      piece.forEach((byte, at) => piece[at] = Math.clz32(byte * 0x01010101 ^ at * 0x9e3779b1));
    }
    offset += piece.length;
  }
  return bytes;
}

/** @returns the bytes cut at these places; those out of range and doubles give empty chunks */
export function cut(bytes: Bytes, places: readonly number[]): Bytes[] {
  const sorted = [0, ...places, bytes.byteLength].map((at) => Math.min(at, bytes.byteLength)).sort((a, b) =>
    a - b
  );
  return sorted.slice(1).map((end, index) => bytes.slice(sorted[index], end));
}

/** Sends chunks through a new {@linkcode GzipStream}. */
export async function gzip(chunks: readonly Bytes[], options: GzipOptions = {}): Promise<Bytes> {
  return await bytesOf(ReadableStream.from(chunks).pipeThrough(new GzipStream(options)));
}

/** @returns a pool whose workers, so many, are all ready */
export async function readyPool(workers: number): Promise<GzipPool> {
  const pool = new GzipPool({ workers });
  const input = [new Uint8Array(8 * MiB)];
  for (let round = 0; pool.workers < workers && round < 1000; round++) await gzip(input, { pool, level: 1 });
  assertEquals(pool.workers, workers);
  return pool;
}

/** @returns all bytes of a stream */
export async function bytesOf(stream: ReadableStream<Bytes>): Promise<Bytes> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Runs a program with these bytes on its standard input. @returns its standard output */
export async function filter(command: readonly [string, ...string[]], input: Bytes): Promise<Bytes> {
  const [program, ...args] = command;
  const child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const [output] = await Promise.all([child.output(), ReadableStream.from([input]).pipeTo(child.stdin)]);
  assertEquals(new TextDecoder().decode(output.stderr), "");
  assertEquals(output.code, 0);
  return output.stdout;
}

/** Fails unless GNU gzip unpacks `packed` to `original`, without a complaint. */
export async function assertUnpacks(packed: Bytes, original: Bytes): Promise<void> {
  const unpacked = await filter(["gzip", "-dc"], packed);
  assertEquals(unpacked.byteLength, original.byteLength);
  assertEquals(await digestOf(unpacked), await digestOf(original));
}
