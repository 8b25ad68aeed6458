/**
 * Containerd's content store: what is there, what is written, and the labels that tie blobs together.
 *
 * @module
 */
import { ContentDefinition, type Info } from "../proto/gen/content.ts";
import { ContainerdError, isCode } from "./containerd_errors.ts";
import { Ingest } from "./containerd_ingest.ts";
import type { Lease } from "./containerd_lease.ts";
import type { Rpc, Stub } from "./containerd_rpc.ts";
import { type Digest, isDigest } from "./digest.ts";
import type { Descriptor, Document, Layer } from "./oci.ts";

/** Labels that bima puts on the blob of a layer. */
export const layerLabels = {
  /** The digest of the tar inside: containerd's own label. */
  diffId: "containerd.io/uncompressed",
  /** What the layer was made of. */
  key: "bima.layer/key",
  /** The media type, which the store does not keep. */
  mediaType: "bima.layer/media-type",
} as const;

/** Labels by their keys. */
export type Labels = Readonly<Record<string, string>>;

/** Whom the store tells what while it works. */
export interface ContentEvents {
  /** Somebody else holds the lock of the ingest of this name. */
  onLocked(name: string): void;
  /** This blob was there already. */
  onPresent(digest: Digest): void;
}

/** How often a document is sent that arrives damaged, or that comes and goes. */
const attempts = 3;

/** The content store of one namespace, for one import. */
export class ContentStore {
  readonly #rpc: Rpc;
  readonly #lease: Lease;
  readonly #events: ContentEvents;
  readonly #content: Stub<typeof ContentDefinition>;

  /** @param rpc the connection, with the lease; @param lease holds what is used; @param events whom to tell what */
  constructor(rpc: Rpc, lease: Lease, events: ContentEvents) {
    this.#rpc = rpc;
    this.#lease = lease;
    this.#events = events;
    this.#content = rpc.stub(ContentDefinition);
  }

  /** @returns whether the blob is there; it is held from then on */
  async hold(digest: Digest): Promise<boolean> {
    if (await this.#info(digest) === undefined) return false;
    await this.#lease.holdContent(digest);
    // It may have been collected just before the lease got hold of it.
    const there = await this.#info(digest) !== undefined;
    if (there) this.#events.onPresent(digest);
    return there;
  }

  /** @returns the layer that was committed with this key, held from now on */
  async find(key: string): Promise<Layer | undefined> {
    const filters = [`labels."${layerLabels.key}"==${JSON.stringify(key)}`];
    const answers = await this.#content.list({ filters }, { step: "look for a layer in containerd" });
    for (const { digest, size, labels } of answers.flatMap((answer) => answer.info)) {
      const diffId = labels[layerLabels.diffId] ?? "";
      const mediaType = labels[layerLabels.mediaType];
      if (!isDigest(digest) || !isDigest(diffId) || mediaType === undefined) continue;
      if (await this.hold(digest)) return { descriptor: { mediaType, digest, size }, diffId };
    }
    return undefined;
  }

  /**
   * Opens an ingest.
   *
   * @param name what to call it
   * @param blob what is known of it
   * @returns the ingest, or `undefined` when the store has the blob already
   */
  async open(name: string, blob?: Descriptor): Promise<Ingest | undefined> {
    const { idleLimit, signal } = this.#rpc.options;
    return await Ingest.open(this.#content, name, {
      ...(blob === undefined ? {} : { expected: blob.digest, total: blob.size }),
      patience: idleLimit,
      signal,
      onLocked: () => this.#events.onLocked(name),
    });
  }

  /** Takes an ingest back. Never fails: what stays is held by nothing but the lease. */
  async abort(ref: string): Promise<void> {
    const { timeout } = this.#rpc.options;
    const content = this.#rpc.detached(timeout).stub(ContentDefinition);
    await content.abort({ ref }, { step: `take "${ref}" back from containerd` }).catch(() => {});
  }

  /**
   * Writes a small document, or finds that it is there.
   *
   * @param document what to write
   * @param labels the labels that it must have
   */
  async put(document: Document, labels: Labels): Promise<void> {
    const { descriptor, bytes } = document;
    for (let attempt = 1;; attempt++) {
      if (await this.hold(descriptor.digest)) return await this.label(descriptor.digest, labels);
      const ingest = await this.open(descriptor.digest, descriptor);
      if (ingest !== undefined) {
        try {
          await ingest.write(bytes);
          if (await ingest.commit(descriptor.digest, labels)) return;
        } catch (error) {
          ingest.cancel(error);
          await this.abort(ingest.ref);
          if (!isCode(error, "FailedPrecondition") || attempt === attempts) throw error;
        }
      }
      if (attempt === attempts) {
        throw new ContainerdError(
          `Cannot write "${descriptor.digest}" to containerd: it is said to be there, and is not`,
        );
      }
    }
  }

  /** Sets labels of a blob that is there; its other labels stay. */
  async label(digest: Digest, labels: Labels): Promise<void> {
    const updateMask = Object.keys(labels).map((key) => `labels.${key}`);
    if (updateMask.length === 0) return;
    const step = `label "${digest}" in containerd`;
    await this.#content.update({ info: { digest, labels: { ...labels } }, updateMask }, { step });
  }

  async #info(digest: Digest): Promise<Info | undefined> {
    try {
      return (await this.#content.info({ digest }, { step: `look for "${digest}" in containerd` })).info;
    } catch (error) {
      if (isCode(error, "NotFound")) return undefined;
      throw error;
    }
  }
}
