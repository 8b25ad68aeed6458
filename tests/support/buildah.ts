/**
 * Builds with buildah, offline and beside whatever containers the machine has.
 *
 * @module
 */
import { configOf, type ImageConfig, listTree, unpackLayout } from "./unpack.ts";

/** An image as anybody sees it who unpacks it. */
export interface BuiltImage {
  /** By path; see {@linkcode listTree}. */
  readonly tree: ReadonlyMap<string, string>;
  readonly config: ImageConfig;
}

/** An image, or why there is none. */
export type BuildOutcome = BuiltImage | { readonly error: string };

/** A store of its own; one build at a time. */
export class Buildah implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes an empty store. */
  static async open(): Promise<Buildah> {
    return new Buildah(await Deno.makeTempDir({ prefix: "bima-buildah-" }));
  }

  /**
   * Builds one image from scratch.
   *
   * @param context the directory
   * @param file the Containerfile
   * @param args more options of `buildah build`
   * @returns the image, or what buildah wrote to stderr
   */
  async build(context: string, file: string, args: readonly string[]): Promise<BuildOutcome> {
    const work = await Deno.makeTempDir({ dir: this.#folder });
    const options = [
      "--isolation",
      "chroot",
      "--layers=false",
      "--timestamp=0",
      "--format=oci",
      "--pull=false",
    ];
    const layout = `${work}/layout`;
    const error = await this.#run(["build", ...options, ...args, "-f", file, "-t", "case", context]) ??
      await this.#run(["push", "--quiet", "case", `oci:${layout}:case`]);
    if (error !== undefined) return { error };
    return { tree: listTree(await unpackLayout(layout, work)), config: await configOf(layout) };
  }

  /** Removes the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** @returns what went wrong */
  async #run(args: readonly string[]): Promise<string | undefined> {
    const store = [
      "--root",
      `${this.#folder}/root`,
      "--runroot",
      `${this.#folder}/run`,
      "--storage-driver",
      "vfs",
    ];
    const command = new Deno.Command("buildah", { args: [...store, ...args], stdin: "null" });
    const { success, stderr } = await command.output();
    return success ? undefined : new TextDecoder().decode(stderr).trim();
  }
}
