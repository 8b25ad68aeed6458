import { alike, refused, stricter, type Table } from "../support/differential.ts";
import { basic } from "./context.ts";

export const wildcards: Table = {
  title: "wildcards",
  files: basic,
  cases: [
    ...alike(
      "COPY *.txt /x/",
      "COPY ?.txt /x/",
      "COPY [cd].txt /x/",
      "COPY [a-c].txt /x",
      "COPY [^c].txt /x/",
      "COPY *.txt a /x/",
      "COPY c.t?t /x",
      "COPY *.txt ./",
      "COPY dir/[xy] /x/",
      "COPY other/* /x/",
      "COPY d*/x /x",
      "COPY */x /x/",
      "COPY */*/z /x",
      "COPY p/*/*/s /x",
      "COPY o* /x/",
      "COPY di? /x/",
      "COPY di? /x",
      "COPY s* /x/",
      "COPY st\\\\*r /x",
      'COPY ["one */t*", "/x/"]',
      'COPY ["*.txt", "/x/"]',
      "WORKDIR /w\nCOPY *.txt ./sub/",
      "WORKDIR /app\nCOPY *.txt /app",
    ),
    ...refused("BIMA102", "COPY *.none /x/", "COPY none/* /x/", "COPY a/* /x/"),
    ...refused("BIMA103", "COPY [ /x", "COPY a[ /x/", "COPY [] /x/"),
    ...stricter(
      "BIMA102",
      "the specification: every pattern must match something. Both tools let one be empty, buildah only beside others",
      "COPY a *.none /x/",
    ),
    ...stricter(
      "BIMA018",
      "Docker's reference: for several sources, those of a pattern too, the destination ends in a slash. " +
        "Both tools leave only the last file",
      "COPY *.txt /x",
    ),
    {
      text: "COPY [[]x] /x",
      differs: {
        why: "Docker's reference has this very example; buildah looks for a file of that name",
        tree: { "x": 'f644 0:0 "brackets"' },
      },
    },
  ],
};
