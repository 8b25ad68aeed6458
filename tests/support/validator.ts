/**
 * Recomputes everything that an image tar says about itself from its bytes: every digest, size, diffID and chain.
 * GNU tar and gzip take it apart; no line of bima's own code has a part in it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { run } from "./bima.ts";

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Record<string, string>;
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
}

interface Manifest {
  readonly schemaVersion: number;
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Record<string, string>;
}

/** An image configuration, as far as the tests look at it. */
export interface Config {
  readonly created: string;
  readonly author?: string;
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly config: {
    readonly Cmd?: string[];
    readonly Entrypoint?: string[];
    readonly Env?: string[];
    readonly Labels?: Record<string, string>;
    readonly WorkingDir?: string;
  };
  readonly rootfs: { readonly type: string; readonly diff_ids: string[] };
  readonly history: {
    readonly created: string;
    readonly created_by: string;
    readonly empty_layer?: boolean;
  }[];
}

/** An image whose every claim was checked. Disposing removes the unpacked files. */
export interface ValidImage extends Disposable {
  /** The manifest's digest. */
  readonly digest: string;
  readonly manifest: Manifest;
  readonly config: Config;
  /** The full names of the image. */
  readonly names: readonly string[];
  /** What `tar -tv` says of each layer, the lowest first. */
  readonly listings: readonly string[];
  /** Unpacks all layers, the lowest first, with GNU tar. @returns the directory */
  rootfs(): Promise<string>;
}

/** The media types that bima may use. */
const types = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
};

/**
 * Checks an image tar.
 *
 * @param path the tar
 * @returns the image
 * @throws {AssertionError} when something in it is not what it says
 */
export async function validate(path: string): Promise<ValidImage> {
  const folder = await Deno.makeTempDir({ prefix: "bima-validate-" });
  try {
    return await check(path, folder);
  } catch (error) {
    await Deno.remove(folder, { recursive: true });
    throw error;
  }
}

async function check(path: string, folder: string): Promise<ValidImage> {
  const names = (await run("tar", "--force-local", "-tf", path)).trim().split("\n");
  assertEquals(new Set(names).size, names.length, "an entry stands in the tar twice");
  for (const name of names) assert(!name.startsWith("/") && !name.includes(".."), `odd entry ${name}`);
  await run("tar", "--force-local", "-xf", path, "-C", folder);
  assertEquals(Deno.statSync(path).size % 512, 0);
  assertEquals(readJson(`${folder}/oci-layout`), { imageLayoutVersion: "1.0.0" });

  const blob = ({ digest }: Descriptor): string => `${folder}/blobs/${digest.replace(":", "/")}`;
  const blobs = Array.from(Deno.readDirSync(`${folder}/blobs/sha256`), ({ name }) => name);
  for (const name of blobs) assertEquals(await sha256(`${folder}/blobs/sha256/${name}`), `sha256:${name}`);

  const index = readJson<{ schemaVersion: number; manifests: Descriptor[] }>(`${folder}/index.json`);
  assertEquals(index.schemaVersion, 2);
  const [entry] = index.manifests;
  assert(entry !== undefined);
  for (const { digest } of index.manifests) assertEquals(digest, entry.digest, "one image, several names");
  requireBlob(entry, types.manifest);
  const manifest = readJson<Manifest>(blob(entry));
  assertEquals([manifest.schemaVersion, manifest.mediaType], [2, types.manifest]);
  requireBlob(manifest.config, types.config);
  const config = readJson<Config>(blob(manifest.config));
  const { os, architecture, variant } = config;
  assertEquals(entry.platform, { os, architecture, ...(variant === undefined ? {} : { variant }) });

  assertEquals(config.rootfs.type, "layers");
  assertEquals(config.rootfs.diff_ids.length, manifest.layers.length);
  const made = config.history.filter(({ empty_layer }) => empty_layer !== true);
  assertEquals(made.length, manifest.layers.length, "as many entries of the history as layers");
  const listings: string[] = [];
  for (const [number, layer] of manifest.layers.entries()) {
    requireBlob(layer, types.layer);
    const tar = `${folder}/layer-${number}.tar`;
    await run("sh", "-c", `gzip -dc < "$0" > "$1"`, blob(layer), tar);
    assertEquals(await sha256(tar), config.rootfs.diff_ids[number]);
    listings.push(await run("tar", "--numeric-owner", "--full-time", "--quoting-style=escape", "-tvf", tar));
  }
  const expected = new Set([entry, manifest.config, ...manifest.layers].map(({ digest }) => digest.slice(7)));
  assertEquals(blobs.sort(), [...expected].sort(), "blobs that nothing needs");

  const [docker] = readJson<{ Config: string; RepoTags: string[]; Layers: string[] }[]>(
    `${folder}/manifest.json`,
  );
  assertEquals(docker?.Config, `blobs/${manifest.config.digest.replace(":", "/")}`);
  assertEquals(docker?.Layers, manifest.layers.map(({ digest }) => `blobs/${digest.replace(":", "/")}`));
  assertEquals(docker?.RepoTags.length, index.manifests.length);

  return {
    digest: entry.digest,
    manifest,
    config,
    names: index.manifests.map(({ annotations }) => annotations?.["io.containerd.image.name"] ?? ""),
    listings,
    rootfs: async () => {
      const target = `${folder}/rootfs`;
      await Deno.mkdir(target, { recursive: true });
      for (const number of manifest.layers.keys()) {
        await run(
          "tar",
          "--numeric-owner",
          "--same-owner",
          "-xpf",
          `${folder}/layer-${number}.tar`,
          "-C",
          target,
        );
      }
      return target;
    },
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };

  function requireBlob(descriptor: Descriptor, mediaType: string): void {
    assertEquals(descriptor.mediaType, mediaType);
    assertEquals(Deno.statSync(blob(descriptor)).size, descriptor.size);
  }
}

function readJson<T = unknown>(path: string): T {
  return JSON.parse(Deno.readTextFileSync(path)) as T;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  for await (const chunk of file.readable) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}
