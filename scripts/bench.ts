// deno-lint-ignore-file no-console -- what it prints is what it is for.
/**
 * The benchmark behind `make bench`: every case prints what it measures while it does, and a table stands at the end.
 * `scripts/bench` runs it, with TMPDIR a folder that is removed afterwards and BIMA the bima to measure.
 *
 * @module
 */
import { Daemon } from "../tests/support/containerd.ts";
import { writeContext } from "./bench_inputs.ts";
import { type Figure, machine, measure, type Program, run } from "./bench_measure.ts";

const folder = Deno.makeTempDirSync();
const bima = Deno.env.get("BIMA") ?? "bima";
const deno = new URL("deno", import.meta.url).pathname;

/** What a case found, and what was promised. */
interface Outcome {
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly promises: readonly Promised[];
}

/** A figure with a limit. */
interface Promised {
  readonly text: string;
  readonly value: string;
  readonly kept: boolean;
}

const cases: Readonly<Record<string, () => Promise<Outcome>>> = { start, large, small, image, containerd };

/** How long it takes until bima does anything. */
async function start(): Promise<Outcome> {
  await Deno.writeTextFile(`${folder}/empty.ts`, "");
  const figures = await compare("start-up", 20, [
    { label: "bima --help", command: `${bima} --help` },
    { label: "an empty program", command: `${deno} run --quiet ${folder}/empty.ts` },
  ]);
  const [help] = figures as [Figure];
  return { title: "start-up", figures, promises: [below("--help", help.seconds * 1000, 100, "ms")] };
}

/** A unikernel of 2 GiB: constant memory. */
async function large(): Promise<Outcome> {
  const context = await contextOf("large", { kernel: 2048, files: 0 });
  const title = "unikernel of 2 GiB";
  const figures = await compare(title, 2, [tarOf(context), {
    label: "tar cf",
    command: `tar -C ${context} -cf o .`,
  }]);
  const [ours] = figures as [Figure];
  return { title, figures, promises: [below("memory", ours.memory / 1e6, 250, "MB")] };
}

/** Many small files, where each one costs more than its bytes do. */
async function small(): Promise<Outcome> {
  const context = await contextOf("small", { kernel: 1, files: 20_000 });
  const title = "20,000 small files";
  const figures = await compare(title, 5, [
    tarOf(context),
    { label: "tar cf", command: `tar -C ${context} -cf o .` },
    { label: "tar czf", command: `tar -C ${context} -czf o .` },
  ]);
  const [ours, plain] = figures as [Figure, Figure];
  const limit = 4 * plain.seconds + 1;
  return { title, figures, promises: [below("bima, with 4 × tar + 1 s", ours.seconds, limit, "s")] };
}

/** A usual image, beside the tools that people make such images with. */
async function image(): Promise<Outcome> {
  const context = await contextOf("image", { kernel: 256, files: 5000 });
  const title = "256 MiB and 5,000 files";
  const buildah = `buildah --root ${folder}/buildah/root --runroot ${folder}/buildah/run`;
  const umoci = [
    "umoci init --layout layout",
    "umoci new --image layout:t",
    `umoci insert --image layout:t ${context}/kernel.elf /unikernel/kernel.elf`,
    `umoci insert --image layout:t ${context}/files /files`,
    "tar -C layout -cf o .",
  ];
  const figures = await compare(title, 3, [
    tarOf(context),
    {
      label: "buildah bud, push",
      command: `${buildah} bud -q -t t ${context} && ${buildah} push -q t oci-archive:o:t`,
      prepare: "rm -rf o buildah",
    },
    { label: "umoci, tar", command: umoci.join(" && "), prepare: "rm -rf o layout" },
  ]);
  return { title, figures, promises: [] };
}

/** The way into containerd, beside a tar and `ctr images import`. */
async function containerd(): Promise<Outcome> {
  const context = await contextOf("image", { kernel: 256, files: 5000 });
  const title = "the same into containerd";
  // Without a journal ext4 takes longer the more files were removed; the daemon gets a file system of its own.
  await using daemon = await Daemon.start({ disk: "8G" });
  const name = "docker.io/library/bench:latest";
  const ctr = `ctr --address ${daemon.address}`;
  const build = `${bima} build --address ${daemon.address} -t bench ${context}`;
  // Garbage collection takes content and snapshots with the image.
  const forget = `${ctr} images rm --sync ${name}`;
  const figures = await compare(title, 5, [
    { label: "bima build", command: build, prepare: forget },
    { label: "bima build, unchanged", command: build },
    {
      label: "bima --tar, ctr import",
      command:
        `${bima} build --output type=tar,dest=o -t bench ${context} && ${ctr} images import --no-unpack=false o`,
      prepare: `rm -f o; ${forget}`,
    },
  ]);
  const [ours, again, pair] = figures as [Figure, Figure, Figure];
  const promises = [
    below("bima build : tar and import", ours.seconds / pair.seconds, 0.8, ""),
    below("unchanged : first", again.seconds / ours.seconds, 0.5, ""),
    below("memory", ours.memory / 1e6, 300, "MB"),
  ];
  return { title, figures, promises };
}

/** Writes a context, unless another case did. @returns its folder */
async function contextOf(name: string, shape: Parameters<typeof writeContext>[1]): Promise<string> {
  const path = `${folder}/${name}`;
  try {
    await Deno.stat(path);
  } catch {
    console.error(`writing ${shape.kernel} MiB and ${shape.files} files`);
    await writeContext(path, shape);
    await run(["sync"]);
  }
  return path;
}

function tarOf(context: string): Program {
  const command = `${bima} build -f ${context}/Containerfile --output type=tar,dest=o -t bench ${context}`;
  return { label: "bima --tar", command, prepare: "rm -f o" };
}

async function compare(title: string, rounds: number, programs: readonly Program[]): Promise<Figure[]> {
  console.error(`measuring ${title}: ${programs.map(({ label }) => label).join(" | ")}`);
  return await measure(programs, folder, rounds);
}

function below(text: string, value: number, limit: number, unit: string): Promised {
  const digits = limit < 10 ? 2 : 0;
  const shown = `${value.toFixed(digits)} ${unit}`.trim();
  return {
    text: `${text} at most ${limit.toFixed(digits)} ${unit}`.trim(),
    value: shown,
    kept: value <= limit,
  };
}

function print({ title, figures, promises }: Outcome): void {
  console.log(`\n${title}`);
  const [first] = figures;
  for (const { label, seconds, least, most, memory } of figures) {
    const columns = [
      label.padEnd(24),
      `${seconds.toFixed(3)} s`.padStart(10),
      `${least.toFixed(3)} – ${most.toFixed(3)}`.padStart(17),
      `× ${(seconds / first!.seconds).toFixed(2)}`.padStart(8),
      `${(memory / 1e6).toFixed(0)} MB`.padStart(8),
    ];
    console.log(`  ${columns.join("  ")}`);
  }
  for (const { text, value, kept } of promises) {
    console.log(`  ${kept ? "kept" : "MISSED"}: ${text}: ${value}`);
  }
}

const wanted = Deno.args.length === 0 ? Object.keys(cases) : Deno.args;
const unknown = wanted.find((name) => !Object.hasOwn(cases, name));
if (unknown !== undefined) {
  console.error(`bench: there is no case "${unknown}", only ${Object.keys(cases).join(", ")}`);
  Deno.exit(2);
}
const about = await machine();
const outcomes: Outcome[] = [];
for (const name of wanted) outcomes.push(await cases[name]!());
console.log(about.join("\n"));
console.log(`\n${"".padEnd(24)}      median       least – most     ratio    memory`);
outcomes.forEach(print);
