/**
 * Nodes as files on disk, with their modes, owners and times, as a root file system has them.
 *
 * @module
 */
import { lchownSync, lutimesSync } from "node:fs";
import { type ImageNode, parentPath } from "./tree.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What is written without the event loop, in bytes: with thousands of small files its turns would cost more. */
const smallSize = 1 << 16;

/** How a {@linkcode NodeWriter} works. */
export interface NodeWriterOptions {
  /** The owner that new files get by themselves, who need not be set. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** @returns what stands at a path below: a directory that is not given, but needed, is made like the one there */
  readonly below: (path: string) => ImageNode | undefined;
}

/**
 * Writes nodes into an empty folder that nobody else writes to. Directories come before what is in them. After an
 * error nothing is promised but {@linkcode NodeWriter.close}.
 */
export class NodeWriter {
  readonly #folder: string;
  readonly #options: NodeWriterOptions;
  /** Directories and their times, which are set last: every new entry changes them. */
  readonly #directories = new Map<string, number>();
  #file: { readonly handle: Deno.FsFile; readonly path: string; readonly node: ImageNode } | undefined;
  #pending: Promise<void> = Promise.resolve();

  /** @param folder its absolute path; @param options owner, and what is below */
  constructor(folder: string, options: NodeWriterOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /**
   * Begins a node; the one before is complete. The bytes of a file come by {@linkcode NodeWriter.write}.
   *
   * @param path relative and clean
   * @throws what the file system says
   * @throws {RangeError} when the file system cannot hold the node's time, or nothing is known of its directory
   */
  begin(path: string, node: ImageNode): void {
    this.#complete();
    this.#require(parentPath(path));
    const place = `${this.#folder}/${path}`;
    switch (node.kind) {
      case "directory":
        Deno.mkdirSync(place);
        this.#directories.set(path, node.mtime);
        this.#attributes(place, node);
        break;
      case "symlink":
        Deno.symlinkSync(node.target, place);
        this.#own(place, node);
        lutimesSync(place, timeOf(node), timeOf(node));
        break;
      case "file":
        // Nobody but the owner sees a file that is not complete.
        this.#file = {
          handle: Deno.openSync(place, { write: true, createNew: true, mode: 0o600 }),
          path: place,
          node,
        };
    }
  }

  /** Takes the next bytes of the file that was begun. The chunk must stay as it is until the promise resolves. */
  async write(chunk: Bytes): Promise<void> {
    const handle = this.#file?.handle;
    if (handle === undefined) throw new TypeError("Cannot write bytes: no file was begun");
    if (chunk.byteLength <= smallSize) {
      for (let done = 0; done < chunk.byteLength;) done += handle.writeSync(chunk.subarray(done));
      return;
    }
    this.#pending = writeAll(handle, chunk);
    await this.#pending;
  }

  /** Completes the last node and sets the times of the directories. */
  finish(): void {
    this.#complete();
    for (const [path, mtime] of this.#directories) {
      const time = timeOf({ mtime });
      Deno.utimeSync(`${this.#folder}/${path}`, time, time);
    }
  }

  /** Stops writing, at any time. Nothing is removed. */
  async close(): Promise<void> {
    const handle = this.#file?.handle;
    this.#file = undefined;
    await this.#pending.catch(() => {});
    handle?.close();
  }

  #complete(): void {
    if (this.#file === undefined) return;
    const { handle, path, node } = this.#file;
    this.#file = undefined;
    try {
      handle.utimeSync(timeOf(node), timeOf(node));
    } finally {
      handle.close();
    }
    this.#attributes(path, node);
  }

  /** Makes the directories around a node that are in a layer below only. */
  #require(path: string): void {
    if (path === "" || this.#directories.has(path)) return;
    const node = this.#options.below(path);
    if (node?.kind !== "directory") throw new RangeError(`Nothing is known of the directory "${path}"`);
    this.begin(path, node);
  }

  #attributes(place: string, node: ImageNode): void {
    // Another owner clears setuid and setgid, so the mode comes last.
    this.#own(place, node);
    Deno.chmodSync(place, node.mode);
  }

  #own(place: string, { uid, gid }: ImageNode): void {
    const { owner } = this.#options;
    if (uid !== owner.uid || gid !== owner.gid) lchownSync(place, uid, gid);
  }
}

/** Times beyond these mean different things to different file systems, and to who unpacks a tar. */
const times = { first: 0, last: 2 ** 31 - 1 };

function timeOf({ mtime }: { readonly mtime: number }): number {
  if (mtime >= times.first && mtime <= times.last) return mtime;
  throw new RangeError(`The time ${mtime} is not between ${times.first} and ${times.last}`);
}

async function writeAll(handle: Deno.FsFile, chunk: Bytes): Promise<void> {
  for (let done = 0; done < chunk.byteLength;) done += await handle.write(chunk.subarray(done));
}
