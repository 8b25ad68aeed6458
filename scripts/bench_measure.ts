/**
 * Measuring programs: hyperfine for the time, GNU time for the memory.
 *
 * @module
 */

/** A program to measure. */
export interface Program {
  /** Its name in the table. */
  readonly label: string;
  /** What is measured, for `sh -c`. */
  readonly command: string;
  /** What is run before each time, unmeasured, for `sh -c`. Default: nothing. */
  readonly prepare?: string;
}

/** What was measured. */
export interface Figure {
  /** The program's name. */
  readonly label: string;
  /** The median of the rounds, in seconds. */
  readonly seconds: number;
  /** The fastest round, in seconds. */
  readonly least: number;
  /** The slowest round, in seconds. */
  readonly most: number;
  /** The largest resident memory of one of its processes, in bytes. */
  readonly memory: number;
}

/** The part of hyperfine's JSON that is used. */
interface Report {
  readonly results: readonly { readonly times: readonly number[] }[];
}

/**
 * Runs programs in turns, so that a machine which becomes slower does so for all of them.
 *
 * @param programs what is compared
 * @param folder where they run; reports are written there as well
 * @param rounds how often each of them, after one round that does not count
 * @returns a figure for each, in order
 */
export async function measure(
  programs: readonly Program[],
  folder: string,
  rounds: number,
): Promise<Figure[]> {
  const times = programs.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, program] of programs.entries()) {
      const seconds = await time(program, folder);
      if (round > 0) times[index]!.push(seconds);
    }
  }
  const figures: Figure[] = [];
  for (const [index, program] of programs.entries()) {
    const sorted = times[index]!.toSorted((a, b) => a - b);
    figures.push({
      label: program.label,
      seconds: (sorted[rounds - 1 >> 1]! + sorted[rounds >> 1]!) / 2,
      least: sorted[0]!,
      most: sorted.at(-1)!,
      memory: await memoryOf(program, folder),
    });
  }
  return figures;
}

async function time({ command, prepare = "true" }: Program, folder: string): Promise<number> {
  const report = `${folder}/report.json`;
  const options = ["--runs", "1", "--style", "none", "--export-json", report];
  // What was written before must not be written to the disk now.
  await run(["hyperfine", ...options, "--prepare", `${prepare}; sync`, command], folder);
  const { results } = JSON.parse(await Deno.readTextFile(report)) as Report;
  return results[0]!.times[0]!;
}

async function memoryOf({ command, prepare = "true" }: Program, folder: string): Promise<number> {
  await run(["sh", "-c", prepare], folder);
  await run(["/usr/bin/time", "-f", "%M", "-o", `${folder}/memory`, "sh", "-c", command], folder);
  return 1024 * Number(await Deno.readTextFile(`${folder}/memory`));
}

/**
 * Runs a program to its end.
 *
 * @returns its standard output
 * @throws {Error} with everything it wrote to standard error, when it fails
 */
export async function run(command: readonly string[], folder?: string): Promise<string> {
  const [program = "", ...args] = command;
  const options = { args, stdin: "null", ...(folder === undefined ? {} : { cwd: folder }) } as const;
  const { success, stdout, stderr } = await new Deno.Command(program, options).output();
  if (!success) throw new Error(`Cannot run ${command.join(" ")}:\n${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** @returns what the figures depend on, a line each: processor, memory, kernel, versions */
export async function machine(): Promise<string[]> {
  const cpuInfo = await Deno.readTextFile("/proc/cpuinfo");
  const model = /^model name\s*:\s*(.*)$/m.exec(cpuInfo)?.[1] ?? Deno.build.arch;
  const { total } = Deno.systemMemoryInfo();
  const first = async (...command: string[]) => (await run(command)).trim().split("\n")[0];
  const bima = (await run([Deno.env.get("BIMA") ?? "bima", "version"])).trim().split("\n")[0];
  return [
    `processor   ${navigator.hardwareConcurrency} × ${model}`,
    `memory      ${(total / 1024 ** 3).toFixed(1)} GiB`,
    `system      ${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    `load        ${Deno.loadavg()[0]!.toFixed(2)} (should be near 0)`,
    `bima        ${bima}`,
    `deno        ${Deno.version.deno}`,
    `tar         ${await first("tar", "--version")}`,
    `buildah     ${await first("buildah", "--version")}`,
    `umoci       ${await first("umoci", "--version")}`,
    `containerd  ${await first("containerd", "--version")}`,
  ];
}
