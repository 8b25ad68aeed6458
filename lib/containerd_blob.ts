/**
 * A layer on its way into containerd: hashed as it passes, its digest given at the end.
 *
 * @module
 */
import { type ContentStore, type Labels, layerLabels } from "./containerd_content.ts";
import { ContainerdError } from "./containerd_errors.ts";
import type { Ingest } from "./containerd_ingest.ts";
import { HashStream } from "./digest.ts";
import { BimaError, DigestMismatchError } from "./errors.ts";
import type { Descriptor } from "./oci.ts";
import type { BlobInfo, BlobWriter } from "./writer.ts";

/** Streams one blob into an {@linkcode Ingest}. */
export class ContainerdBlob implements BlobWriter {
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
  readonly #name: string;
  readonly #store: ContentStore;
  readonly #ingest: Ingest;
  readonly #hashed = new HashStream();
  readonly #stop = new AbortController();
  readonly #sent: Promise<void>;
  #committed = false;
  #aborted: Promise<void> | undefined;

  /** @param name what to call it; @param store where it goes; @param ingest the way there, open and empty */
  constructor(name: string, store: ContentStore, ingest: Ingest) {
    this.#name = name;
    this.#store = store;
    this.#ingest = ingest;
    this.writable = this.#hashed.writable;
    const sink = new WritableStream<Uint8Array<ArrayBuffer>>({ write: (chunk) => ingest.write(chunk) });
    this.#sent = this.#hashed.readable.pipeTo(sink, { signal: this.#stop.signal });
    // commit() awaits it; until then a failure reaches whoever writes.
    this.#sent.catch(() => {});
  }

  /** @inheritdoc */
  async commit(info: BlobInfo): Promise<Descriptor> {
    try {
      await this.#sent;
      const { digest, size } = this.#hashed;
      this.#compare("digest", info.digest, digest);
      this.#compare("size", info.size, size);
      const labels = labelsOf(info);
      if (!await this.#ingest.commit(digest, labels)) {
        if (!await this.#store.hold(digest)) {
          throw new ContainerdError(`Cannot write "${digest}" to containerd: it was there and is gone`, {
            hint: "the daemon collected garbage in between; build again",
          });
        }
        await this.#store.label(digest, labels);
      }
      this.#committed = true;
      return { mediaType: info.mediaType, digest, size };
    } catch (error) {
      await this.abort();
      throw error;
    }
  }

  /** @inheritdoc */
  async abort(): Promise<void> {
    if (!this.#committed) await (this.#aborted ??= this.#takeBack());
  }

  async #takeBack(): Promise<void> {
    const reason = new BimaError(`Cannot send "${this.#name}" to containerd: it was aborted`);
    this.#stop.abort(reason);
    this.#ingest.cancel(reason);
    await this.#sent.catch(() => {});
    await this.#store.abort(this.#ingest.ref);
  }

  #compare<T>(what: string, promised: T | undefined, found: T): void {
    if (promised === undefined || promised === found) return;
    throw new DigestMismatchError(
      `Cannot commit "${this.#name}" to containerd: its ${what} is ${found}, not ${promised}`,
    );
  }
}

function labelsOf({ mediaType, diffId, key }: BlobInfo): Labels {
  return {
    ...(diffId === undefined ? {} : { [layerLabels.diffId]: diffId }),
    ...(key === undefined ? {} : { [layerLabels.key]: key, [layerLabels.mediaType]: mediaType }),
  };
}
