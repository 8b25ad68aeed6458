/**
 * Tars (POSIX.1-2017, pax): whole trees as streams, and headers of entries whose bodies are written by somebody else.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { createTarPacker, type TarHeader, type TarPackController } from "modern-tar";
import { readFile } from "./file_stream.ts";
import type { LayerTree } from "./rootfs.ts";
import type { ImageNode } from "./tree.ts";
import type { FileSink } from "./writer.ts";

/**
 * A tree as a tar in pax format: names relative, sorted, owners as numbers, times whole seconds.
 *
 * @param tree what it holds
 * @param files gets the nodes and their bytes as well, so that they are read once
 * @returns the tar's bytes; reading drives the reading of the files
 */
export function tarStream(tree: LayerTree, files?: FileSink): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { readable, controller } = createTarPacker();
  pack(tree, controller, files).then(() => controller.finalize()).catch((error: unknown) =>
    controller.error(error)
  );
  return readable;
}

/** So many nodes are packed in one turn of the event loop. */
const turnAfter = 32;

async function pack(
  tree: LayerTree,
  controller: TarPackController,
  files: FileSink | undefined,
): Promise<void> {
  let count = 0;
  for (const [path, node] of tree) {
    // Small files are read without the event loop, and signals, commits and workers wait for it.
    if (++count % turnAfter === 0) await new Promise((resolve) => setImmediate(resolve));
    files?.node(path, node);
    const writer = controller.add(nodeHeader(path, node)).getWriter();
    if (node.kind === "file") {
      for await (const piece of readFile(node)) await Promise.all([writer.write(piece), files?.bytes(piece)]);
    }
    await writer.close();
  }
}

/** The latest time that the eleven octal digits of a header hold, in seconds since 1970: in the year 2242. */
const latest = 8 ** 11 - 1;

/** The time for a header, and a pax record for one that does not fit into it (POSIX.1-2017, pax, "mtime"). */
function timeOf(seconds: number): { readonly mtime: Date; pax?: Record<string, string> } {
  const fitting = Math.min(Math.max(seconds, 0), latest);
  const mtime = new Date(fitting * 1000);
  return fitting === seconds ? { mtime } : { mtime, pax: { mtime: String(seconds) } };
}

function nodeHeader(path: string, node: ImageNode): TarHeader {
  const { mode, uid, gid } = node;
  const common = { mode, uid, gid, ...timeOf(node.mtime), uname: "", gname: "" };
  switch (node.kind) {
    case "directory":
      return { ...common, type: "directory", name: `${path}/`, size: 0 };
    case "symlink":
      return { ...common, type: "symlink", name: path, linkname: node.target, size: 0 };
    case "file":
      return { ...common, type: "file", name: path, size: node.size };
  }
}

/** An entry whose body is written by somebody else. */
export interface EntryHeader {
  /** Its path; that of a directory ends in a slash. */
  readonly name: string;
  readonly type: "file" | "directory";
  /** Of the body, in bytes. */
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  /** Times before 1970 and after 2242 become the next one that a header holds. */
  readonly mtime: Date;
}

/** The size of a tar block in bytes. */
const block = 512;

/** Where the type of an entry stands in its header (POSIX.1-2017, ustar, "typeflag"). */
const typeOffset = 156;

/** Two empty blocks end an archive. */
export const endOfTar: Uint8Array<ArrayBuffer> = new Uint8Array(2 * block);

/**
 * @param header the entry
 * @param large whether to write a pax header too, as sizes from 8 GiB on need: 1536 bytes instead of 512
 * @returns the header's blocks
 * @throws {RangeError} when the size needs a pax header and `large` is false, or the name does not fit
 */
export async function entryHeader(header: EntryHeader, large = false): Promise<Uint8Array<ArrayBuffer>> {
  const { readable, controller } = createTarPacker();
  const pax = large ? { pax: { size: String(header.size) } } : {};
  const { mtime } = timeOf(Math.floor(header.mtime.getTime() / 1000));
  // The body never comes, so neither does its end: the stream is given up once the header is out.
  controller.add({ uid: 0, gid: 0, uname: "", gname: "", ...header, mtime, ...pax });
  const reader = readable.getReader();
  const blocks = new Uint8Array((large ? 3 : 1) * block);
  let length = 0;
  while (length < blocks.byteLength) {
    const { value } = await reader.read();
    if (value === undefined || length + value.byteLength > blocks.byteLength) break;
    blocks.set(value, length);
    length += value.byteLength;
  }
  await reader.cancel().catch(() => {});
  // What stands last is the entry's own header, unless a pax header took more room than there is.
  const type = String.fromCharCode(blocks[blocks.byteLength - block + typeOffset] ?? 0);
  if (length !== blocks.byteLength || type !== (header.type === "file" ? "0" : "5")) {
    throw new RangeError(
      `Cannot write the tar header of "${header.name}": the name, or ${header.size} bytes, need more room`,
    );
  }
  return blocks;
}

/** @returns the zeros that fill the last block of a body of this size */
export function paddingOf(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((block - size % block) % block);
}
