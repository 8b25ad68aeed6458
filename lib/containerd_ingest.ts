/**
 * One blob on its way into containerd's content store: a stream of chunks under a ref, and a digest at the end.
 *
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import { type ContentDefinition, WriteAction, type WriteContentResponse } from "../proto/gen/content.ts";
import { isCode, LockedRefError } from "./containerd_errors.ts";
import type { Stub } from "./containerd_rpc.ts";
import type { Digest } from "./digest.ts";
import type { Descriptor } from "./oci.ts";

/** The size of the messages that are sent, in bytes. Smaller chunks are gathered up to it. */
const messageSize = 1024 * 1024;

/** How many messages may be unanswered. */
const window = 4;

/** The first and the longest wait for a lock, in milliseconds. */
const backoff = { first: 16, longest: 2000 };

type Content = Stub<typeof ContentDefinition>;
type Stream = ReturnType<Content["write"]>;

/** What an ingest is opened with. */
export interface IngestOptions {
  /** What is sent, for messages. */
  readonly name: string;
  /** The ingest's name in the daemon. Only one writer at a time holds it. */
  readonly ref: string;
  /** The blob, where it is known: what the store has already need not be sent. */
  readonly blob?: Descriptor;
  /** How long another writer may hold the ref without making progress, in milliseconds. */
  readonly patience: number;
  /** Ends the wait for another writer. */
  readonly signal: AbortSignal | undefined;
  /** Told once when another writer holds the ref. */
  readonly onLocked: () => void;
}

/** An open ingest, which holds the lock of its ref. */
export class Ingest {
  /** Its name among the daemon's ingests. */
  readonly ref: string;
  readonly #stream: Stream;
  readonly #unanswered: Promise<WriteContentResponse>[] = [];
  #gathered: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;
  #offset = 0;

  private constructor(ref: string, stream: Stream) {
    this.ref = ref;
    this.#stream = stream;
  }

  /**
   * Opens an ingest. What somebody else left under the ref is overwritten. While another writer holds the ref and
   * makes progress, this waits; after that it goes on under a ref of its own.
   *
   * @param content the service
   * @param options what to open
   * @returns the ingest
   * @throws {ContainerdError} with the code `AlreadyExists` when the store has the blob
   */
  static async open(content: Content, options: IngestOptions): Promise<Ingest> {
    const { name, blob, signal } = options;
    const known = blob === undefined ? {} : { expected: blob.digest, total: blob.size };
    const wait = lockWait(content, options);
    for (let ref = options.ref;;) {
      const stream = content.write({ step: `send "${name}" to containerd` });
      try {
        // Like everything that writes, it waits while the daemon commits a blob, whosever that is.
        await stream.ask({ action: WriteAction.STAT, ref, ...known }, { patient: true });
        return new Ingest(ref, stream);
      } catch (error) {
        stream.cancel(error);
        signal?.throwIfAborted();
        if (!(error instanceof LockedRefError)) throw error;
        ref = await wait() ? ref : `${ref}-${crypto.randomUUID()}`;
      }
    }
  }

  /** Sends bytes, or keeps them for the next message. Resolves when more may come. */
  async write(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let rest = chunk; rest.byteLength > 0;) {
      if (this.#length === 0 && rest.byteLength >= messageSize) {
        await this.#send(rest.subarray(0, messageSize));
        rest = rest.subarray(messageSize);
        continue;
      }
      const part = rest.subarray(0, messageSize - this.#length);
      this.#gathered ??= new Uint8Array(messageSize);
      this.#gathered.set(part, this.#length);
      this.#length += part.byteLength;
      rest = rest.subarray(part.byteLength);
      if (this.#length === messageSize) await this.#send(this.#takeGathered());
    }
  }

  /**
   * Makes the blob part of the store.
   *
   * @param digest what the bytes must have
   * @param labels go onto the blob if it is new
   * @returns whether the blob is new; `false` when the store had it already
   */
  async commit(digest: Digest, labels: Readonly<Record<string, string>>): Promise<boolean> {
    const data = this.#takeGathered();
    const total = this.#offset + data.byteLength;
    const last = this.#stream.ask({
      action: WriteAction.COMMIT,
      ref: this.ref,
      offset: this.#offset,
      data,
      total,
      expected: digest,
      labels,
    }, { patient: true });
    try {
      await Promise.all([...this.#unanswered, last]);
    } catch (error) {
      this.#stream.cancel(error);
      if (isCode(error, "AlreadyExists")) return false;
      throw error;
    }
    await this.#stream.finish();
    return true;
  }

  /** Breaks the stream off and with it gives up the lock. The ingest itself is still there. */
  cancel(reason: unknown): void {
    this.#stream.cancel(reason);
  }

  #takeGathered(): Uint8Array<ArrayBuffer> {
    const taken = this.#gathered?.subarray(0, this.#length) ?? new Uint8Array();
    this.#gathered = undefined;
    this.#length = 0;
    return taken;
  }

  async #send(data: Uint8Array): Promise<void> {
    const answer = this.#stream.ask({ action: WriteAction.WRITE, ref: this.ref, offset: this.#offset, data });
    // Each answer is awaited later; until then its failure must not count as unhandled.
    answer.catch(() => {});
    this.#offset += data.byteLength;
    this.#unanswered.push(answer);
    if (this.#unanswered.length > window) await this.#unanswered.shift();
  }
}

/**
 * @returns a function that waits a little longer each time, and answers whether it is worth while: `false` once
 * the other writer made no progress for as long as the patience lasts
 */
function lockWait(content: Content, options: IngestOptions): () => Promise<boolean> {
  const { ref, patience, signal, onLocked } = options;
  let wait = backoff.first;
  let seen = { offset: -1, at: Date.now() };
  return async () => {
    if (wait === backoff.first) onLocked();
    // The jitter keeps two that wait from meeting again and again.
    await delay(wait * (0.5 + Math.random()), undefined, signal === undefined ? {} : { signal }).catch(() => {
      signal?.throwIfAborted();
    });
    wait = Math.min(wait * 2, backoff.longest);
    const step = `see how far the other writer of "${options.name}" is`;
    const offset = await content.status({ ref }, { step }).then(
      (answer) => answer.status?.offset ?? 0,
      (error) => {
        if (isCode(error, "NotFound")) return 0;
        throw error;
      },
    );
    if (offset !== seen.offset) seen = { offset, at: Date.now() };
    return Date.now() - seen.at < patience;
  };
}
