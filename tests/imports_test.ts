import { assert, assertEquals } from "@std/assert";
import { join, normalize } from "@std/path/posix";
import { root } from "./support/bima.ts";

/** One import of a file. */
interface Import {
  /** The specifier; that of our own files relative to the project. */
  readonly to: string;
  /** Whether it is gone when the program runs. */
  readonly typeOnly: boolean;
}

/** All sources that become the program, and what each imports. */
const files = new Map<string, readonly Import[]>();
for (const path of ["cli.ts", "mod.ts", ...sourcesBelow("lib")]) files.set(path, importsOf(path));

function sourcesBelow(folder: string): string[] {
  return Array.from(Deno.readDirSync(join(root, folder))).flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return sourcesBelow(path);
    return name.endsWith(".ts") ? [path] : [];
  });
}

function importsOf(path: string): Import[] {
  const text = Deno.readTextFileSync(join(root, path)).replace(/\/\*[\s\S]*?\*\//g, "");
  const statics = [...text.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm)];
  const lazy = [...text.matchAll(/\bimport\("([^"]+)"\)/g)].map(([, to = ""]) => ({ to, typeOnly: false }));
  return [...statics.map(([, type, to = ""]) => ({ to, typeOnly: type !== undefined })), ...lazy].map(
    ({ to, typeOnly }) => ({ to: to.startsWith(".") ? normalize(join(path, "..", to)) : to, typeOnly }),
  );
}

/** The files that know the order of the steps. */
const conductors = [
  "cli.ts",
  "mod.ts",
  "lib/build.ts",
  "lib/build_command.ts",
  "lib/check.ts",
  "lib/check_command.ts",
  "lib/containerfile.ts",
  "lib/destination.ts",
  "lib/inputs.ts",
  "lib/inputs.ts",
  "lib/layers.ts",
  "lib/plan.ts",
];

/** The rooms: each is a step, and knows nothing of the others. */
const rooms = [
  "parse",
  "evaluate",
  "context",
  "copy",
  "binary",
  "urunc",
  "layer",
  "archive",
  "containerd",
  "ctr",
];

Deno.test("the files import each other in one direction", () => {
  const done = new Set<string>();
  const visit = (path: string, above: readonly string[]): void => {
    assert(!above.includes(path), `a circle: ${[...above, path].join(" -> ")}`);
    if (done.has(path)) return;
    for (const { to, typeOnly } of files.get(path) ?? []) if (!typeOnly) visit(to, [...above, path]);
    done.add(path);
  };
  for (const path of files.keys()) visit(path, []);
});

Deno.test("only the conductors import rooms", () => {
  for (const [path, imports] of files) {
    if (conductors.includes(path)) continue;
    for (const { to, typeOnly } of imports) {
      const room = rooms.find((name) => to === `lib/${name}.ts`);
      assert(
        room === undefined || typeOnly || path.startsWith(`lib/${room}/`) || path === "lib/ctr.ts",
        `${path} imports ${to}`,
      );
    }
  }
});

Deno.test("nothing in lib imports the command or the public API", () => {
  for (const [path, imports] of files) {
    if (path === "cli.ts") continue;
    for (const { to } of imports) assert(to !== "cli.ts" && to !== "mod.ts", `${path} imports ${to}`);
  }
});

Deno.test("every third-party package is imported in one file", () => {
  const users = new Map<string, string[]>();
  for (const [path, imports] of files) {
    for (const { to, typeOnly } of imports) {
      if (files.has(to) || typeOnly || /^(?:node:|@std\/|proto\/|deno\.json)/.test(to)) continue;
      users.set(to, [...users.get(to) ?? [], path]);
    }
  }
  assert(users.has("modern-tar") && users.has("@grpc/grpc-js"));
  for (const [name, paths] of users) {
    assertEquals(paths.length, 1, `${name} is imported in ${paths.join(", ")}`);
  }
});

Deno.test("gRPC is not loaded by the help and by a tar", () => {
  const loaded = new Set<string>();
  const visit = (path: string): void => {
    if (loaded.has(path)) return;
    loaded.add(path);
    const text = files.has(path) ? Deno.readTextFileSync(join(root, path)) : "";
    for (const { to, typeOnly } of files.get(path) ?? []) {
      if (!typeOnly && !text.includes(`import("./${to.slice(to.lastIndexOf("/") + 1)}")`)) visit(to);
    }
  };
  visit("mod.ts");
  assert(loaded.has("lib/archive.ts"));
  assert(
    ![...loaded].some((path) => path.includes("grpc") || path.startsWith("lib/containerd")),
    [...loaded].join(" "),
  );
});

Deno.test("only the command prints and exits", () => {
  for (const path of files.keys()) {
    if (path === "cli.ts") continue;
    const text = Deno.readTextFileSync(join(root, path)).replace(/^\s*(?:\*|\/\/).*$/gm, "");
    const found = /\bconsole\.|\bDeno\.(?:exit|stdout|stderr|args|addSignalListener)\b/.exec(text);
    assertEquals(found?.[0], undefined, path);
  }
});

Deno.test("no file is longer than 400 lines", async () => {
  const { stdout } = await new Deno.Command("git", { args: ["ls-files", "*.ts"], cwd: root }).output();
  const paths = new TextDecoder().decode(stdout).trim().split("\n").filter((path) =>
    !path.startsWith("proto/gen/")
  );
  assert(paths.length > 50);
  for (const path of paths) {
    const lines = Deno.readTextFileSync(join(root, path)).split("\n").length - 1;
    assert(lines <= 400, `${path} has ${lines} lines`);
  }
});
