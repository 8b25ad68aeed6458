/**
 * A file that appears under its name when it is complete, and not at all otherwise.
 *
 * @module
 */
import { basename, dirname, resolve } from "@std/path/posix";
import { PathError } from "./errors.ts";

/** A file in the making. */
export interface Partial {
  /** What messages call the destination. */
  readonly title: string;
  /** Writes at an offset in bytes. @throws {PathError} when the disk is full or the destination went away */
  write(bytes: Uint8Array<ArrayBuffer>, offset: number): Promise<void>;
  /** Cuts the file to its length in bytes and gives it its name, or sends it on. */
  finish(length: number): Promise<void>;
  /** Closes and removes it. For when something else has failed already. */
  abandon(): Promise<void>;
}

/**
 * @param dest a path, or a stream
 * @param signal stops the sending to a stream. Default: never
 * @returns the file; a path that is no regular file, such as a fifo or `/dev/stdout`, is treated as a stream
 * @throws {PathError} when nothing can be written there
 */
export async function openPartial(
  dest: string | WritableStream<Uint8Array<ArrayBuffer>>,
  signal?: AbortSignal,
): Promise<Partial> {
  if (typeof dest !== "string") return await openSpool("the output", () => Promise.resolve(dest), signal);
  const there = await attempt(dest, () => existing(dest));
  if (there?.isDirectory || dest.endsWith("/")) {
    throw new PathError(dest, `Cannot write "${dest}": it is a directory`, { hint: "name a file" });
  }
  if (there !== undefined && !there.isFile) {
    return await openSpool(dest, async () => (await Deno.open(dest, { write: true })).writable, signal);
  }
  const path = await attempt(dest, () => behindLinks(dest));
  return await openNamed(dest, path);
}

/** Tells the temporary name of a file in the making, whichever build makes it. */
export function isPartial(path: string): boolean {
  return /(?:^|\/)\.[^/]*\.[0-9a-f]{8}\.partial$/.test(path);
}

async function openNamed(title: string, path: string): Promise<Partial> {
  // A name has at most 255 bytes, and a character up to three for each of its code units.
  const start = basename(path).slice(0, 60).toWellFormed();
  const temporary = `${dirname(path)}/.${start}.${crypto.randomUUID().slice(0, 8)}.partial`;
  const file = await attempt(title, () => Deno.open(temporary, { createNew: true, read: true, write: true }));
  return {
    title,
    write: (bytes, offset) => attempt(title, () => writeAt(file, bytes, offset)),
    finish: (length) =>
      attempt(title, async () => {
        await file.truncate(length);
        file.close();
        await Deno.rename(temporary, path);
      }),
    abandon: async () => {
      closeQuietly(file);
      await removeQuietly(temporary);
    },
  };
}

/** The file has no name any more while it is written, so that nothing can be left of it. */
async function openSpool(
  title: string,
  open: () => Promise<WritableStream<Uint8Array<ArrayBuffer>>>,
  signal?: AbortSignal,
): Promise<Partial> {
  const path = await attempt(title, () => Deno.makeTempFile({ prefix: "bima-" }));
  const file = await attempt(title, () => Deno.open(path, { read: true, write: true }));
  await Deno.remove(path);
  return {
    title,
    write: (bytes, offset) => attempt(title, () => writeAt(file, bytes, offset)),
    finish: (length) =>
      attempt(title, async () => {
        await file.truncate(length);
        await file.seek(0, Deno.SeekMode.Start);
        await file.readable.pipeTo(await orAborted(open(), signal), signal === undefined ? {} : { signal });
      }),
    abandon: () => Promise.resolve(closeQuietly(file)),
  };
}

/** A fifo opens when its reader comes; who waits for one must be able to stop. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener("abort", stop);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Behind a link it is the file that is replaced, or made, and not the link. */
async function behindLinks(path: string): Promise<string> {
  const info = await existing(path, Deno.lstat);
  if (!info?.isSymlink) return path;
  return await behindLinks(resolve(await Deno.realPath(dirname(path)), await Deno.readLink(path)));
}

async function existing(path: string, look = Deno.stat): Promise<Deno.FileInfo | undefined> {
  try {
    return await look(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function writeAt(file: Deno.FsFile, bytes: Uint8Array<ArrayBuffer>, offset: number): Promise<void> {
  await file.seek(offset, Deno.SeekMode.Start);
  for (let done = 0; done < bytes.byteLength;) done += await file.write(bytes.subarray(done));
}

function closeQuietly(file: Deno.FsFile): void {
  try {
    file.close();
  } catch (error) {
    // Closed already: what failed came after that.
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

async function removeQuietly(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function attempt<T>(title: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PathError) throw error;
    const [state, hint] = stateOf(error);
    throw new PathError(title, `Cannot write "${title}": ${state}`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

function stateOf(error: unknown): [state: string, hint?: string] {
  if (error instanceof Deno.errors.NotFound) return ["the directory does not exist", "make it first"];
  if (error instanceof Deno.errors.PermissionDenied) return ["permission denied"];
  if (error instanceof Deno.errors.NotADirectory) return ["a part of the path is no directory"];
  if (error instanceof Deno.errors.BrokenPipe) return ["the reader went away"];
  if (!(error instanceof Error)) return [String(error)];
  if (/os error 28\b/.test(error.message)) {
    return ["no space left on the device", "free some space, or write to another disk"];
  }
  if (/os error 30\b/.test(error.message)) return ["the file system is read-only"];
  return [error.message];
}
