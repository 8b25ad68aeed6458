/**
 * gzip (RFC 1952) on all processors, with the same bytes everywhere: what comes out depends on the input and the
 * level, not on the machine, the runtime, the number of workers, or how the input is cut into chunks.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { UsageError } from "./errors.ts";
import { GzipPool } from "./gzip_pool.ts";
import { blockSize, windowSize } from "./gzip_worker.ts";

export { type GzipBlock } from "./gzip_worker.ts";
export { GzipPool, type GzipPoolOptions } from "./gzip_pool.ts";

/** What goes in and comes out. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Options of {@linkcode GzipStream}. */
export interface GzipOptions {
  /** From 1 (fast) to 9 (small), a whole number. Default: 6. */
  readonly level?: number;
  /** Who compresses; it stays open. Default: a pool for this stream alone, with a worker for each processor. */
  readonly pool?: GzipPool;
  /** Ends the stream with an error. Default: never. */
  readonly signal?: AbortSignal;
}

/** Magic number, method 8, no flags, no time, no hint about the level, unknown system (RFC 1952, section 2.3.1). */
const header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/**
 * A stage that compresses: bytes in, one gzip member out.
 *
 * Blocks of 1 MiB are compressed side by side, each with the end of the one before as its dictionary. Only as many
 * as the pool needs are in memory at once.
 *
 * @example
 * ```ts
 * import { GzipPool, GzipStream } from "./gzip.ts";
 *
 * using pool = new GzipPool();
 * const gzip = new Blob(["a layer"]).stream().pipeThrough(new GzipStream({ pool, level: 9 }));
 * console.log((await new Response(gzip).bytes()).byteLength);
 * ```
 */
export class GzipStream extends TransformStream<Bytes, Bytes> {
  /**
   * Makes a stage for one stream. End it, or its own pool keeps the program alive.
   *
   * @param options the level and the pool
   * @throws {UsageError} when the level is not a whole number from 1 to 9
   */
  constructor(options: GzipOptions = {}) {
    const { level = 6 } = options;
    if (!Number.isInteger(level) || level < 1 || level > 9) {
      throw new UsageError(`Cannot compress at level ${level}: expected a whole number from 1 to 9`);
    }
    super(new Encoder(level, options));
  }
}

/** A block on its way through the pool. */
interface Pending {
  readonly output: Promise<Bytes>;
  done: boolean;
}

class Encoder implements Transformer<Bytes, Bytes> {
  readonly #level: number;
  readonly #pool: GzipPool;
  readonly #ownPool: GzipPool | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #stop = new AbortController();
  #onAbort = () => {};
  /** Blocks in the order of the output. */
  readonly #pending: Pending[] = [];
  #buffer: Bytes;
  #start = 0;
  #end = 0;
  #crc = 0;
  #size = 0;

  constructor(level: number, options: GzipOptions) {
    this.#level = level;
    this.#signal = options.signal;
    this.#ownPool = options.pool === undefined ? new GzipPool() : undefined;
    this.#pool = options.pool ?? this.#ownPool!;
    this.#buffer = new Uint8Array(this.#pool.takeBuffer());
  }

  start(controller: TransformStreamDefaultController<Bytes>): void {
    this.#onAbort = () => {
      this.#release(this.#signal?.reason);
      controller.error(this.#signal?.reason);
    };
    if (this.#signal?.aborted) this.#onAbort();
    else {
      this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
      controller.enqueue(new Uint8Array(header));
    }
  }

  async transform(chunk: Bytes, controller: TransformStreamDefaultController<Bytes>): Promise<void> {
    try {
      for (let offset = 0; offset < chunk.byteLength;) {
        // A full block is sent when there is more: the last one must be told that it is the last.
        if (this.#end - this.#start === blockSize) {
          this.#send(false);
          await this.#receive(controller, this.#pool.width);
        }
        const part = chunk.subarray(offset, offset + blockSize - (this.#end - this.#start));
        this.#buffer.set(part, this.#end);
        this.#end += part.byteLength;
        offset += part.byteLength;
      }
    } catch (error) {
      this.#release(error);
      throw error;
    }
  }

  async flush(controller: TransformStreamDefaultController<Bytes>): Promise<void> {
    try {
      this.#send(true);
      await this.#receive(controller, 0);
      const trailer = new DataView(new ArrayBuffer(8));
      trailer.setUint32(0, this.#crc, true);
      // The size modulo 2^32 (RFC 1952, section 2.3.1), which is what the method makes of it.
      trailer.setUint32(4, this.#size, true);
      controller.enqueue(new Uint8Array(trailer.buffer));
      this.#release(undefined);
    } catch (error) {
      this.#release(error);
      throw error;
    }
  }

  cancel(reason: unknown): void {
    this.#release(reason);
  }

  #send(last: boolean): void {
    const { buffer } = this.#buffer;
    const [start, end] = [this.#start, this.#end];
    this.#crc = crc32(this.#buffer.subarray(start, end), this.#crc);
    this.#size += end - start;
    if (!last) {
      const next = new Uint8Array(this.#pool.takeBuffer());
      next.set(this.#buffer.subarray(end - windowSize, end));
      this.#buffer = next;
      this.#start = this.#end = windowSize;
    }
    const block = { buffer, start, end, last, level: this.#level };
    const output = this.#pool.compress(block, this.#stop.signal);
    const pending = { output, done: false };
    // Who is told of a failure is whoever waits for this block, if the stream comes so far.
    output.then(() => pending.done = true, () => {});
    this.#pending.push(pending);
  }

  /** Passes on what is ready, and waits until at most so many blocks are on their way. */
  async #receive(controller: TransformStreamDefaultController<Bytes>, most: number): Promise<void> {
    for (let next = this.#pending[0]; next !== undefined; next = this.#pending[0]) {
      if (!next.done && this.#pending.length <= most) return;
      controller.enqueue(await next.output);
      this.#pending.shift();
    }
  }

  /** Lets go of everything. May be called again. */
  #release(reason: unknown): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#stop.abort(reason);
    this.#ownPool?.[Symbol.dispose]();
  }
}
