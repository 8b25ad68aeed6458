/**
 * Texts that a build reads besides the Containerfile on disk: from a file tree, or from a stream.
 *
 * @module
 */
import { LimitedBytesTransformStream, toBytes } from "@std/streams";
import { PathError } from "../errors.ts";
import { readAt } from "../file_stream.ts";
import { type FileTree, follow } from "../tree.ts";

/** No text that a build reads has more bytes than this. */
export const maxText: number = 16 * 1024 * 1024;

/**
 * @param tree where to look
 * @param path the path of a text file
 * @returns the text; `undefined` when there is no file
 * @throws {PathError} when it is no UTF-8 text, too large, or a link out of the tree
 */
export function readText(tree: FileTree, path: string): string | undefined {
  const node = follow(tree, path)?.node;
  if (node?.kind !== "file") return undefined;
  if (node.size > maxText) throw tooLarge(path);
  return decode(readAt(node, 0, node.size), path);
}

/**
 * @param stream what to read to its end
 * @param title what messages call it
 * @param signal stops the reading. Default: never
 * @returns the text
 * @throws {PathError} when it is no UTF-8 text, or too large
 */
export async function readTextStream(
  stream: ReadableStream<Uint8Array>,
  title: string,
  signal?: AbortSignal,
): Promise<string> {
  const limit = new LimitedBytesTransformStream(maxText, { error: true });
  try {
    return decode(await toBytes(stream.pipeThrough(limit, signal === undefined ? {} : { signal })), title);
  } catch (error) {
    throw error instanceof RangeError ? tooLarge(title) : error;
  }
}

function decode(bytes: Uint8Array, title: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new PathError(title, `Cannot read "${title}": it is not UTF-8 text`, { cause: error });
  }
}

function tooLarge(title: string): PathError {
  return new PathError(title, `Cannot read "${title}": expected a text of at most ${maxText} bytes`);
}
