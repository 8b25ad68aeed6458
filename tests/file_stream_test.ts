/** Reading planned files: exactly the version that was planned for. */
import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { openContext } from "../lib/context.ts";
import { PathError } from "../lib/errors.ts";
import { readAt, readFile } from "../lib/file_stream.ts";
import type { FileNode } from "../lib/tree.ts";
import { Folder } from "./support/bima.ts";
import { noise } from "./support/image.ts";
import { asNobody } from "./support/nobody.ts";

const MiB = 1 << 20;

/** @returns the file of a folder as a build context plans it */
function plan(folder: Folder, name: string): FileNode {
  const node = openContext(folder.path).node(name);
  assert(node?.kind === "file");
  return node;
}

function memory(bytes: Uint8Array<ArrayBuffer>): FileNode {
  const content = { kind: "bytes", bytes } as const;
  return { kind: "file", mode: 0o644, uid: 0, gid: 0, mtime: 0, size: bytes.byteLength, content };
}

async function pieces(node: FileNode): Promise<Uint8Array<ArrayBuffer>[]> {
  return await Array.fromAsync(readFile(node));
}

async function bytesOf(node: FileNode): Promise<Uint8Array> {
  return await new Blob(await pieces(node)).bytes();
}

async function refused(node: FileNode): Promise<PathError> {
  return await assertRejects(() => pieces(node), PathError);
}

const sizes = [0, 1, 511, 65_536, MiB - 1, MiB, MiB + 1, 2 * MiB, 3 * MiB + 7];

Deno.test("readFile() gives the bytes of files of any size in pieces of at most 1 MiB", async () => {
  using folder = new Folder();
  for (const size of sizes) {
    const bytes = noise(size, size + 1);
    folder.write("file", bytes);
    for (const node of [plan(folder, "file"), memory(bytes)]) {
      const parts = await pieces(node);
      assertEquals(await new Blob(parts).bytes(), bytes);
      assertEquals(parts.length, Math.ceil(size / MiB));
      assert(parts.every(({ byteLength }) => byteLength > 0 && byteLength <= MiB));
    }
  }
});

Deno.test("readFile() gives pieces that may be given away", async () => {
  using folder = new Folder();
  const bytes = noise(2 * MiB);
  folder.write("file", bytes);
  for (const node of [plan(folder, "file"), memory(bytes.slice())]) {
    for (const piece of await pieces(node)) structuredClone(piece.buffer, { transfer: [piece.buffer] });
    assertEquals(await bytesOf(node), bytes, "the second time it is the same");
  }
});

Deno.test("readFile() gives less than the file when the reader stops, and closes it", async () => {
  using folder = new Folder();
  folder.write("file", noise(4 * MiB));
  // The test fails when the file stays open.
  for await (const piece of readFile(plan(folder, "file"))) {
    assertEquals(piece.byteLength, MiB);
    break;
  }
});

const hint = "build again when nothing writes to the build context";

/** What happens to a file between the plan and the reading, and what is said about it. */
const changes: Readonly<
  Record<string, readonly [change: (path: string, size: number) => void, state: string]>
> = {
  shrunk: [
    (path, size) => Deno.truncateSync(path, size - 1),
    "it changed during the build: it has SIZE-1 bytes now, it had SIZE",
  ],
  grown: [
    (path) => Deno.writeTextFileSync(path, "x", { append: true }),
    "it changed during the build: it has SIZE+1 bytes now, it had SIZE",
  ],
  rewritten: [
    (path, size) => {
      Deno.writeFileSync(path, noise(size, 77));
      Deno.utimeSync(path, 1, 1);
    },
    "it changed during the build: it was written to",
  ],
  replaced: [
    (path) => {
      const { size, mtime, atime } = Deno.statSync(path);
      Deno.writeFileSync(`${path}.new`, noise(size, 77));
      Deno.utimeSync(`${path}.new`, atime ?? 0, mtime ?? 0);
      Deno.renameSync(`${path}.new`, path);
    },
    "it changed during the build: another file has taken its place",
  ],
  "replaced by a directory": [
    (path) => {
      Deno.removeSync(path);
      Deno.mkdirSync(path);
    },
    "it changed during the build: another file has taken its place",
  ],
  removed: [(path) => Deno.removeSync(path), "it is gone since the build began"],
};

for (const [what, [change, state]] of Object.entries(changes)) {
  Deno.test(`readFile() refuses a file that was ${what}`, async () => {
    for (const size of [5, 2 * MiB]) {
      using folder = new Folder({ "dir/file": noise(size) });
      const node = plan(folder, "dir/file");
      change(folder.at("dir/file"), size);
      const error = await refused(node);
      const said = state.replace("SIZE-1", `${size - 1}`).replace("SIZE+1", `${size + 1}`).replace(
        "SIZE",
        `${size}`,
      );
      assertEquals([error.path, error.message], ["dir/file", `Cannot read "dir/file": ${said}`]);
      assertEquals(error.hint, what === "removed" ? undefined : hint);
    }
  });
}

Deno.test("readFile() refuses an empty file that has grown", async () => {
  using folder = new Folder({ file: "" });
  const node = plan(folder, "file");
  folder.write("file", "x");
  assertStringIncludes((await refused(node)).message, "it has 1 bytes now, it had 0");
});

Deno.test("readFile() refuses a file that shrinks while it is read", async () => {
  using folder = new Folder({ file: noise(4 * MiB) });
  const reader = readFile(plan(folder, "file"));
  await reader.next();
  Deno.truncateSync(folder.at("file"), MiB + 5);
  assertEquals((await reader.next()).value?.byteLength, 5);
  const error = await assertRejects(() => reader.next(), PathError);
  assertEquals(
    error.message,
    `Cannot read "file": it changed during the build: it has ${MiB + 5} bytes now, it had ${4 * MiB}`,
  );
});

Deno.test("readFile() refuses a file that is written to, or grows, while it is read", async () => {
  for (const extra of [0, 1]) {
    using folder = new Folder({ file: noise(2 * MiB) });
    const reader = readFile(plan(folder, "file"));
    await reader.next();
    folder.write("file", noise(2 * MiB + extra, 5));
    Deno.utimeSync(folder.at("file"), 1, 1);
    await reader.next();
    const error = await assertRejects(() => reader.next(), PathError);
    const state = extra === 0 ? "it was written to" : `it has ${2 * MiB + 1} bytes now, it had ${2 * MiB}`;
    assertEquals(error.message, `Cannot read "file": it changed during the build: ${state}`);
  }
});

Deno.test("readFile() and readAt() say that a file is not readable", async () => {
  using folder = new Folder({ small: "x", large: noise(2 * MiB) });
  Deno.chmodSync(folder.path, 0o755);
  for (const name of ["small", "large"]) {
    Deno.chmodSync(folder.at(name), 0);
    const node = plan(folder, name);
    await asNobody(async () => {
      const error = await refused(node);
      assertEquals([error.path, error.message], [name, `Cannot read "${name}": permission denied`]);
      assertThrows(() => readAt(node, 0, 1), PathError, `Cannot read "${name}": permission denied`);
    });
  }
});

Deno.test("readAt() gives a part of a file, and less at its end", () => {
  using folder = new Folder();
  const bytes = noise(MiB + 100);
  folder.write("file", bytes);
  for (const node of [plan(folder, "file"), memory(bytes)]) {
    for (
      const [offset, length] of [[0, 4], [100, 1000], [MiB, 50], [MiB + 90, 50], [0, MiB + 200]] as const
    ) {
      assertEquals(readAt(node, offset, length), bytes.slice(offset, offset + length));
    }
    assertEquals(readAt(node, MiB + 100, 10).byteLength, 0);
    assertEquals(readAt(node, 2 * MiB, 10).byteLength, 0);
    assertEquals(readAt(node, 0, 0).byteLength, 0);
  }
});

Deno.test("readAt() says when a file is gone", () => {
  using folder = new Folder({ file: "x" });
  const node = plan(folder, "file");
  folder.write("file", "y");
  Deno.removeSync(folder.at("file"));
  const error = assertThrows(() => readAt(node, 0, 1), PathError);
  assertEquals(error.message, 'Cannot read "file": it is gone since the build began');
});
