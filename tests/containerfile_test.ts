/** Which Containerfile is taken, and what is made of it. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { compile, readContainerfile, type Source } from "../lib/containerfile.ts";
import { ContainerfileError } from "../lib/diagnostic.ts";
import { PathError } from "../lib/errors.ts";
import { Folder, run } from "./support/bima.ts";
import { asNobody } from "./support/nobody.ts";

/** Looks for a Containerfile in a working directory. */
function find(folder: Folder, file: string | undefined, context = "context"): Source {
  const before = Deno.cwd();
  Deno.chdir(folder.path);
  try {
    return readContainerfile(file, context);
  } finally {
    Deno.chdir(before);
  }
}

function refused(
  folder: Folder,
  file?: string,
  context?: string,
): [message: string, hint: string | undefined] {
  const { message, hint } = assertThrows(() => find(folder, file, context), PathError);
  return [message, hint];
}

/** Each file has its own path as text. */
function folderOf(...paths: string[]): Folder {
  return new Folder(Object.fromEntries(["context/", ...paths].map((path) => [path, path])));
}

const order = ["Containerfile", "Dockerfile", "context/Containerfile", "context/Dockerfile"];

Deno.test("readContainerfile() prefers the working directory to the context, and Containerfile to Dockerfile", () => {
  for (let first = 0; first < order.length; first++) {
    using folder = folderOf(...order.slice(first));
    assertEquals(find(folder, undefined), { file: order[first] ?? "", text: order[first] ?? "" });
  }
});

Deno.test("readContainerfile() takes the context as the user writes it", () => {
  using folder = folderOf("context/Containerfile");
  const text = "context/Containerfile";
  for (const context of ["context", "context/", "context//", "./context", `${folder.path}/context/`]) {
    const file = `${context.replace(/\/+$/, "")}/Containerfile`.replace(/^\.\//, "");
    assertEquals(find(folder, undefined, context), { file, text });
  }
});

Deno.test("readContainerfile() takes the named file, relative to the working directory", () => {
  using folder = folderOf(...order, "other", "context/other", "sub/file");
  for (const [file, path] of [["other", "other"], ["./other", "other"], ["sub/file", "sub/file"]] as const) {
    assertEquals(find(folder, file), { file: path, text: path });
  }
  assertEquals(find(folder, "context/other"), { file: "context/other", text: "context/other" });
  assertEquals(find(folder, folder.at("other")), { file: folder.at("other"), text: "other" });
  assertEquals(find(folder, "./Containerfile"), { file: "Containerfile", text: "Containerfile" });
});

Deno.test("readContainerfile() falls back to the working directory, and says in place of which file", () => {
  for (const names of [["Containerfile", "Dockerfile"], ["Dockerfile"]]) {
    using folder = folderOf(...names, "context/Containerfile");
    const [name = ""] = names;
    for (const file of ["nope", "no/such/file", "Dockerfile/x", "./nope", "context/nope"]) {
      assertEquals(find(folder, file), { file: name, text: name, instead: file });
    }
  }
  using folder = folderOf("Dockerfile");
  assertEquals(find(folder, "./Containerfile"), {
    file: "Dockerfile",
    text: "Dockerfile",
    instead: "./Containerfile",
  });
});

Deno.test("readContainerfile() does not look in the context when a file was named", () => {
  using folder = folderOf("context/Containerfile", "context/Dockerfile", "context/nope");
  assertEquals(refused(folder, "nope"), [
    'Cannot read "nope": no such file, and no Containerfile or Dockerfile in the working directory either',
    "name the file with -f",
  ]);
});

Deno.test("readContainerfile() says where it looked", () => {
  using folder = folderOf();
  assertEquals(refused(folder), [
    `Cannot find a Containerfile in "${folder.path}" or in the build context "context": expected Containerfile or Dockerfile`,
    "name the file with -f",
  ]);
});

Deno.test("readContainerfile() refuses a directory", () => {
  using folder = folderOf("Dockerfile", "dir/");
  assertEquals(refused(folder, "dir")[0], 'Cannot read "dir": it is a directory, expected a Containerfile');
  folder.write("Containerfile/", "");
  assertEquals(
    refused(folder)[0],
    'Cannot read "./Containerfile": it is a directory, expected a Containerfile',
  );
});

Deno.test("readContainerfile() does not take another file when the named one may not be read", async () => {
  using folder = folderOf("Dockerfile", "secret");
  Deno.chmodSync(folder.at("secret"), 0);
  Deno.chmodSync(folder.path, 0o755);
  await asNobody(() => assertEquals(refused(folder, "secret")[0], 'Cannot read "secret": permission denied'));
});

Deno.test("readContainerfile() refuses what is not UTF-8", () => {
  const texts = [[0xff, 0xfe, 0x46, 0], [0x46, 0xc3], [0x46, 0xed, 0xa0, 0x80], [0xc0, 0x80]];
  for (const bytes of texts) {
    using folder = new Folder({ Containerfile: new Uint8Array(bytes) });
    assertEquals(refused(folder)[0], 'Cannot read "./Containerfile": it is not UTF-8 text');
  }
});

Deno.test("readContainerfile() keeps every character", () => {
  const texts = [
    "",
    "\ufeffFROM scratch",
    "FROM scratch\r\n",
    "\0",
    "ünï😀\u2028",
    "x".repeat(200_000),
    "\n".repeat(65_536),
  ];
  for (const text of texts) {
    using folder = new Folder({ Containerfile: text });
    assertEquals(find(folder, undefined).text, text);
  }
});

Deno.test("readContainerfile() takes 16 MiB and refuses more, endless devices too", () => {
  const most = 16 << 20;
  using folder = new Folder({ Containerfile: new Uint8Array(most).fill(10) });
  assertEquals(find(folder, undefined).text.length, most);
  folder.write("Containerfile", new Uint8Array(most + 1));
  const why = `a Containerfile has at most ${most} bytes`;
  assertEquals(refused(folder)[0], `Cannot read "./Containerfile": ${why}`);
  assertEquals(refused(folder, "/dev/zero")[0], `Cannot read "/dev/zero": ${why}`);
  assertEquals(find(folder, "/dev/null").text, "");
});

Deno.test("readContainerfile() reads a pipe to its end, and follows links", async () => {
  using folder = new Folder({ real: "FROM scratch\n" });
  Deno.symlinkSync("real", folder.at("Containerfile"));
  assertEquals(find(folder, undefined).text, "FROM scratch\n");
  await run("mkfifo", folder.at("fifo"));
  const script = 'for i in 1 2 3; do head -c 50000 /dev/zero | tr "\\0" x; done > "$0"';
  const writer = new Deno.Command("sh", { args: ["-c", script, folder.at("fifo")] }).spawn();
  assertEquals(find(folder, "fifo").text, "x".repeat(150_000));
  await writer.status;
});

const source = (text: string, instead?: string): Source => {
  return { file: "Containerfile", text, ...(instead === undefined ? {} : { instead }) };
};

Deno.test("compile() gives the program and the warnings", () => {
  const { program, diagnostics } = compile(
    source("FROM scratch AS a\nMAINTAINER me\nFROM a\nLABEL x=1\n"),
    {},
  );
  assertEquals([program.stages.length, program.target, program.needed], [2, 1, [0, 1]]);
  assertEquals(diagnostics.map(({ code, severity }) => [code, severity]), [["BIMA066", "warning"]]);
  assertEquals(compile(source("FROM scratch AS a\nFROM scratch\n"), { target: "a" }).program.target, 0);
});

Deno.test("compile() warns when another file was taken than the named one", () => {
  const { diagnostics } = compile(source("FROM scratch\n", "Containerfil"), {});
  assertEquals(diagnostics.map(({ code, message, severity }) => [code, message, severity]), [
    ["BIMA170", '"Containerfil" is not there, "Containerfile" is used in its place', "warning"],
  ]);
});

Deno.test("compile() takes a byte order mark for nothing", () => {
  assertEquals(compile(source("\ufeffFROM scratch\n"), {}).diagnostics, []);
});

Deno.test("compile() throws all findings of parser and evaluator in one error, warnings among them", () => {
  const text = "FROM scratch\nMAINTAINER me\nNOPE\nCOPY x\nFROM other\n";
  const error = assertThrows(() => compile(source(text, "asked"), {}), ContainerfileError);
  assertEquals(error.file, "Containerfile");
  assertEquals(error.diagnostics.map(({ code, span }) => `${code}:${span?.start.line}`), [
    "BIMA170:undefined",
    "BIMA066:2",
    "BIMA001:3",
    "BIMA009:4",
    "BIMA026:5",
  ]);
  for (const { code } of error.diagnostics) assert(error.message.includes(`[${code}]`), code);
});

Deno.test("compile() refuses a file without instructions", () => {
  for (const text of ["", "\n\n", "# only a comment\n", "\ufeff"]) {
    const error = assertThrows(() => compile(source(text), {}), ContainerfileError);
    assertEquals(error.diagnostics.map(({ code }) => code), ["BIMA002"]);
  }
});
