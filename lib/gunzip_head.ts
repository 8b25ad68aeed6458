/**
 * The beginning of what is inside a gzip file.
 *
 * @module
 */

/** The beginning of decompressed data. */
export interface GunzippedHead {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether these are all bytes there are. */
  readonly complete: boolean;
}

/** @returns whether the bytes start with gzip's magic number and its only method, deflate (RFC 1952, 2.3.1) */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b && head[2] === 8;
}

/** What goes into the decompressor at once; deflate makes at most a thousandfold of it. */
const step = 1024;

/**
 * Decompresses until enough bytes are there; what follows in the input need not be whole or even valid.
 *
 * @param input the first bytes of a gzip file
 * @param limit the number of bytes that is enough
 * @returns at most `limit` bytes
 */
export async function gunzipHead(input: Uint8Array<ArrayBuffer>, limit: number): Promise<GunzippedHead> {
  let offset = 0;
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (offset >= input.byteLength) return controller.close();
      controller.enqueue(input.slice(offset, offset += step));
    },
  }, { highWaterMark: 0 });
  const reader = source.pipeThrough(new DecompressionStream("gzip")).getReader();
  const output = new Uint8Array(limit);
  let length = 0;
  try {
    while (true) {
      const { value, done } = await reader.read();
      if (done) return { bytes: output.subarray(0, length), complete: true };
      const part = value.subarray(0, limit - length);
      output.set(part, length);
      length += part.byteLength;
      if (part.byteLength < value.byteLength || length === limit) {
        return { bytes: output.subarray(0, length), complete: false };
      }
    }
  } catch {
    // Cut off or damaged from here on; what came out so far is what there is.
    return { bytes: output.subarray(0, length), complete: false };
  } finally {
    await reader.cancel().catch(() => {});
  }
}
