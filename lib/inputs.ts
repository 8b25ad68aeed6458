/**
 * What a build reads: the Containerfile and the build context, from the disk or from a stream.
 *
 * @module
 */
import { readContainerfile, type Source } from "./containerfile.ts";
import { openContext } from "./context.ts";
import { PathError, UsageError } from "./errors.ts";
import { applyIgnoreFile, type IgnoreFile } from "./context/ignore.ts";
import type { TarContext } from "./context/tar_context.ts";
import { readText, readTextStream } from "./context/text_file.ts";
import { cleanPath, type FileTree } from "./tree.ts";

/** A text or a tar that is read to its end. */
export type ByteStream = ReadableStream<Uint8Array>;

/** What to read. */
export interface InputOptions {
  /** The build context: a directory, or a tar, plain or compressed with gzip or zstd. */
  readonly context: string | ByteStream;
  /**
   * The Containerfile: a path relative to the working directory, or its text. With a tar as context the path is looked
   * up there first. Default: `Containerfile` or `Dockerfile` in the working directory, then in the context; with a tar
   * as context, only in there.
   */
  readonly file?: string | ByteStream;
  /** Absolute paths of files that are not part of the context. Default: none. */
  readonly hidden?: readonly string[];
  /** Stops the reading. */
  readonly signal?: AbortSignal;
}

/** What was read. Disposing of it removes what a tar left on the disk, so the image must be written by then. */
export interface Inputs extends AsyncDisposable {
  readonly source: Source;
  /** The context as COPY sees it, without what the ignore file leaves out. */
  readonly context: FileTree;
}

/** What messages call a Containerfile that has no name. */
const stdin = "<stdin>";

/** The names of a Containerfile in a tar, in this order. */
const names = ["Containerfile", "Dockerfile"];

/**
 * Opens the build context and reads the Containerfile and the ignore file.
 *
 * @returns all of them
 * @throws {PathError} when one of them is not there or cannot be read
 * @throws {IgnoreFileError} when the ignore file is malformed
 * @throws {UsageError} when both are streams that come from the same place
 */
export async function openInputs(options: InputOptions): Promise<Inputs> {
  const { context, file, hidden = [], signal } = options;
  if (typeof context === "object" && context === file) {
    throw new UsageError("Cannot read the Containerfile and the build context from the same stream");
  }
  if (typeof context === "string") {
    const tree = openContext(context, { hidden });
    const source = await readInput(file, context, signal);
    return {
      source,
      context: applyIgnoreFile(tree, typeof file === "object" ? undefined : besideOnDisk(source)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  // A directory does not need it.
  const { TarContext } = await import("./context/tar_context.ts");
  const tar = await TarContext.open(context, signal);
  try {
    const { source, own } = await fromTar(tar, file, signal);
    return {
      source,
      context: applyIgnoreFile(tar, own),
      [Symbol.asyncDispose]: () => tar[Symbol.asyncDispose](),
    };
  } catch (error) {
    await tar[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Reads the Containerfile alone.
 *
 * @param file its path, or its text. Default: none was named
 * @param context the directory where it is looked for last
 * @param signal stops the reading. Default: never
 * @returns its text
 * @throws {PathError} when there is none, or it cannot be read
 */
export async function readInput(
  file: string | ByteStream | undefined,
  context: string,
  signal?: AbortSignal,
): Promise<Source> {
  if (typeof file !== "object") return readContainerfile(file, context);
  return { file: stdin, text: await readTextStream(file, stdin, signal) };
}

async function fromTar(
  tar: TarContext,
  file: InputOptions["file"],
  signal: AbortSignal | undefined,
): Promise<{ readonly source: Source; readonly own?: IgnoreFile }> {
  if (typeof file === "object") return { source: await readInput(file, ".", signal) };
  const candidates = file === undefined ? names : file.startsWith("/") ? [] : [cleanPath(file)];
  for (const name of candidates) {
    const text = readText(tar, name);
    if (text === undefined) continue;
    const own = `${name}.dockerignore`;
    const ignored = readText(tar, own);
    return {
      source: { file: name, text },
      ...(ignored === undefined ? {} : { own: { file: own, text: ignored } }),
    };
  }
  if (file === undefined) {
    throw new PathError(
      "-",
      `Cannot find a Containerfile in the tar: expected ${names.join(" or ")} at its root`,
      {
        hint: "name the file with -f",
      },
    );
  }
  const source = readContainerfile(file, ".");
  const own = besideOnDisk(source);
  return { source, ...(own === undefined ? {} : { own }) };
}

/** The ignore file that belongs to one Containerfile only. */
function besideOnDisk({ file }: Source): IgnoreFile | undefined {
  const path = `${file}.dockerignore`;
  try {
    return { file: path, text: Deno.readTextFileSync(path) };
  } catch (error) {
    // Beside a pipe or a device, such as /dev/fd/63, there is nothing that could be looked at.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return undefined;
    throw new PathError(path, `Cannot read "${path}": ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}
