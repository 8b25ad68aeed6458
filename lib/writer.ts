/**
 * The contract between the build and the places that an image can go to. A destination takes streams whose digest
 * is known only at their end, so that every byte is read once and nothing is spooled.
 *
 * @module
 */
import type { Digest } from "./digest.ts";
import type { Descriptor, Image, Layer } from "./oci.ts";
import type { Reference } from "./reference.ts";
import type { ImageNode } from "./tree.ts";

/** What is known of a blob before it is written. */
export interface BlobOptions {
  /** An upper bound of its size in bytes. Default: unknown. */
  readonly sizeHint?: number;
  /** What it is, for messages. Default: the ref. */
  readonly title?: string;
}

/** What the writer of a blob knows, or promises, at its end. */
export interface BlobInfo {
  /** The media type for the descriptor. */
  readonly mediaType: string;
  /** The digest that the bytes must have. Default: whatever they have. */
  readonly digest?: Digest;
  /** The size that the blob must have, in bytes. Default: whatever it has. */
  readonly size?: number;
  /** For a layer: the digest of the tar inside. */
  readonly diffId?: Digest;
  /** For a layer: the key under which {@linkcode ImageWriter.reuse} finds it in a later build. */
  readonly key?: string;
}

/** One blob on its way. Either {@linkcode BlobWriter.commit} or {@linkcode BlobWriter.abort} ends it. */
export interface BlobWriter {
  /**
   * Takes the bytes, with back-pressure. The writer hashes and counts them as they pass. Close it before
   * {@linkcode BlobWriter.commit}; aborting it does not end the blob, {@linkcode BlobWriter.abort} does.
   */
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
  /**
   * Makes the blob part of the destination. That it is there already is a success.
   *
   * @returns the descriptor of the bytes that were written
   * @throws {DigestMismatchError} when a digest or size was promised and differs; nothing is kept then
   */
  commit(info: BlobInfo): Promise<Descriptor>;
  /** Takes everything back. May be called at any time, also twice or after a failed commit; never throws. */
  abort(): Promise<void>;
}

/**
 * Takes the files of a layer while its tar is being made. It never throws: what it cannot take, the destination gets
 * out of the layer's blob.
 */
export interface FileSink {
  /**
   * Begins a node; the one before is complete. Nodes come in the order of the tar.
   *
   * @param path relative to the root of the image, clean
   */
  node(path: string, node: ImageNode): void;
  /** Takes the next bytes of the file that was begun. The chunk must stay as it is until the promise resolves. */
  bytes(chunk: Uint8Array<ArrayBuffer>): Promise<void>;
  /**
   * Says that this was all. What was written can be used before the blob is committed, and goes with the
   * {@linkcode ImageWriter} if that fails. A layer that fails is not ended; disposing of the {@linkcode ImageWriter} gives it up.
   *
   * @param diffId the digest of the layer's tar
   */
  end(diffId: Digest): void;
}

/** What a finished image is called, and where it is. */
export interface WriteResult {
  /** The manifest's digest. */
  readonly digest: Digest;
  /** For people: the file, or the daemon and namespace. */
  readonly location: string;
}

/**
 * A destination of images. One writer writes one image; several blobs may be open at once unless
 * {@linkcode ImageWriter.parallel} is false.
 *
 * Disposing of a writer that was not finished takes everything back: no partial file, no lease, no ingest, and what
 * was there before is untouched. Disposing after {@linkcode ImageWriter.finish} only closes.
 */
export interface ImageWriter extends AsyncDisposable {
  /** Whether several blobs may be open at the same time. */
  readonly parallel: boolean;
  /** @returns whether the destination holds this blob, so that it need not be written */
  has(descriptor: Descriptor): Promise<boolean>;
  /**
   * A layer of an earlier build that was made of the same input.
   *
   * @param key identifies the input: same key, same bytes
   * @returns the layer, held for this image from now on; `undefined` when there is none
   */
  reuse(key: string): Promise<Layer | undefined>;
  /**
   * Opens a new blob.
   *
   * @param ref tells concurrent writes of the same content apart from others; free-form
   */
  blob(ref: string, options?: BlobOptions): Promise<BlobWriter>;
  /**
   * Asks for somebody who takes the files of a layer beside its blob, for a destination that keeps images unpacked
   * too. Optional; never fails. The layer below has been ended or announced with {@linkcode ImageWriter.ready}.
   *
   * @param position the layer's place in the image; 0 is the lowest
   * @param below what stands at a path in the layers below
   * @returns who takes the files; `undefined` when nobody does
   */
  files?(position: number, below: (path: string) => ImageNode | undefined): Promise<FileSink | undefined>;
  /**
   * A hint: this layer, committed or reused before, will be in the image at this position. What a destination does
   * with a layer after that can begin while the others are still being made. Optional; never fails.
   *
   * @param layer the layer
   * @param position its place among the layers; 0 is the lowest
   */
  ready?(layer: Layer, position: number): void;
  /**
   * Writes config and manifest and gives the image its names. After it returned, the image is there, whole.
   *
   * @param image the image, all of whose layers were committed or reused
   * @param names the image's names, the first one is the main one; at least one
   */
  finish(image: Image, names: readonly Reference[]): Promise<WriteResult>;
}
