/**
 * Shows what is in an image tar: the manifest's annotations, the config, and the files of each layer.
 *
 * Usage: scripts/deno run --allow-read scripts/show.ts TAR
 *
 * @module
 */
import { createTarDecoder, unpackTar } from "modern-tar";
import { basename } from "@std/path/posix";
import { toBytes } from "@std/streams";

interface Descriptor {
  readonly digest: string;
  readonly size: number;
}

const [path] = Deno.args;
if (path === undefined) {
  console.error("usage: show.ts TAR");
  Deno.exit(2);
}

const blobs = new Map<string, Uint8Array<ArrayBuffer>>();
using file = await Deno.open(path);
for await (const { header, body } of file.readable.pipeThrough(createTarDecoder({ strict: true }))) {
  blobs.set(header.name, await toBytes(body));
}

function bytesOf(name: string): Uint8Array<ArrayBuffer> {
  const bytes = blobs.get(name);
  if (bytes === undefined) throw new Error(`Cannot show "${path}": it has no ${name}`);
  return bytes;
}

function json<T>(name: string): T {
  return JSON.parse(new TextDecoder().decode(bytesOf(name))) as T;
}

function blobName({ digest }: Descriptor): string {
  return `blobs/${digest.replace(":", "/")}`;
}

const index = json<{ manifests: (Descriptor & { annotations: Record<string, string> })[] }>("index.json");
for (const entry of index.manifests) {
  const manifest = json<{ config: Descriptor; layers: Descriptor[]; annotations: Record<string, string> }>(
    blobName(entry),
  );
  const config = json<{ os: string; architecture: string; config: { Cmd?: string[] } }>(
    blobName(manifest.config),
  );
  console.log(`${basename(path)} holds ${entry.annotations["io.containerd.image.name"]}`);
  console.log(`  platform     ${config.os}/${config.architecture}`);
  console.log(`  command      ${JSON.stringify(config.config.Cmd)}`);
  console.log(`  manifest     ${entry.digest}`);
  console.log("  annotations");
  for (const [key, value] of Object.entries(manifest.annotations)) console.log(`    ${key} = ${value}`);
  for (const [number, layer] of manifest.layers.entries()) {
    console.log(`  layer ${number + 1}      ${layer.digest} (${layer.size} bytes)`);
    const tar = new Blob([bytesOf(blobName(layer))]).stream().pipeThrough(new DecompressionStream("gzip"));
    for (const { header } of await unpackTar(tar)) {
      console.log(
        `    ${(header.mode ?? 0).toString(8).padStart(4, "0")} ${
          String(header.size).padStart(9)
        }  /${header.name}`,
      );
    }
  }
}
console.log(`
load it with one of
  sudo ctr images import ${path}
  docker load -i ${path}
  skopeo copy oci-archive:${path} docker://REGISTRY/NAME`);
