/**
 * A stream of requests, each of which gets one answer, in order.
 *
 * @module
 */

/** The stream below: how to send, and whom to tell. */
export interface Wire<Fields, Response> {
  send(fields: Fields): void;
  end(): void;
  cancel(): void;
  onAnswer(listener: (answer: Response) => void): void;
  onFailure(listener: (error: Error) => void): void;
  onEnd(listener: () => void): void;
}

/** When a {@linkcode Duplex} gives up. */
export interface DuplexOptions {
  /** Ends the stream with its reason. */
  readonly signal: AbortSignal | undefined;
  /** How long an answer may be due, in milliseconds. */
  readonly idleLimit: number;
  /** @returns the error for an answer that does not come */
  stalled(): Error;
  /** Watches a request that may take long, by asking whether the daemon is alive. */
  guard(stalled: () => void): Disposable;
}

/** Somebody who waits for an answer. */
interface Waiting<Response> {
  resolve(answer: Response): void;
  reject(error: unknown): void;
  /** Whether it may take long. */
  readonly patient: boolean;
}

/** Requests and answers in order. Ends with {@linkcode Duplex.finish} or {@linkcode Duplex.cancel}. */
export class Duplex<Fields, Response> {
  readonly #wire: Wire<Fields, Response>;
  readonly #options: DuplexOptions;
  readonly #waiting: Waiting<Response>[] = [];
  readonly #over = Promise.withResolvers<void>();
  #error: unknown;
  #ended = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #guard: Disposable | undefined;
  readonly #abort = () => this.#fail(this.#options.signal?.reason);

  /** @param wire the stream below; @param options when to give up */
  constructor(wire: Wire<Fields, Response>, options: DuplexOptions) {
    this.#wire = wire;
    this.#options = options;
    wire.onAnswer((answer) => {
      this.#waiting.shift()?.resolve(answer);
      if (!this.#waiting.some(({ patient }) => patient)) this.#unguard();
      this.#watch();
    });
    wire.onFailure((error) => this.#settle(error));
    wire.onEnd(() => this.#settle(new Error("the stream ended")));
    options.signal?.addEventListener("abort", this.#abort, { once: true });
  }

  /**
   * Sends a request. Several may be under way.
   *
   * @param fields the request
   * @param options `patient`: wait for as long as the daemon is alive
   * @returns its answer
   */
  ask(fields: Fields, options: { readonly patient?: boolean } = {}): Promise<Response> {
    if (this.#ended) return Promise.reject(this.#error);
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const { patient = false } = options;
    this.#waiting.push({ resolve, reject, patient });
    if (patient) {
      this.#guard ??= this.#options.guard(() => this.#fail(this.#options.stalled()));
    }
    this.#watch();
    this.#wire.send(fields);
    return promise;
  }

  /** Ends the stream in an orderly way; every request was answered. Never fails: there is nothing left to lose. */
  async finish(): Promise<void> {
    if (this.#ended) return;
    this.#wire.end();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(this.#options.stalled()), this.#options.idleLimit);
    await this.#over.promise;
  }

  /** Breaks the stream off, at any time. Who still waits for an answer gets `reason`. */
  cancel(reason: unknown): void {
    this.#fail(reason);
  }

  /** (Re)starts the clock for the next answer that is due, and stops it when there is none. */
  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0 || this.#guard !== undefined || this.#ended) return;
    this.#timer = setTimeout(() => this.#fail(this.#options.stalled()), this.#options.idleLimit);
  }

  #unguard(): void {
    this.#guard?.[Symbol.dispose]();
    this.#guard = undefined;
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#settle(error);
    this.#wire.cancel();
  }

  #settle(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#options.signal?.removeEventListener("abort", this.#abort);
    this.#unguard();
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.#over.resolve();
  }
}
