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
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : await digestOf(new TextEncoder().encode(`${below} ${diffId}`)));
  }
  return chain;
}

/**
 * Unpacks layers. Snapshots that are there are kept, all of them are held by the lease.
 *
 * @param rpc the connection, with the lease
 * @param lease holds the snapshots
 * @param layers the layers, the lowest first, all of them in the content store
 * @param options what else there is to know
 * @returns the name of the topmost snapshot; `undefined` without layers
 * @throws {DigestMismatchError} when a layer is not the tar that it was said to be
 */
export async function unpack(
  rpc: Rpc,
  lease: Lease,
  layers: readonly Layer[],
  options: UnpackOptions,
): Promise<Digest | undefined> {
  const chain = await chainIds(layers.map((layer) => layer.diffId));
  const unpacker = new Unpacker(rpc, lease, options.snapshotter);
  let present = chain.length;
  // A snapshot needs its parent, so the topmost one that is there says it for all below.
  while (present > 0 && !await unpacker.hold(chain[present - 1] as Digest)) present--;
  for (const [index, layer] of layers.entries()) {
    if (index >= present) await unpacker.apply(layer, chain[index] as Digest, chain[index - 1] ?? "");
    options.onLayer({ layer, present: index < present });
  }
  return chain.at(-1);
}

class Unpacker {
  readonly #rpc: Rpc;
  readonly #lease: Lease;
  readonly #snapshotter: string;
  readonly #snapshots: Stub<typeof SnapshotsDefinition>;
  readonly #diff: Stub<typeof DiffDefinition>;

  constructor(rpc: Rpc, lease: Lease, snapshotter: string) {
    this.#rpc = rpc;
    this.#lease = lease;
    this.#snapshotter = snapshotter;
    this.#snapshots = rpc.stub(SnapshotsDefinition);
    this.#diff = rpc.stub(DiffDefinition);
  }

  /** @returns whether the snapshot is there; it is held from then on */
  async hold(name: Digest): Promise<boolean> {
    if (!await this.#exists(name)) return false;
    await this.#lease.holdSnapshot(this.#snapshotter, name);
    // It may have been collected just before the lease got hold of it.
    return await this.#exists(name);
  }

  /** Unpacks one layer on top of its parent. */
  async apply(layer: Layer, name: Digest, parent: string): Promise<void> {
    const snapshotter = this.#snapshotter;
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
      if (isCode(error, "AlreadyExists") && await this.hold(name)) return;
      throw error;
    }
  }

  async #exists(name: string): Promise<boolean> {
    try {
      const step = `look for snapshot "${name}" in containerd`;
      await this.#snapshots.stat({ snapshotter: this.#snapshotter, key: name }, { step });
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
    await snapshots.remove({ snapshotter: this.#snapshotter, key }, { step }).catch(() => {});
  }
}
