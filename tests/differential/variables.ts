import { alike, type Case, refused, stricter, type Table } from "../support/differential.ts";
import { basic } from "./context.ts";

const withArgs = (buildArgs: Readonly<Record<string, string>>, ...cases: readonly Case[]): Case[] =>
  cases.map((one) => ({ ...one, buildArgs }));

export const variables: Table = {
  title: "variables",
  files: basic,
  cases: [
    ...alike(
      "ARG V=a\nCOPY $V /x",
      "ARG V=a\nCOPY ${V} /$V/${V}x",
      "ENV V=a\nCOPY $V /x",
      "ARG V=a\nENV V=b\nCOPY $V /x",
      "ENV V=b\nARG V=a\nCOPY $V /x",
      "ARG V\nCOPY ${V:-a} /x",
      "ARG V=\nCOPY ${V:-a} /x",
      "ARG V=b\nCOPY ${V:+a} /x",
      "ARG V=\nCOPY a /x${V:+b}",
      'ARG V=1\nLABEL l=$V m=${V} n="$V" o=\'$V\' p=\\$V q="\\$V"',
      "ARG V=1\nLABEL l=a${V}b m=$V-$V n=${V:-x}${W:-y}",
      "ENV A=1 B=2\nENV C=$A$B A=3\nLABEL l=$A m=$C",
      "ENV A=1\nENV A=$A:2\nENV A=$A:3",
      "ENV P=/w\nWORKDIR $P/v\nCOPY a .",
      "ENV P=/w\nWORKDIR $P\nWORKDIR ${Q:-v}\nCOPY a x",
      "ARG U=7\nUSER $U:$U",
      "ARG P=80\nEXPOSE $P ${P}81/udp",
      "ARG V=/data\nVOLUME $V ${V}2",
      "ARG S=SIGUSR1\nSTOPSIGNAL $S",
      "ARG O=5:6\nCOPY --chown=$O a /x",
      "ARG A=1\nARG B=${A}2\nLABEL l=$B",
      "ARG A=1 B=2\nLABEL l=$A$B",
      "ENV E=1\nLABEL $E=2",
      'ENV V="a b"\nLABEL l=$V m="$V" n=x$V',
      "ENV V=$NOTHING\nLABEL l=a$NOTHING",
      'ENV V=a\nCOPY ["$V", "/x"]',
      'ENV V=a\nCMD ["$V"]',
      "ENV V=a\nENTRYPOINT echo $V",
      "ENV V=a\nMAINTAINER $V",
      "ENV A=${B:-${C:-deep}}\nLABEL l=$A",
    ),
    ...withArgs(
      { V: "b", W: "2" },
      ...alike(
        "ARG V=a\nCOPY $V /x",
        "ARG V\nCOPY $V /x",
        "ARG V=a\nENV V=c.txt\nCOPY $V /x",
        "ARG V=a\nENV E=$V\nCOPY $E /x",
        "COPY a /x$V",
        "ARG V\nARG W=$V\nLABEL l=$W",
        "ARG V=a\nCOPY ${V:-c.txt} /x${V:+y}",
        "ARG V=1\nARG V=2\nLABEL l=$V",
        "ARG BASE=scratch\nFROM $BASE\nARG V\nLABEL l=$V",
        "ARG V=1\nFROM scratch\nLABEL l=x$V",
        "ARG V=1\nFROM scratch\nARG V\nLABEL l=x$V",
        "ARG V=1\nFROM scratch\nARG V=3\nLABEL l=x$V",
      ),
    ),
    ...alike(
      "ARG V=1\nFROM scratch\nARG V\nLABEL l=x$V",
      "ARG V=1\nFROM scratch\nARG V=3\nLABEL l=x$V",
      "ARG B=scratch\nFROM ${B}\nLABEL l=1",
      "ARG A=scr\nARG B=${A}atch\nFROM $B\nLABEL l=1",
      "ARG V=1\nFROM scratch AS s\nARG V\nLABEL l=$V\nFROM scratch\nLABEL m=x$V",
    ),
    ...refused("BIMA005", "LABEL l=${V"),
    ...stricter("BIMA005", "BuildKit: a bad substitution; buildah takes it for nothing", "COPY ${} /x"),
    {
      text: "ARG V=\nCOPY a${V-b} /x",
      differs: {
        why: "BuildKit has - and + without a colon, buildah does not",
        tree: { "x": 'f644 0:0 "a"' },
      },
    },
    {
      text: "ARG V=\nCOPY a /x${V+b}",
      differs: { why: "as above", tree: { "xb": 'f644 0:0 "a"' } },
    },
    {
      text: "LABEL l=$$ m=a$",
      differs: {
        why: "BuildKit: $$ is a variable as in a shell, and not set; buildah keeps it",
        labels: { l: "" },
      },
    },
    {
      text: "FROM scratch AS s\nARG V=1\nENV E=$V\nFROM s\nLABEL l=$E m=x$V",
      differs: {
        why: "BuildKit: a stage inherits the arguments of its base; with buildah it does not",
        labels: { m: "x1" },
      },
    },
    {
      text: 'ARG V\nLABEL l="${V:?is required}"',
      fails: "BIMA024",
    },
  ],
};
