import { alike, refused, type Table } from "../support/differential.ts";
import { basic, users } from "./context.ts";

const etc = "COPY passwd group /etc/\n";

export const permissions: Table = {
  title: "owners and modes",
  files: { ...basic, ...users },
  cases: [
    ...alike(
      "COPY --chown=5:6 a /x",
      "COPY --chown=5:6 a /x/y/z",
      "COPY --chown=5:6 dir /x",
      "COPY --chown=5:6 dir /x/y",
      "COPY --chown=5 a /x",
      "COPY --chown=0:0 a /x",
      "COPY --chown=3000000:3000001 a /x",
      "WORKDIR /w\nCOPY --chown=5:6 dir sub/deep",
      "COPY --chown=5:6 link dir/link dirlink /x/",
      "COPY --chown=5:6 *.txt /x/",
      `${etc}COPY --chown=app:staff a /x`,
      `${etc}COPY --chown=app:7 a /x`,
      `${etc}COPY --chown=7:staff a /x`,
      `${etc}COPY --chown=app a /x`,
      `${etc}COPY --chown=root:root a /x`,
      `${etc}COPY --chown=app dir /x`,
      "COPY --chmod=600 a /x",
      "COPY --chmod=0755 a /x",
      "COPY --chmod=0755 tool shut /x/",
      "COPY --chmod=4755 a /x",
      "COPY --chmod=700 a /x/y/",
      "COPY --chmod=751 dir /x",
      "COPY --chmod=751 dir/sub /x/y",
      "COPY --chmod=640 --chown=5:6 dir /x",
      "COPY --chmod=000 a /x",
      "USER 7:8\nWORKDIR /w/v",
      "USER 7\nWORKDIR /w",
      `${etc}USER app\nWORKDIR /w`,
      "WORKDIR /w\nUSER 7:8\nWORKDIR /w/v\nCOPY a .",
      "USER 7:8\nCOPY a /x/y",
      "ADD --chown=5:6 a /x",
      "ADD --chmod=600 a /x",
    ),
    ...refused(
      "BIMA107",
      "COPY --chown=app a /x",
      "COPY --chown=1:staff a /x",
      `${etc}COPY --chown=nobody a /x`,
    ),
    ...refused("BIMA022", "COPY --chmod=8 a /x", "COPY --chmod=rwx a /x", "COPY --chmod=u+q a /x"),
    {
      text: "COPY --chown=root:root a /x",
      differs: {
        why: "BuildKit: root is 0 without being looked up. buildah wants it in /etc/passwd",
        tree: { "x": 'f644 0:0 "a"' },
      },
    },
    {
      text: "COPY --chmod=u=rwX,go=rX dir /x",
      differs: {
        why: "BuildKit: symbolic modes, since Dockerfile 1.14. buildah knows octal ones only",
        tree: {
          "x": "d755 0:0",
          "x/abs": "l777 0:0 -> /etc/hosts",
          "x/broken": "l777 0:0 -> no/where",
          "x/link": "l777 0:0 -> x",
          "x/sub": "d755 0:0",
          "x/sub/z": 'f644 0:0 "z"',
          "x/void": "d1755 0:0",
          "x/x": 'f644 0:0 "x"',
          "x/y": 'f644 0:0 "y"',
        },
      },
    },
    {
      text: "COPY --chmod=+x a /x",
      differs: { why: "as above", tree: { "x": 'f755 0:0 "a"' } },
    },
  ],
};
