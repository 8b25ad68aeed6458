/**
 * The files of a layer, written into a snapshot while the layer is being compressed and sent. A builder may do that
 * with a snapshot that it has prepared (containerd, docs/snapshotters); it spares the daemon to decompress everything
 * afterwards. It takes a daemon on the same file system, and root; whatever is in doubt is left to the daemon. The
 * daemon then never compares the blob with the digest of its tar; both come out of one pass here.
 *
 * @module
 */
import type { ActiveSnapshot, Snapshots } from "./containerd_snapshots.ts";
import type { Digest } from "./digest.ts";
import { BimaError } from "./errors.ts";
import { NodeWriter } from "./node_writer.ts";
import { type ImageNode, parentPath } from "./tree.ts";
import type { FileSink } from "./writer.ts";

/** What {@linkcode SnapshotFiles} needs to know. */
export interface SnapshotFilesOptions {
  /** See {@linkcode ImageWriter.files}. */
  readonly below: (path: string) => ImageNode | undefined;
  /** Told once, when everything was written. */
  readonly onEnd: (files: SnapshotFiles, diffId: Digest) => void;
}

/** Takes the files of a layer into a snapshot. */
export class SnapshotFiles implements FileSink {
  /** The snapshot's name until it is committed. */
  readonly key: string;
  readonly #writer: NodeWriter;
  readonly #onEnd: (files: SnapshotFiles, diffId: Digest) => void;
  #state: "open" | "ended" | "failed" = "open";
  #error: unknown;

  private constructor(key: string, writer: NodeWriter, options: SnapshotFilesOptions) {
    this.key = key;
    this.#writer = writer;
    this.#onEnd = options.onEnd;
  }

  /**
   * Opens a snapshot for its files.
   *
   * @param snapshots where it is
   * @param active the snapshot, which is empty
   * @param address the daemon's socket
   * @returns the sink
   * @throws {Error} when it is not certain that the folder that is seen here is the daemon's
   */
  static async open(
    snapshots: Snapshots,
    active: ActiveSnapshot,
    address: string,
    options: SnapshotFilesOptions,
  ): Promise<SnapshotFiles> {
    // Who can put up a socket of their own, or another folder in the place of one, could have root write anywhere.
    requireOurs(address);
    const folder = folderOf(active);
    requireOurs(folder);
    requireRoot(Deno.lstatSync(folder), `"${folder}"`);
    if (Deno.readDirSync(folder).next().done !== true) throw new BimaError(`"${folder}" is not empty`);
    const probe = `${folder}/.bima-${crypto.randomUUID()}`;
    Deno.openSync(probe, { write: true, createNew: true }).close();
    try {
      // In a user namespace root is somebody else.
      requireRoot(Deno.lstatSync(probe), "what bima writes");
      // A folder of the same name can be another one, in another container: the daemon has to see the file.
      const inodes = await snapshots.inodes(active.key);
      if (inodes !== 2) throw new BimaError(`containerd does not see what bima writes to "${folder}"`);
    } finally {
      Deno.removeSync(probe);
    }
    return new SnapshotFiles(active.key, new NodeWriter(folder, options.below), options);
  }

  /** Why not everything could be written; `undefined` when nothing went wrong. */
  get error(): unknown {
    return this.#error;
  }

  /** @inheritdoc */
  node(path: string, node: ImageNode): void {
    this.#attempt(() => this.#writer.begin(path, node));
  }

  /** @inheritdoc */
  async bytes(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#state !== "open") return;
    try {
      await this.#writer.write(chunk);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @inheritdoc */
  end(diffId: Digest): void {
    this.#attempt(() => this.#writer.finish());
    if (this.#state === "open") this.#state = "ended";
    this.#onEnd(this, diffId);
  }

  /** Takes nothing any more, and closes what is open. */
  async close(): Promise<void> {
    if (this.#state === "open") this.#fail(new BimaError("the layer was given up"));
    await this.#writer.close();
  }

  #attempt(action: () => void): void {
    if (this.#state !== "open") return;
    try {
      action();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#state = "failed";
    this.#error ??= error;
  }
}

/** @returns the folder in which an overlay keeps what is new */
function folderOf({ mounts }: ActiveSnapshot): string {
  const [mount] = mounts;
  if (mounts.length === 1 && mount !== undefined) {
    // The lowest layer has nothing to be laid over.
    if (mount.type === "bind" && mount.options.includes("rw")) return mount.source;
    const upper = mount.options.find((option) => option.startsWith("upperdir="));
    if (mount.type === "overlay" && upper !== undefined) return upper.slice("upperdir=".length);
  }
  throw new BimaError(`a snapshot of type "${mount?.type ?? "none"}" is not a folder`);
}

/** Makes sure that nobody but root can make a path lead elsewhere: the path as it is written, and where it leads. */
function requireOurs(path: string): void {
  for (const start of [path, Deno.realPathSync(path)]) {
    for (let at = start; at !== ""; at = parentPath(at)) {
      const { uid, mode, isDirectory } = Deno.lstatSync(at);
      // In a directory with the sticky bit, such as /tmp, others cannot replace what is root's.
      const open = isDirectory && ((mode ?? 0) & 0o022) !== 0 && ((mode ?? 0) & 0o1000) === 0;
      if (uid !== 0 || open) throw new BimaError(`"${at}" is not only root's to change`);
    }
  }
}

function requireRoot({ uid, gid }: Deno.FileInfo, what: string): void {
  if (uid !== 0 || gid !== 0) throw new BimaError(`${what} does not belong to root (${uid}:${gid})`);
}
