/**
 * The documents of the OCI image specification 1.1 as exact bytes: config, manifest and index. Knows no files, no
 * sockets and no clock.
 *
 * @module
 */
import { type Digest, digestOf } from "./digest.ts";
import type { Platform } from "./platform.ts";

/** Media types of the image specification (media-types.md). */
export const mediaTypes = {
  /** An image index. */
  index: "application/vnd.oci.image.index.v1+json",
  /** An image manifest. */
  manifest: "application/vnd.oci.image.manifest.v1+json",
  /** An image configuration. */
  config: "application/vnd.oci.image.config.v1+json",
  /** A layer: a tar, compressed with gzip. */
  layerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;

/** Names one blob (descriptor.md). */
export interface Descriptor {
  /** What the blob is. */
  readonly mediaType: string;
  /** The digest of its bytes. */
  readonly digest: Digest;
  /** Its size in bytes. */
  readonly size: number;
  /** Free annotations. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** In an index: the platform of the manifest. */
  readonly platform?: Platform;
}

/** A layer as it is stored, and the digest of the tar inside. */
export interface Layer {
  /** The compressed blob. */
  readonly descriptor: Descriptor;
  /** The digest of the uncompressed tar (config.md, `rootfs.diff_ids`). */
  readonly diffId: Digest;
}

/** A JSON document and its descriptor. */
export interface Document {
  /** Names the bytes. */
  readonly descriptor: Descriptor;
  /** The exact bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An image for one platform: everything that names its blobs. */
export interface Image {
  /** The manifest. */
  readonly manifest: Document;
  /** The configuration. */
  readonly config: Document;
  /** The layers, the lowest first. */
  readonly layers: readonly Layer[];
  /** What it runs on. */
  readonly platform: Platform;
}

/** One line of the history of an image (config.md, `history`). */
export interface HistoryEntry {
  /** The instruction. */
  readonly createdBy: string;
  /** Whether it made no layer. */
  readonly emptyLayer: boolean;
}

/** The part of an image configuration that a runtime reads (config.md, `config`). Absent and empty are the same. */
export interface RuntimeConfig {
  readonly user?: string;
  readonly exposedPorts?: readonly string[];
  readonly env?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly volumes?: readonly string[];
  readonly workingDir?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
}

/** What an image is made of. */
export interface ImageSpec {
  readonly platform: Platform;
  readonly config: RuntimeConfig;
  /** The lowest first. */
  readonly layers: readonly Layer[];
  /** Oldest first; as many entries that are not empty as there are layers. */
  readonly history: readonly HistoryEntry[];
  /** Annotations of the manifest. */
  readonly annotations: Readonly<Record<string, string>>;
  /** The time that is written as `created`. */
  readonly created: Date;
  readonly author?: string;
}

/**
 * Builds configuration and manifest. The same spec always gives the same bytes: keys stand in a fixed order, maps
 * are sorted, empty fields are left out.
 *
 * @param spec what the image is made of
 * @returns the image
 */
export async function composeImage(spec: ImageSpec): Promise<Image> {
  const { platform, layers } = spec;
  const config = await jsonDocument(mediaTypes.config, configOf(spec));
  const manifest = await jsonDocument(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: config.descriptor,
    layers: layers.map((layer) => ordered(layer.descriptor)),
    ...present({ annotations: sortedRecord(spec.annotations) }),
  });
  return { manifest, config, layers, platform };
}

/** @returns the document of the given media type; the descriptor's digest is that of the compact JSON text */
export async function jsonDocument(mediaType: string, value: unknown): Promise<Document> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return { bytes, descriptor: { mediaType, digest: await digestOf(bytes), size: bytes.byteLength } };
}

/** @returns an image index with these manifests (image-index.md) */
export function indexOf(manifests: readonly Descriptor[]): unknown {
  return { schemaVersion: 2, mediaType: mediaTypes.index, manifests: manifests.map(ordered) };
}

/** Whoever made the descriptor: its fields stand in one order. */
function ordered({ mediaType, digest, size, annotations, platform }: Descriptor): unknown {
  return {
    mediaType,
    digest,
    size,
    ...present({
      annotations: sortedRecord(annotations ?? {}),
      platform: platform && orderedPlatform(platform),
    }),
  };
}

function orderedPlatform({ architecture, variant, os }: Platform): Record<string, unknown> {
  return present({ architecture, variant, os });
}

function configOf(spec: ImageSpec): unknown {
  const { platform, config } = spec;
  const created = isoSeconds(spec.created);
  return {
    created,
    ...present({ author: spec.author }),
    ...orderedPlatform(platform),
    config: present({
      User: config.user,
      ExposedPorts: set(config.exposedPorts),
      Env: list(config.env),
      Entrypoint: list(config.entrypoint),
      Cmd: list(config.cmd),
      Volumes: set(config.volumes),
      WorkingDir: config.workingDir,
      Labels: sortedRecord(config.labels ?? {}),
      StopSignal: config.stopSignal,
    }),
    rootfs: { type: "layers", diff_ids: spec.layers.map((layer) => layer.diffId) },
    history: spec.history.map(({ createdBy, emptyLayer }) => ({
      created,
      created_by: createdBy,
      ...(emptyLayer ? { empty_layer: true } : {}),
    })),
  };
}

/** RFC 3339 (section 5.6) without a fraction, as Go writes whole seconds. */
function isoSeconds(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, "Z");
}

function present(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== ""),
  );
}

function list(values: readonly string[] | undefined): readonly string[] | undefined {
  return values === undefined || values.length === 0 ? undefined : values;
}

/** A Go set: a map from each value to an empty object. */
function set(values: readonly string[] | undefined): Record<string, Record<string, never>> | undefined {
  if (values === undefined || values.length === 0) return undefined;
  return Object.fromEntries([...values].sort().map((value) => [value, {}]));
}

function sortedRecord(record: Readonly<Record<string, string>>): Record<string, string> | undefined {
  const entries = Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
