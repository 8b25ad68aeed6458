/**
 * Random access to a file of which as little as possible is read.
 *
 * @module
 */
import { BinaryError } from "./error.ts";

/** Reads `length` bytes (fewer at the end) at `offset` of a file. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;

/** A file, or the part of one that could be had. */
export interface ByteSource {
  /** The size in bytes; infinite when it cannot be known without reading everything. */
  readonly size: number;
  /** The first bytes: 4096, or all when there are fewer. */
  readonly head: Uint8Array<ArrayBuffer>;
  /** @returns exactly these bytes, all of which lie inside the size; `undefined` when they cannot be had */
  bytes(offset: number, length: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/** The bytes that are read at first: every header that matters fits, with its tables in the common case. */
export const headLength = 4096;

/** @returns a file as a source; one read so far @throws {BinaryError} when the file is shorter than `size` */
export async function fileSource(read: ReadAt, size: number): Promise<ByteSource> {
  const exactly = async (offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> => {
    const bytes = await read(offset, length);
    if (bytes.byteLength >= length) return bytes.subarray(0, length);
    throw new BinaryError(
      `it became shorter while it was read: expected ${size} bytes, found ${offset + bytes.byteLength}`,
    );
  };
  const head = size === 0 ? new Uint8Array() : await exactly(0, Math.min(headLength, size));
  return {
    size,
    head,
    bytes: (offset, length) => {
      const end = offset + length;
      return end <= head.byteLength ? Promise.resolve(head.subarray(offset, end)) : exactly(offset, length);
    },
  };
}

/** @returns the first bytes of something larger as a source; `size` is infinite unless these are all */
export function prefixSource(prefix: Uint8Array<ArrayBuffer>, size: number): ByteSource {
  return {
    size,
    head: prefix.subarray(0, headLength),
    bytes: (offset, length) =>
      Promise.resolve(
        offset + length <= prefix.byteLength ? prefix.subarray(offset, offset + length) : undefined,
      ),
  };
}
