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

/**
 * Writes nodes into an empty folder that nobody else writes to. Directories come before what is in them. After an
 * error nothing is promised but {@linkcode NodeWriter.close}.
 */
export class NodeWriter {
  readonly #folder: string;
  readonly #below: (path: string) => ImageNode | undefined;
  /** Directories and their times, which are set last: every new entry changes them. */
  readonly #directories = new Map<string, number>();
  #file: { readonly handle: Deno.FsFile; readonly path: string; readonly node: ImageNode } | undefined;
  #pending: Promise<void> = Promise.resolve();

  /**
   * Takes a folder.
   *
   * @param folder its absolute path
   * @param below tells what stands at a path below: a directory that is not given, but needed, is made like that one
   */
  constructor(folder: string, below: (path: string) => ImageNode | undefined) {
    this.#folder = folder;
    this.#below = below;
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
        lchownSync(place, node.uid, node.gid);
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
    const node = this.#below(path);
    if (node?.kind !== "directory") throw new RangeError(`Nothing is known of the directory "${path}"`);
    this.begin(path, node);
  }

  #attributes(place: string, { uid, gid, mode }: ImageNode): void {
    // Always: a directory with setgid hands its group down. Before the mode: it clears setuid and setgid.
    lchownSync(place, uid, gid);
    Deno.chmodSync(place, mode);
    // Without CAP_FSETID the kernel leaves setgid out and says nothing.
    if ((mode & setgid) !== 0 && ((Deno.lstatSync(place).mode ?? 0) & setgid) === 0) {
      throw new RangeError(`The mode ${mode.toString(8)} cannot be set`);
    }
  }
}

/** The mode bit (POSIX.1-2017, sys/stat.h, S_ISGID). */
const setgid = 0o2000;

/** Times beyond these mean different things to different file systems, and to who unpacks a tar. */
const times = { first: 0, last: 2 ** 31 - 1 };

function timeOf({ mtime }: { readonly mtime: number }): number {
  if (mtime >= times.first && mtime <= times.last) return mtime;
  throw new RangeError(`The time ${mtime} is not between ${times.first} and ${times.last}`);
}

async function writeAll(handle: Deno.FsFile, chunk: Bytes): Promise<void> {
  for (let done = 0; done < chunk.byteLength;) done += await handle.write(chunk.subarray(done));
}
