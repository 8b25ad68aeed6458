import { type Digest, isDigest } from "../lib/digest.ts";
import { openArchive } from "../lib/archive.ts";
import type { Reference } from "../lib/reference.ts";
import { type Destination, writerSuite } from "./writer_suite.ts";

/** GNU tar reads what bima wrote. */
async function tar(...args: string[]): Promise<Uint8Array<ArrayBuffer>> {
  const { code, stdout, stderr } = await new Deno.Command("tar", { args }).output();
  if (code !== 0) throw new Error(`tar ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}

/** A directory in which every image is a tar; the newest one with a name is the one that the name stands for. */
class TarFolder implements Destination {
  readonly #folder = Deno.makeTempDirSync({ prefix: "bima-tar-" });
  #count = 0;

  open(signal?: AbortSignal) {
    const dest = `${this.#folder}/${String(this.#count++).padStart(3, "0")}.tar`;
    return openArchive({ dest, ...(signal === undefined ? {} : { signal }) });
  }

  async leftovers(): Promise<string[]> {
    const names = Array.from(Deno.readDirSync(this.#folder), ({ name }) => name);
    for (const name of names.filter((name) => name.endsWith(".tar"))) {
      await tar("-tf", `${this.#folder}/${name}`);
    }
    return names.filter((name) => !name.endsWith(".tar"));
  }

  async find({ name }: Reference): Promise<Digest | undefined> {
    for (const path of this.#tars().reverse()) {
      const index = JSON.parse(new TextDecoder().decode(await tar("-xOf", path, "index.json")));
      for (const { annotations, digest } of index.manifests) {
        if (annotations["io.containerd.image.name"] === name && isDigest(digest)) return digest;
      }
    }
    return undefined;
  }

  async read(digest: Digest): Promise<Uint8Array> {
    const name = `blobs/${digest.replace(":", "/")}`;
    for (const path of this.#tars()) {
      const names = new TextDecoder().decode(await tar("-tf", path)).split("\n");
      if (names.includes(name)) return await tar("-xOf", path, name);
    }
    throw new Error(`no tar has ${name}`);
  }

  #tars(): string[] {
    const names = Array.from(Deno.readDirSync(this.#folder), ({ name }) => name);
    return names.filter((name) => name.endsWith(".tar")).sort().map((name) => `${this.#folder}/${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

writerSuite("tar", () => Promise.resolve(new TarFolder()));
