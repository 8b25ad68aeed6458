/** How words become options. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { buildOptions, describeOptions, type OptionInfo, readCommandLine } from "../lib/command_line.ts";
import { UsageError } from "../lib/errors.ts";
import { bima } from "./support/bima.ts";

/** Reads words as those of `bima build`. */
function read(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return readCommandLine(words, buildOptions, (name) => env[name]);
}

function refuse(...words: string[]): [message: string, hint: string | undefined] {
  const { message, hint } = assertThrows(() => read(words), UsageError);
  return [message, hint];
}

Deno.test("readCommandLine() takes every name of an option with one dash and with two", () => {
  for (const option of buildOptions) {
    const { name, aliases = [], value }: OptionInfo = option;
    for (const alias of [name, ...aliases]) {
      for (const dashes of ["-", "--"]) {
        const word = `${dashes}${alias}`;
        if (value === undefined) {
          assertEquals(read([word]).has(option.name), true, word);
          continue;
        }
        assertEquals(read([word, "x"]).values(option.name), ["x"], word);
        assertEquals(read([`${word}=x`]).values(option.name), ["x"], word);
        assertEquals(read([`${word}=a=b`]).value(option.name), "a=b", word);
      }
    }
  }
});

Deno.test("readCommandLine() takes the value of a short option without a blank", () => {
  assertEquals(read(["-tNAME"]).value("tag"), "NAME");
  assertEquals(read(["-tNAME=x"]).value("tag"), "NAME=x");
  assertEquals(read(["-t=NAME"]).value("tag"), "NAME");
  assertEquals(read(["-ttag"]).value("tag"), "tag");
  assertEquals(read(["-fContainerfile.dev", "-a/run/x.sock"]).value("file"), "Containerfile.dev");
});

Deno.test("readCommandLine() prefers a whole long name after one dash", () => {
  assertEquals([read(["-tar"]).has("tar"), read(["-tar"]).values("tag")], [true, []]);
  assertEquals(read(["-tag", "x"]).values("tag"), ["x"]);
  assertEquals(read(["-output=tar"]).value("output"), "tar");
  assertEquals(read(["-out", "tar"]).value("output"), "tar");
});

Deno.test("readCommandLine() lets options and arguments be mixed", () => {
  const line = read(["a", "-t", "x", "b", "--tar", "c", "-q"]);
  assertEquals(line.positional, ["a", "b", "c"]);
  assertEquals([line.has("tar"), line.has("quiet"), line.has("strict")], [true, true, false]);
});

Deno.test("readCommandLine() keeps arguments as they are", () => {
  const words = ["-", "007", "1e3", "true", "", " ", "a=b", "ünï", "__proto__", "a\nb"];
  assertEquals(read(words).positional, words);
  // What follows a switch is not its value.
  for (const word of ["true", "false", "1"]) {
    const line = read(["--tar", word]);
    assertEquals([line.has("tar"), line.positional], [true, [word]]);
  }
});

Deno.test("readCommandLine() ends the options at --", () => {
  assertEquals(read(["--tar", "--", "-t", "--tar", "--"]).positional, ["-t", "--tar", "--"]);
  assertEquals(read(["a", "--"]).positional, ["a"]);
  assertEquals(read(["-t", "x", "--", "-"]).positional, ["-"]);
});

Deno.test("readCommandLine() takes whatever follows an option as its value", () => {
  assertEquals(read(["-t", "-x"]).value("tag"), "-x");
  assertEquals(read(["--label", "--tar"]).value("label"), "--tar");
  assertEquals(read(["--label", "--"]).value("label"), "--");
  assertEquals(read(["-t", "-", "--tag=-y"]).values("tag"), ["-", "-y"]);
  assertEquals(read(["--label", "k=two\nlines"]).value("label"), "k=two\nlines");
  assertEquals(read(["--label=k=two\nlines"]).value("label"), "k=two\nlines");
  assertEquals(read(["--timeout", "007"]).value("timeout"), "007");
});

Deno.test("readCommandLine() collects the values of an option that may be repeated, in order", () => {
  const line = read(["-t", "a", "--tag=b", "-tc", "--label", "x=1", "--label", "x=1"]);
  assertEquals(line.values("tag"), ["a", "b", "c"]);
  assertEquals(line.value("tag"), "c");
  assertEquals(line.values("label"), ["x=1", "x=1"]);
});

Deno.test("readCommandLine() refuses an option twice that is meant once", () => {
  assertEquals(
    refuse("-o", "tar", "--output=ctr")[0],
    'Cannot use --output 2 times: it was given "tar" and "ctr"',
  );
  assertEquals(refuse("-f", "a", "-f", "a")[0], 'Cannot use --file 2 times: it was given "a" and "a"');
  const many = buildOptions.filter((option: OptionInfo) => option.many).map(({ name }) => name);
  assertEquals(many, ["tag", "build-arg", "label", "annotation"]);
});

Deno.test("readCommandLine() reads a boolean after =, the last one wins", () => {
  for (const yes of ["1", "t", "T", "true", "TRUE", "True"]) assert(read([`--tar=${yes}`]).has("tar"));
  for (const no of ["0", "f", "F", "false", "FALSE", "False"]) assert(!read([`--tar=${no}`]).has("tar"));
  assertEquals(read(["-q=true"]).has("quiet"), true);
  assertEquals(read(["--no-unpack=false"]).has("no-unpack"), false);
  assertEquals(read(["--no-unpack=true"]).has("no-unpack"), true);
  assertEquals(read(["--tar", "--tar=false"]).has("tar"), false);
  assertEquals(read(["--tar=false", "--tar"]).has("tar"), true);
  for (const word of ["--tar=yes", "--tar=", "-q=2"]) {
    assertEquals(refuse(word)[0], `Cannot use ${word}: expected true or false after the =`);
  }
});

Deno.test("readCommandLine() says which value is missing", () => {
  for (const word of ["-t", "--tag", "-tag", "--tag=", "-t="]) {
    assertEquals(refuse(word), [
      `Cannot use ${word.replace("=", "")}: its value is missing`,
      "write --tag NAME",
    ]);
  }
  assertEquals(refuse("--output", "")[0], "Cannot use --output: its value is missing");
});

const typos: Readonly<Record<string, string>> = {
  "--tga": "--tag",
  "--tags": "--tag",
  "--taag=x": "--tag",
  "--ouptut": "--output",
  "--outptu=tar": "--output",
  "--namspace": "--namespace",
  "--platfrom": "--platform",
  "-platfrom": "--platform",
  "--Label": "--label",
  "--build-args": "--build-arg",
  "--buildarg": "--build-arg",
  "--no-unpak": "--no-unpack",
  "--stritc": "--strict",
  "--hepl": "--help",
};

Deno.test("readCommandLine() names the nearest option after a typo", () => {
  for (const [word, meant] of Object.entries(typos)) {
    const [message, hint] = refuse(word, "x");
    assertEquals(message, `Cannot use ${word.replace(/=.*/, "")}: there is no such option`);
    assertEquals(hint, `did you mean ${meant}?`, word);
  }
});

Deno.test("readCommandLine() refuses what is no option", () => {
  const words = [
    "--push",
    "--no-cache",
    "-x",
    "-qh",
    "--qx",
    "---tag",
    "--=x",
    "-=x",
    "--__proto__",
    "--constructor",
  ];
  for (const word of words) {
    const [message, hint] = refuse(word);
    assertEquals(message, `Cannot use ${word.replace(/=.*/, "")}: there is no such option`);
    assert(hint === "--help shows the options" || /^did you mean --tag\?$/.test(hint ?? ""), word);
  }
});

Deno.test("readCommandLine() falls back to the environment, and takes an empty variable for none", () => {
  const env = { CONTAINERD_NAMESPACE: "ns", CONTAINERD_ADDRESS: "", TAG: "x", tag: "y" };
  const line = read([], env);
  assertEquals([line.value("namespace"), line.value("address"), line.value("snapshotter")], [
    "ns",
    undefined,
    undefined,
  ]);
  assertEquals([line.value("tag"), line.values("namespace")], [undefined, []]);
  assertEquals(read(["-n", "given"], env).value("namespace"), "given");
  assertEquals(read([], { CONTAINERD_SNAPSHOTTER: "s" }).value("snapshotter"), "s");
});

Deno.test("buildOptions has every name once", () => {
  const names = buildOptions.flatMap(({ name, ...rest }: OptionInfo) => [name, ...rest.aliases ?? []]);
  assertEquals(names.filter((name, index) => names.indexOf(name) !== index), []);
});

Deno.test("buildOptions has the options, aliases and variables that users of earlier versions have in their scripts", () => {
  const table = buildOptions.map(({ name, aliases, env }: OptionInfo) =>
    [name, ...aliases ?? [], env].join(" ")
  );
  for (
    const line of [
      "namespace n CONTAINERD_NAMESPACE",
      "address a CONTAINERD_ADDRESS",
      "snapshotter CONTAINERD_SNAPSHOTTER",
      "output out o ",
      "tar ",
      "tag t ",
      "file f ",
      "help h ",
    ]
  ) assert(table.includes(line), line);
});

Deno.test("describeOptions() names everything that there is, in the help as well", async () => {
  const text = describeOptions(buildOptions).join("\n");
  const { stdout } = await bima(["build", "--help"]);
  assertStringIncludes(stdout, text);
  for (const option of buildOptions) {
    const { name, aliases = [], value, env }: OptionInfo = option;
    for (const alias of [name, ...aliases]) {
      const word = alias.length === 1 ? `-${alias}` : `--${alias}`;
      assertStringIncludes(text, value === undefined ? word : `${word} ${value}`);
    }
    if (env !== undefined) assertStringIncludes(text, `[$${env}]`);
  }
  assertStringIncludes(text, "  --output OUTPUT, --out OUTPUT, -o OUTPUT\n        where the image goes");
});
