/**
 * A build context that comes as a tar. Only the bytes of its files are written to the disk, under numbers, so that no
 * name of the archive can lead anywhere.
 *
 * @module
 */
import { ByteQueue } from "./byte_queue.ts";
import { decompressed, FormatError } from "./decompress.ts";
import { PathError } from "../errors.ts";
import { readTar, type TarEntry } from "./tar_reader.ts";
import { childPath, cleanPath, type FileNode, type FileTree, type Node, parentPath } from "../tree.ts";

/** What messages call it. */
const title = "the build context";

const rootNode: Node = { kind: "directory", mode: 0o755, uid: 0, gid: 0, mtime: 0 };

/** The files of a tar. Disposing of it removes them. */
export class TarContext implements FileTree, AsyncDisposable {
  readonly title = title;
  readonly rooted = false;
  readonly #folder: string;
  #files = 0;
  readonly #nodes = new Map<string, Node>([["", rootNode]]);
  readonly #names = new Map<string, Set<string>>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Reads a whole tar, plain or compressed with gzip or zstd, into a temporary directory.
   *
   * @param stream the tar
   * @param signal stops the reading. Default: never
   * @returns the context
   * @throws {PathError} when it is no tar, damaged, or has names that lead out of it
   */
  static async open(stream: ReadableStream<Uint8Array>, signal?: AbortSignal): Promise<TarContext> {
    const context = new TarContext(await Deno.makeTempDir({ prefix: "bima-context-" }));
    const bytes = new ByteQueue(decompressed(stream, signal));
    try {
      for await (const entry of readTar(bytes)) await context.#add(entry);
      return context;
    } catch (error) {
      await context[Symbol.asyncDispose]();
      if (!(error instanceof FormatError)) throw error;
      throw new PathError("-", `Cannot use the tar as build context: ${error.message}`, {
        cause: error,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    } finally {
      await bytes.close();
    }
  }

  /** @inheritdoc */
  node(path: string): Node | undefined {
    return this.#nodes.get(path);
  }

  /** @inheritdoc */
  names(path: string): readonly string[] {
    return [...this.#names.get(path) ?? []].sort();
  }

  /** @inheritdoc */
  inside(target: string): string {
    return cleanPath(target);
  }

  /** Removes the files; the nodes lose their contents. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #add(entry: TarEntry): Promise<void> {
    const path = pathOf(entry.name, entry.name);
    if (path === "") return;
    this.#makeParents(path, entry.name);
    const there = this.#nodes.get(path);
    const isDirectory = entry.type === "directory";
    if (there !== undefined && (there.kind === "directory") !== isDirectory) {
      throw new FormatError(`it has "${path}" both as a directory and as something else`);
    }
    this.#set(path, await this.#nodeOf(entry, path));
  }

  async #nodeOf(entry: TarEntry, path: string): Promise<Node> {
    const { type, mode, target } = entry;
    const attributes = { mode, uid: 0, gid: 0, mtime: entry.mtime };
    switch (type) {
      case "directory":
        return { kind: type, ...attributes };
      case "symlink":
        return { kind: type, ...attributes, mode: 0o777, target };
      case "file":
        return { kind: type, ...attributes, ...await this.#write(entry, path) };
      case "hard link": {
        const node = this.#nodes.get(pathOf(target, entry.name));
        if (node?.kind === "file") return node;
        throw new FormatError(
          `"${entry.name}" is a hard link to "${target}", which is no file in front of it`,
        );
      }
      case "fifo":
      case "character device":
      case "block device":
        return { kind: "special", ...attributes, what: `a ${type}` };
    }
  }

  async #write(entry: TarEntry, path: string): Promise<Pick<FileNode, "size" | "content">> {
    const place = `${this.#folder}/${this.#files++}`;
    using file = await Deno.open(place, { createNew: true, write: true });
    for await (const piece of entry.body) {
      for (let done = 0; done < piece.byteLength;) done += await file.write(piece.subarray(done));
    }
    const info = await file.stat();
    const identity = {
      device: info.dev,
      inode: info.ino ?? 0,
      mtime: info.mtime?.getTime() ?? 0,
      ctime: info.ctime?.getTime() ?? 0,
    };
    return { size: entry.size, content: { kind: "disk", path: place, title: path, identity } };
  }

  /** Directories need no entries of their own, but nothing may stand below a file or a link. */
  #makeParents(path: string, name: string): void {
    const parent = parentPath(path);
    const there = this.#nodes.get(parent);
    if (there?.kind === "directory") return;
    if (there !== undefined) throw new FormatError(`"${name}" lies below "${parent}", which is no directory`);
    this.#makeParents(parent, name);
    this.#set(parent, { ...rootNode });
  }

  #set(path: string, node: Node): void {
    const parent = parentPath(path);
    const names = this.#names.get(parent) ?? new Set();
    this.#names.set(parent, names.add(path.slice(parent === "" ? 0 : parent.length + 1)));
    this.#nodes.set(path, node);
  }
}

/** @returns the clean path that a name of the archive means; `""` is the root @throws {FormatError} when it leads out */
function pathOf(name: string, entry: string): string {
  const elements = name.split("/");
  if (name.startsWith("/") || elements.includes("..")) {
    const what = name === entry ? "" : `, a link to "${name}"`;
    throw new FormatError(`"${entry}"${what} leads out of it`, {
      hint: "make the tar of relative names, for example with tar -C DIRECTORY -c .",
    });
  }
  return elements.filter((element) => element !== "" && element !== ".").reduce(childPath, "");
}
