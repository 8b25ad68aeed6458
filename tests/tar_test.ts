/** Tars: other programs read what bima writes. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { digestOf } from "../lib/digest.ts";
import { PathError } from "../lib/errors.ts";
import { endOfTar, entryHeader, paddingOf, tarStream } from "../lib/tar.ts";
import type { ImageNode } from "../lib/tree.ts";
import { Folder, run } from "./support/bima.ts";
import { noise } from "./support/image.ts";

const common = { uid: 0, gid: 0, mtime: 0 };

function file(bytes: Uint8Array<ArrayBuffer>, attributes: Partial<ImageNode> = {}): ImageNode {
  const content = { kind: "bytes", bytes } as const;
  const node = { ...common, mode: 0o644, ...attributes };
  return { ...node, kind: "file", size: bytes.byteLength, content };
}

const text = (content: string): ImageNode => file(new TextEncoder().encode(content));
const directory = (mode = 0o755): ImageNode => ({ ...common, kind: "directory", mode });
const link = (target: string): ImageNode => ({ ...common, kind: "symlink", mode: 0o777, target });

type Nodes = Readonly<Record<string, ImageNode>>;

async function tarOf(nodes: Nodes): Promise<Uint8Array<ArrayBuffer>> {
  return await new Response(tarStream(new Map(Object.entries(nodes)))).bytes();
}

/** Packs nodes, has them unpacked by GNU tar as root does, and looks at the result. */
async function unpacked(nodes: Nodes, look: (folder: Folder) => void | Promise<void>): Promise<void> {
  using folder = new Folder();
  using out = new Folder();
  folder.write("x.tar", await tarOf(nodes));
  await run("tar", "-xpf", folder.at("x.tar"), "--numeric-owner", "-C", out.path);
  await look(out);
}

/** Has python's tarfile, a reader that shares nothing with GNU tar, list a tar as JSON. */
async function listed(tar: Uint8Array): Promise<unknown[]> {
  using folder = new Folder({ "x.tar": tar });
  const script = `import json, sys, tarfile
keys = ("name", "type", "mode", "uid", "gid", "uname", "gname", "mtime", "size", "linkname")
show = lambda value: value.decode() if isinstance(value, bytes) else value
with tarfile.open(sys.argv[1]) as tar:
    print(json.dumps([[show(getattr(entry, key)) for key in keys] for entry in tar]))`;
  return JSON.parse(await run("python3", "-c", script, folder.at("x.tar"))) as unknown[];
}

Deno.test("tarStream() writes an empty tree as an empty tar", async () => {
  const tar = await tarOf({});
  assertEquals(tar, new Uint8Array(1024));
  assertEquals(await listed(tar), []);
});

Deno.test("tarStream() writes entries with all their attributes, and no names of owners", async () => {
  const nodes = {
    "dir": { ...directory(0o1777), uid: 1, gid: 2, mtime: 3 },
    "dir/file": file(new Uint8Array(513), { mode: 0o4755, uid: 1000, gid: 2000, mtime: 1_700_000_000 }),
    "dir/link": link("../a b"),
    "empty": text(""),
  };
  assertEquals(await listed(await tarOf(nodes)), [
    ["dir", "5", 0o1777, 1, 2, "", "", 3, 0, ""],
    ["dir/file", "0", 0o4755, 1000, 2000, "", "", 1_700_000_000, 513, ""],
    ["dir/link", "2", 0o777, 0, 0, "", "", 0, 0, "../a b"],
    ["empty", "0", 0o644, 0, 0, "", "", 0, 0, ""],
  ]);
});

Deno.test("tarStream() writes the same bytes each time", async () => {
  const nodes = { "a": directory(), "a/b": text("x"), "ü": link("a") };
  const tar = await tarOf(nodes);
  assertEquals(await tarOf(nodes), tar);
  assertEquals(tar.byteLength, 3 * 512 + 512 + 1024);
  assertEquals(
    await digestOf(tar),
    "sha256:2729be920d9c66c2594b457a332e4d608f873128526d8263614997208289e1da",
    "a change here changes the digest of every image; then `format` in lib/layer.ts has to change as well",
  );
});

Deno.test("tarStream() is unpacked by GNU tar with the same contents and modes", async () => {
  const modes = [0, 0o400, 0o644, 0o777, 0o4755, 0o2755, 0o1755, 0o7777];
  const sizes = [0, 1, 511, 512, 513, 1024, 65_537, 1 << 20, (2 << 20) + 3];
  const nodes: Record<string, ImageNode> = {};
  for (const mode of modes) {
    nodes[`file-${mode.toString(8)}`] = file(new Uint8Array(1), { mode });
    nodes[`dir-${mode.toString(8)}`] = directory(mode);
  }
  for (const size of sizes) nodes[`size-${size}`] = file(noise(size, size + 1));
  await unpacked(nodes, (out) => {
    for (const mode of modes) {
      for (const kind of ["file", "dir"]) {
        const { mode: found } = Deno.lstatSync(out.at(`${kind}-${mode.toString(8)}`));
        assertEquals((found ?? 0) & 0o7777, mode, `${kind} ${mode.toString(8)}`);
      }
    }
    for (const size of sizes) assertEquals(Deno.readFileSync(out.at(`size-${size}`)), noise(size, size + 1));
  });
});

/** Paths around the limits of the header: 100 bytes for a name, 155 for what stands before it. */
const longPaths = [
  "n".repeat(99),
  "n".repeat(100),
  "n".repeat(101),
  "n".repeat(255),
  `${"p".repeat(155)}/${"n".repeat(100)}`,
  `${"p".repeat(156)}/n`,
  `p/${"n".repeat(101)}`,
  `${"p/".repeat(60)}n`,
  `${"deep/".repeat(300)}n`,
  `${"ü".repeat(49)}/x`,
  "ü".repeat(50),
  "ü".repeat(51),
  "日本語".repeat(28),
  `${"語".repeat(51)}/${"語".repeat(33)}`,
  `${"語".repeat(52)}/${"語".repeat(34)}`,
  "😀 emoji",
  " blank at both ends ",
  "tab\tand\nline",
  'quote" and back\\slash',
  "-dash",
  "%s=100",
];

Deno.test("tarStream() keeps long and strange names of files, directories and links", async () => {
  const nodes: Record<string, ImageNode> = {};
  for (const [index, path] of longPaths.entries()) {
    nodes[`${index}/f/${path}`] = text(path);
    nodes[`${index}/d/${path}`] = directory();
    nodes[`${index}/l`] = link(path);
  }
  await unpacked(nodes, (out) => {
    for (const [index, path] of longPaths.entries()) {
      assertEquals(Deno.readTextFileSync(`${out.path}/${index}/f/${path}`), path);
      assert(Deno.lstatSync(`${out.path}/${index}/d/${path}`).isDirectory);
      assertEquals(Deno.readLinkSync(`${out.path}/${index}/l`), path);
    }
  });
  // Directories end in a slash, which counts; a second reader agrees on every name.
  const names = (await listed(await tarOf(nodes))).map((entry) => (entry as string[])[0]);
  assertEquals(names, Object.keys(nodes));
});

Deno.test("tarStream() keeps owners that do not fit into the header", async () => {
  const owners = [0, 1, 65_534, 0o7777777, 0o7777777 + 1, 4_294_967_294];
  const nodes = Object.fromEntries(
    owners.map((id) => [`f${id}`, file(new Uint8Array(), { uid: id, gid: id })]),
  );
  await unpacked(nodes, (out) => {
    for (const id of owners) {
      const { uid, gid } = Deno.lstatSync(out.at(`f${id}`));
      assertEquals([uid, gid], [id, id]);
    }
  });
});

Deno.test("tarStream() keeps times before 1970 and after 2242", async () => {
  const times = [0, 1, -1, -315_619_200, 1_700_000_000, 2 ** 31, 8 ** 11 - 1, 8 ** 11, 253_402_300_799];
  const nodes = Object.fromEntries(
    times.map((mtime, index) => [`f${index}`, file(new Uint8Array(1), { mtime })]),
  );
  const entries = await listed(await tarOf(nodes)) as unknown[][];
  assertEquals(entries.map((entry) => entry[7]), times);
  using folder = new Folder({ "x.tar": await tarOf(nodes) });
  const lines = await run(
    "env",
    "TZ=UTC",
    "tar",
    "-tvf",
    folder.at("x.tar"),
    "--full-time",
    "--numeric-owner",
  );
  assertEquals(lines.match(/\d+-\d\d-\d\d \d\d:\d\d:\d\d/g), [
    "1970-01-01 00:00:00",
    "1970-01-01 00:00:01",
    "1969-12-31 23:59:59",
    "1960-01-01 00:00:00",
    "2023-11-14 22:13:20",
    "2038-01-19 03:14:08",
    "2242-03-16 12:56:31",
    "2242-03-16 12:56:32",
    "9999-12-31 23:59:59",
  ]);
});

/** A file that is not there: reading it fails. */
function missing(size: number): ImageNode {
  const identity = { device: 0, inode: 0, mtime: 0, ctime: 0 };
  const content = { kind: "disk", path: "/nonexistent/file", title: "file", identity } as const;
  return { ...common, mode: 0o644, kind: "file", size, content };
}

Deno.test("tarStream() fails with the error of the file that cannot be read", async () => {
  for (const size of [0, 10, 3 << 20]) {
    const error = await assertRejects(
      () => tarOf({ "a": text("x"), "b": missing(size), "c": text("y") }),
      PathError,
    );
    assertEquals(error.message, 'Cannot read "file": it is gone since the build began');
  }
});

Deno.test("tarStream() is driven by its reader, and closes its files when that stops", async () => {
  using folder = new Folder();
  using big = Deno.openSync(folder.at("big"), { create: true, write: true });
  big.truncateSync(64 << 20);
  const { dev: device, ino, mtime, ctime } = big.statSync();
  const identity = {
    device,
    inode: ino ?? 0,
    mtime: mtime?.getTime() ?? 0,
    ctime: ctime?.getTime() ?? 0,
  };
  const content = { kind: "disk", path: folder.at("big"), title: "big", identity } as const;
  const node: ImageNode = { ...common, mode: 0o644, kind: "file", size: 64 << 20, content };
  // The second file is gone, which nobody notices who does not read so far.
  const reader = tarStream(new Map([["big", node], ["gone", missing(1)]])).getReader();
  for (let read = 0; read < 8 << 20;) read += (await reader.read()).value?.byteLength ?? Infinity;
  // The test fails when a file stays open.
  await reader.cancel(new Error("enough"));
  assertEquals((await reader.read()).done, true);
});

const entry = { name: "a/b", type: "file", size: 5, mode: 0o644, mtime: new Date(1000) } as const;

Deno.test("entryHeader() and paddingOf() are the parts of a tar", async () => {
  const body = new TextEncoder().encode("hello");
  for (const large of [false, true]) {
    const header = await entryHeader(entry, large);
    assertEquals(header.byteLength, large ? 1536 : 512);
    const dir = await entryHeader({
      name: "a/",
      type: "directory",
      size: 0,
      mode: 0o755,
      mtime: new Date(0),
    });
    const parts = [dir, header, body, paddingOf(5), endOfTar];
    assertEquals(await listed(await new Blob(parts).bytes()), [
      ["a", "5", 0o755, 0, 0, "", "", 0, 0, ""],
      ["a/b", "0", 0o644, 0, 0, "", "", 1, 5, ""],
    ]);
  }
});

Deno.test("entryHeader() writes sizes from 8 GiB on when there is room for them", async () => {
  const limit = 8 ** 11;
  for (const size of [limit - 1, limit, limit + 1, 3 * limit]) {
    using folder = new Folder();
    using tar = Deno.openSync(folder.at("x.tar"), { create: true, write: true });
    const large = await entryHeader({ ...entry, size }, true);
    tar.writeSync(large);
    // All zeros, and most of it takes no room on the disk.
    tar.truncateSync(large.byteLength + size + paddingOf(size).byteLength + 1024);
    assertEquals((await run("tar", "-tvf", folder.at("x.tar"))).split(/\s+/)[2], `${size}`);
    if (size < limit) assertEquals((await entryHeader({ ...entry, size })).byteLength, 512);
    else {await assertRejects(
        () => entryHeader({ ...entry, size }),
        RangeError,
        `${size} bytes, need more room`,
      );}
  }
});

Deno.test("entryHeader() refuses a name that needs more room", async () => {
  for (const length of [101, 400, 500, 1000, 3000]) {
    const long = { ...entry, name: "n".repeat(length) };
    await assertRejects(() => entryHeader(long), RangeError, "need more room");
    if (length > 400) await assertRejects(() => entryHeader(long, true), RangeError, "need more room");
  }
  assertEquals((await entryHeader({ ...entry, name: "n".repeat(100) })).byteLength, 512);
});

Deno.test("entryHeader() writes a time that does not fit as the next one that does", async () => {
  for (
    const [seconds, expected] of [[-5, 0], [1.9, 1], [8 ** 11, 8 ** 11 - 1], [253_402_300_799, 8 ** 11 - 1]]
  ) {
    const header = await entryHeader({ ...entry, size: 0, mtime: new Date((seconds ?? 0) * 1000) });
    const [found] = await listed(await new Blob([header, endOfTar]).bytes()) as unknown[][];
    assertEquals(found?.[7], expected);
  }
});

Deno.test("paddingOf() fills the last block", () => {
  const lengths = [0, 1, 511, 512, 513, 1024].map((size) => paddingOf(size).byteLength);
  assertEquals(lengths, [0, 511, 1, 0, 511, 0]);
  assertEquals(endOfTar, new Uint8Array(1024));
});
