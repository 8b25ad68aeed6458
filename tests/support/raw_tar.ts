/**
 * Tars byte by byte, as no honest program writes them.
 *
 * @module
 */

/** A header; what is left out is that of a plain, empty file. */
export interface RawHeader {
  readonly name: string | Uint8Array;
  readonly flag?: string;
  readonly target?: string;
  readonly body?: string | Uint8Array;
  readonly mode?: string;
  /** What the header says of the body's size, as it stands there. Default: the truth. */
  readonly size?: string | Uint8Array;
  readonly mtime?: string;
  readonly magic?: string;
  readonly prefix?: string;
  /** Default: the right one. */
  readonly checksum?: string;
}

const encoder = new TextEncoder();
const bytesOf = (text: string | Uint8Array): Uint8Array =>
  typeof text === "string" ? encoder.encode(text) : text;

/** @returns the header and the padded body */
export function rawEntry(header: RawHeader): Uint8Array<ArrayBuffer> {
  const body = bytesOf(header.body ?? "");
  const block = new Uint8Array(512);
  const put = (offset: number, text: string | Uint8Array): void => block.set(bytesOf(text), offset);
  put(0, header.name);
  put(100, header.mode ?? "0000644\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, header.size ?? `${body.byteLength.toString(8).padStart(11, "0")}\0`);
  put(136, header.mtime ?? "00000000000\0");
  put(156, header.flag ?? "0");
  put(157, header.target ?? "");
  put(257, header.magic ?? "ustar\x0000");
  put(345, header.prefix ?? "");
  put(148, "        ");
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, header.checksum ?? `${sum.toString(8).padStart(6, "0")}\0 `);
  const entry = new Uint8Array(512 + Math.ceil(body.byteLength / 512) * 512);
  entry.set(block);
  entry.set(body, 512);
  return entry;
}

/** @returns a whole archive */
export function rawTar(...entries: readonly (RawHeader | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const parts = entries.map((entry) => entry instanceof Uint8Array ? entry : rawEntry(entry));
  return concat(...parts, new Uint8Array(1024));
}

/** @returns a pax header with these records */
export function paxEntry(records: Readonly<Record<string, string>>, flag = "x"): Uint8Array<ArrayBuffer> {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = bytesOf(` ${key}=${value}\n`).byteLength;
    const digits = String(rest + String(rest + 1).length).length;
    return `${rest + digits} ${key}=${value}\n`;
  });
  return rawEntry({ name: "PaxHeader", flag, body: lines.join("") });
}

/** @returns all bytes after one another */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** @returns the bytes as a stream, cut into chunks of this size */
export function streamOf(bytes: Uint8Array, size = 64 * 1024): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.byteLength) return controller.close();
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
}
