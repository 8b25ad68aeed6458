import { alike, type Case, refused, type Table } from "../support/differential.ts";
import { basic } from "./context.ts";

const target = (target: string, text: string): Case => ({ text, target });

const one = "FROM scratch AS one\n";

const insensitive =
  "BuildKit: upper and lower case are the same in the names of stages; buildah tells them apart";

export const stages: Table = {
  title: "stages",
  files: basic,
  cases: [
    ...alike(
      `${one}COPY a /x\nFROM scratch\nCOPY --from=one /x /y`,
      `${one}COPY a /x\nFROM scratch\nCOPY --from=0 /x /y`,
      `${one}COPY dir /d\nFROM scratch\nCOPY --from=one /d /e`,
      `${one}COPY dir /d\nFROM scratch\nCOPY --from=one d/ e/`,
      `${one}COPY dir /d\nFROM scratch\nCOPY --from=one / /`,
      `${one}COPY dir /d\nFROM scratch\nCOPY --from=one /d/[xy] /d/sub /e/`,
      `${one}COPY --chown=5:6 dir /d\nFROM scratch\nCOPY --from=one /d /e`,
      `${one}COPY --chown=5:6 dir /d\nFROM scratch\nCOPY --from=one --chown=7:8 /d /e`,
      `${one}COPY --chown=5:6 dir /d\nFROM scratch\nCOPY --from=one --chmod=700 /d /e`,
      `${one}COPY --chown=5:6 a /d/x\nFROM scratch\nCOPY --from=one /d/x /e/f/`,
      `${one}COPY a /x\nCOPY b /x\nFROM scratch\nCOPY --from=one /x /y`,
      `${one}WORKDIR /w\nCOPY a x\nFROM scratch\nWORKDIR /v\nCOPY --from=one w/x y`,
      `${one}COPY . /c\nFROM scratch\nCOPY --from=one /c/link /c/dirlink /x/`,
      `${one}COPY dir /d\nFROM scratch AS two\nCOPY --from=one /d/x /\nFROM scratch\nCOPY --from=two /x /y`,
      `${one}COPY a /x\nFROM one\nCOPY b /y`,
      `${one}COPY a /x\nENV E=1\nLABEL l=1 m=1\nWORKDIR /w\nUSER 7\nEXPOSE 80\nFROM one\nLABEL m=2\nCOPY b .`,
      `${one}CMD ["one"]\nFROM one\nCOPY b /y`,
      `${one}CMD ["one"]\nFROM one\nENTRYPOINT ["two"]`,
      `${one}ENTRYPOINT ["one"]\nCMD ["x"]\nFROM one\nCMD ["y"]`,
      "FROM scratch AS a\nCOPY a /x\nFROM a AS b\nCOPY b /y\nFROM b AS c\nCOPY c.txt /z",
      "FROM scratch as lower\nCOPY a /x\nfrom lower\nCOPY b /y",
      "FROM scratch\nCOPY a /x\nFROM scratch\nCOPY --from=0 /x /y",
      `${one}COPY none /x\nFROM scratch\nCOPY a /x`,
    ),
    target("one", `${one}COPY a /x\n...\nFROM scratch AS two\nCOPY b /x`),
    {
      text: `${one}COPY a /x
FROM scratch
COPY --from=ONE x y`,
      differs: { why: insensitive, tree: { "y": 'f644 0:0 "a"' } },
    },
    {
      text: `${one}COPY a /x
...
FROM scratch AS two
COPY b /x`,
      target: "ONE",
      differs: { why: insensitive, tree: { "x": 'f644 0:0 "a"' } },
    },
    {
      text: `${one}COPY a /x
...
FROM scratch AS two
COPY b /x`,
      target: "0",
      differs: {
        why: "BuildKit: a target may be an index; buildah wants a name",
        tree: { "x": 'f644 0:0 "a"' },
      },
    },
    target(
      "two",
      `${one}COPY a /x\nFROM scratch AS two\nCOPY --from=one /x /y\n...\nFROM scratch\nCOPY none /`,
    ),
    { text: `${one}COPY a /x`, target: "none", fails: "BIMA028" },
    {
      text: `${one}COPY a /x\nVOLUME /v\nFROM one\nCOPY b /y`,
      differs: {
        why: "BuildKit writes a volume into the config only; buildah makes its directory for the next stage",
        tree: { "x": 'f644 0:0 "a"', "y": 'f644 0:0 "b"' },
      },
    },
    ...refused("BIMA101", `${one}COPY a /x\nFROM scratch\nCOPY --from=one /none /y`),
    ...refused("BIMA026", `${one}COPY a /x\nFROM scratch\nCOPY --from=nowhere.invalid/image /x /y`),
    ...refused("BIMA026", "FROM nowhere.invalid/image\nCOPY a /x"),
    {
      text: `${one}COPY abs /\nFROM scratch\nCOPY --from=one /far /near /x/`,
      files: { "abs/etc/f": "f", "abs/far": { link: "../../../etc/f" }, "abs/near": { link: "/etc/f" } },
    },
  ],
};
