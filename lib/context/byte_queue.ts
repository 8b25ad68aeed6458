/**
 * Chunks of any size, read in the sizes that a format wants.
 *
 * @module
 */

/** Reads an exact number of bytes at a time. */
export class ByteQueue {
  readonly #chunks: AsyncIterator<Uint8Array, void, void>;
  #rest: Uint8Array = new Uint8Array();

  /** @param chunks where the bytes come from */
  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /**
   * @param length how many bytes
   * @returns a copy of them; fewer only at the end of the input
   */
  async take(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    let done = 0;
    for await (const piece of this.pieces(length)) {
      bytes.set(piece, done);
      done += piece.byteLength;
    }
    return bytes.subarray(0, done);
  }

  /**
   * @param length how many bytes
   * @returns them in pieces as they come; fewer only at the end of the input
   */
  async *pieces(length: number): AsyncGenerator<Uint8Array, void, void> {
    for (let missing = length; missing > 0;) {
      if (this.#rest.byteLength === 0) {
        const { value, done } = await this.#chunks.next();
        if (done === true || value === undefined) return;
        this.#rest = value;
        continue;
      }
      const piece = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(piece.byteLength);
      missing -= piece.byteLength;
      yield piece;
    }
  }

  /** Lets the source go, however much of it is left. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
