import type { Files } from "../support/context.ts";
import type { Case, Difference, Table } from "../support/differential.ts";

const files: Files = {
  "a.key": "a",
  "b.txt": "b",
  "c.key": "c",
  "docs/README.md": "r",
  "docs/img/x.png": "x",
  "docs/img/y.svg": "y",
  "empty": null,
  "src/a.c": "c",
  "src/a.o": "o",
  "src/deep/b.o": "b",
  "src/deep/deeper": { directory: 0o711 },
};

/** Everything that is not ignored, and its ignore file too. */
function all(ignore: string, more: { readonly name?: string; readonly differs?: Difference } = {}): Case {
  const { name = ".dockerignore", ...rest } = more;
  return { text: "COPY . /", files: { ...files, [name]: ignore }, ...rest };
}

/** What an instruction makes of the files that are left. */
function some(text: string, ignore: string, fails?: string): Case {
  return { text, files: { ...files, ".dockerignore": ignore }, ...(fails === undefined ? {} : { fails }) };
}

export const ignore: Table = {
  title: "ignore files",
  files,
  cases: [
    all(""),
    all("# nothing but a comment\n\n"),
    all("*.key"),
    all("/a.key\n./c.key"),
    all("docs"),
    all("docs/"),
    all("docs/*"),
    all("docs/**"),
    all("**/*.o"),
    all("**/deep"),
    all("*/*.o"),
    all("src/*/b.o"),
    all("src/[ab].?"),
    all("**/[x-z].*"),
    all("empty\nsrc/deep/deeper"),
    all("*.key\n!c.key"),
    all("!c.key\n*.key"),
    all("*.key\n!*.key\na.*"),
    all("docs\n!docs/README.md"),
    all("docs\n!docs/img"),
    all("docs\n!docs/img/x.png"),
    all("**/*.o\n!src/deep/*.o"),
    all("*\n!k\n!docs/img/y.svg"),
    all("*\n!k\n!src\nsrc/deep"),
    all("**\n!k\n!src/**/*.o", {
      differs: {
        why:
          "BuildKit looks into every directory when an exception has wildcards; buildah's older matcher does not",
        tree: {
          "src": "d755 0:0",
          "src/a.o": 'f644 0:0 "o"',
          "src/deep": "d755 0:0",
          "src/deep/b.o": 'f644 0:0 "b"',
        },
      },
    }),
    all("*\n!k\n!empty"),
    all("  *.key  \r\nb.txt\r\n"),
    all("src/../a.key\ndocs//img"),
    all("none\n!nothing/here"),
    all("a.key", { name: ".containerignore" }),
    { text: "COPY . /", files: { ...files, ".containerignore": "a.key", ".dockerignore": "b.txt" } },
    some("COPY *.key /x/", "a.key"),
    some("COPY src /x", "**/*.o"),
    some("COPY docs/img /x", "docs\n!docs/img/x.png"),
    some("COPY a.key /x", "*.key", "BIMA108"),
    some("COPY src/deep/b.o /x", "src", "BIMA108"),
    some("COPY docs /x", "docs", "BIMA108"),
    some("COPY *.key /x/", "**/*.key", "BIMA108"),
    some("FROM scratch AS s\nCOPY b.txt /a.key\nFROM scratch\nCOPY --from=s /a.key /x", "*.key"),
  ],
};
