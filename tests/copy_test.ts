import { assertEquals } from "@std/assert";
import { copyFiles, type Files } from "./support/context.ts";

const files: Files = {
  "file": "file",
  "tool": { text: "tool", mode: 0o4755 },
  "dir": { directory: 0o700 },
  "dir/one": "one",
  "dir/sub/two": { text: "two", mode: 0o600 },
  "dir/empty": { directory: 0o1777 },
  "dir/link": { link: "one" },
  "dir/out": { link: "../../etc" },
  "link": { link: "file" },
  "dirlink": { link: "dir" },
};

/** The file system that the instructions make; there must be no findings. */
async function list(containerfile: string, context: Files = files): Promise<readonly string[]> {
  const { list, findings } = await copyFiles(containerfile, context);
  assertEquals(findings, [], containerfile);
  return list;
}

/** What is found wrong with the instructions. */
async function findings(containerfile: string, context: Files = files): Promise<readonly string[]> {
  return (await copyFiles(containerfile, context)).findings;
}

const contents = (root: string): string[] => [
  `d1777 0:0 ${root}/empty`,
  `l777 0:0 ${root}/link -> one`,
  `f644 0:0 ${root}/one one`,
  `l777 0:0 ${root}/out -> ../../etc`,
  `d755 0:0 ${root}/sub`,
  `f600 0:0 ${root}/sub/two two`,
];

Deno.test("planCopy() gives a file the destination's name, or its own below a slash", async () => {
  assertEquals(await list("COPY file /x"), ["f644 0:0 x file"]);
  assertEquals(await list("COPY file /x/"), ["d755 0:0 x", "f644 0:0 x/file file"]);
  assertEquals(await list("COPY file /x/y"), ["d755 0:0 x", "f644 0:0 x/y file"]);
  assertEquals(await list("COPY file ."), ["f644 0:0 file file"]);
  assertEquals(await list("WORKDIR /w\nCOPY file tool ./"), [
    "d755 0:0 w",
    "f644 0:0 w/file file",
    "f4755 0:0 w/tool tool",
  ]);
  assertEquals(await list("WORKDIR /w\nCOPY file ../x"), ["d755 0:0 w", "f644 0:0 x file"]);
});

Deno.test("planCopy() copies what is in a directory, not the directory", async () => {
  const expected = ["d755 0:0 x", ...contents("x")];
  for (const source of ["dir", "dir/", "./dir/.", "/dir", "dirlink", "../dir"]) {
    for (const destination of ["/x", "/x/"]) {
      assertEquals(await list(`COPY ${source} ${destination}`), expected, source);
    }
  }
});

Deno.test("planCopy() follows a source that is a link, and no link inside of it", async () => {
  assertEquals(await list("COPY link /x"), ["f644 0:0 x file"]);
  assertEquals(await list("COPY link /x/"), ["d755 0:0 x", "f644 0:0 x/link file"]);
  assertEquals(await list("COPY dirlink/one /"), ["f644 0:0 one one"]);
  assertEquals(
    await list("COPY dirlink/* /x/", { "dirlink": { link: "dir" }, "dir/one": "1", "dir/sub/two": "2" }),
    ["d755 0:0 x", "f644 0:0 x/one 1", "f644 0:0 x/two 2"],
  );
});

Deno.test("planCopy() takes a trailing slash of a file away", async () => {
  assertEquals(await list("COPY file/ /x"), ["f644 0:0 x file"]);
});

Deno.test("planCopy() expands wildcards; the contents of directories are merged", async () => {
  assertEquals(await list("COPY f* t* /x/"), ["d755 0:0 x", "f644 0:0 x/file file", "f4755 0:0 x/tool tool"]);
  assertEquals(await list("COPY fil? /x"), ["f644 0:0 x file"]);
  assertEquals(await list("COPY * /", { "a/1": "1", "b/2": "2", "c": "c" }), [
    "f644 0:0 1 1",
    "f644 0:0 2 2",
    "f644 0:0 c c",
  ]);
  assertEquals(
    await list("COPY a[[]0] a\\\\*b my-* /x/", { "a[0]": "1", "a*b": "2", "axb": "3", "my-app": "4" }),
    [
      "d755 0:0 x",
      "f644 0:0 x/a*b 2",
      "f644 0:0 x/a[0] 1",
      "f644 0:0 x/my-app 4",
    ],
  );
});

Deno.test("planCopy() takes a name with a backslash before what it would mean in a pattern", async () => {
  assertEquals(await list("COPY a\\\\*b /x", { "a\\*b": "1", "a*b": "2" }), ["f644 0:0 x 1"]);
});

Deno.test("planCopy() gives everything to --chown, the directories that it makes too", async () => {
  assertEquals(await list("COPY --chown=5:6 file /a/b/c"), [
    "d755 5:6 a",
    "d755 5:6 a/b",
    "f644 5:6 a/b/c file",
  ]);
  assertEquals(await list("COPY --chown=7 link dir/link /l/"), [
    "d755 7:7 l",
    "f644 7:7 l/link one",
  ]);
  assertEquals(await list("WORKDIR /a\nCOPY --chown=5:6 dir b", { "dir/l": { link: "x" } }), [
    "d755 0:0 a",
    "d755 5:6 a/b",
    "l777 5:6 a/b/l -> x",
  ]);
});

Deno.test("planCopy() looks names up in the image so far", async () => {
  const context = { "passwd": "app:x:5:9::/:\n", "group": "grp:x:8:\n", "f": "" };
  assertEquals(
    (await list("COPY passwd group /etc/\nCOPY --chown=app:grp f /f", context)).at(-1),
    "f644 5:8 f ",
  );
  assertEquals(await findings("COPY --chown=app f /f\nCOPY passwd /etc/passwd", context), [
    'BIMA107 2:1 Cannot use --chown=app: "app" is not in the image\'s /etc/passwd',
    "  write numbers (--chown=1000:1000), or copy /etc/passwd into the image first",
  ]);
});

Deno.test("planCopy() changes modes of files and directories, not of links", async () => {
  assertEquals(await list("COPY --chmod=0640 dir /x", { "dir/f": "f", "dir/d/l": { link: "f" } }), [
    "d755 0:0 x",
    "d640 0:0 x/d",
    "l777 0:0 x/d/l -> f",
    "f640 0:0 x/f f",
  ]);
  assertEquals(
    await list("COPY --chmod=u=rwX,go=rX dir /x", {
      "dir/f": { text: "", mode: 0o600 },
      "dir/t": { text: "", mode: 0o700 },
      "dir/d": { directory: 0o700 },
    }),
    ["d755 0:0 x", "d755 0:0 x/d", "f644 0:0 x/f ", "f755 0:0 x/t "],
  );
});

Deno.test("planCopy() writes heredocs as files", async () => {
  assertEquals(await list("COPY <<one <<two /x/\n1\none\n2\ntwo"), [
    "d755 0:0 x",
    "f644 0:0 x/one 1\n",
    "f644 0:0 x/two 2\n",
  ]);
  assertEquals(await list("COPY --chown=3:4 --chmod=600 <<E /x\nE"), ["f600 3:4 x "]);
});

Deno.test("planCopy() copies from an earlier stage with its owners", async () => {
  const stages = "FROM scratch AS a\nCOPY --chown=5:6 dir /d\nFROM scratch\n";
  const context = { "dir/s/f": "f", "dir/l": { link: "/d/s/f" } };
  assertEquals(await list(`${stages}COPY --from=a /d /x`, context), [
    "d755 0:0 x",
    "l777 5:6 x/l -> /d/s/f",
    "d755 5:6 x/s",
    "f644 5:6 x/s/f f",
  ]);
  assertEquals(await list(`${stages}COPY --from=a d/l /x`, context), ["f644 5:6 x f"]);
  assertEquals(await list(`${stages}COPY --from=a --chown=0 /d/s/* /x`, context), ["f644 0:0 x f"]);
  assertEquals(await findings(`${stages}COPY --from=a /nope /x`, context), [
    'BIMA101 4:15 Cannot copy "/nope": it is not in stage',
  ]);
});

Deno.test("planCopy() follows a link in a stage as inside of an image", async () => {
  const context = { "d/far": { link: "../../../../e/f" }, "e/f": "f" };
  assertEquals(await list("FROM scratch AS a\nCOPY . /\nFROM scratch\nCOPY --from=a /d/far /x", context), [
    "f644 0:0 x f",
  ]);
});

Deno.test("planCopy() merges directories: those that are there take the source's mode and owner", async () => {
  const context = { "a/s": { directory: 0o700 }, "a/s/1": "1", "b/s": { directory: 0o750 }, "b/s/2": "2" };
  assertEquals(await list("COPY --chown=1:1 a /x\nCOPY --chown=2:2 b /x", context), [
    "d755 1:1 x",
    "d750 2:2 x/s",
    "f644 1:1 x/s/1 1",
    "f644 2:2 x/s/2 2",
  ]);
});

Deno.test("planCopy() goes through a destination that is a link, and replaces links inside of it", async () => {
  const context = { "tree/real/f": "old", "tree/link": { link: "real" }, "f": "new", "g": { link: "f" } };
  assertEquals(await list("COPY tree /\nCOPY f /link/\nCOPY f /link/sub/f", context), [
    "l777 0:0 link -> real",
    "d755 0:0 real",
    "f644 0:0 real/f new",
    "d755 0:0 real/sub",
    "f644 0:0 real/sub/f new",
  ]);
  const link = { "a/f": { link: "g" }, "b/f": "new" };
  assertEquals(await list("COPY a /x\nCOPY b/f /x/", link), ["d755 0:0 x", "f644 0:0 x/f new"]);
  assertEquals(await list("COPY a /x\nCOPY b/f /x/f", link), [
    "d755 0:0 x",
    "l777 0:0 x/f -> g",
    "f644 0:0 x/g new",
  ]);
});

Deno.test("planCopy() puts a file into a directory that is there, and warns of the missing slash", async () => {
  const { list, findings } = await copyFiles("WORKDIR /app\nCOPY a /app\nCOPY [bc] /app", {
    a: "1",
    b: "2",
    c: "3",
  });
  assertEquals(list, ["d755 0:0 app", "f644 0:0 app/a 1", "f644 0:0 app/b 2", "f644 0:0 app/c 3"]);
  const found = (place: string, name: string): string[] => [
    `BIMA169 ${place} "/app" is a directory in the image: the file goes into it, as "${name}"`,
    '  write "/app/"',
  ];
  assertEquals(findings, [...found("3:8", "a"), ...found("4:11", "b"), ...found("4:11", "c")]);
});

Deno.test("planCopy() leaves out what --exclude matches, from the directory on", async () => {
  const context = { "d/a.txt": "", "d/b.md": "", "d/s/a.txt": "", "d/s/c": "", "d/t/c": "" };
  assertEquals(await list("COPY --exclude=*.txt d /", context), [
    "f644 0:0 b.md ",
    "d755 0:0 s",
    "f644 0:0 s/a.txt ",
    "f644 0:0 s/c ",
    "d755 0:0 t",
    "f644 0:0 t/c ",
  ]);
  assertEquals(await list("COPY --exclude=**/*.txt --exclude=s/c --exclude=/t d /", context), [
    "f644 0:0 b.md ",
    "d755 0:0 s",
  ]);
  assertEquals(await list("COPY --exclude=** --exclude=!s/c d /x", context), [
    "d755 0:0 x",
    "d755 0:0 x/s",
    "f644 0:0 x/s/c ",
  ]);
});

Deno.test("planCopy() compares --exclude with the files that a pattern or a name means", async () => {
  const context = { "home.txt": "", "home.md": "", "hom/x.txt": "", "hom/y": "", "s/a.c": "", "s/a.h": "" };
  assertEquals(await list("COPY --exclude=*.txt hom* /d/", context), [
    "d755 0:0 d",
    "f644 0:0 d/home.md ",
    "f644 0:0 d/y ",
  ]);
  assertEquals(await list("COPY --exclude=hom hom* /d/", context), [
    "d755 0:0 d",
    "f644 0:0 d/home.md ",
    "f644 0:0 d/home.txt ",
  ]);
  assertEquals(await list("COPY --exclude=a.h s/* home.md /d/", context), [
    "d755 0:0 d",
    "f644 0:0 d/a.c ",
    "f644 0:0 d/home.md ",
  ]);
  assertEquals(await list("COPY --exclude=home.md home.md home.txt /d/", context), [
    "d755 0:0 d",
    "f644 0:0 d/home.txt ",
  ]);
});

Deno.test("planCopy() keeps the parents of the sources with --parents, modes and all", async () => {
  const context: Files = {
    "x": { directory: 0o750 },
    "x/a.txt": "a",
    "x/skip": "",
    "y/deep": { directory: 0o711 },
    "y/deep/b.txt": "b",
    "y/other/c.txt": "c",
    "z/f": "",
  };
  assertEquals(await list("COPY --parents x/a.txt y/deep /p/", context), [
    "d755 0:0 p",
    "d750 0:0 p/x",
    "f644 0:0 p/x/a.txt a",
    "d755 0:0 p/y",
    "d711 0:0 p/y/deep",
    "f644 0:0 p/y/deep/b.txt b",
  ]);
  const all = [
    "d755 4:4 x",
    "f644 4:4 x/a.txt a",
    "d755 4:4 y",
    "d755 4:4 y/deep",
    "f644 4:4 y/deep/b.txt b",
    "d755 4:4 y/other",
    "f644 4:4 y/other/c.txt c",
  ];
  assertEquals(await list("COPY --parents --chown=4 --chmod=u=rwX,go=rX ./**/*.txt /", context), all);
  assertEquals(await list("COPY --parents --exclude=*/other */*.txt */*/*.txt ./", context), [
    "d750 0:0 x",
    "f644 0:0 x/a.txt a",
    "d755 0:0 y",
    "d711 0:0 y/deep",
    "f644 0:0 y/deep/b.txt b",
  ]);
});

Deno.test("planCopy() keeps the parents behind the ./ only", async () => {
  const context = { "x/y/a": "a", "x/y/z/b": "b", "w/y/a": "c", "x/l": { link: "y" } };
  assertEquals(await list("COPY --parents x/./y/a /p/", context), [
    "d755 0:0 p",
    "d755 0:0 p/y",
    "f644 0:0 p/y/a a",
  ]);
  assertEquals(await list("COPY --parents x/y/./z/* x/./l /", context), [
    "l777 0:0 l -> y",
    "d755 0:0 z",
    "f644 0:0 z/b b",
  ]);
  assertEquals(await list("COPY --parents w/./. /p", context), [
    "d755 0:0 p",
    "d755 0:0 p/y",
    "f644 0:0 p/y/a c",
  ]);
});

Deno.test("planCopy() changes the mode only of parents that are there", async () => {
  const context: Files = { "a": { directory: 0o700 }, "a/f": "", "b/a/g": "" };
  assertEquals(await list("COPY --chown=1:1 b /\nCOPY --parents --chown=2:2 a/f /", context), [
    "d700 1:1 a",
    "f644 2:2 a/f ",
    "f644 1:1 a/g ",
  ]);
});
