/**
 * Names for files that are no kernels, so that a mistake is explained by what was found.
 *
 * @module
 */

interface Signature {
  readonly offset: number;
  /** The bytes, each as one character. */
  readonly magic: string;
  readonly name: string;
  readonly hint?: string;
}

const compressed = "decompress it first; of compressed kernels only gzip and EFI zboot are recognised";
const firmware = "bima packs unikernels; firmware for microcontrollers is not supported yet";

/** The first match wins. */
const signatures: readonly Signature[] = [
  { offset: 0, magic: "\xfe\xed\xfa\xce", name: "a Mach-O file" },
  { offset: 0, magic: "\xfe\xed\xfa\xcf", name: "a Mach-O file" },
  { offset: 0, magic: "\xce\xfa\xed\xfe", name: "a Mach-O file" },
  { offset: 0, magic: "\xcf\xfa\xed\xfe", name: "a Mach-O file" },
  { offset: 0, magic: "\xca\xfe\xba\xbe\0\0\0", name: "a Mach-O universal file or a Java class" },
  {
    offset: 0,
    magic: "#!",
    name: "a script",
    hint: "name the kernel itself, not the program that starts it",
  },
  { offset: 0, magic: "!<arch>\n", name: "an ar archive (a static library or a Debian package)" },
  { offset: 0, magic: "!<thin>\n", name: "a thin ar archive" },
  { offset: 0, magic: "\0asm", name: "a WebAssembly module" },
  { offset: 0, magic: "PK\x03\x04", name: "a zip archive" },
  { offset: 0, magic: "\x1f\x8b\x08", name: "gzip data" },
  { offset: 0, magic: "\xfd7zXZ\0", name: "data compressed with xz", hint: compressed },
  { offset: 0, magic: "\x28\xb5\x2f\xfd", name: "data compressed with zstd", hint: compressed },
  { offset: 0, magic: "BZh", name: "data compressed with bzip2", hint: compressed },
  { offset: 0, magic: "\x04\x22\x4d\x18", name: "data compressed with lz4", hint: compressed },
  { offset: 0, magic: "\x02\x21\x4c\x18", name: "data compressed with lz4", hint: compressed },
  { offset: 0, magic: "\x5d\0\0", name: "data compressed with lzma", hint: compressed },
  { offset: 0, magic: "\x89LZO\0", name: "data compressed with lzo", hint: compressed },
  { offset: 0, magic: "UF2\n", name: "a UF2 firmware image", hint: firmware },
  { offset: 0, magic: "\x27\x05\x19\x56", name: "a U-Boot legacy image (uImage)" },
  { offset: 0, magic: "\xd0\x0d\xfe\xed", name: "a device tree or FIT image" },
  { offset: 0, magic: "ANDROID!", name: "an Android boot image" },
  { offset: 0, magic: "BC\xc0\xde", name: "LLVM bitcode" },
  { offset: 0, magic: "hsqs", name: "a squashfs file system" },
  { offset: 0, magic: "QFI\xfb", name: "a qcow2 disk image" },
  { offset: 0, magic: "070701", name: "a cpio archive, such as an initrd" },
  { offset: 257, magic: "ustar", name: "a tar archive" },
  { offset: 1080, magic: "\x53\xef", name: "an ext2, ext3 or ext4 file system" },
  { offset: 510, magic: "\x55\xaa", name: "a boot sector or disk image" },
];

/** What a file seems to be. */
export interface ForeignFormat {
  /** With its article: `a zip archive`. */
  readonly name: string;
  /** The way out. */
  readonly hint?: string;
}

/** @returns what the bytes seem to be; `undefined` when they look like nothing in particular */
export function foreignFormat(head: Uint8Array): ForeignFormat | undefined {
  const match = signatures.find(({ offset, magic }) =>
    [...magic].every((char, index) => head[offset + index] === char.charCodeAt(0))
  );
  if (match !== undefined) return match;
  if (isEsp(head)) return { name: "an ESP32 firmware image", hint: firmware };
  if (head.every((byte) => byte === 0)) return { name: "a file that starts with zeros only" };
  return isText(head) ? { name: "a text file" } : undefined;
}

/** @returns the first bytes for a message: `7f 45 4c 46 (".ELF")` */
export function showBytes(head: Uint8Array): string {
  const bytes = [...head.subarray(0, 16)];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const text = bytes.map((byte) => byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".").join("");
  return `${hex} ("${text}")`;
}

/** An ESP-IDF image has a magic number of one byte, so its other fields must make sense too. */
function isEsp(head: Uint8Array): boolean {
  if (head.byteLength < 24 || head[0] !== 0xe9) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const segments = view.getUint8(1);
  const chip = view.getUint16(12, true);
  return segments >= 1 && segments <= 16 && view.getUint8(2) <= 5 && chip < 64;
}

function isText(head: Uint8Array): boolean {
  const plain = head.every((byte) => byte >= 0x20 ? byte !== 0x7f : byte >= 0x09 && byte <= 0x0d);
  if (!plain) return false;
  try {
    // The last character may be cut off: `stream` forgives that.
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return true;
  } catch {
    return false;
  }
}
