/**
 * Small images for tests of the destinations, made without bima's own layer code.
 *
 * @module
 */
import { packTar } from "modern-tar";
import { type Digest, digestOf } from "../../lib/digest.ts";
import { composeImage, type Image, type Layer, mediaTypes } from "../../lib/oci.ts";
import { parseReference, type Reference } from "../../lib/reference.ts";
import type { ImageWriter } from "../../lib/writer.ts";

/** A layer that was not written yet. */
export interface LayerBytes {
  /** The compressed tar. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The digest of the tar inside. */
  readonly diffId: Digest;
}

/** @returns a layer with these files: path → text or bytes */
export async function layerOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<LayerBytes> {
  const encoder = new TextEncoder();
  const entries = Object.entries(files).map(([name, body]) => {
    const bytes = typeof body === "string" ? encoder.encode(body) : body;
    return { header: { name, size: bytes.byteLength, mode: 0o644, mtime: new Date(0) }, body: bytes };
  });
  const tar = new Uint8Array(await packTar(entries));
  const gzip = new Blob([tar]).stream().pipeThrough(new CompressionStream("gzip"));
  return { bytes: new Uint8Array(await new Response(gzip).arrayBuffer()), diffId: await digestOf(tar) };
}

/** @returns `size` bytes that do not compress and are the same each time for the same seed */
export function noise(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = seed;
  for (let index = 0; index < words.length; index++) {
    // A linear congruential generator, with the constants of Numerical Recipes.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    words[index] = state ^ (state >>> 15);
  }
  return new Uint8Array(words.buffer, 0, size);
}

/** Sends bytes in chunks of 64 KiB and commits them. @returns the layer */
export async function writeLayer(
  writer: ImageWriter,
  layer: LayerBytes,
  options: { readonly ref?: string; readonly key?: string } = {},
): Promise<Layer> {
  const blob = await writer.blob(options.ref ?? layer.diffId, { sizeHint: layer.bytes.byteLength });
  await chunked(layer.bytes).pipeTo(blob.writable);
  const descriptor = await blob.commit({
    mediaType: mediaTypes.layerGzip,
    diffId: layer.diffId,
    ...(options.key === undefined ? {} : { key: options.key }),
  });
  return { descriptor, diffId: layer.diffId };
}

/** @returns the bytes as a stream of chunks of at most 64 KiB */
export function chunked(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let offset = 0;
  return new ReadableStream({
    pull(controller) {
      if (offset >= bytes.byteLength) return controller.close();
      controller.enqueue(bytes.slice(offset, offset += 65536));
    },
  });
}

/** @returns an image of these layers with one label */
export async function imageOf(layers: readonly Layer[], architecture = "amd64"): Promise<Image> {
  return await composeImage({
    platform: { os: "linux", architecture },
    config: { labels: { "com.urunc.unikernel.hypervisor": "qemu" }, cmd: ["hello"] },
    layers,
    history: layers.map((_, index) => ({ createdBy: `COPY ${index} /`, emptyLayer: false })),
    annotations: { "com.urunc.unikernel.hypervisor": "qemu" },
    created: new Date(0),
  });
}

/** @returns the parsed names */
export function namesOf(...names: string[]): Reference[] {
  return names.map(parseReference);
}
