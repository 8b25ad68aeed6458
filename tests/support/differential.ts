/**
 * Builds the same Containerfile with bima and with buildah, and compares what comes out.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { build } from "../../lib/build.ts";
import { ContainerfileError } from "../../lib/diagnostic.ts";
import { Buildah, type BuildOutcome, type BuiltImage } from "./buildah.ts";
import { type Files, makeFiles } from "./context.ts";
import { configOf, listTree, unpackTar } from "./unpack.ts";

/** What bima must do where buildah does something else. */
export interface Difference {
  /** Whom bima follows, and why. */
  readonly why: string;
  /** The whole tree that bima must make, by path, without `k`. Default: buildah's, or nothing when it refuses. */
  readonly tree?: Readonly<Record<string, string>>;
  /** Fields of the config that must be so; buildah's otherwise. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Labels that must be so; buildah's otherwise. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The code that bima must refuse with. */
  readonly refuses?: string;
}

/** One Containerfile. */
export interface Case {
  /**
   * The instructions. `FROM scratch` in front is implied unless there is a FROM, and what every image needs comes at
   * the end, or where a line `...` stands.
   */
  readonly text: string;
  /** The context. Default: that of the table. There is a file `k` in every one. */
  readonly files?: Files;
  /** Values for ARG. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly target?: string;
  /** Both must refuse, bima with this code. */
  readonly fails?: string;
  readonly differs?: Difference;
}

/** Cases that have something in common. */
export interface Table {
  readonly title: string;
  readonly files: Files;
  readonly cases: readonly Case[];
}

/** @returns cases in which both must do the same */
export function alike(...texts: readonly string[]): Case[] {
  return texts.map((text) => ({ text }));
}

/** @returns cases that both must refuse, bima with this code */
export function refused(code: string, ...texts: readonly string[]): Case[] {
  return texts.map((text) => ({ text, fails: code }));
}

/** @returns cases that bima refuses with this code, while buildah builds them */
export function stricter(code: string, why: string, ...texts: readonly string[]): Case[] {
  return texts.map((text) => ({ text, differs: { why, refuses: code } }));
}

/** What both made of a case. */
export interface Outcomes {
  readonly bima: BuildOutcome;
  readonly buildah: BuildOutcome;
}

/** How many builds run side by side; most of the time they wait for the disk. */
const lanes = 3;

/** Builds all cases of a table with both. */
export async function buildAll({ cases, files }: Table): Promise<Map<Case, Outcomes>> {
  const results = new Map<Case, Outcomes>();
  const rest = [...cases];
  const lane = async (): Promise<void> => {
    await using buildah = await Buildah.open();
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      results.set(next, await buildOne(next, next.files ?? files, buildah));
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: lanes }, lane));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return results;
}

async function buildOne(one: Case, files: Files, buildah: Buildah): Promise<Outcomes> {
  const folder = await Deno.makeTempDir();
  try {
    const context = `${folder}/context`;
    const file = `${folder}/Containerfile`;
    await Deno.mkdir(context);
    await makeFiles(context, { k: "the kernel", ...files });
    await Deno.writeTextFile(file, wholeText(one.text));
    const args = Object.entries(one.buildArgs ?? {}).map(([name, value]) => `--build-arg=${name}=${value}`);
    const target = one.target === undefined ? [] : ["--target", one.target];
    return {
      bima: await buildWithBima(one, context, file, folder),
      buildah: await buildah.build(context, file, [...args, ...target]),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What urunc wants to see in an image. Where there is a command, it gives the command line. */
function wholeText(text: string): string {
  const labels = ["unikernelType=unikraft", "hypervisor=qemu", "binary=/k"];
  if (!hasCommand(text)) labels.push("cmdline=none");
  const needed = ["COPY k /k", ...labels.map((label) => `LABEL com.urunc.unikernel.${label}`)].join("\n");
  const head = /^\uFEFF?\s*FROM\b/im.test(text) ? "" : "FROM scratch\n";
  const body = /^\.\.\.$/m.test(text)
    ? text.replace(/^\.\.\.$/m, needed)
    : `${text.replace(/\n*$/, "\n")}${needed}`;
  return `${head}${body}\n`;
}

function hasCommand(text: string): boolean {
  return /^\s*(?:CMD|ENTRYPOINT)\b/im.test(text);
}

async function buildWithBima(
  one: Case,
  context: string,
  file: string,
  folder: string,
): Promise<BuildOutcome> {
  const { buildArgs = {}, target } = one;
  const dest = `${folder}/image.tar`;
  try {
    // The kernel is none, so its platform must be named.
    const options = { context, file, buildArgs, tag: "case", platform: "linux/amd64", workers: 1 };
    await build({ ...options, ...(target === undefined ? {} : { target }), output: { kind: "tar", dest } });
  } catch (error) {
    if (error instanceof ContainerfileError) return { error: error.message };
    throw error;
  }
  const tree = listTree(await unpackTar(dest, folder));
  return { tree, config: await configOf(`${folder}/layout`) };
}

/** Checks what came of a case. */
export function verify(one: Case, { bima, buildah }: Outcomes): void {
  const { fails, differs } = one;
  if (fails !== undefined) {
    assert("error" in buildah, "buildah builds it");
    return refuses(bima, fails);
  }
  if (differs === undefined) return same(one, bima, buildah);
  if (differs.refuses !== undefined) {
    refuses(bima, differs.refuses);
    return assert(!("error" in buildah), "buildah refuses it as well, so there is no difference");
  }
  const made = built(bima, "bima");
  const expected: Plain = {
    ...("error" in buildah ? { tree: { k: kernel }, config: plain(one, made).config } : plain(one, buildah)),
    ...(differs.tree === undefined ? {} : { tree: { ...differs.tree, k: kernel } }),
  };
  const labels = { ...expected.config.labels as object, ...differs.labels };
  assertEquals(plain(one, made), { ...expected, config: { ...expected.config, ...differs.config, labels } });
  if (!("error" in buildah)) assertNotEquals(plain(one, buildah), plain(one, made), "buildah does the same");
}

const kernel = 'f644 0:0 "the kernel"';

function same(one: Case, bima: BuildOutcome, buildah: BuildOutcome): void {
  assertEquals(plain(one, built(bima, "bima")), plain(one, built(buildah, "buildah")));
}

function built(outcome: BuildOutcome, who: string): BuiltImage {
  if ("error" in outcome) throw new Error(`${who} refuses it: ${outcome.error}`);
  return outcome;
}

function refuses(outcome: BuildOutcome, code: string): void {
  assert("error" in outcome, "bima builds it");
  assertStringIncludes(outcome.error, `[${code}]`);
}

/** What is compared. */
interface Plain {
  readonly tree: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, unknown>>;
}

function plain(one: Case, { tree, config: { author, config = {} } }: BuiltImage): Plain {
  const { Labels = {}, Env, Cmd, Entrypoint, WorkingDir, User, ExposedPorts = {}, Volumes = {}, StopSignal } =
    config;
  const labels = Object.entries(Labels as Record<string, string>).filter(([key]) =>
    // bima makes one of them itself, buildah the other one.
    !["com.urunc.unikernel.cmdline", "io.buildah.version"].includes(key)
  );
  return {
    tree: Object.fromEntries([...tree].filter(([path]) => path !== "urunc.json")),
    config: {
      labels: Object.fromEntries(labels.sort()),
      // Both BuildKit and buildah put a PATH for a shell into an image from scratch. No unikernel has one.
      env: (Env as string[] | undefined ?? []).filter((pair) => pair !== defaultPath),
      command: hasCommand(one.text) ? [Entrypoint ?? [], Cmd ?? []] : "none",
      workingDir: WorkingDir === undefined || WorkingDir === "" ? "/" : WorkingDir,
      user: User ?? "",
      ports: Object.keys(ExposedPorts as object).sort(),
      volumes: Object.keys(Volumes as object).sort(),
      stopSignal: StopSignal ?? "",
      author: author ?? "",
    },
  };
}

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
