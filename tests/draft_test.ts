import { assertEquals, assertThrows } from "@std/assert";
import { ConflictError, Draft } from "../lib/copy/draft.ts";
import { Rootfs } from "../lib/rootfs.ts";
import type { ImageNode } from "../lib/tree.ts";

const attributes = { mode: 0o700, uid: 1, gid: 2, mtime: 3 };
const directory: ImageNode = { kind: "directory", ...attributes };
const file: ImageNode = {
  kind: "file",
  ...attributes,
  size: 0,
  content: { kind: "bytes", bytes: new Uint8Array() },
};
const link = (target: string): ImageNode => ({ kind: "symlink", ...attributes, target });

function draftOn(nodes: Readonly<Record<string, ImageNode>>): Draft {
  return new Draft(new Rootfs("the image", [new Map(Object.entries(nodes))]));
}

Deno.test("makeDirectory() makes what is missing and keeps what is there", () => {
  const draft = draftOn({ "a": directory });
  draft.makeDirectory("a/b/c", { uid: 5, gid: 6 });
  const made = { kind: "directory", mode: 0o755, uid: 5, gid: 6, mtime: 0 } as const;
  assertEquals([...draft.finish()], [["a/b", made], ["a/b/c", made]]);
  assertEquals(draft.node("a"), directory);
});

Deno.test("makeDirectory() makes nothing for the root or for a directory that is there", () => {
  const draft = draftOn({ "a": directory });
  draft.makeDirectory("");
  draft.makeDirectory("a");
  assertEquals(draft.finish().size, 0);
});

Deno.test("makeDirectory() refuses to go through a file", () => {
  const draft = draftOn({ "a": file });
  assertThrows(() => draft.makeDirectory("a/b/c"), ConflictError, `"/a" is a file, expected a directory`);
  assertThrows(() => draft.makeDirectory("a"), ConflictError);
});

Deno.test("locate() follows links as the kernel would inside of the image", () => {
  const draft = draftOn({
    "usr": directory,
    "usr/lib": directory,
    "usr/lib/x": link("../share"),
    "lib": link("usr/lib"),
    "abs": link("/usr/lib"),
    "up": link("../../../usr"),
    "far": link("lib/x/y"),
    "dangling": link("new/place"),
    "through": link("lib/../f"),
  });
  const located = {
    "": "",
    "usr/lib": "usr/lib",
    "lib": "usr/lib",
    "lib/f": "usr/lib/f",
    "abs/f": "usr/lib/f",
    "up/lib": "usr/lib",
    "lib/x/f": "usr/share/f",
    "far": "usr/share/y",
    "dangling/f": "new/place/f",
    "through": "usr/f",
    "none/at/all": "none/at/all",
  };
  for (const [path, real] of Object.entries(located)) assertEquals(draft.locate(path), real, path);
});

Deno.test("locate() sees links of its own layer", () => {
  const draft = draftOn({ "a": directory });
  draft.put("b", link("a"));
  assertEquals(draft.locate("b/c"), "a/c");
});

Deno.test("locate() stops at a circle", () => {
  const draft = draftOn({ "a": link("b"), "b": link("a") });
  assertThrows(() => draft.locate("a/x"), ConflictError, "circle of symbolic links");
});

Deno.test("put() replaces files by links and links by files", () => {
  const draft = draftOn({ "file": file, "link": link("x"), "directory": directory });
  draft.put("file", link("y"));
  draft.put("link", file);
  draft.put("directory", { ...directory, mode: 0o755 });
  assertEquals([...draft.finish().keys()], ["directory", "file", "link"]);
  assertEquals(draft.node("directory")?.mode, 0o755);
});

Deno.test("put() refuses to mix directories with anything else", () => {
  const draft = draftOn({ "file": file, "link": link("directory"), "directory": directory });
  assertThrows(() => draft.put("file", directory), ConflictError, `"/file" is a file in the image`);
  assertThrows(() => draft.put("link", directory), ConflictError, `"/link" is a symbolic link in the image`);
  assertThrows(() => draft.put("directory", file), ConflictError, `"/directory" is a directory in the image`);
  assertThrows(() => draft.put("directory", link("x")), ConflictError);
  assertEquals(draft.finish().size, 0);
});

Deno.test("finish() puts directories in front of what is in them", () => {
  const draft = draftOn({});
  draft.makeDirectory("b/c");
  draft.put("b/c/file", file);
  draft.put("b-c", file);
  draft.makeDirectory("a");
  assertEquals([...draft.finish().keys()], ["a", "b", "b-c", "b/c", "b/c/file"]);
});
