import { alike, refused, stricter, type Table } from "../support/differential.ts";
import { basic } from "./context.ts";

const conflict =
  "Docker's reference: a file in the place of a directory, or the other way round, is an error; " +
  "buildah replaces what is there";

export const directories: Table = {
  title: "directories",
  files: basic,
  cases: [
    ...alike(
      "COPY dir /x",
      "COPY dir /x/",
      "COPY dir/ /x",
      "COPY ./dir/. /x/",
      "COPY dir /",
      "COPY dir .",
      "COPY . /",
      "COPY . /x",
      "COPY / /x/",
      "COPY dir dir /x/",
      "COPY dir other /x/",
      "COPY dir a other /x/",
      "COPY dir/sub /x/y/z",
      "COPY dir/void /x",
      "COPY p /x\nCOPY p/q /x",
      "COPY dir /x\nCOPY other /x",
      "COPY other /x\nCOPY dir /x",
      "COPY --chown=1:2 dir /x\nCOPY --chown=3:4 other /x",
      "COPY dir /x\nCOPY dir/sub /x/sub/again",
      "WORKDIR /w\nCOPY dir sub",
      "WORKDIR /w\nCOPY dir/ .",
      "WORKDIR /w/sub\nCOPY other /w",
      'COPY ["one two", "/x y"]',
      "ADD dir /x",
    ),
    ...refused("BIMA106", "COPY a /x\nCOPY dir /x", "COPY p/q/r /x\nCOPY p/q/r/s /x/s/t"),
    ...stricter(
      "BIMA106",
      conflict,
      "COPY other /x\nCOPY file-as-dir /x",
      "COPY dir /x\nCOPY file-as-dir /x/",
    ),
    ...stricter("BIMA106", conflict, "COPY file-as-dir /x\nCOPY dir /x"),
    ...stricter(
      "BIMA106",
      "BuildKit cannot make the directory; buildah does not try",
      "COPY a /x\nWORKDIR /x",
    ),
  ],
};
