/**
 * Layers turned into snapshots, so that a container can start from the image at once.
 *
 * @module
 */
import { DiffDefinition } from "../proto/gen/diff.ts";
import { SnapshotsDefinition } from "../proto/gen/snapshots.ts";
import { isCode } from "./containerd_errors.ts";
import type { Lease } from "./containerd_lease.ts";
import type { Rpc, Stub } from "./containerd_rpc.ts";
import { type Digest, digestOf } from "./digest.ts";
import { DigestMismatchError } from "./errors.ts";
import type { Layer } from "./oci.ts";

/** One layer of an unpacked image. */
export interface UnpackedLayer {
  /** The layer. */
  readonly layer: Layer;
  /** Whether its snapshot was there already. */
  readonly present: boolean;
}

/** What unpacking needs to know. */
export interface UnpackOptions {
  /** The name of the snapshotter. */
  readonly snapshotter: string;
  /** Told after each layer, the lowest first. */
  readonly onLayer: (layer: UnpackedLayer) => void;
}

/**
 * The names of an image's snapshots (image-spec config.md, "Layer ChainID").
 *
 * @param diffIds the layers' uncompressed digests, the lowest first
 * @returns the chain ids, one for each layer
 */
export async function chainIds(diffIds: readonly Digest[]): Promise<Digest[]> {
  const chain: Digest[] = [];
  for (const diffId of diffIds) chain.push(await chainId(chain.at(-1), diffId));
  return chain;
}

async function chainId(below: Digest | undefined, diffId: Digest): Promise<Digest> {
  return below === undefined ? diffId : await digestOf(new TextEncoder().encode(`${below} ${diffId}`));
}

/** Unpacks the layers of one image. Snapshots that are there are kept, all of them are held by the lease. */
export class Unpacker {
  readonly #rpc: Rpc;
  readonly #lease: Lease;
  readonly #options: UnpackOptions;
  readonly #snapshots: Stub<typeof SnapshotsDefinition>;
  readonly #diff: Stub<typeof DiffDefinition>;
  /** Layers that were announced, by their positions. */
  readonly #announced = new Map<number, Layer>();
  /** The snapshots that were made of them so far, and whether this took work. */
  readonly #early: { readonly name: Digest; readonly made: boolean }[] = [];
  /** One thing at a time. */
  #working = Promise.resolve();
  #failed = false;

  /** @param rpc the connection, with the lease; @param lease holds the snapshots; @param options what else there is */
  constructor(rpc: Rpc, lease: Lease, options: UnpackOptions) {
    this.#rpc = rpc;
    this.#lease = lease;
    this.#options = options;
    this.#snapshots = rpc.stub(SnapshotsDefinition);
    this.#diff = rpc.stub(DiffDefinition);
  }

  /**
   * Starts to unpack a layer as soon as those below it are, while the rest of the image is still being made. What
   * goes wrong with that shows up in {@linkcode Unpacker.finish}, if it matters there.
   *
   * @param layer a layer that is in the content store
   * @param position where it will be in the image, 0 is the lowest
   */
  announce(layer: Layer, position: number): void {
    this.#announced.set(position, layer);
    this.#working = this.#working.then(() => this.#workAhead());
  }

  /** Resolves when nothing is under way any more. */
  async settle(): Promise<void> {
    await this.#working;
  }

  /**
   * Unpacks what is not unpacked yet.
   *
   * @param layers the layers, the lowest first, all of them in the content store
   * @returns the name of the topmost snapshot; `undefined` without layers
   * @throws {DigestMismatchError} when a layer is not the tar that it was said to be
   */
  async finish(layers: readonly Layer[]): Promise<Digest | undefined> {
    await this.settle();
    const chain = await chainIds(layers.map((layer) => layer.diffId));
    const made = new Set(this.#early.filter((snapshot) => snapshot.made).map((snapshot) => snapshot.name));
    let present = chain.length;
    // A snapshot needs its parent, so the topmost one that is there says it for all below.
    while (present > 0 && !await this.#hold(chain[present - 1] as Digest)) present--;
    for (const [index, layer] of layers.entries()) {
      const name = chain[index] as Digest;
      if (index >= present) await this.#apply(layer, name, chain[index - 1]);
      this.#options.onLayer({ layer, present: index < present && !made.has(name) });
    }
    return chain.at(-1);
  }

  /** Never fails: a layer that cannot be unpacked ends it, and finish() meets that layer again. */
  async #workAhead(): Promise<void> {
    try {
      for (let layer; !this.#failed && (layer = this.#announced.get(this.#early.length)) !== undefined;) {
        const parent = this.#early.at(-1)?.name;
        const name = await chainId(parent, layer.diffId);
        const made = !await this.#hold(name);
        if (made) await this.#apply(layer, name, parent);
        this.#early.push({ name, made });
      }
    } catch {
      this.#failed = true;
    }
  }

  /** @returns whether the snapshot is there; it is held from then on */
  async #hold(name: Digest): Promise<boolean> {
    if (!await this.#exists(name)) return false;
    await this.#lease.holdSnapshot(this.#options.snapshotter, name);
    // It may have been collected just before the lease got hold of it.
    return await this.#exists(name);
  }

  /** Unpacks one layer on top of its parent. */
  async #apply(layer: Layer, name: Digest, parent = ""): Promise<void> {
    const { snapshotter } = this.#options;
    const step = `unpack layer "${layer.descriptor.digest}" with snapshotter "${snapshotter}"`;
    const key = `extract-${Date.now()}-${crypto.randomUUID()} ${name}`;
    try {
      const { mounts } = await this.#snapshots.prepare({ snapshotter, key, parent }, { step, patient: true });
      const { mediaType, digest, size } = layer.descriptor;
      const { applied } = await this.#diff.apply({ diff: { mediaType, digest, size }, mounts }, {
        step,
        patient: true,
      });
      if (applied?.digest !== layer.diffId) {
        throw new DigestMismatchError(
          `Cannot ${step}: the tar inside is ${applied?.digest ?? "unknown"}, not ${layer.diffId}`,
        );
      }
      await this.#snapshots.commit({ snapshotter, name, key }, { step, patient: true });
    } catch (error) {
      await this.#remove(key);
      // Somebody else unpacked the same layer in the meantime.
      if (isCode(error, "AlreadyExists") && await this.#hold(name)) return;
      throw error;
    }
  }

  async #exists(name: string): Promise<boolean> {
    try {
      const step = `look for snapshot "${name}" in containerd`;
      await this.#snapshots.stat({ snapshotter: this.#options.snapshotter, key: name }, { step });
      return true;
    } catch (error) {
      if (isCode(error, "NotFound")) return false;
      throw error;
    }
  }

  /** Takes a snapshot back that is not finished. What this cannot remove goes with the lease. */
  async #remove(key: string): Promise<void> {
    const snapshots = this.#rpc.detached(this.#rpc.options.timeout).stub(SnapshotsDefinition);
    const step = `take snapshot "${key}" back`;
    await snapshots.remove({ snapshotter: this.#options.snapshotter, key }, { step }).catch(() => {});
  }
}
