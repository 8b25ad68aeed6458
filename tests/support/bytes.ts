/**
 * Readers of binaries for tests.
 *
 * @module
 */
import type { ReadAt } from "../../lib/binary.ts";

/** A reader of bytes in memory, and the reads that were made. */
export function readerOf(
  bytes: Uint8Array<ArrayBuffer>,
  reads: { offset: number; length: number }[] = [],
): ReadAt {
  return (offset, length) => {
    reads.push({ offset, length });
    return Promise.resolve(bytes.subarray(offset, offset + length));
  };
}

/** A reader of a file that is open, and its size. */
export async function openBinary(path: string): Promise<{ read: ReadAt; size: number } & Disposable> {
  const file = await Deno.open(path);
  const { size } = await file.stat();
  const read: ReadAt = async (offset, length) => {
    await file.seek(offset, Deno.SeekMode.Start);
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const count = await file.read(bytes.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  };
  return { read, size, [Symbol.dispose]: () => file.close() };
}
