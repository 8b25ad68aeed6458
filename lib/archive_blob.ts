/**
 * A blob of a tar while it is written: its bytes go to where they stay.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Digest } from "./digest.ts";
import { BimaError, DigestMismatchError } from "./errors.ts";
import type { Partial } from "./partial_file.ts";
import type { BlobInfo } from "./writer.ts";

/** Where a blob goes. */
export interface BlobPlace {
  readonly file: Partial;
  /** Where its first byte goes, as an offset in the file. */
  readonly start: number;
  /** Stops the writing. */
  readonly signal: AbortSignal | undefined;
}

/** Takes the bytes of one blob. */
export class ArchiveBlob {
  /** See {@linkcode BlobWriter.writable}. */
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
  readonly #place: BlobPlace;
  readonly #hash = createHash("sha256");
  #size = 0;
  #state: "open" | "closed" | "ended" = "open";
  #failure: { readonly reason: unknown } | undefined;
  #pending: Promise<void> = Promise.resolve();

  constructor(place: BlobPlace) {
    this.#place = place;
    this.writable = new WritableStream({
      write: async (chunk) => {
        try {
          await this.#write(chunk);
        } catch (reason) {
          this.#failure = { reason };
          throw reason;
        }
      },
      close: () => {
        this.#state = "closed";
      },
      abort: (reason) => {
        this.#failure = { reason };
      },
    });
  }

  /**
   * Ends the blob.
   *
   * @returns the digest and the size of what was written, as promised
   * @throws what the writing failed with
   * @throws {DigestMismatchError} when something else was promised
   */
  end(info: BlobInfo): { readonly digest: Digest; readonly size: number } {
    if (this.#failure !== undefined) throw this.#failure.reason;
    if (this.#state !== "closed") {
      throw new BimaError(
        `Cannot commit a blob that is ${this.#state}: close its stream first, commit it once`,
      );
    }
    this.#state = "ended";
    this.#place.signal?.throwIfAborted();
    const digest: Digest = `sha256:${this.#hash.digest("hex")}`;
    const size = this.#size;
    if (info.digest !== undefined && info.digest !== digest) {
      throw new DigestMismatchError(`Cannot commit a blob: expected digest ${info.digest}, found ${digest}`);
    }
    if (info.size !== undefined && info.size !== size) {
      throw new DigestMismatchError(
        `Cannot commit blob ${digest}: expected ${info.size} bytes, found ${size}`,
      );
    }
    return { digest, size };
  }

  /** Waits for the write that is under way and takes no further one: the place is free then. */
  async stop(): Promise<void> {
    this.#state = "ended";
    await this.#pending.catch(() => {});
  }

  async #write(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    const { file, start, signal } = this.#place;
    signal?.throwIfAborted();
    if (this.#state !== "open") throw new BimaError("Cannot write to a blob that was aborted");
    this.#hash.update(chunk);
    const offset = start + this.#size;
    this.#size += chunk.byteLength;
    this.#pending = file.write(chunk, offset);
    await this.#pending;
  }
}
