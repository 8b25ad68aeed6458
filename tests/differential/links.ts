import type { Files } from "../support/context.ts";
import { alike, type Case, refused, stricter, type Table } from "../support/differential.ts";
import { basic } from "./context.ts";

/** A root file system with links of the kind that distributions have. */
const merged: Files = {
  "root/usr/lib/l": "l",
  "root/lib": { link: "usr/lib" },
  "root/abs": { link: "/usr/lib" },
  "root/dangling": { link: "new/place" },
  "lib/m": "m",
  "more/lib/m": "m",
  "usr/lib/l": "the context's l",
  "rooted": { link: "/usr/lib/l" },
};

const inMerged = (one: Case): Case => ({ ...one, files: merged });

export const links: Table = {
  title: "links",
  files: basic,
  cases: [
    ...alike(
      "COPY link /x",
      "COPY link /x/",
      "COPY chain /x",
      "COPY dirlink /x",
      "COPY dirlink/ /x/",
      "COPY dirlink/x /y",
      "COPY dirlink/sub /y",
      "COPY dir/link /x",
      "COPY link dirlink /x/",
      "COPY l* /x/",
      "COPY dir/l* /x/",
    ),
    ...refused("BIMA101", "COPY dangling /x", "COPY dir/broken /x"),
    ...alike(
      "COPY root /\nCOPY lib /lib/",
      "COPY root /\nCOPY lib/m /lib/",
      "COPY root /\nCOPY lib/m /lib/sub/",
      "COPY root /\nCOPY lib/m /abs/m",
      "COPY root /\nCOPY lib /abs",
      "COPY root /\nWORKDIR /lib/w\nCOPY lib/m .",
      "COPY root /\nCOPY lib/m /dangling/",
      // An absolute link means a path inside of the context.
      "COPY rooted /x",
    ).map(inMerged),
    ...stricter(
      "BIMA106",
      "BuildKit follows no link below the destination, and puts no directory in its place; buildah follows it",
      "COPY root /\nCOPY more /",
    ).map(inMerged),
    {
      text: "COPY t /\nCOPY m /file",
      files: { "t/file": { link: "real/l" }, "t/real/l": "l", "m": "m" },
      differs: {
        why: "BuildKit writes through a destination that is a link; buildah replaces the link",
        tree: { "file": "l777 0:0 -> real/l", "real": "d755 0:0", "real/l": 'f644 0:0 "m"' },
      },
    },
    { text: "COPY d/* /x/", files: { "d/f": "f", "d/link": { link: "/etc/hosts" } }, fails: "BIMA104" },
    { text: "COPY up /x", files: { "up": { link: "../../../etc/hostname" } }, fails: "BIMA104" },
    { text: "COPY abs /x", files: { "abs": { link: "/etc/hostname" } }, fails: "BIMA104" },
    { text: "COPY out/hostname /x", files: { "out": { link: "/etc" } }, fails: "BIMA104" },
    { text: "COPY loop /x", files: { "loop": { link: "loop" } }, fails: "BIMA104" },
  ],
};
