import { assertEquals } from "@std/assert";
import { parseOwner } from "../lib/copy/owner.ts";
import { Rootfs } from "../lib/rootfs.ts";
import type { FileNode, ImageNode } from "../lib/tree.ts";

const attributes = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };

function file(text: string): FileNode {
  const bytes = new TextEncoder().encode(text);
  return { kind: "file", ...attributes, size: bytes.byteLength, content: { kind: "bytes", bytes } };
}

function image(nodes: Readonly<Record<string, ImageNode>>): Rootfs {
  const rootfs = new Rootfs("the image");
  rootfs.set("etc", { kind: "directory", ...attributes });
  for (const [path, node] of Object.entries(nodes)) rootfs.set(path, node);
  return rootfs;
}

const users = image({
  "etc/passwd": file(
    "root:x:0:0:root:/root:/bin/sh\n# a comment\nbroken line\napp:x:1000:100::/:\napp:x:7:7::/:\nodd:x:8\n",
  ),
  "etc/group": file("root:x:0:\nusers:x:100:app\nodd:x:many:\n"),
});

Deno.test("parseOwner() takes numbers without looking them up", () => {
  const empty = new Rootfs("nothing");
  assertEquals(parseOwner("1000:2000", empty), { uid: 1000, gid: 2000 });
  assertEquals(parseOwner("0:0", empty), { uid: 0, gid: 0 });
  assertEquals(parseOwner("4294967294:1", empty), { uid: 4294967294, gid: 1 });
});

Deno.test("parseOwner() gives a user alone a group: the same number, or that of passwd", () => {
  assertEquals(parseOwner("1000", users), { uid: 1000, gid: 1000 });
  assertEquals(parseOwner("app", users), { uid: 1000, gid: 100 });
  assertEquals(parseOwner("odd", users), { uid: 8, gid: 8 });
});

Deno.test("parseOwner() finds names in the image's own files, the first line wins", () => {
  assertEquals(parseOwner("app:users", users), { uid: 1000, gid: 100 });
  assertEquals(parseOwner("5:users", users), { uid: 5, gid: 100 });
  assertEquals(parseOwner("app:5", users), { uid: 1000, gid: 5 });
});

Deno.test("parseOwner() knows root everywhere", () => {
  assertEquals(parseOwner("root:root", new Rootfs("nothing")), { uid: 0, gid: 0 });
});

Deno.test("parseOwner() names what it did not find, and where", () => {
  assertEquals(parseOwner("nobody", users), { missing: "nobody", file: "/etc/passwd" });
  assertEquals(parseOwner("app:odd", users), { missing: "odd", file: "/etc/group" });
  assertEquals(parseOwner("app", new Rootfs("nothing")), { missing: "app", file: "/etc/passwd" });
  assertEquals(parseOwner("users", users), { missing: "users", file: "/etc/passwd" });
  assertEquals(parseOwner("4294967295", users), { missing: "4294967295", file: "/etc/passwd" });
});

Deno.test("parseOwner() follows links inside of the image", () => {
  const linked = image({
    "data": { kind: "directory", ...attributes },
    "data/users": file("app:x:12:12::/:"),
    "etc/passwd": { kind: "symlink", ...attributes, target: "/data/users" },
    "etc/group": { kind: "symlink", ...attributes, target: "../../data/users" },
  });
  assertEquals(parseOwner("app:app", linked), { uid: 12, gid: 12 });
});
