/**
 * What other programs see in an image: the root file system and the config.
 *
 * @module
 */
import { run } from "./context.ts";

/** The part of an image's config that instructions write. */
export interface ImageConfig {
  readonly architecture: string;
  readonly author?: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

/**
 * Unpacks an image with umoci, as root.
 *
 * @param tar a tar that bima wrote, which is an OCI layout
 * @param folder an empty directory
 * @returns where the root file system is
 */
export async function unpackTar(tar: string, folder: string): Promise<string> {
  await Deno.mkdir(`${folder}/layout`);
  await run("tar", "-xf", tar, "-C", `${folder}/layout`);
  return await unpackLayout(`${folder}/layout`, folder);
}

/** As {@linkcode unpackTar}, from the only image of an OCI layout. */
export async function unpackLayout(layout: string, folder: string): Promise<string> {
  const { manifests } = JSON.parse(await Deno.readTextFile(`${layout}/index.json`));
  const tag: string = manifests[0].annotations["org.opencontainers.image.ref.name"];
  // Not into a bundle: that would need the image's USER to be one of the image's own.
  await run("umoci", "raw", "unpack", "--image", `${layout}:${tag}`, `${folder}/rootfs`);
  return `${folder}/rootfs`;
}

/** @returns the config of the only image of an OCI layout */
export async function configOf(layout: string): Promise<ImageConfig> {
  const read = async (digest: string): Promise<unknown> =>
    JSON.parse(await Deno.readTextFile(`${layout}/blobs/${digest.replace(":", "/")}`));
  const { manifests } = JSON.parse(await Deno.readTextFile(`${layout}/index.json`));
  const manifest = await read(manifests[0].digest) as { readonly config: { readonly digest: string } };
  return await read(manifest.config.digest) as ImageConfig;
}

/**
 * Lists a directory: everything that an image keeps, apart from times.
 *
 * @param root the directory, which is left out itself
 * @returns for each path a line such as `d755 0:0`, `l777 5:6 -> target` or `f644 0:0 sha256 of the content`
 */
export function listTree(root: string): Map<string, string> {
  const entries = new Map<string, string>();
  const visit = (inner: string): void => {
    const names = Array.from(Deno.readDirSync(`${root}/${inner}`), ({ name }) => name).sort();
    for (const name of names) {
      const path = inner === "" ? name : `${inner}/${name}`;
      entries.set(path, describe(`${root}/${path}`));
      if (Deno.lstatSync(`${root}/${path}`).isDirectory) visit(path);
    }
  };
  visit("");
  return entries;
}

function describe(path: string): string {
  const { mode, uid, gid, isDirectory, isSymlink } = Deno.lstatSync(path);
  const owner = `${uid}:${gid}`;
  if (isSymlink) return `l777 ${owner} -> ${Deno.readLinkSync(path)}`;
  const bits = ((mode ?? 0) & 0o7777).toString(8);
  return isDirectory ? `d${bits} ${owner}` : `f${bits} ${owner} ${contentOf(path)}`;
}

/** Short texts as they are, so that a difference can be read. */
function contentOf(path: string): string {
  const bytes = Deno.readFileSync(path);
  if (bytes.byteLength < 200 && !bytes.includes(0)) return JSON.stringify(new TextDecoder().decode(bytes));
  return `${bytes.byteLength} bytes, ${bytes.reduce((sum, byte) => (sum * 31 + byte) % 4294967291, 7)}`;
}
