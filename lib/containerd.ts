/**
 * The destination "containerd": blobs are streamed straight into the daemon's content store, the image gets its name
 * and is unpacked. No tar, no temporary file. The daemon's API is spoken here and in `containerd_*.ts` only.
 *
 * @module
 */
import { ImagesDefinition } from "../proto/gen/images.ts";
import { defaultAddress, parseAddress, parseNamespace } from "./containerd_address.ts";
import { ContainerdBlob } from "./containerd_blob.ts";
import { ContentStore, type Labels } from "./containerd_content.ts";
import { isCode } from "./containerd_errors.ts";
import { Lease } from "./containerd_lease.ts";
import { Rpc } from "./containerd_rpc.ts";
import { chooseSnapshotter } from "./containerd_snapshotter.ts";
import { Unpacker, type Unpacking } from "./containerd_unpack.ts";
import type { Digest } from "./digest.ts";
import { BimaError } from "./errors.ts";
import type { Descriptor, Image, Layer } from "./oci.ts";
import { shorten } from "./quote.ts";
import type { Reference } from "./reference.ts";
import type { ImageNode } from "./tree.ts";
import type { UnpackerName } from "./unpackers.ts";
import type { BlobOptions, BlobWriter, FileSink, ImageWriter, WriteResult } from "./writer.ts";

export type { Unpacking };

/** What the writer tells while it works. */
export type ContainerdEvent =
  /** The daemon answered. */
  | { readonly kind: "connected"; readonly version: string }
  /** Another writer sends the same blob; this one waits for it. */
  | { readonly kind: "locked"; readonly ref: string }
  /** A blob was there already and is used as it is. */
  | { readonly kind: "present"; readonly digest: Digest }
  /** A layer is unpacked: it was before, bima wrote its files, or containerd applied its blob. */
  | { readonly kind: "unpacked"; readonly digest: Digest; readonly how: Unpacking }
  /** Bima does not write the files of layers itself; containerd unpacks them. */
  | { readonly kind: "left"; readonly reason: unknown }
  /** Something could not be taken back. The daemon drops it a day later, the next build at once. */
  | { readonly kind: "leftover"; readonly lease: string; readonly error: unknown };

/** How to reach the daemon and what to do there. The empty object is fine. */
export interface ContainerdOptions {
  /** The daemon's socket: a path or `unix:///path`. Default: `/run/containerd/containerd.sock`. */
  readonly address?: string;
  /** The namespace that the image goes to; it is made when it is not there. Default: `default`. */
  readonly namespace?: string;
  /** The snapshotter to unpack with. Default: the namespace's own, else `overlayfs`. */
  readonly snapshotter?: string;
  /** Whether to unpack the image. Default: true. */
  readonly unpack?: boolean;
  /** Who unpacks it. containerd does it in its own way, such as with `sync_fs`. Default: `bima`. */
  readonly unpackBy?: UnpackerName;
  /** How long connecting may take, and each step of cleaning up, in milliseconds. Default: 10,000. */
  readonly timeout?: number;
  /** How long the daemon may be silent while something is asked of it, in milliseconds. Default: 60,000. */
  readonly idleLimit?: number;
  /** Stops the work; dispose of the writer to take back what was done. */
  readonly signal?: AbortSignal;
  /** Told what happens. */
  readonly onEvent?: (event: ContainerdEvent) => void;
}

/**
 * Opens a containerd namespace for one image.
 *
 * @param options how to reach the daemon and what to do there
 * @returns the writer
 * @throws {UsageError} when the address or the namespace has a form that cannot be
 * @throws {ContainerdConnectError} when there is no daemon, or it does not let us in, or does not answer in time
 * @throws {ContainerdError} when there is no such snapshotter, or the daemon refuses the lease
 */
export async function openContainerd(options: ContainerdOptions = {}): Promise<ImageWriter> {
  const address = parseAddress(options.address ?? defaultAddress);
  const namespace = parseNamespace(options.namespace ?? "default");
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const onEvent = options.onEvent ?? (() => {});
  const { timeout = 10_000, idleLimit = 60_000 } = options;
  const { rpc, version } = await Rpc.connect({ address, namespace, timeout, idleLimit, signal });
  try {
    onEvent({ kind: "connected", version });
    const snapshotter = options.unpack === false
      ? undefined
      : await chooseSnapshotter(rpc, options.snapshotter);
    const lease = await Lease.take(rpc);
    const { unpackBy = "bima" } = options;
    return new ContainerdWriter(rpc.withLease(lease.id), { lease, snapshotter, unpackBy, stop, onEvent });
  } catch (error) {
    rpc.close();
    throw error;
  }
}

/** What a {@linkcode ContainerdWriter} works with. */
interface Parts {
  readonly lease: Lease;
  /** Absent when the image is not to be unpacked. */
  readonly snapshotter: string | undefined;
  readonly unpackBy: UnpackerName;
  /** Ends every request that is under way. */
  readonly stop: AbortController;
  readonly onEvent: (event: ContainerdEvent) => void;
}

class ContainerdWriter implements ImageWriter {
  readonly parallel = true;
  readonly #rpc: Rpc;
  readonly #parts: Parts;
  readonly #store: ContentStore;
  /** Absent when the image is not to be unpacked. */
  readonly #unpacker: Unpacker | undefined;
  readonly #blobs = new Set<Promise<ContainerdBlob>>();
  #finished = false;
  #disposed: Promise<void> | undefined;

  constructor(rpc: Rpc, parts: Parts) {
    this.#rpc = rpc;
    this.#parts = parts;
    this.#store = new ContentStore(rpc, parts.lease, {
      onLocked: (ref) => parts.onEvent({ kind: "locked", ref }),
      onPresent: (digest) => parts.onEvent({ kind: "present", digest }),
    });
    const { snapshotter, unpackBy } = parts;
    if (snapshotter !== undefined) {
      this.#unpacker = new Unpacker(rpc, parts.lease, {
        snapshotter,
        unpackBy,
        onLayer: ({ layer, how }) =>
          parts.onEvent({ kind: "unpacked", digest: layer.descriptor.digest, how }),
        onLeft: (reason) => parts.onEvent({ kind: "left", reason }),
      });
    }
  }

  async has(descriptor: Descriptor): Promise<boolean> {
    return await this.#store.hold(descriptor.digest);
  }

  async reuse(key: string): Promise<Layer | undefined> {
    return await this.#store.find(key);
  }

  async blob(ref: string, options: BlobOptions = {}): Promise<BlobWriter> {
    const blob = this.#openBlob(ref, shorten(options.title ?? ref));
    this.#blobs.add(blob);
    return await blob;
  }

  async files(
    position: number,
    below: (path: string) => ImageNode | undefined,
  ): Promise<FileSink | undefined> {
    return await this.#unpacker?.files(position, below);
  }

  ready(layer: Layer, position: number): void {
    this.#unpacker?.announce(layer, position);
  }

  async finish(image: Image, names: readonly Reference[]): Promise<WriteResult> {
    const { manifest, config, layers } = image;
    await this.#store.put(config, {});
    await this.#store.put(manifest, references(image));
    // Before the name: a name that is there stands for an image that is whole.
    const top = await this.#unpacker?.finish(layers);
    if (top !== undefined) {
      const key = `containerd.io/gc.ref.snapshot.${this.#parts.snapshotter}`;
      await this.#store.label(config.descriptor.digest, { [key]: top });
    }
    this.#rpc.options.signal?.throwIfAborted();
    // From the first name on there is no way back, so nothing aborts the rest.
    const settled = this.#rpc.detached(this.#rpc.options.idleLimit);
    for (const { name } of names) await setImage(settled, name, manifest.descriptor);
    this.#finished = true;
    await this.#release(settled);
    const { namespace, address } = this.#rpc.options;
    return {
      digest: manifest.descriptor.digest,
      location: `namespace "${namespace}" of containerd at "${address}"`,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#disposed ??= this.#dispose());
  }

  async #dispose(): Promise<void> {
    const { stop } = this.#parts;
    stop.abort(new BimaError("Cannot go on: the writer was disposed of"));
    if (!this.#finished) {
      const opened = await Promise.allSettled(this.#blobs);
      await Promise.all(opened.map((blob) => blob.status === "fulfilled" ? blob.value.abort() : undefined));
      await this.#unpacker?.settle();
      await this.#release(this.#rpc.detached(this.#rpc.options.timeout));
    }
    this.#rpc.close();
  }

  async #openBlob(ref: string, name: string): Promise<ContainerdBlob> {
    return new ContainerdBlob(name, this.#store, await this.#store.open(ref, name));
  }

  async #release(rpc: Rpc): Promise<void> {
    const { lease, onEvent } = this.#parts;
    try {
      await lease.release(rpc);
    } catch (error) {
      if (!isCode(error, "NotFound")) onEvent({ kind: "leftover", lease: lease.id, error });
    }
  }
}

/** @returns the labels by which the garbage collector gets from the manifest to its blobs */
function references({ config, layers }: Image): Labels {
  const entries = layers.map((layer, index) => [
    `containerd.io/gc.ref.content.l.${index}`,
    layer.descriptor.digest,
  ]);
  return {
    "containerd.io/gc.ref.content.config": config.descriptor.digest,
    ...Object.fromEntries(entries),
  };
}

/** Makes `name` stand for `target`, whether it is there already or not. */
async function setImage(rpc: Rpc, name: string, target: Descriptor): Promise<void> {
  const images = rpc.stub(ImagesDefinition);
  const step = `name the image "${name}" in containerd`;
  const { mediaType, digest, size } = target;
  const image = { name, target: { mediaType, digest, size } };
  for (let attempt = 1;; attempt++) {
    try {
      await images.update({ image, updateMask: ["target"] }, { step, patient: true });
      return;
    } catch (error) {
      if (!isCode(error, "NotFound")) throw error;
    }
    try {
      await images.create({ image }, { step, patient: true });
      return;
    } catch (error) {
      // Somebody else made it in between; then it can be updated.
      if (!isCode(error, "AlreadyExists") || attempt > 1) throw error;
    }
  }
}
