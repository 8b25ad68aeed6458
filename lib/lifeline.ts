/**
 * A sign of life of this process, which others can look at long after: what a process that was killed left somewhere,
 * the next one may take away. The kernel gives a lock back when its process ends, however that happens.
 *
 * @module
 */
import { dirname } from "@std/path/posix";
import { PathError } from "./errors.ts";

/**
 * A lock on a small file of its own in the temporary directory. {@linkcode isGone} tells from the file's path whether
 * the lock is still held. A container has a temporary directory of its own: who cannot see the file knows nothing.
 */
export class Lifeline implements Disposable {
  /** The path of the file, which stands for this process. */
  readonly path: string;
  readonly #file: Deno.FsFile;

  private constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#file = file;
  }

  /** @returns a new sign of life @throws {PathError} when the temporary directory cannot be written to */
  static async open(): Promise<Lifeline> {
    let path: string;
    try {
      path = await Deno.makeTempFile({ prefix: "bima-", suffix: ".lock" });
    } catch (cause) {
      const state = cause instanceof Error ? cause.message : String(cause);
      throw new PathError("TMPDIR", `Cannot write to the temporary directory: ${state}`, {
        cause,
        hint: "name another one with TMPDIR",
      });
    }
    const file = await Deno.open(path, { read: true, write: true });
    await file.lock(true);
    await tidy(dirname(path));
    return new Lifeline(path, file);
  }

  /** Lets go, but leaves the file: what hangs on it may be taken away from now on. */
  abandon(): void {
    this.#file.close();
  }

  /** Ends the sign of life, when nothing hangs on it any more. */
  [Symbol.dispose](): void {
    // In this order nobody can find it without its lock.
    removeQuietly(this.path);
    this.#file.close();
  }
}

/**
 * @param path that of somebody's {@linkcode Lifeline}
 * @returns whether its process has ended. False also when this cannot be known: another machine's, another user's.
 */
export async function isGone(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path, { read: true, write: true });
    return await file.tryLock(true);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
}

/** Removes the file of a process that {@linkcode isGone}, when nothing hangs on it any more. */
export function forget(path: string): void {
  removeQuietly(path);
}

/** How long a file without its process is kept, in milliseconds: containerd keeps nothing that hangs on it any longer. */
const keep = 24 * 60 * 60 * 1000;

/** Removes the files that nobody came for: of builds in a daemon that was never asked again. */
async function tidy(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (!/^bima-[0-9a-f]+\.lock$/.test(name)) continue;
    const path = `${folder}/${name}`;
    const { mtime } = await Deno.lstat(path).catch(() => ({ mtime: null }));
    if (mtime !== null && mtime.getTime() < Date.now() - keep && await isGone(path)) forget(path);
  }
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    // Somebody else was quicker, or tidied the temporary directory.
    if (!(error instanceof Deno.errors.NotFound) && !(error instanceof Deno.errors.PermissionDenied)) {
      throw error;
    }
  }
}
