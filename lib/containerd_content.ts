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
   * Opens an ingest for a blob whose digest is known only at its end. The ref is nobody else's, so that no other
   * build waits for this one, nor loses what it wrote when this one is stopped.
   *
   * @param ref what tells it apart from others
   * @param name what messages call it
   */
  async open(ref: string, name: string): Promise<Ingest> {
    return await this.#ingest(name, `bima-${ref}-${crypto.randomUUID()}`);
  }

  /** Takes an ingest back that is nobody else's. Never fails: what stays goes with the lease. */
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
    const { digest } = descriptor;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      if (await this.hold(digest)) return await this.label(digest, labels);
      try {
        const ingest = await this.#ingest(digest, `bima-${digest}`, descriptor);
        await ingest.write(bytes);
        if (await ingest.commit(digest, labels)) return;
      } catch (error) {
        const again = isCode(error, "AlreadyExists") || isCode(error, "FailedPrecondition");
        if (!again || attempt === attempts) throw error;
      }
    }
    throw new ContainerdError(`Cannot write "${digest}" to containerd: it comes and goes`, {
      hint: "the daemon collects garbage all the time; build again",
    });
  }

  /** Sets labels of a blob that is there; its other labels stay. */
  async label(digest: Digest, labels: Labels): Promise<void> {
    const updateMask = Object.keys(labels).map((key) => `labels.${key}`);
    if (updateMask.length === 0) return;
    const step = `label "${digest}" in containerd`;
    await this.#content.update({ info: { digest, labels: { ...labels } }, updateMask }, {
      step,
      patient: true,
    });
  }

  async #ingest(name: string, ref: string, blob?: Descriptor): Promise<Ingest> {
    const { idleLimit, signal } = this.#rpc.options;
    return await Ingest.open(this.#content, {
      name,
      ref,
      ...(blob === undefined ? {} : { blob }),
      patience: idleLimit,
      signal,
      onLocked: () => this.#events.onLocked(name),
    });
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
