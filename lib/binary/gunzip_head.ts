/**
 * The beginning of what is inside a gzip file.
 *
 * @module
 */
import { createGunzip } from "node:zlib";
import { BinaryError } from "./error.ts";

/** The beginning of decompressed data. */
export interface GunzippedHead {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Why it ends: these are all bytes, enough bytes, or the input was cut off there. */
  readonly end: "whole" | "enough" | "cut";
}

/** @returns whether the bytes start with gzip's magic number and its only method, deflate (RFC 1952, 2.3.1) */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b && head[2] === 8;
}

/**
 * Decompresses until enough bytes are there. However well the data was compressed, not much more than that is
 * decompressed.
 *
 * @param input the first bytes of a gzip file
 * @param limit the number of bytes that is enough
 * @returns at most `limit` bytes
 * @throws {BinaryError} when the input is damaged
 */
export function gunzipHead(input: Uint8Array<ArrayBuffer>, limit: number): Promise<GunzippedHead> {
  const { promise, resolve, reject } = Promise.withResolvers<GunzippedHead>();
  const output = new Uint8Array(limit);
  let length = 0;
  const done = (end: GunzippedHead["end"]): void => resolve({ bytes: output.subarray(0, length), end });
  // Events rather than iteration: what came out before an error would be lost there.
  const gunzip = createGunzip();
  gunzip.on("data", (chunk: Uint8Array) => {
    const part = chunk.subarray(0, limit - length);
    output.set(part, length);
    length += part.byteLength;
    if (length < limit) return;
    done("enough");
    gunzip.destroy();
  });
  gunzip.on("end", () => done("whole"));
  gunzip.on("error", (cause: Error & { readonly code?: string }) => {
    if (cause.code === "Z_BUF_ERROR") return done("cut");
    reject(new BinaryError(`damaged gzip data: ${cause.message}`, { cause }));
  });
  gunzip.end(input);
  return promise;
}
