/**
 * The destination "containerd" for runtimes that cannot speak gRPC to it: the image goes as a tar through the stdin of
 * containerd's own client. What is in containerd afterwards is the same as over gRPC.
 *
 * @module
 */
import { basename, dirname, join } from "@std/path/posix";
import { openArchive } from "./archive.ts";
import type { ContainerdEvent, ContainerdOptions } from "./containerd.ts";
import { defaultAddress, parseAddress, parseNamespace } from "./containerd_address.ts";
import { Ctr, isThere } from "./ctr_client.ts";
import { chooseSnapshotter } from "./ctr_snapshotter.ts";
import { forget, isGone, Lifeline } from "./lifeline.ts";
import { type Image, indexOf, jsonDocument, mediaTypes } from "./oci.ts";
import { parseReference, type Reference } from "./reference.ts";
import { endOfTar, entryHeader, paddingOf } from "./tar.ts";
import type { BlobOptions, BlobWriter, ImageWriter, WriteResult } from "./writer.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Opens a containerd namespace for one image. The tar is kept in a nameless temporary file until it is complete;
 * containerd gets nothing of it before.
 *
 * @param options how to reach the daemon and what to do there
 * @returns the writer; one blob at a time
 * @throws {UsageError} when the address or the namespace has a form that cannot be
 * @throws {BimaError} when there is no `ctr` on PATH
 * @throws {ContainerdConnectError} when there is no daemon, or it does not let us in, or does not answer in time
 * @throws {ContainerdError} when there is no such snapshotter
 */
export async function openCtr(options: ContainerdOptions = {}): Promise<ImageWriter> {
  const address = parseAddress(options.address ?? defaultAddress);
  const namespace = parseNamespace(options.namespace ?? "default");
  const { timeout = 10_000, idleLimit = 60_000, signal, onEvent = () => {} } = options;
  const { ctr, version } = await Ctr.connect({ address, namespace, timeout, idleLimit, signal });
  onEvent({ kind: "connected", version });
  const snapshotter = options.unpack === false
    ? undefined
    : await chooseSnapshotter(ctr, options.snapshotter);
  const lifeline = await Lifeline.open();
  try {
    await sweep(ctr, lifeline);
    const tar = new TransformStream<Bytes, Bytes>();
    const archive = await openArchive({ dest: tar.writable, ...(signal === undefined ? {} : { signal }) });
    return new CtrWriter({ ctr, archive, tar, snapshotter, lifeline, onEvent });
  } catch (error) {
    lifeline[Symbol.dispose]();
    throw error;
  }
}

/** What a {@linkcode CtrWriter} works with. */
interface Parts {
  readonly ctr: Ctr;
  /** Writes the tar. */
  readonly archive: ImageWriter;
  /** Where the tar comes out. */
  readonly tar: TransformStream<Bytes, Bytes>;
  /** Absent when the image is not to be unpacked. */
  readonly snapshotter: string | undefined;
  readonly lifeline: Lifeline;
  readonly onEvent: (event: ContainerdEvent) => void;
}

/**
 * `ctr images import` names an image first and unpacks it then. So the image comes in under a name of its own, which
 * holds it until it is unpacked; a second import, of an index alone, gives it its real names.
 */
class CtrWriter implements ImageWriter {
  readonly parallel = false;
  readonly #parts: Parts;
  /** The image's name while it is not whole. */
  readonly #draft: Reference;
  #imported = false;
  #named = false;
  #disposed: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#draft = parseReference(draftName(parts.lifeline));
  }

  async has(descriptor: Parameters<ImageWriter["has"]>[0]): Promise<boolean> {
    return await this.#parts.archive.has(descriptor);
  }

  reuse(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async blob(ref: string, options?: BlobOptions): Promise<BlobWriter> {
    return await this.#parts.archive.blob(ref, options);
  }

  async finish(image: Image, names: readonly Reference[]): Promise<WriteResult> {
    const { ctr, snapshotter, onEvent } = this.#parts;
    const { address, namespace, signal, idleLimit } = ctr.options;
    signal?.throwIfAborted();
    this.#imported = true;
    const title = names.map(({ name }) => name).join(", ");
    // Without layers there is nothing to unpack.
    const unpack = snapshotter !== undefined && image.layers.length > 0;
    await ctr.importTar(
      unpack ? ["--snapshotter", snapshotter] : ["--no-unpack"],
      (stdin) => this.#send(image, stdin),
      `import "${title}" into containerd`,
    );
    if (unpack) {
      for (const { descriptor } of image.layers) {
        onEvent({ kind: "unpacked", digest: descriptor.digest, how: "applied" });
      }
    }
    signal?.throwIfAborted();
    // From the first name on there is no way back, so nothing aborts the rest.
    await setNames(ctr.detached(idleLimit), image, names);
    this.#named = true;
    await this.#discard();
    return {
      digest: image.manifest.descriptor.digest,
      location: `namespace "${namespace}" of containerd at "${address}"`,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#disposed ??= this.#dispose());
  }

  async #dispose(): Promise<void> {
    await this.#parts.archive[Symbol.asyncDispose]();
    if (this.#imported && !this.#named) await this.#discard();
    if (!this.#imported) this.#parts.lifeline[Symbol.dispose]();
  }

  async #send(image: Image, stdin: WritableStream<Bytes>): Promise<void> {
    const { archive, tar } = this.#parts;
    const sent = tar.readable.pipeTo(stdin);
    const finished = archive.finish(image, [this.#draft]).catch(async (error: unknown) => {
      await tar.writable.abort(error).catch(() => {});
      throw error;
    });
    await Promise.all([finished, sent]);
  }

  /** Gives the draft back, and what it alone holds. */
  async #discard(): Promise<void> {
    const { ctr, lifeline, onEvent } = this.#parts;
    try {
      await remove(ctr.detached(this.#named ? ctr.options.idleLimit : ctr.options.timeout), this.#draft.name);
      lifeline[Symbol.dispose]();
    } catch (error) {
      onEvent({ kind: "leftover", lease: this.#draft.name, error });
      lifeline.abandon();
    }
  }
}

/** Where drafts are. No registry has this name (RFC 2606, section 2). */
const drafts = "bima.invalid/unfinished";

/** @returns the name of the image of this process that is not whole yet */
function draftName({ path }: Lifeline): string {
  return `${drafts}:${basename(path)}`;
}

/** Removes the drafts of processes that were killed. */
async function sweep(ctr: Ctr, { path }: Lifeline): Promise<void> {
  const found = await ctr.run(["images", "ls", "-q"], "list the images in containerd");
  for (const name of found.split("\n").filter((name) => name.startsWith(`${drafts}:`))) {
    const owner = join(dirname(path), name.slice(drafts.length + 1));
    if (!await isGone(owner)) continue;
    // Somebody else may sweep at the same time, and whoever comes next tries again.
    await remove(ctr, name).then(() => forget(owner), () => {});
  }
}

/** Removes an image, and everything that nothing holds any more: also what an import that failed had brought. */
async function remove(ctr: Ctr, name: string): Promise<void> {
  const step = `remove "${name}" from containerd`;
  await ctr.run(["images", "rm", name], step);
  // Giving a lease back is what makes the daemon collect its garbage now, whether there was an image or not.
  const lease = `bima-${crypto.randomUUID()}`;
  await ctr.run(["leases", "create", "--id", lease, "--expires", "1h"], step);
  await ctr.run(["leases", "rm", "--sync", lease], step);
}

/** Makes all names stand for an image that is there, by the import of an index of it. */
async function setNames(ctr: Ctr, image: Image, names: readonly Reference[]): Promise<void> {
  const { descriptor } = image.manifest;
  const entries = names.map(({ name }) => ({
    ...descriptor,
    platform: image.platform,
    annotations: { "io.containerd.image.name": name },
  }));
  const { bytes } = await jsonDocument(mediaTypes.index, indexOf(entries));
  const tar = [
    ...await entry("index.json", bytes),
    ...await entry("oci-layout", new TextEncoder().encode(JSON.stringify({ imageLayoutVersion: "1.0.0" }))),
    endOfTar,
  ];
  const step = `name the image "${names.map(({ name }) => name).join(", ")}" in containerd`;
  for (let attempt = 1;; attempt++) {
    try {
      await ctr.importTar(["--no-unpack"], (stdin) => new Blob(tar).stream().pipeTo(stdin), step);
      return;
    } catch (error) {
      // Somebody else gave the same name to an image in between; now there is one to be moved.
      if (!isThere(error) || attempt > 1) throw error;
    }
  }
}

async function entry(name: string, bytes: Bytes): Promise<Bytes[]> {
  const size = bytes.byteLength;
  const header = await entryHeader({ name, type: "file", size, mode: 0o644, mtime: new Date(0) });
  return [header, bytes, paddingOf(size)];
}
