import type { Table } from "../support/differential.ts";

const why = "BuildKit has it, Debian's buildah does not know it yet";

const f = (text: string): string => `f644 0:0 ${JSON.stringify(text)}`;

export const newer: Table = {
  title: "newer instructions",
  files: {
    "a.txt": "a",
    "b.md": "b",
    "d/a.txt": "da",
    "d/c": "dc",
    "d/s": { directory: 0o700 },
    "d/s/a.txt": "dsa",
    "d/s/e": "dse",
    "p": { directory: 0o750 },
    "p/q/r.txt": "pqr",
    "p/q/s": "pqs",
    "p/r.txt": "pr",
  },
  cases: [
    {
      text: "COPY --exclude=*.txt d /x",
      differs: {
        why,
        tree: {
          "x": "d755 0:0",
          "x/c": f("dc"),
          "x/s": "d700 0:0",
          "x/s/a.txt": f("dsa"),
          "x/s/e": f("dse"),
        },
      },
    },
    {
      text: "COPY --exclude=**/*.txt d /x",
      differs: { why, tree: { "x": "d755 0:0", "x/c": f("dc"), "x/s": "d700 0:0", "x/s/e": f("dse") } },
    },
    {
      text: "COPY --exclude=s --exclude=c d /x",
      differs: { why, tree: { "x": "d755 0:0", "x/a.txt": f("da") } },
    },
    {
      text: "COPY --exclude=* --exclude=!s/e d /x",
      differs: { why, tree: { "x": "d755 0:0", "x/s": "d700 0:0", "x/s/e": f("dse") } },
    },
    {
      text: "COPY --exclude=*.txt *.* /x/",
      differs: {
        why:
          `${why}; Docker's reference excludes files of a pattern too, which BuildKit forgets (moby/buildkit#5489)`,
        tree: { "x": "d755 0:0", "x/b.md": f("b") },
      },
    },
    {
      text: "COPY --parents p/q/r.txt d/c /x/",
      differs: {
        why,
        tree: {
          "x": "d755 0:0",
          "x/d": "d755 0:0",
          "x/d/c": f("dc"),
          "x/p": "d750 0:0",
          "x/p/q": "d755 0:0",
          "x/p/q/r.txt": f("pqr"),
        },
      },
    },
    {
      text: "COPY --parents p/./q/*.txt /x/",
      differs: { why, tree: { "x": "d755 0:0", "x/q": "d755 0:0", "x/q/r.txt": f("pqr") } },
    },
    {
      text: "COPY --parents ./p/**/*.txt /",
      differs: {
        why,
        tree: { "p": "d750 0:0", "p/q": "d755 0:0", "p/q/r.txt": f("pqr"), "p/r.txt": f("pr") },
      },
    },
    {
      text: "COPY --parents --exclude=**/s --chown=5:6 p/q /x/",
      differs: {
        why,
        tree: { "x": "d755 5:6", "x/p": "d750 5:6", "x/p/q": "d755 5:6", "x/p/q/r.txt": 'f644 5:6 "pqr"' },
      },
    },
    { text: "COPY --link a.txt /x", differs: { why, tree: { "x": f("a") } } },
    { text: "COPY <<one /x\n1\none", differs: { why, tree: { "x": f("1\n") } } },
    {
      text: "COPY <<one <<-two a.txt /x/\n1\none\n\t2\n\ttwo",
      differs: { why, tree: { "x": "d755 0:0", "x/a.txt": f("a"), "x/one": f("1\n"), "x/two": f("2\n") } },
    },
    {
      text: 'ARG V=v\nCOPY <<one <<"two" /x/\n$V ${V:-w}\\$V\none\n$V\ntwo',
      differs: { why, tree: { "x": "d755 0:0", "x/one": f("v v$V\n"), "x/two": f("$V\n") } },
    },
    {
      text: "COPY --chown=5:6 --chmod=600 <<one /x/y\none",
      differs: { why, tree: { "x": "d755 5:6", "x/y": 'f600 5:6 ""' } },
    },
  ],
};
