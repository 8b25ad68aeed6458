/** How a command line becomes the options of a build. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { toBuildOptions } from "../lib/build_command.ts";
import { buildOptions, readCommandLine } from "../lib/command_line.ts";
import { UsageError } from "../lib/errors.ts";

const stdout = new WritableStream<Uint8Array<ArrayBuffer>>();
const stdin = new ReadableStream<Uint8Array>();

/** Takes the words after `bima build`. */
function options(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  stdoutIsTerminal = false,
) {
  const environment = (name: string): string | undefined => Object.hasOwn(env, name) ? env[name] : undefined;
  const line = readCommandLine(words, buildOptions, environment);
  const terminals = { stdoutIsTerminal, stdinIsTerminal: stdoutIsTerminal };
  return toBuildOptions(line, { environment, stdin: () => stdin, stdout, ...terminals });
}

function refuse(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  terminal = false,
): string {
  const { message } = assertThrows(() => options(words, env, terminal), UsageError);
  return message;
}

const base = ["-t", "a.b/c/image:tag", "."];

Deno.test("toBuildOptions() names little when little is given, so that the library's defaults hold", () => {
  assertEquals(options(["-t", "x", "."]), {
    context: ".",
    tag: ["x"],
    output: { kind: "containerd", unpack: true },
    strict: false,
    buildArgs: {},
    labels: {},
    annotations: {},
  });
});

Deno.test("toBuildOptions() takes everything", () => {
  const words = [
    ...["--file", "f", "--platform", "arm64", "--target", "s", "--compression-level", "9", "--strict"],
    ...["--build-arg", "A=1", "--label", "l=2", "--annotation", "a=3", "-t", "other", "--tar"],
  ];
  assertEquals(options([...base, ...words], { SOURCE_DATE_EPOCH: "12" }), {
    context: ".",
    tag: ["a.b/c/image:tag", "other"],
    output: { kind: "tar", dest: "image:tag" },
    file: "f",
    platform: "arm64",
    target: "s",
    strict: true,
    buildArgs: { A: "1" },
    labels: { l: "2" },
    annotations: { a: "3" },
    compressionLevel: 9,
    sourceDateEpoch: 12,
  });
});

Deno.test("toBuildOptions() wants one context", () => {
  assertEquals(refuse(["-t", "x"]), "Cannot build: the build context is missing");
  assertEquals(
    refuse(["-t", "x", "a", "b"]),
    'Cannot build "b" as well: bima build takes one context, and that is "a"',
  );
});

Deno.test("toBuildOptions() wants names, and all of them right", () => {
  assertEquals(refuse(["."]), "Cannot build: the name of the image is missing");
  assertEquals(
    refuse(["-t", "x", "-t", "Y", "."]),
    'Cannot use image name "Y": a repository name must be lower case',
  );
});

Deno.test("toBuildOptions() puts a tar where the user says", () => {
  const output = (...words: string[]) => options([...base, ...words]).output;
  assertEquals(output("--tar"), { kind: "tar", dest: "image:tag" });
  assertEquals(output("-o", "tar"), { kind: "tar", dest: "image:tag" });
  assertEquals(output("-o", "type=tar,dest=/x/y.tar"), { kind: "tar", dest: "/x/y.tar" });
  assertEquals(output("--tar", "-o", "type=tar,dest=y.tar"), { kind: "tar", dest: "y.tar" });
  assertEquals(output("-t", "later:1", "--tar"), { kind: "tar", dest: "image:tag" });
  for (const dest of ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]) {
    const stream = output("-o", `type=tar,dest=${dest}`);
    assert(stream.kind === "tar" && stream.dest === stdout, dest);
  }
});

Deno.test("toBuildOptions() spares a terminal the bytes of a tar", () => {
  for (const dest of ["-", "/dev/stdout"]) {
    assertEquals(
      refuse([...base, "-o", `type=tar,dest=${dest}`], {}, true),
      "Cannot write a tar to a terminal",
    );
  }
  assertEquals(options([...base, "--tar"], {}, true).output, { kind: "tar", dest: "image:tag" });
});

Deno.test("toBuildOptions() refuses --tar beside another output", () => {
  assertEquals(refuse([...base, "--tar", "-o", "ctr"]), 'Cannot use --tar and --output "ctr" together');
  assertEquals(options([...base, "--tar=false"]).output.kind, "containerd");
});

Deno.test("toBuildOptions() says where containerd is", () => {
  const env = { CONTAINERD_NAMESPACE: "ns", CONTAINERD_ADDRESS: "/a.sock", CONTAINERD_SNAPSHOTTER: "native" };
  assertEquals(options([...base, "--no-unpack", "--timeout", "3"], env).output, {
    kind: "containerd",
    namespace: "ns",
    address: "/a.sock",
    snapshotter: "native",
    unpack: false,
    timeout: 3000,
  });
  assertEquals(options([...base, "-o", "ctr", "-n", "other"], env).output, {
    kind: "containerd",
    namespace: "other",
    address: "/a.sock",
    snapshotter: "native",
    unpack: true,
  });
});

Deno.test("toBuildOptions() says who unpacks", () => {
  for (const unpackBy of ["bima", "containerd"] as const) {
    assertEquals(options([...base, "--unpack-by", unpackBy]).output, {
      kind: "containerd",
      unpack: true,
      unpackBy,
    });
  }
  assertEquals(
    refuse([...base, "--unpack-by", "docker"]),
    'Cannot use --unpack-by "docker": expected bima or containerd',
  );
  assertEquals(
    refuse([...base, "--no-unpack", "--unpack-by", "bima"]),
    "Cannot use --no-unpack and --unpack-by together",
  );
});

Deno.test("toBuildOptions() takes whole numbers in their range only", () => {
  const ranges = [["compression-level", 1, 9], ["timeout", 1, 86_400]] as const;
  for (const [name, least, most] of ranges) {
    for (const value of [`${least}`, `${most}`, `0${least}`]) options([...base, `--${name}`, value]);
    for (const value of [`${least - 1}`, `${most + 1}`, "-1", "1.5", "1e1", "0x2", "", " 1", "one"]) {
      if (value === "") continue;
      assertEquals(
        refuse([...base, `--${name}`, value]),
        `Cannot use --${name} "${value}": expected a whole number from ${least} to ${most}`,
      );
    }
  }
});

Deno.test("toBuildOptions() reads SOURCE_DATE_EPOCH", () => {
  const epoch = (value: string) => options(base, { SOURCE_DATE_EPOCH: value }).sourceDateEpoch;
  assertEquals(epoch("0"), 0);
  assertEquals(epoch("1700000000"), 1_700_000_000);
  assertEquals(epoch("253402300799"), 253_402_300_799);
  assertEquals(epoch(""), undefined);
  for (const value of ["-1", "1.5", "now", " 1", "253402300800", "9".repeat(40), "١"]) {
    assertEquals(
      refuse(base, { SOURCE_DATE_EPOCH: value }),
      `Cannot use SOURCE_DATE_EPOCH "${value}": expected whole seconds since 1970`,
    );
  }
});

Deno.test("toBuildOptions() reads pairs: the first = divides, the last of a key wins", () => {
  const words = ["--label", "a=1", "--label", "b=x=y", "--label", "c=", "--label", "a=2", "--label", "d= ü "];
  assertEquals(options([...base, ...words]).labels, { a: "2", b: "x=y", c: "", d: " ü " });
});

Deno.test("toBuildOptions() keeps a key called __proto__", () => {
  const { labels, annotations, buildArgs } = options([
    ...base,
    ...["--label", "__proto__=1", "--annotation", "__proto__=2", "--build-arg", "__proto__=3"],
  ]);
  assertEquals([labels, annotations, buildArgs].map((map) => Object.entries(map ?? {})), [
    [["__proto__", "1"]],
    [["__proto__", "2"]],
    [["__proto__", "3"]],
  ]);
});

Deno.test("toBuildOptions() refuses pairs without a key, and labels without a value", () => {
  for (const name of ["label", "annotation", "build-arg"]) {
    assertEquals(refuse([...base, `--${name}`, "=x"]), `Cannot use --${name} "=x": expected KEY=VALUE`);
  }
  for (const name of ["label", "annotation"]) {
    assertEquals(
      refuse([...base, `--${name}`, "x"], { x: "1" }),
      `Cannot use --${name} "x": expected KEY=VALUE`,
    );
  }
});

Deno.test("toBuildOptions() takes a build argument without a value from the environment", () => {
  const words = ["--build-arg", "SET", "--build-arg", "EMPTY", "--build-arg", "UNSET"];
  assertEquals(options([...base, ...words], { SET: "1", EMPTY: "" }).buildArgs, { SET: "1", EMPTY: "" });
});

Deno.test("toBuildOptions() takes - for stdin, as context or as Containerfile", () => {
  assertEquals(options(["-t", "x", "-"]).context, stdin);
  const { context, file } = options(["-t", "x", "-f", "-", "."]);
  assertEquals([context, file === stdin], [".", true]);
  assertEquals(
    refuse(["-t", "x", "-f", "-", "-"]),
    "Cannot read both the Containerfile and the build context from standard input",
  );
  assertEquals(refuse(["-t", "x", "-"], {}, true), "Cannot read a build context from a terminal");
});
