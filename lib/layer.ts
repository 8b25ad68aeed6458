/**
 * Layers: the nodes of a tree become a tar, its diffID, the compressed blob and its descriptor, in one pass
 * (OCI image specification, layer.md).
 *
 * @module
 */
import { createHash } from "node:crypto";
import { HashStream } from "./digest.ts";
import { type GzipPool, GzipStream } from "./gzip.ts";
import { type Layer, mediaTypes } from "./oci.ts";
import type { LayerTree } from "./rootfs.ts";
import { tarStream } from "./tar.ts";
import type { ImageNode } from "./tree.ts";
import type { BlobWriter, FileSink, ImageWriter } from "./writer.ts";

/** Where a layer will be in the image. */
export interface LayerPlace {
  /** Its number; 0 is the lowest. */
  readonly position: number;
  /** @returns what stands at a path in the layers below */
  readonly below: (path: string) => ImageNode | undefined;
}

/** How a layer is written. */
export interface LayerOptions {
  /** The compressors. */
  readonly pool: GzipPool;
  /** gzip's level, 1 (fast) to 9 (small). */
  readonly level: number;
  /** What messages call the layer. */
  readonly title: string;
  /** Where the layer will be in the image. */
  readonly place: LayerPlace;
  /** Stops the work. Default: never. */
  readonly signal?: AbortSignal;
  /** Takes the number of bytes of the tar that went by since the last call. Default: nobody. */
  readonly onBytes?: (count: number) => void;
}

/** A written layer, and whether the destination had it already. */
export interface WrittenLayer extends Layer {
  readonly reused: boolean;
}

/**
 * A layer that the destination expects: it is sent, then committed. When one of the two fails, the blob is taken back;
 * one that is never committed goes with the {@linkcode ImageWriter}.
 */
export interface OpenLayer {
  /** Whether the destination has it already, so that nothing is sent. */
  readonly reused: boolean;
  /** Sends its bytes, in one pass. */
  send(): Promise<void>;
  /** Makes it part of the destination. */
  commit(): Promise<WrittenLayer>;
}

/**
 * Opens a layer at a destination, unless that one has a layer that was made of the same input.
 *
 * @param tree what the layer holds
 * @param writer where it goes
 * @returns the layer, of which nothing is sent yet
 */
export async function openLayer(
  tree: LayerTree,
  writer: ImageWriter,
  options: LayerOptions,
): Promise<OpenLayer> {
  const { level, title, place } = options;
  const key = layerKey(tree, level);
  const known = key === undefined ? undefined : await writer.reuse(key);
  if (known !== undefined) {
    return { reused: true, send: async () => {}, commit: () => Promise.resolve({ ...known, reused: true }) };
  }
  const ref = `layer-${key ?? crypto.randomUUID()}`;
  const blob = await writer.blob(ref, { sizeHint: tarSize(tree), title });
  const files = await writer.files?.(place.position, place.below);
  return new NewLayer({ tree, key, blob, files }, options);
}

/** What a {@linkcode NewLayer} is made of, and where it goes. */
interface Parts {
  readonly tree: LayerTree;
  readonly key: string | undefined;
  readonly blob: BlobWriter;
  readonly files: FileSink | undefined;
}

class NewLayer implements OpenLayer {
  readonly reused = false;
  readonly #parts: Parts;
  readonly #options: LayerOptions;
  readonly #tar = new HashStream();

  constructor(parts: Parts, options: LayerOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  async send(): Promise<void> {
    const { tree, blob, files } = this.#parts;
    const { pool, level, onBytes = () => {} } = this.#options;
    const signal = this.#options.signal === undefined ? {} : { signal: this.#options.signal };
    try {
      await tarStream(tree, files)
        .pipeThrough(this.#tar)
        .pipeThrough(countStream(onBytes))
        .pipeThrough(new GzipStream({ pool, level, ...signal }))
        .pipeTo(blob.writable, signal);
    } catch (error) {
      await blob.abort();
      throw error;
    }
    files?.end(this.#tar.digest);
  }

  async commit(): Promise<WrittenLayer> {
    const { key, blob } = this.#parts;
    const diffId = this.#tar.digest;
    try {
      const info = { mediaType: mediaTypes.layerGzip, diffId, ...(key === undefined ? {} : { key }) };
      return { descriptor: await blob.commit(info), diffId, reused: false };
    } catch (error) {
      await blob.abort();
      throw error;
    }
  }
}

/** Adds up the files of a tree. @returns their size in bytes */
export function sizeOf(tree: LayerTree): number {
  let size = 0;
  for (const node of tree.values()) size += node.kind === "file" ? node.size : 0;
  return size;
}

/** An upper bound of the size of the tar in bytes: a name can need a pax header of its own. */
function tarSize(tree: LayerTree): number {
  let size = 1024;
  for (const [path, node] of tree) {
    const target = node.kind === "symlink" ? 4 * node.target.length : 0;
    size += 2048 + 4 * path.length + target + (node.kind === "file" ? node.size : 0);
  }
  return size;
}

function countStream(
  onBytes: (count: number) => void,
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    transform(chunk, controller) {
      onBytes(chunk.byteLength);
      controller.enqueue(chunk);
    },
  });
}

/** The times of files are known to the second. One that changed this long ago can change again unnoticed. */
const settled = 3000;

/** Raise it whenever the same tree gives other bytes than before. */
const format = "bima-layer-1";

/**
 * Identifies the input of a layer without reading it: the attributes of its nodes and, of files on disk, which
 * version of which inode they are.
 *
 * @param tree what the layer holds
 * @param level gzip's level
 * @param now the time, in milliseconds since 1970
 * @returns the key, or `undefined` when a file changed so recently that its next change could go unnoticed
 */
export function layerKey(tree: LayerTree, level: number, now = Date.now()): string | undefined {
  const hash = createHash("sha256").update(JSON.stringify([format, level]));
  for (const [path, node] of tree) {
    const { kind, mode, uid, gid, mtime } = node;
    const fields: unknown[] = [path, kind, mode, uid, gid, mtime];
    if (kind === "symlink") fields.push(node.target);
    if (kind === "file") {
      const { content } = node;
      if (content.kind === "bytes") fields.push(createHash("sha256").update(content.bytes).digest("hex"));
      else {
        const { device, inode, ctime, mtime } = content.identity;
        if (Math.max(ctime, mtime) > now - settled) return undefined;
        fields.push(node.size, device, inode, ctime, mtime, content.path);
      }
    }
    hash.update(JSON.stringify(fields));
  }
  return hash.digest("hex");
}
