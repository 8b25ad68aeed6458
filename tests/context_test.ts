import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { openContext } from "../lib/context.ts";
import { PathError } from "../lib/errors.ts";
import { type FileTree, follow, LinkError } from "../lib/tree.ts";
import { run, withFiles } from "./support/context.ts";

function kinds(tree: FileTree, ...paths: readonly string[]): (string | undefined)[] {
  return paths.map((path) => tree.node(path)?.kind);
}

Deno.test("openContext() refuses what is no directory", async () => {
  await withFiles({ "file": "" }, (path) => {
    assertThrows(
      () => openContext(`${path}/none`),
      PathError,
      `Cannot use build context "${path}/none": no such directory`,
    );
    const error = assertThrows(() => openContext(`${path}/file`), PathError, "it is a file");
    assertMatch(error.hint ?? "", /-f/);
  });
});

Deno.test("node() tells kinds, modes, times and sizes; everything belongs to 0:0", async () => {
  await withFiles({
    "file": { text: "text", mode: 0o4750 },
    "directory": { directory: 0o1777 },
    "link": { link: "nowhere/../x" },
    "fifo": { fifo: true },
  }, async (path) => {
    // A change of the owner takes setuid away.
    await Deno.chown(`${path}/file`, 1000, 1000);
    await Deno.chmod(`${path}/file`, 0o4750);
    await Deno.utime(`${path}/file`, 5, 1234.7);
    const tree = openContext(path);
    const { kind, mode, uid, gid, mtime } = tree.node("file") ?? {};
    assertEquals({ kind, mode, uid, gid, mtime }, {
      kind: "file",
      mode: 0o4750,
      uid: 0,
      gid: 0,
      mtime: 1234,
    });
    const file = tree.node("file");
    assertEquals(file?.kind === "file" ? file.size : undefined, 4);
    assertEquals(tree.node("directory")?.mode, 0o1777);
    const link = tree.node("link");
    assertEquals(link?.kind === "symlink" ? [link.mode, link.target] : undefined, [0o777, "nowhere/../x"]);
    const fifo = tree.node("fifo");
    assertEquals(fifo?.kind === "special" ? fifo.what : undefined, "a fifo");
    assertEquals(kinds(tree, "", "none", "file/below"), ["directory", undefined, undefined]);
  });
});

Deno.test("node() knows sockets and devices", async () => {
  await withFiles({}, async (path) => {
    using _socket = Deno.listen({ transport: "unix", path: `${path}/socket` });
    await run("mknod", `${path}/null`, "c", "1", "3");
    await run("mknod", `${path}/loop`, "b", "7", "0");
    const what = ["socket", "null", "loop"].map((name) => {
      const node = openContext(path).node(name);
      return node?.kind === "special" ? node.what : node;
    });
    assertEquals(what, ["a socket", "a character device", "a block device"]);
  });
});

Deno.test("names() lists directories, sorted, and nothing behind links", async () => {
  await withFiles({ "d/b": "", "d/a": "", "d/Z": "", "d/é": "", "l": { link: "d" }, "f": "" }, (path) => {
    const tree = openContext(path);
    assertEquals(tree.names("d"), ["Z", "a", "b", "é"]);
    assertEquals(tree.names(""), ["d", "f", "l"]);
    assertEquals([tree.names("l"), tree.names("f"), tree.names("none")], [[], [], []]);
  });
});

Deno.test("names() names the file whose name is not UTF-8", async () => {
  await withFiles({ "d/good": "", "d/�": "" }, async (path) => {
    assertEquals(openContext(path).names("d"), ["good", "�"]);
    await run("bash", "-c", `touch "$1"/d/$'bad\\xff'`, "-", path);
    const error = assertThrows(
      () => openContext(path).names("d"),
      PathError,
      `Cannot use "d/bad�": its name is not UTF-8`,
    );
    assertMatch(error.hint ?? "", /rename it/);
  });
});

Deno.test("node() names the link whose target is not UTF-8", async () => {
  await withFiles({}, async (path) => {
    await run("bash", "-c", `ln -s $'x\\xff' "$1"/link`, "-", path);
    assertThrows(
      () => openContext(path).node("link"),
      PathError,
      `Cannot use "link": the target of this link`,
    );
  });
});

Deno.test("openContext() leaves out the files that are hidden", async () => {
  await withFiles({ "a/image.tar": "", "a/b": "" }, async (path) => {
    const tree = openContext(path, { hidden: [`${await Deno.realPath(path)}/a/image.tar`] });
    assertEquals(tree.names("a"), ["b"]);
    assertEquals(kinds(tree, "a/image.tar", "a/b"), [undefined, "file"]);
  });
});

Deno.test("openContext() opens a directory behind a link", async () => {
  await withFiles({ "real/f": "", "link": { link: "real" } }, (path) => {
    assertEquals(openContext(`${path}/link`).names(""), ["f"]);
  });
});

Deno.test("follow() goes through links in a path and at its end", async () => {
  await withFiles({
    "d/f": "",
    "d/up": { link: "../d/f" },
    "l": { link: "d" },
    "ll": { link: "./l//up" },
    "sideways": { link: "l/../d/f" },
    "dangling": { link: "none" },
  }, (path) => {
    const tree = openContext(path);
    for (const name of ["d/f", "l/f", "d/up", "l/up", "ll", "sideways"]) {
      assertEquals(follow(tree, name)?.path, "d/f", name);
    }
    assertEquals(follow(tree, "l")?.path, "d");
    assertEquals(follow(tree, "")?.path, "");
    for (const name of ["dangling", "none", "d/f/x"]) assertEquals(follow(tree, name), undefined, name);
  });
});

Deno.test("follow() never leaves the context", async () => {
  await withFiles({
    "context/up": { link: "../secret" },
    "context/d/up": { link: "../../secret" },
    "context/root": { link: "/secret" },
    "context/loop": { link: "loop/x" },
    "context/dots": { link: ".." },
    "secret": "",
  }, async (path) => {
    const tree = openContext(`${path}/context`);
    for (const name of ["up", "d/up", "root", "dots/secret", "dots"]) {
      const error = assertThrows(() => follow(tree, name), LinkError, "outside of the build context");
      assertMatch(error.hint ?? "", /copy the file itself/);
    }
    assertThrows(() => follow(tree, "loop"), LinkError, "too many symbolic links");
    // A name with dots is no way out either.
    assertEquals(follow(tree, "..."), undefined);
    await Deno.symlink(`${path}/secret`, `${path}/context/absolute`);
    assertThrows(() => follow(tree, "absolute"), LinkError, `a symbolic link to "${path}/secret"`);
  });
});

Deno.test("follow() takes an absolute link for one below the root, else for one on this machine", async () => {
  await withFiles({ "usr/lib/f": "", "f": "", "below": { link: "/usr/lib/f" } }, async (path) => {
    await Deno.symlink(`${await Deno.realPath(path)}/f`, `${path}/machine`);
    const tree = openContext(path);
    assertEquals(follow(tree, "below")?.path, "usr/lib/f");
    assertEquals(follow(tree, "machine")?.path, "f");
  });
});
