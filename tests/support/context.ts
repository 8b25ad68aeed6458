import { dirname } from "@std/path/posix";
import { openContext } from "../../lib/context.ts";
import { planCopy } from "../../lib/copy.ts";
import type { Diagnostic } from "../../lib/diagnostic.ts";
import { evaluate } from "../../lib/evaluate.ts";
import { readAt } from "../../lib/file_stream.ts";
import { applyIgnoreFile } from "../../lib/context/ignore.ts";
import { parse } from "../../lib/parse.ts";
import { Rootfs } from "../../lib/rootfs.ts";
import type { FileTree, ImageNode } from "../../lib/tree.ts";
import { planWorkdir } from "../../lib/copy/workdir.ts";

/** What stands at a path: a text, `null` for a directory, or more of it. */
export type Entry =
  | string
  | null
  | { readonly text: string; readonly mode: number }
  | { readonly directory: number }
  | { readonly link: string }
  | { readonly fifo: true };

/** A tree by relative path, parents first or left out. */
export type Files = Readonly<Record<string, Entry>>;

/** Makes the files below a directory. */
export async function makeFiles(root: string, files: Files): Promise<void> {
  for (const [path, entry] of Object.entries(files)) {
    const at = `${root}/${path}`;
    await Deno.mkdir(dirname(at), { recursive: true });
    if (entry === null || (typeof entry === "object" && "directory" in entry)) {
      await Deno.mkdir(at, { recursive: true });
      await Deno.chmod(at, entry === null ? 0o755 : entry.directory);
    } else if (typeof entry === "string" || "text" in entry) {
      await Deno.writeTextFile(at, typeof entry === "string" ? entry : entry.text);
      await Deno.chmod(at, typeof entry === "string" ? 0o644 : entry.mode);
    } else if ("link" in entry) await Deno.symlink(entry.link, at);
    else await run("mkfifo", at);
  }
}

/** Runs a program that must succeed. */
export async function run(program: string, ...args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** Makes the files in a temporary directory, for as long as `work` takes. */
export async function withFiles<T>(files: Files, work: (path: string) => T | Promise<T>): Promise<T> {
  const path = await Deno.makeTempDir();
  try {
    await makeFiles(path, files);
    return await work(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

/** What a Containerfile makes of a context. */
export interface Copied {
  /** The root file system: `d755 0:0 etc`, `f644 0:0 etc/hosts text`, `l777 0:0 etc/link -> hosts`. */
  readonly list: readonly string[];
  /** `code line:column message`, and the hint on a line of its own. */
  readonly findings: readonly string[];
}

/** Carries out the COPY and WORKDIR of the last stage of a Containerfile; `FROM scratch` in front is implied. */
export function copyFiles(containerfile: string, files: Files): Promise<Copied> {
  return withFiles(files, (path) => copyFrom(containerfile, applyIgnoreFile(openContext(path))));
}

/** As {@linkcode copyFiles}, from any tree. */
export function copyFrom(containerfile: string, context: FileTree): Copied {
  const text = containerfile.startsWith("FROM") ? containerfile : `FROM scratch\n${containerfile}`;
  const { program, diagnostics } = evaluate(parse(text));
  const findings: Diagnostic[] = diagnostics.filter(({ severity }) => severity === "error");
  const results: Rootfs[] = [];
  for (const { steps, base } of program?.stages ?? []) {
    const rootfs = new Rootfs("stage");
    if (base.kind === "stage") rootfs.apply(all(results[base.index] ?? rootfs));
    for (const step of steps) {
      if (step.kind === "workdir") {
        rootfs.apply(planWorkdir(step, rootfs, (finding) => void findings.push(finding)) ?? new Map());
      } else if (step.kind === "copy") {
        const from = step.origin.kind === "stage" ? results[step.origin.index] ?? rootfs : context;
        const report = (finding: Diagnostic): void => void findings.push(finding);
        rootfs.apply(planCopy(step, { from, rootfs, epoch: 0, report }));
      }
    }
    results.push(rootfs);
  }
  return {
    list: [...all(results.at(-1) ?? new Rootfs("nothing"))].map(([path, node]) => line(path, node)),
    findings: findings.flatMap(({ code, span, message, hint }) => [
      `${code} ${span?.start.line}:${span?.start.column} ${message}`,
      ...(hint === undefined ? [] : [`  ${hint}`]),
    ]),
  };
}

function all(tree: Rootfs, directory = ""): Map<string, ImageNode> {
  const nodes = new Map<string, ImageNode>();
  for (const name of tree.names(directory)) {
    const path = directory === "" ? name : `${directory}/${name}`;
    const node = tree.node(path);
    if (node === undefined) throw new Error(`${path} has a name and no node`);
    nodes.set(path, node);
    for (const entry of all(tree, path)) nodes.set(...entry);
  }
  return nodes;
}

function line(path: string, node: ImageNode): string {
  const head = `${node.kind[0] === "s" ? "l" : node.kind[0]}${
    node.mode.toString(8)
  } ${node.uid}:${node.gid} ${path}`;
  if (node.kind === "symlink") return `${head} -> ${node.target}`;
  return node.kind === "directory" ? head : `${head} ${new TextDecoder().decode(readAt(node, 0, node.size))}`;
}
