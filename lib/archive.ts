/**
 * Destination: one tar that everybody loads. It is an OCI image layout (image-layout.md) and has docker's
 * `manifest.json` as well, so that annotations survive and docker, podman, skopeo, umoci and containerd all take it.
 *
 * @module
 */
import { ArchiveBlob } from "./archive_blob.ts";
import { type Digest, hexOf } from "./digest.ts";
import { BimaError } from "./errors.ts";
import { type Descriptor, type Document, type Image, indexOf, jsonDocument, mediaTypes } from "./oci.ts";
import { familiarName, type Reference } from "./reference.ts";
import { openPartial, type Partial } from "./partial_file.ts";
import { endOfTar, entryHeader, paddingOf } from "./tar.ts";
import type { BlobOptions, BlobWriter, ImageWriter, WriteResult } from "./writer.ts";

/** Where the tar goes and what its entries look like. */
export interface ArchiveOptions {
  /** A path, or a stream that gets everything once the image is complete. */
  readonly dest: string | WritableStream<Uint8Array<ArrayBuffer>>;
  /** The time of the tar's entries. Default: 1970. */
  readonly created?: Date;
  /** Stops the writing. */
  readonly signal?: AbortSignal;
}

/**
 * Opens a tar for one image. The blobs are written where they stay: the room for a header is left free, and the
 * header follows when the size is known. The file gets its name when it is complete; what had that name until then
 * stays untouched. A stream, or a path that is no regular file, gets the bytes of a nameless temporary file.
 *
 * @returns the writer; one blob at a time
 * @throws {PathError} when the destination cannot be written to
 */
export async function openArchive(options: ArchiveOptions): Promise<ImageWriter> {
  const archive = new Archive(await openPartial(options.dest, options.signal), options);
  try {
    await archive.start();
  } catch (error) {
    await archive[Symbol.asyncDispose]();
    throw error;
  }
  return archive;
}

/** A tar header with a size above 8 GiB takes three blocks instead of one (pax). */
const largeSize = 8 * 1024 ** 3 - 1;

class Archive implements ImageWriter {
  readonly parallel = false;
  readonly #file: Partial;
  readonly #options: Omit<ArchiveOptions, "dest">;
  readonly #blobs = new Map<Digest, number>();
  /** Where the next entry begins. */
  #end = 0;
  #open: ArchiveBlob | undefined;
  #finished = false;

  constructor(file: Partial, options: Omit<ArchiveOptions, "dest">) {
    this.#file = file;
    this.#options = options;
  }

  async start(): Promise<void> {
    for (const name of ["blobs/", "blobs/sha256/"]) {
      await this.#append(
        await entryHeader({ name, type: "directory", size: 0, mode: 0o755, mtime: this.#time }),
      );
    }
  }

  has(descriptor: Descriptor): Promise<boolean> {
    return Promise.resolve(this.#blobs.get(descriptor.digest) === descriptor.size);
  }

  reuse(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  blob(ref: string, { sizeHint = 0 }: BlobOptions = {}): Promise<BlobWriter> {
    this.#requireUnfinished();
    if (this.#open !== undefined) {
      throw new BimaError(`Cannot open blob "${ref}": a tar takes one blob at a time`);
    }
    // Data that does not compress grows a little; the room for the larger header is needed slightly earlier.
    const large = sizeHint > largeSize * 0.99;
    const start = this.#end + (large ? 3 : 1) * 512;
    const blob = new ArchiveBlob({ file: this.#file, start, signal: this.#options.signal });
    this.#open = blob;
    // What was written of a blob that is given up lies behind the end: the next entry goes over it.
    const release = async (): Promise<void> => {
      await blob.stop();
      if (this.#open === blob) this.#open = undefined;
    };
    return Promise.resolve({
      writable: blob.writable,
      commit: async (info) => {
        try {
          return await this.#commit(info.mediaType, { ...blob.end(info), start, large });
        } finally {
          await release();
        }
      },
      abort: release,
    });
  }

  async #commit(
    mediaType: string,
    { digest, size, start, large }: { digest: Digest; size: number; start: number; large: boolean },
  ): Promise<Descriptor> {
    if (!this.#blobs.has(digest)) {
      const header = await this.#header(`blobs/sha256/${hexOf(digest)}`, size, large);
      await this.#file.write(header, start - header.byteLength);
      this.#end = start + size;
      await this.#append(paddingOf(size));
      this.#blobs.set(digest, size);
    }
    return { mediaType, digest, size };
  }

  async finish(image: Image, names: readonly Reference[]): Promise<WriteResult> {
    this.#requireUnfinished();
    if (this.#open !== undefined) throw new BimaError("Cannot finish the image: a blob is still open");
    const absent = image.layers.find((layer) => !this.#blobs.has(layer.descriptor.digest));
    if (absent !== undefined) {
      throw new BimaError(`Cannot finish the image: layer ${absent.descriptor.digest} was not written`);
    }
    await this.#blob(image.config);
    await this.#blob(image.manifest);
    const { bytes } = await jsonDocument(
      mediaTypes.index,
      indexOf(names.map((name) => indexEntry(image, name))),
    );
    await this.#entry("index.json", bytes);
    await this.#entry(
      "manifest.json",
      new TextEncoder().encode(JSON.stringify([dockerManifest(image, names)])),
    );
    await this.#entry(
      "oci-layout",
      new TextEncoder().encode(JSON.stringify({ imageLayoutVersion: "1.0.0" })),
    );
    await this.#append(endOfTar);
    this.#options.signal?.throwIfAborted();
    await this.#file.finish(this.#end);
    this.#finished = true;
    return { digest: image.manifest.descriptor.digest, location: this.#file.title };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open?.stop();
    if (!this.#finished) await this.#file.abandon();
    this.#finished = true;
  }

  get #time(): Date {
    return this.#options.created ?? new Date(0);
  }

  #requireUnfinished(): void {
    this.#options.signal?.throwIfAborted();
    if (this.#finished) throw new BimaError("Cannot write to an image that is finished");
  }

  async #blob({ descriptor, bytes }: Document): Promise<void> {
    if (this.#blobs.has(descriptor.digest)) return;
    await this.#entry(`blobs/sha256/${hexOf(descriptor.digest)}`, bytes);
    this.#blobs.set(descriptor.digest, descriptor.size);
  }

  async #entry(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#append(await this.#header(name, bytes.byteLength, false));
    await this.#append(bytes);
    await this.#append(paddingOf(bytes.byteLength));
  }

  #header(name: string, size: number, large: boolean): Promise<Uint8Array<ArrayBuffer>> {
    return entryHeader({ name, type: "file", size, mode: 0o644, mtime: this.#time }, large);
  }

  async #append(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#file.write(bytes, this.#end);
    this.#end += bytes.byteLength;
  }
}

/** Both annotations, because containerd's import reads the first one and everybody else the second one. */
function indexEntry({ manifest, platform }: Image, { name, tag }: Reference): Descriptor {
  return {
    ...manifest.descriptor,
    annotations: { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag },
    platform,
  };
}

/** Docker's own description of an image in a tar (`docker save`). */
function dockerManifest({ config, layers }: Image, names: readonly Reference[]): unknown {
  const path = ({ digest }: Descriptor): string => `blobs/sha256/${hexOf(digest)}`;
  return {
    Config: path(config.descriptor),
    RepoTags: names.map(familiarName),
    Layers: layers.map(({ descriptor }) => path(descriptor)),
  };
}
