/**
 * Content digests as the OCI image specification writes them (descriptor.md, "Digests"): `sha256:<64 hex digits>`.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** A SHA-256 digest in its canonical text form, `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}`;

const pattern = /^sha256:[0-9a-f]{64}$/;

/** Tells a digest from other text. @returns whether `text` is a well-formed SHA-256 digest */
export function isDigest(text: string): text is Digest {
  return pattern.test(text);
}

/** @returns the hexadecimal part of a digest: the name of its file below `blobs/sha256/` */
export function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}

/**
 * The digest of a small document that is in memory anyway.
 *
 * @param bytes the exact bytes
 * @returns their digest, by WebCrypto
 */
export async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<Digest> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha256:${hash.toHex()}`;
}

/**
 * A pass-through stage that hashes and counts the bytes that go by. The runtime's native incremental SHA-256 does
 * the work; WebCrypto has no incremental form.
 *
 * @example
 * ```ts
 * import { HashStream } from "./digest.ts";
 *
 * const hashed = new HashStream();
 * await new Blob(["step"]).stream().pipeThrough(hashed).pipeTo(new WritableStream());
 * console.log(hashed.digest, hashed.size);
 * ```
 */
export class HashStream extends TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  #digest: Digest | undefined;
  #size = 0;

  /** Nothing to choose: the algorithm is SHA-256. */
  constructor() {
    const hash = createHash("sha256");
    super({
      transform: (chunk, controller) => {
        hash.update(chunk);
        this.#size += chunk.byteLength;
        controller.enqueue(chunk);
      },
      flush: () => {
        this.#digest = `sha256:${hash.digest("hex")}`;
      },
    });
  }

  /** The number of bytes that went by so far. */
  get size(): number {
    return this.#size;
  }

  /**
   * The digest of all bytes.
   *
   * @throws {TypeError} while the stream has not ended
   */
  get digest(): Digest {
    if (this.#digest === undefined) throw new TypeError("Cannot take the digest: the stream has not ended");
    return this.#digest;
  }
}
