/**
 * Compressors that the streams of a build share: one in this thread for the small and many in workers for the large.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { deflateWasm } from "./deflate_wasm.ts";
import { BimaError, messageOf, UsageError } from "./errors.ts";
import { bufferSize, createCompressor, type GzipAnswer, type GzipBlock, workerUrl } from "./gzip_worker.ts";

/** So many blocks are compressed in this thread before a worker is started: fewer are done sooner without. */
const patience = 6;

/** Beyond so many the one thread that feeds them is what limits. */
const mostWorkers = 8;

/** One is at work while the next one waits for it in the worker's queue. */
const blocksAtWorker = 2;

/** Options of {@linkcode GzipPool}. */
export interface GzipPoolOptions {
  /**
   * The number of workers, from 0 on; with 0 everything is done in this thread. It never changes the output.
   * Default: one for each processor, at most 8.
   */
  readonly workers?: number;
}

/** A block on its way. */
interface Job {
  readonly block: GzipBlock;
  readonly signal: AbortSignal;
  readonly result: PromiseWithResolvers<Uint8Array<ArrayBuffer>>;
}

/** A worker that is ready, and what was sent to it, in the order of the answers. */
interface Crew {
  readonly worker: Worker;
  readonly jobs: Job[];
}

/**
 * Compresses blocks on all processors. Workers start when there is enough to do, and stop when the pool is disposed
 * of; until then they keep the program alive. Where none can be started, this thread does the work.
 */
export class GzipPool implements Disposable {
  readonly #waiting: Job[] = [];
  readonly #crews = new Set<Crew>();
  readonly #buffers: ArrayBuffer[] = [];
  #module: WebAssembly.Module | undefined;
  #compress: ((block: GzipBlock) => number) | undefined;
  /** The one that was started and is not ready. */
  #starting: Worker | undefined;
  /** How many workers may still be started. */
  #left: number;
  #seen = 0;
  #disposed = false;

  /**
   * Makes a pool; no worker is started yet.
   *
   * @param options how many workers
   * @throws {UsageError} when that is not a whole number from 0 on
   */
  constructor(options: GzipPoolOptions = {}) {
    const { workers = Math.min(navigator.hardwareConcurrency, mostWorkers) } = options;
    if (!Number.isSafeInteger(workers) || workers < 0) {
      throw new UsageError(`Cannot compress with ${workers} workers: expected a whole number from 0 on`);
    }
    this.#left = workers;
  }

  /** How many blocks of one stream should be on their way, so that no worker waits. */
  get width(): number {
    return this.#crews.size === 0 ? 1 : blocksAtWorker * this.#crews.size + 2;
  }

  /** The number of workers that are ready. */
  get workers(): number {
    return this.#crews.size;
  }

  /**
   * A buffer for a block, used before if possible.
   *
   * @returns the buffer; what it contains is undefined
   */
  takeBuffer(): ArrayBuffer {
    return this.#buffers.pop() ?? new ArrayBuffer(bufferSize);
  }

  /**
   * Compresses one block.
   *
   * @param block the block; its buffer belongs to the pool from now on
   * @param signal drops the block if it still waits
   * @returns its DEFLATE data, the same on every machine
   * @throws {BimaError} when a worker fails, or when the pool is disposed of before the block's turn
   */
  compress(block: GzipBlock, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const job = { block, signal, result: Promise.withResolvers<Uint8Array<ArrayBuffer>>() };
    if (this.#disposed) job.result.reject(closed());
    else {
      if (this.#seen++ >= patience) this.#start();
      this.#waiting.push(job);
      this.#assign();
    }
    return job.result.promise;
  }

  /** Stops the workers. What they have not finished fails. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#starting?.terminate();
    this.#starting = undefined;
    for (const { worker, jobs } of this.#crews) {
      worker.terminate();
      for (const { result } of jobs) result.reject(closed());
    }
    this.#crews.clear();
    for (const { result } of this.#waiting.splice(0)) result.reject(closed());
    this.#buffers.length = 0;
  }

  /** Starts one more worker, when the one before is ready: this thread stands still meanwhile. */
  #start(): void {
    if (this.#left === 0 || this.#starting !== undefined) return;
    this.#left--;
    let worker: Worker;
    try {
      worker = new Worker(workerUrl(), { type: "module", name: "gzip" });
    } catch {
      // This thread can do it as well.
      this.#left = 0;
      return;
    }
    this.#starting = worker;
    const crew: Crew = { worker, jobs: [] };
    worker.onmessage = ({ data }: MessageEvent<true | GzipAnswer>) => {
      if (data === true) {
        this.#starting = undefined;
        this.#crews.add(crew);
      } else {
        const job = crew.jobs.shift();
        if (job !== undefined) this.#finish(job, data);
      }
      this.#assign();
    };
    worker.onerror = (event) => {
      // Otherwise the runtime ends the whole program.
      event.preventDefault();
      this.#lose(crew, event.message);
    };
    worker.onmessageerror = () => this.#lose(crew, "it was sent what it cannot read");
    worker.postMessage(this.#compiled());
  }

  /** Hands out what waits: to the workers that are ready, else to this thread. */
  #assign(): void {
    if (this.#crews.size === 0) {
      for (const job of this.#waiting.splice(0)) this.#compressHere(job);
      return;
    }
    for (;;) {
      const crew = [...this.#crews].reduce((a, b) => (b.jobs.length < a.jobs.length ? b : a));
      if (crew.jobs.length >= blocksAtWorker) return;
      const job = this.#waiting.shift();
      if (job === undefined) return;
      if (job.signal.aborted) {
        this.#giveBack(job.block.buffer);
        job.result.reject(job.signal.reason);
        continue;
      }
      crew.jobs.push(job);
      crew.worker.postMessage(job.block, [job.block.buffer]);
    }
  }

  #compressHere(job: Job): void {
    // A turn of the event loop for each block, so that signals, timers and the workers' first words come through.
    setImmediate(() => {
      if (this.#disposed) return job.result.reject(closed());
      if (job.signal.aborted) return job.result.reject(job.signal.reason);
      try {
        this.#compress ??= createCompressor(this.#compiled());
        this.#finish(job, { buffer: job.block.buffer, size: this.#compress(job.block) });
      } catch (cause) {
        job.result.reject(new BimaError(`Cannot compress: ${messageOf(cause)}`, { cause }));
      }
    });
  }

  #compiled(): WebAssembly.Module {
    return this.#module ??= new WebAssembly.Module(Uint8Array.fromBase64(deflateWasm));
  }

  #finish({ result }: Job, { buffer, size }: GzipAnswer): void {
    result.resolve(new Uint8Array(buffer, 0, size).slice());
    this.#giveBack(buffer);
  }

  #giveBack(buffer: ArrayBuffer): void {
    if (this.#buffers.length < this.width) this.#buffers.push(buffer);
  }

  #lose(crew: Crew, message: string): void {
    crew.worker.terminate();
    if (this.#starting === crew.worker) this.#starting = undefined;
    this.#crews.delete(crew);
    for (const { result } of crew.jobs.splice(0)) {
      result.reject(new BimaError(`Cannot compress: a worker failed: ${message}`));
    }
    this.#assign();
  }
}

function closed(): BimaError {
  return new BimaError("Cannot compress: the pool is closed");
}
