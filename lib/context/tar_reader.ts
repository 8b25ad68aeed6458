/**
 * Reads tars as they come: ustar, GNU and pax (POSIX.1-2017, pax, "ustar Interchange Format").
 *
 * The package that writes our tars takes entries of unknown types for plain files, so that a sparse file would come
 * out wrong without a word. What a stranger's tar holds must be known exactly.
 *
 * @module
 */
import type { ByteQueue } from "./byte_queue.ts";
import { FormatError } from "./decompress.ts";

/** What an entry is. */
export type TarType =
  | "file"
  | "directory"
  | "symlink"
  | "hard link"
  | "fifo"
  | "character device"
  | "block device";

/** One entry. */
export interface TarEntry {
  /** As written in the archive. */
  readonly name: string;
  readonly type: TarType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  /** Whole seconds since 1970. */
  readonly mtime: number;
  /** Of the body, in bytes; 0 for all but files. */
  readonly size: number;
  /** The text of a symbolic link, or the name of an earlier entry. */
  readonly target: string;
  /** The body, to be read before the next entry is asked for; what was not read is skipped. */
  readonly body: AsyncIterable<Uint8Array>;
}

const block = 512;

/** A header's own data, such as a long name, has at most this many bytes. */
const maxExtra = 1024 * 1024;

const types: Readonly<Record<string, TarType>> = {
  "0": "file",
  "\0": "file",
  // Contiguous files; nobody lays them out in another way.
  "7": "file",
  "1": "hard link",
  "2": "symlink",
  "3": "character device",
  "4": "block device",
  "5": "directory",
  "6": "fifo",
};

/** What pax records and GNU's long names say about the next entry. */
type Overrides = ReadonlyMap<string, string>;

/**
 * Reads a tar, and what follows its end as well, so that whoever writes it can finish.
 *
 * @param bytes the archive
 * @returns its entries in order
 * @throws {FormatError} when it is no tar, damaged, cut off, or has something that cannot be read
 */
export async function* readTar(bytes: ByteQueue): AsyncGenerator<TarEntry, void, void> {
  let defaults: Overrides = new Map();
  let next = new Map<string, string>();
  for (let first = true;; first = false) {
    const header = await bytes.take(block);
    if (header.byteLength === 0 && first) throw new FormatError("it is empty, expected a tar");
    if (header.byteLength === 0) throw new FormatError("it is cut off: the end of the tar is missing");
    if (header.byteLength < block) {
      throw first ? noTar() : new FormatError("it is cut off inside of a header");
    }
    if (header.every((byte) => byte === 0)) break;
    if (!hasChecksum(header)) {
      throw first ? noTar() : new FormatError("it is damaged: a checksum is wrong");
    }
    const flag = String.fromCharCode(header[156] ?? 0);
    if (flag === "x" || flag === "g") {
      const records = parsePax(await readExtra(bytes, header));
      if (flag === "g") defaults = new Map([...defaults, ...records]);
      else next = new Map([...next, ...records]);
      continue;
    }
    if (flag === "L" || flag === "K") {
      const text = decode((await readExtra(bytes, header)).filter((byte) => byte !== 0));
      next.set(flag === "L" ? "path" : "linkpath", text);
      continue;
    }
    const entry = parseEntry(header, flag, new Map([...defaults, ...next]));
    next = new Map();
    let left = entry.size;
    const body = async function* (): AsyncGenerator<Uint8Array, void, void> {
      for await (const piece of bytes.pieces(left)) {
        left -= piece.byteLength;
        yield piece;
      }
      if (left > 0) throw new FormatError(`it is cut off inside of "${entry.name}"`);
    };
    yield { ...entry, body: body() };
    for await (const _ of body());
    await bytes.take(padding(entry.size));
  }
  for await (const _ of bytes.pieces(Infinity));
}

function noTar(): FormatError {
  return new FormatError("it is no tar", { hint: "the Containerfile alone is read from stdin with -f -" });
}

function parseEntry(header: Uint8Array, flag: string, overrides: Overrides): Omit<TarEntry, "body"> {
  const name = overrides.get("path") ?? headerName(header);
  const sparse = [...overrides.keys()].some((key) => key.startsWith("GNU.sparse."));
  const type = sparse ? undefined : types[flag];
  if (type === undefined) {
    const what = sparse || flag === "S" ? "a sparse file" : `an entry of type "${flag}"`;
    throw new FormatError(`"${name}" is ${what}, which cannot be read`, {
      hint: "write the tar without --sparse, for one machine and one volume",
    });
  }
  const isDirectory = type === "directory" || (type === "file" && name.endsWith("/"));
  return {
    name,
    type: isDirectory ? "directory" : type,
    mode: number(header, 100, 8) & 0o7777,
    mtime: Math.floor(overrides.has("mtime") ? decimal(overrides, "mtime") : number(header, 136, 12)),
    size: type === "file" && !isDirectory
      ? overrides.has("size") ? decimal(overrides, "size") : number(header, 124, 12)
      : 0,
    target: overrides.get("linkpath") ?? decode(field(header, 157, 100)),
  };
}

/** Only POSIX's own format has a second field for the front of a long name. */
function headerName(header: Uint8Array): string {
  const name = decode(field(header, 0, 100));
  const isPosix = header[262] === 0;
  const prefix = isPosix ? decode(field(header, 345, 155)) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

async function readExtra(bytes: ByteQueue, header: Uint8Array): Promise<Uint8Array> {
  const size = number(header, 124, 12);
  if (size > maxExtra) {
    throw new FormatError(`it is damaged: a header has ${size} bytes, at most ${maxExtra} are read`);
  }
  const extra = await bytes.take(size);
  if (extra.byteLength < size) throw new FormatError("it is cut off inside of a header");
  await bytes.take(padding(size));
  return extra;
}

/** Records of the form `length key=value\n`, the length being that of the whole record in bytes. */
function parsePax(bytes: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.byteLength;) {
    const digits = /^[1-9][0-9]{0,7} /.exec(new TextDecoder("latin1").decode(bytes.subarray(at, at + 9)))
      ?.[0];
    const end = at + Number(digits);
    if (digits === undefined || end > bytes.byteLength || bytes[end - 1] !== 0x0a) {
      throw new FormatError("it is damaged: a pax header is malformed");
    }
    const record = decode(bytes.subarray(at + digits.length, end - 1));
    const equals = record.indexOf("=");
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at = end;
  }
  return records;
}

function decimal(overrides: Overrides, key: string): number {
  const text = overrides.get(key) ?? "";
  const value = Number(text);
  if (!/^-?[0-9]+(?:\.[0-9]*)?$/.test(text) || !Number.isSafeInteger(Math.floor(value))) {
    throw new FormatError(`it is damaged: "${text}" is no ${key}`);
  }
  return value;
}

/** Octal digits, or for large numbers GNU's base 256, marked by the highest bit. */
function number(header: Uint8Array, offset: number, length: number): number {
  const bytes = header.subarray(offset, offset + length);
  let value = 0;
  if (((bytes[0] ?? 0) & 0x80) !== 0) {
    if (bytes[0] !== 0x80) return 0;
    for (const byte of bytes.subarray(1)) value = value * 256 + byte;
  } else {
    const text = new TextDecoder("latin1").decode(bytes).replace(/\0.*$/s, "").trim();
    if (!/^[0-7]*$/.test(text)) throw new FormatError(`it is damaged: "${text}" is no octal number`);
    value = parseInt(text || "0", 8);
  }
  if (!Number.isSafeInteger(value)) throw new FormatError("it is damaged: a number is too large");
  return value;
}

function field(header: Uint8Array, offset: number, length: number): Uint8Array {
  const bytes = header.subarray(offset, offset + length);
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    const shown = new TextDecoder().decode(bytes);
    throw new FormatError(`the name "${shown}" is not UTF-8`, { cause: error, hint: "rename the file" });
  }
}

/** The sum of all bytes, its own field taken for blanks. */
function hasChecksum(header: Uint8Array): boolean {
  let sum = 0;
  for (const [at, byte] of header.entries()) sum += at >= 148 && at < 156 ? 0x20 : byte;
  return /^[0-7\0 ]+$/.test(new TextDecoder("latin1").decode(header.subarray(148, 156))) &&
    number(header, 148, 8) === sum;
}

function padding(size: number): number {
  return (block - (size % block)) % block;
}
