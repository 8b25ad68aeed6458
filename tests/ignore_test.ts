import { assertEquals, assertThrows } from "@std/assert";
import { openContext } from "../lib/context.ts";
import { ContainerfileError } from "../lib/diagnostic.ts";
import { applyIgnoreFile, parseIgnoreFile } from "../lib/context/ignore.ts";
import { PathError } from "../lib/errors.ts";
import type { FileTree } from "../lib/tree.ts";
import { copyFiles, type Files, withFiles } from "./support/context.ts";

function paths(tree: FileTree, directory = ""): string[] {
  return tree.names(directory).flatMap((name) => {
    const path = directory === "" ? name : `${directory}/${name}`;
    return tree.node(path)?.kind === "directory" ? [`${path}/`, ...paths(tree, path)] : [path];
  });
}

const files: Files = {
  "Containerfile": "",
  "a.key": "",
  "b.txt": "",
  "docs/README.md": "",
  "docs/img/x.png": "",
  "docs/img/y.svg": "",
  "empty": null,
  "src/a.c": "",
  "src/a.o": "",
  "src/deep/b.o": "",
  "src/deep/deeper": null,
};

/** What is left of the files; the ignore file itself is not listed. */
function kept(ignore: string, name = ".dockerignore"): Promise<string[]> {
  return withFiles({ ...files, [name]: ignore }, (path) => {
    const tree = applyIgnoreFile(openContext(path));
    return paths(tree).filter((path) => path !== name);
  });
}

const all = [
  "Containerfile",
  "a.key",
  "b.txt",
  "docs/",
  "docs/README.md",
  "docs/img/",
  "docs/img/x.png",
  "docs/img/y.svg",
  "empty/",
  "src/",
  "src/a.c",
  "src/a.o",
  "src/deep/",
  "src/deep/b.o",
  "src/deep/deeper/",
];

Deno.test("applyIgnoreFile() hides what matches, with everything in it", async () => {
  const without = (...starts: string[]): string[] =>
    all.filter((path) => !starts.some((at) => path.startsWith(at)));
  assertEquals(await kept("*.key\n/docs\nempty/\n"), without("a.key", "docs/", "empty/"));
  assertEquals(await kept("**/*.o"), without("src/a.o", "src/deep/b.o"));
  assertEquals(
    await kept("# comment\n\n   src/deep   \r\nContainerfile\r\n"),
    without("src/deep", "Containerfile"),
  );
  assertEquals(await kept(" # no comment, and no such file"), all);
  assertEquals(await kept("\uFEFFa.key"), without("a.key"));
});

Deno.test("applyIgnoreFile() takes files back in, with the directories around them only", async () => {
  assertEquals(await kept("docs\n!docs/img/x.png"), [
    "Containerfile",
    "a.key",
    "b.txt",
    "docs/",
    "docs/img/",
    "docs/img/x.png",
    ...all.slice(8),
  ]);
  assertEquals(await kept("**\n!src/**/*.o"), ["src/", "src/a.o", "src/deep/", "src/deep/b.o"]);
  assertEquals(await kept("*\n!src\nsrc/deep\n!**/deeper"), [
    "src/",
    "src/a.c",
    "src/a.o",
    "src/deep/",
    "src/deep/deeper/",
  ]);
  assertEquals(await kept("*\n!nothing/here"), []);
  assertEquals(await kept("!b.txt\n*.txt\n!c.txt"), all.filter((path) => path !== "b.txt"));
});

Deno.test("applyIgnoreFile() keeps the modes of directories around files that are taken back", async () => {
  const context: Files = {
    ".dockerignore": "*\n!d/e/f",
    "d": { directory: 0o700 },
    "d/e": { directory: 0o711 },
    "d/e/f": "",
    "d/g": "",
  };
  assertEquals((await copyFiles("COPY . /", context)).list, [
    "d700 0:0 d",
    "d711 0:0 d/e",
    "f644 0:0 d/e/f ",
  ]);
});

Deno.test("applyIgnoreFile() takes .containerignore before .dockerignore, one of them only", async () => {
  const both = { ...files, ".containerignore": "a.key\n.*ignore", ".dockerignore": "b.txt" };
  await withFiles(both, (path) => {
    const tree = applyIgnoreFile(openContext(path));
    assertEquals(paths(tree), all.filter((path) => path !== "a.key"));
  });
});

Deno.test("applyIgnoreFile() takes the Containerfile's own one before all, even when it is empty", async () => {
  await withFiles({ "a": "", "b": "", ".dockerignore": "a" }, (path) => {
    const own = (text: string): FileTree =>
      applyIgnoreFile(openContext(path), { file: "X.dockerignore", text });
    assertEquals(paths(own("b")), [".dockerignore", "a"]);
    assertEquals(paths(own("# nothing\n")), [".dockerignore", "a", "b"]);
  });
});

Deno.test("applyIgnoreFile() leaves a context without an ignore file as it is", async () => {
  await withFiles({ "a": "", ".dockerignore/x": "" }, (path) => {
    const context = openContext(path);
    assertEquals(applyIgnoreFile(context) === context, true);
  });
});

Deno.test("applyIgnoreFile() refuses an ignore file that cannot be read", async () => {
  await withFiles({ ".dockerignore": { link: "../../x" } }, (path) => {
    assertThrows(() => applyIgnoreFile(openContext(path)), PathError, `Cannot follow ".dockerignore"`);
  });
  await withFiles({}, async (path) => {
    await Deno.writeFile(`${path}/.dockerignore`, new Uint8Array([0xff, 0x0a]));
    assertThrows(
      () => applyIgnoreFile(openContext(path)),
      PathError,
      `Cannot read ".dockerignore": it is not UTF-8 text`,
    );
  });
});

Deno.test("parseIgnoreFile() shows all malformed patterns in their lines", () => {
  const text = "ok\n  a[b  \n!\n";
  const error = assertThrows(() => parseIgnoreFile({ file: ".dockerignore", text }), ContainerfileError);
  assertEquals(error.message.split("\n"), [
    '.dockerignore:2:3: error[BIMA103]: Cannot use pattern "a[b": it is malformed',
    "  2 |   a[b  ",
    "    |   ^^^",
    "  hint: [ needs a ], \\ a character after it, and ! a pattern",
    '.dockerignore:3:1: error[BIMA103]: Cannot use pattern "!": it is malformed',
    "  3 | !",
    "    | ^",
    "  hint: [ needs a ], \\ a character after it, and ! a pattern",
  ]);
});

Deno.test("planCopy() says which line of which file excludes a source", async () => {
  const context = { ...files, ".containerignore": "# secrets\n*.key\nsrc\n!src/a.c\n" };
  const { findings } = await copyFiles(
    "COPY a.key src/deep/b.o *.key src/*.o src/a.c a.kye nope /x/\nCOPY --parents src/deep /y",
    context,
  );
  assertEquals(findings, [
    'BIMA108 2:6 Cannot copy "a.key": it is excluded from the build context by .containerignore:2',
    "  change that line, or add !a.key after it",
    'BIMA108 2:12 Cannot copy "src/deep/b.o": it is excluded from the build context by .containerignore:3',
    "  change that line, or add !src/deep/b.o after it",
    'BIMA108 2:25 Cannot copy "*.key": everything that matches is excluded from the build context by .containerignore:2',
    "  change that line, or add !a.key after it",
    'BIMA108 2:31 Cannot copy "src/*.o": everything that matches is excluded from the build context by .containerignore:3',
    "  change that line, or add !src/a.o after it",
    'BIMA101 2:47 Cannot copy "a.kye": it is not in the build context',
    'BIMA101 2:53 Cannot copy "nope": it is not in the build context',
    'BIMA108 3:16 Cannot copy "src/deep": it is excluded from the build context by .containerignore:3',
    "  change that line, or add !src/deep after it",
  ]);
});

Deno.test("planCopy() copies from stages whatever the ignore file says", async () => {
  const { list, findings } = await copyFiles(
    "FROM scratch AS a\nCOPY x.txt /x.key\nFROM scratch\nCOPY --from=a *.key /",
    { "x.txt": "", ".dockerignore": "*.key" },
  );
  assertEquals([list, findings], [["f644 0:0 x.key "], []]);
});
