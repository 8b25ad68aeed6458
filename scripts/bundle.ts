// deno-lint-ignore-file no-console -- it says what it made.
/**
 * Makes the whole program one file, `dist/bima.js`, with its source map beside it. It runs from a disk, from a URL and
 * inside of an executable.
 *
 * Usage: deno run --allow-all scripts/bundle.ts
 *
 * The work is done in a copy of the sources, so that the version and one import can differ from what is in the
 * repository.
 *
 * @module
 */
import { join } from "@std/path/posix";

const root = join(import.meta.dirname ?? ".", "..");
const dist = join(root, "dist");

/** What the program is made of. */
const sources = ["cli.ts", "mod.ts", "deno.json", "deno.lock", "lib", "proto/gen", "types"];

/** The only file that imports gRPC. */
const grpcUser = "lib/containerd_rpc.ts";
const grpc = "@grpc/grpc-js";

const stage = Deno.makeTempDirSync({ prefix: "bima-bundle-" });
try {
  for (const name of sources) copy(join(root, name), join(stage, name));
  const version = stampVersion();
  inlineGrpcAsText();
  bundle("cli.ts", "bima.js", "--sourcemap=external");
  const text = Deno.readTextFileSync(join(stage, "bima.js"));
  Deno.mkdirSync(dist, { recursive: true });
  // The map first: who sees the new bundle sees its map.
  Deno.copyFileSync(join(stage, "bima.js.map"), join(dist, "bima.js.map"));
  const temporary = join(dist, ".bima.js.partial");
  Deno.writeTextFileSync(temporary, withoutRequire(text));
  Deno.renameSync(temporary, join(dist, "bima.js"));
  console.error(`dist/bima.js: bima ${version}`);
} finally {
  Deno.removeSync(stage, { recursive: true });
}

/** Copies a file, or a folder with all that is in it. */
function copy(from: string, to: string): void {
  if (!Deno.statSync(from).isDirectory) {
    Deno.mkdirSync(join(to, ".."), { recursive: true });
    return Deno.copyFileSync(from, to);
  }
  for (const { name } of Deno.readDirSync(from)) copy(join(from, name), join(to, name));
}

/** Adds to the version which commit it is, where that is known: `0.3.0+8250d18-dirty`. @returns the whole version */
function stampVersion(): string {
  const path = join(stage, "deno.json");
  const text = Deno.readTextFileSync(path);
  const { version } = JSON.parse(text) as { readonly version: string };
  const commit = describe();
  const more = commit === `v${version}` ? "" : commit.replace(`v${version}-`, "");
  const whole = more === "" ? version : `${version}+${more}`;
  Deno.writeTextFileSync(path, text.replace(`"version": "${version}"`, `"version": "${whole}"`));
  return whole;
}

function describe(): string {
  // A repository further up is somebody else's.
  if (!Array.from(Deno.readDirSync(root)).some(({ name }) => name === ".git")) return "";
  try {
    // With sudo the folder is somebody else's, which git must be told is fine.
    const options = ["--no-optional-locks", "-c", "safe.directory=*", "-C", root];
    const args = [...options, "describe", "--tags", "--always", "--dirty"];
    const { success, stdout } = new Deno.Command("git", { args, stdin: "null", stderr: "null" }).outputSync();
    return success ? new TextDecoder().decode(stdout).trim() : "";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/**
 * Puts gRPC into the bundle as a string. It is more than half of the program, and the engine would read through all
 * of it at every start, for a build that goes into a tar and for the help too.
 */
function inlineGrpcAsText(): void {
  const path = join(stage, grpcUser);
  const text = Deno.readTextFileSync(path);
  const [statement, imported = ""] = /^import \{([^}]*)\} from "@grpc\/grpc-js";$/m.exec(text) ?? [];
  if (statement === undefined) throw new Error(`Cannot bundle: ${grpcUser} does not import ${grpc}`);
  const names = imported.split(",").map((name) => name.trim()).filter((name) =>
    name !== "" && !name.startsWith("type ")
  );
  Deno.writeTextFileSync(join(stage, "grpc.ts"), `export { ${names.join(", ")} } from "${grpc}";\n`);
  // The loader of .proto files is asked for by a part of gRPC that is not used.
  bundle("grpc.ts", "grpc.cjs", "--format=cjs", "--external=@grpc/proto-loader");
  const code = Deno.readTextFileSync(join(stage, "grpc.cjs"));
  Deno.writeTextFileSync(
    join(stage, "grpc_text.ts"),
    `import process from "node:process";
const module = { exports: {} };
new Function("module", "require", ${JSON.stringify(code)})(module, (name) => process.getBuiltinModule(name));
export const { ${names.join(", ")} } = module.exports;
`,
  );
  Deno.writeTextFileSync(path, text.replace(statement, statement.replace(grpc, "../grpc_text.ts")));
}

/** Bundles a file of the stage into another one. */
function bundle(entry: string, output: string, ...options: string[]): void {
  const args = ["bundle", "--quiet", "--minify", "--frozen", ...options, `--output=${output}`, entry];
  const { code } = new Deno.Command(Deno.execPath(), { args, cwd: stage, stdin: "null" }).outputSync();
  if (code !== 0) throw new Error(`Cannot bundle ${entry}: deno bundle failed (exit ${code})`);
}

/** Takes out the bundler's `require` for CommonJS: nothing uses it, and it cannot be made from a URL. */
function withoutRequire(text: string): string {
  const header =
    /import\s*\{\s*createRequire as (\w+)\s*\}\s*from\s*"node:module";\s*var [\w$]+=\1\(import\.meta\.url\);/;
  const rest = text.replace(header, "");
  const found = /createRequire|import\.meta\.(?:url|dirname|filename)/.exec(rest);
  if (found !== null) throw new Error(`Cannot bundle: what uses ${found[0]} does not run from a URL`);
  return rest;
}
