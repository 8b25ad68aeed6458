/**
 * Layers turned into snapshots, so that a container can start from the image at once.
 *
 * @module
 */
import { DiffDefinition } from "../proto/gen/diff.ts";
import { SnapshotFiles } from "./containerd_files.ts";
import type { Lease } from "./containerd_lease.ts";
import type { Rpc, Stub } from "./containerd_rpc.ts";
import { Snapshots } from "./containerd_snapshots.ts";
import { type Digest, digestOf } from "./digest.ts";
import { BimaError, DigestMismatchError } from "./errors.ts";
import type { Layer } from "./oci.ts";
import type { ImageNode } from "./tree.ts";
import type { UnpackerName } from "./unpackers.ts";
import type { FileSink } from "./writer.ts";

/** How a layer came to its snapshot: it had one, bima wrote the files, or containerd unpacked the blob. */
export type Unpacking = "present" | "written" | "applied";

/** One layer of an unpacked image. */
export interface UnpackedLayer {
  /** The layer. */
  readonly layer: Layer;
  /** How it was unpacked. */
  readonly how: Unpacking;
}

/** What unpacking needs to know. */
export interface UnpackOptions {
  /** The name of the snapshotter. */
  readonly snapshotter: string;
  /** Who unpacks. */
  readonly unpackBy: UnpackerName;
  /** Told after each layer, the lowest first. */
  readonly onLayer: (layer: UnpackedLayer) => void;
  /** Told once when bima does not write files itself, and why. */
  readonly onLeft: (reason: unknown) => void;
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
  readonly #options: UnpackOptions;
  readonly #snapshots: Snapshots;
  readonly #diff: Stub<typeof DiffDefinition>;
  /** Layers that were announced, by their positions. */
  readonly #announced = new Map<number, Layer>();
  /** The snapshots that there are so far, the lowest first. */
  readonly #ready: { readonly name: Digest; readonly how: Unpacking }[] = [];
  /** Who takes files; not yet part of a snapshot that is ready. */
  readonly #files = new Set<SnapshotFiles>();
  /** One thing at a time. */
  #working = Promise.resolve();
  #failed = false;
  /** Why bima does not write files itself, or no more, if that is so. */
  #left: { readonly reason: unknown } | undefined;
  readonly #leaving = Promise.withResolvers<void>();

  /** @param rpc the connection, with the lease; @param lease holds the snapshots; @param options what else there is */
  constructor(rpc: Rpc, lease: Lease, options: UnpackOptions) {
    this.#rpc = rpc;
    this.#options = options;
    this.#snapshots = new Snapshots(rpc, lease, options.snapshotter);
    this.#diff = rpc.stub(DiffDefinition);
    if (options.unpackBy === "containerd") this.#leave(new BimaError("as it was told to"));
    else if (options.snapshotter !== "overlayfs") {
      // Others make something else of a layer than a folder with its files.
      this.#leave(new BimaError(`snapshotter "${options.snapshotter}" does it in its own way`));
    }
  }

  /**
   * Begins a snapshot for the files of the layer that is sent next. If nobody can take them, containerd unpacks the
   * layer when it is there.
   *
   * @param position where the layer will be in the image, 0 is the lowest
   * @param below what stands at a path in the layers below
   * @returns who takes the files; `undefined` when they are not wanted
   */
  async files(
    position: number,
    below: (path: string) => ImageNode | undefined,
  ): Promise<FileSink | undefined> {
    await Promise.race([this.#working, this.#leaving.promise]);
    if (this.#left !== undefined || this.#ready.length !== position) return undefined;
    let key: string | undefined;
    try {
      const active = await this.#snapshots.prepare(
        `layer ${position}`,
        this.#ready.at(-1)?.name,
        "unpack a layer",
      );
      key = active.key;
      const onEnd = (files: SnapshotFiles, diffId: Digest): void => {
        this.#working = this.#working.then(() => this.#complete(files, diffId));
      };
      const files = await SnapshotFiles.open(this.#snapshots, active, this.#rpc.options.address, {
        below,
        onEnd,
      });
      this.#files.add(files);
      return files;
    } catch (reason) {
      this.#leave(reason);
      if (key !== undefined) await this.#snapshots.remove(key);
      return undefined;
    }
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

  /** Gives up what is not complete. Resolves when nothing is under way any more. */
  async settle(): Promise<void> {
    await this.#working;
    for (const files of this.#files) {
      await files.close();
      await this.#snapshots.remove(files.key);
    }
    this.#files.clear();
  }

  /**
   * Unpacks what is not unpacked yet.
   *
   * @param layers the layers, the lowest first, all of them in the content store
   * @returns the name of the topmost snapshot; `undefined` without layers
   * @throws {DigestMismatchError} when a layer that containerd unpacks is not the tar that it was said to be
   */
  async finish(layers: readonly Layer[]): Promise<Digest | undefined> {
    await this.settle();
    if (this.#left !== undefined) this.#options.onLeft(this.#left.reason);
    const chain = await chainIds(layers.map((layer) => layer.diffId));
    const ready = new Map(this.#ready.map(({ name, how }) => [name, how]));
    let present = chain.length;
    // A snapshot needs its parent, so the topmost one that is there says it for all below.
    while (present > 0 && !await this.#snapshots.hold(chain[present - 1] as Digest)) present--;
    for (const [index, layer] of layers.entries()) {
      const name = chain[index] as Digest;
      const how = index < present
        ? ready.get(name) ?? "present"
        : await this.#apply(layer, name, chain[index - 1]);
      this.#options.onLayer({ layer, how });
    }
    return chain.at(-1);
  }

  /** Never fails: a layer that cannot be unpacked ends it, and finish() meets that layer again. */
  async #workAhead(): Promise<void> {
    try {
      for (let layer; !this.#failed && (layer = this.#announced.get(this.#ready.length)) !== undefined;) {
        const parent = this.#ready.at(-1)?.name;
        const name = await chainId(parent, layer.diffId);
        if (await this.#snapshots.hold(name)) {
          this.#ready.push({ name, how: "present" });
          continue;
        }
        // The layers above can be compressed meanwhile, but have no snapshot to be written on.
        this.#leave(new BimaError(`layer "${layer.descriptor.digest}" is only there as a blob`));
        this.#ready.push({ name, how: await this.#apply(layer, name, parent) });
      }
    } catch (reason) {
      this.#failed = true;
      this.#leave(reason);
    }
  }

  /** Makes a snapshot of files that were written. Never fails: what is not ready is unpacked later. */
  async #complete(files: SnapshotFiles, diffId: Digest): Promise<void> {
    this.#files.delete(files);
    try {
      await files.close();
      if (files.error !== undefined) {
        await this.#snapshots.remove(files.key);
        throw files.error;
      }
      const name = await chainId(this.#ready.at(-1)?.name, diffId);
      // Takes the snapshot back when it fails.
      const made = await this.#snapshots.commit(files.key, name, "unpack a layer");
      this.#ready.push({ name, how: made ? "written" : "present" });
    } catch (reason) {
      this.#leave(reason);
    }
  }

  /** Leaves the rest to containerd. */
  #leave(reason: unknown): void {
    this.#left ??= { reason };
    this.#leaving.resolve();
  }

  /** Has containerd unpack one layer on top of its parent. */
  async #apply(layer: Layer, name: Digest, parent?: Digest): Promise<Unpacking> {
    const step =
      `unpack layer "${layer.descriptor.digest}" with snapshotter "${this.#snapshots.snapshotter}"`;
    const { key, mounts } = await this.#snapshots.prepare(name, parent, step);
    try {
      const { mediaType, digest, size } = layer.descriptor;
      const { applied } = await this.#diff.apply({ diff: { mediaType, digest, size }, mounts: [...mounts] }, {
        step,
        patient: true,
      });
      if (applied?.digest !== layer.diffId) {
        throw new DigestMismatchError(
          `Cannot ${step}: the tar inside is ${applied?.digest ?? "unknown"}, not ${layer.diffId}`,
        );
      }
    } catch (error) {
      await this.#snapshots.remove(key);
      throw error;
    }
    // Else somebody else unpacked the same layer in the meantime.
    return await this.#snapshots.commit(key, name, step) ? "applied" : "present";
  }
}
