import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { NodeWriter } from "../lib/node_writer.ts";
import { tarStream } from "../lib/tar.ts";
import type { LayerTree } from "../lib/rootfs.ts";
import type { FileNode, ImageNode } from "../lib/tree.ts";
import { Folder } from "./support/bima.ts";
import { listing } from "./support/listing.ts";
import { noise } from "./support/image.ts";

const common = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };

function file(bytes: Uint8Array<ArrayBuffer>, more: Partial<FileNode> = {}): FileNode {
  return { ...common, kind: "file", size: bytes.byteLength, content: { kind: "bytes", bytes }, ...more };
}

const text = (content: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(content);

/** One of everything: kinds, modes, owners, times, sizes, names. */
const tree: LayerTree = new Map<string, ImageNode>([
  ["closed", { ...common, kind: "directory", mode: 0o000, mtime: 5 }],
  ["closed/inside", file(text("inside"), { mode: 0o400 })],
  ["empty", { ...common, kind: "directory", mode: 0o700, uid: 1000, gid: 1001, mtime: 1_700_000_000 }],
  ["large", file(noise((3 << 20) + 5), { mode: 0o755, mtime: 2 ** 31 - 1 })],
  ["link", { ...common, kind: "symlink", mode: 0o777, target: "/nowhere/at all", mtime: 77 }],
  ["link of somebody", { ...common, kind: "symlink", mode: 0o777, target: "large", uid: 7, gid: 3_000_000 }],
  ["middle", file(noise(70_000))],
  ["nothing", file(new Uint8Array(), { mode: 0o000 })],
  ["setuid", file(text("setuid"), { mode: 0o6755, uid: 1000, gid: 1000 })],
  ["shared", { ...common, kind: "directory", mode: 0o2775, uid: 1000, gid: 1000 }],
  ["shared/file", file(text("root's"))],
  ["shared/folder", { ...common, kind: "directory", mode: 0o755 }],
  ["shared/link", { ...common, kind: "symlink", mode: 0o777, target: "file" }],
  ["tmp", { ...common, kind: "directory", mode: 0o1777 }],
  [`tmp/ütf-8 ${"x".repeat(240)}`, file(text("a long name"))],
]);

/** Hands a tree to a writer, as the tar of a layer does. */
async function write(nodes: LayerTree, writer: NodeWriter): Promise<void> {
  for (const [path, node] of nodes) {
    writer.begin(path, node);
    if (node.kind !== "file" || node.content.kind !== "bytes") continue;
    const { bytes } = node.content;
    for (let at = 0; at < bytes.byteLength; at += 1 << 20) {
      await writer.write(bytes.slice(at, at + (1 << 20)));
    }
  }
  writer.finish();
}

for (const umask of [0o022, 0o077, 0o000]) {
  Deno.test(`NodeWriter writes what tar extracts, with umask ${umask.toString(8)}`, async () => {
    using folder = new Folder({ "ours/": "", "tar/": "" });
    const before = Deno.umask(umask);
    try {
      await write(tree, new NodeWriter(folder.at("ours"), () => undefined));
    } finally {
      Deno.umask(before);
    }
    const tar = new Deno.Command("tar", {
      args: ["-x", "--preserve-permissions", "--same-owner", "--numeric-owner", "-C", folder.at("tar")],
      stdin: "piped",
    }).spawn();
    await tarStream(tree).pipeTo(tar.stdin);
    assertEquals((await tar.status).code, 0);
    const expected = await listing(folder.at("tar"));
    assertEquals(expected.length, tree.size);
    assertStringIncludes(expected.join("\n"), "6755");
    assertEquals(await listing(folder.at("ours")), expected);
  });
}

Deno.test("NodeWriter makes directories that are below only like those", async () => {
  using folder = new Folder();
  const below = new Map<string, ImageNode>([
    ["app", { ...common, kind: "directory", mode: 0o750, uid: 3, gid: 4, mtime: 1000 }],
    ["app/conf", { ...common, kind: "directory", mode: 0o2775, gid: 5, mtime: 2000 }],
  ]);
  const writer = new NodeWriter(folder.path, (path) => below.get(path));
  await write(
    new Map([["app/conf/a", file(text("a"), { mtime: 9 })], ["app/conf/b", file(text("b"), { mtime: 9 })]]),
    writer,
  );
  const rows = (await listing(folder.path)).map((row) => row.replace(/ [0-9a-f]{64}$/, ""));
  assertEquals(rows, [
    "./app d 750 3:4 1000",
    "./app/conf d 2775 0:5 2000",
    "./app/conf/a f 644 0:0 9 1",
    "./app/conf/b f 644 0:0 9 1",
  ]);
});

Deno.test("NodeWriter refuses times that not every file system holds", async () => {
  using folder = new Folder();
  for (const mtime of [-1, 2 ** 31]) {
    for (const kind of ["file", "symlink", "directory"] as const) {
      const node = kind === "file"
        ? file(text("x"), { mtime })
        : { ...common, kind, mtime, target: "x" } as ImageNode;
      const writer = new NodeWriter(folder.path, () => undefined);
      await assertRejects(
        () => write(new Map([[`${kind}${mtime}`, node]]), writer),
        RangeError,
        `The time ${mtime} is not between 0 and 2147483647`,
      );
      await writer.close();
    }
  }
});

Deno.test("NodeWriter refuses a directory of which nothing is known, and what is there already", () => {
  using folder = new Folder({ there: "there" });
  const below = (path: string): ImageNode | undefined => path === "file" ? file(text("file")) : undefined;
  const writer = new NodeWriter(folder.path, below);
  assertThrows(() => writer.begin("unknown/file", file(text("x"))), RangeError, `the directory "unknown"`);
  assertThrows(() => writer.begin("file/file", file(text("x"))), RangeError, `the directory "file"`);
  assertThrows(() => writer.begin("there", file(text("x"))), Deno.errors.AlreadyExists);
  assertEquals(Deno.readTextFileSync(folder.at("there")), "there");
  assertEquals(folder.names(), ["there"]);
});

Deno.test("NodeWriter closes in the middle of a file, and takes no more bytes", async () => {
  using folder = new Folder();
  const writer = new NodeWriter(folder.path, () => undefined);
  writer.begin("large", file(noise(1 << 20)));
  const written = writer.write(noise(1 << 20));
  await writer.close();
  await written;
  await assertRejects(() => writer.write(text("more")), TypeError, "no file was begun");
  await writer.close();
});
