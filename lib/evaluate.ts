/**
 * Gives a parsed Containerfile its meaning: variables get their values, names of stages become indexes, metadata
 * adds up to a config. Knows no files and no images.
 *
 * @module
 */
import { type Diagnostic, sortDiagnostics } from "./diagnostic.ts";
import type { Containerfile, FromInstruction, Instruction, InvalidInstruction } from "./instruction.ts";
import type { Platform } from "./platform.ts";
import { predefinedNames, Variables } from "./variables.ts";
import type { Program, Stage } from "./stage.ts";
import { finding } from "./codes.ts";
import { nearest } from "./nearest.ts";
import { type BuiltStage, StageBuilder } from "./stage_builder.ts";
import { StageNames } from "./stage_names.ts";

/** How a Containerfile is evaluated. */
export interface EvaluateOptions {
  /** The stage to build: its name in any case, or its index. Default: the last one. */
  readonly target?: string;
  /** Values for ARG, by name. Default: none. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** What TARGETPLATFORM and its kin stand for. Default: unknown, and using them is an error. */
  readonly platform?: Platform;
}

/** What comes out of {@linkcode evaluate}. */
export interface Evaluation {
  /** Absent when there are errors. */
  readonly program?: Program;
  /** All findings, those of the parser included, in order of their position. */
  readonly diagnostics: readonly Diagnostic[];
}

/** FROM, or what was meant to be one. */
type StageStart = FromInstruction | InvalidInstruction;

/**
 * Evaluates a Containerfile for one target. Never throws: what is wrong comes back as diagnostics.
 *
 * @param containerfile what the parser returned
 * @param options the target, build arguments and the platform
 * @returns the program, when there are no errors, and all findings
 *
 * @example
 * ```ts
 * import { evaluate } from "./evaluate.ts";
 * import { parse } from "./parse.ts";
 *
 * const { program } = evaluate(parse("ARG V=1\nFROM scratch\nARG V\nLABEL version=$V\n"));
 * console.log(program?.stages[0]?.config.labels); // { version: "1" }
 * ```
 */
export function evaluate(containerfile: Containerfile, options: EvaluateOptions = {}): Evaluation {
  const diagnostics: Diagnostic[] = [...containerfile.diagnostics];
  const { global, groups } = groupByStage(containerfile.instructions);
  const variables = new Variables({ ...options, stages: stageNamesOf(groups) }, diagnostics);
  for (const instruction of global) variables.declareGlobal(instruction);
  const names = new StageNames();
  const built: BuiltStage[] = [];
  for (const [start, body] of groups) {
    built.push(new StageBuilder({ start, body, before: built, names, variables }, diagnostics).build());
    names.add(start.kind === "FROM" ? start.name : undefined, diagnostics);
  }
  const stages = built.map(({ stage }) => stage);
  const target = findTarget(options.target, stages, names, diagnostics);
  checkBuildArgs(options.buildArgs ?? {}, variables, diagnostics);
  const sorted = sortDiagnostics(diagnostics);
  if (target === undefined || sorted.some(({ severity }) => severity === "error")) {
    return { diagnostics: sorted };
  }
  const upTo = stages.slice(0, target + 1);
  return { program: { stages: upTo, target, needed: neededStages(upTo, target) }, diagnostics: sorted };
}

/** Splits the instructions into those before the first FROM and those of each stage. */
function groupByStage(
  instructions: readonly Instruction[],
): { global: Instruction[]; groups: (readonly [StageStart, Instruction[]])[] } {
  const global: Instruction[] = [];
  const groups: (readonly [StageStart, Instruction[]])[] = [];
  for (const instruction of instructions) {
    const starts = instruction.kind === "FROM" ||
      (instruction.kind === "invalid" && instruction.keyword === "FROM");
    if (starts) groups.push([instruction, []]);
    else (groups.at(-1)?.[1] ?? global).push(instruction);
  }
  return { global, groups };
}

function stageNamesOf(groups: readonly (readonly [StageStart, unknown])[]): (string | undefined)[] {
  return groups.map(([start]) => start.kind === "FROM" ? start.name?.text : undefined);
}

function findTarget(
  wanted: string | undefined,
  stages: readonly Stage[],
  names: StageNames,
  diagnostics: Diagnostic[],
): number | undefined {
  if (stages.length === 0) return undefined;
  if (wanted === undefined || wanted === "") return stages.length - 1;
  const index = names.find(wanted);
  if (index !== undefined) return index;
  const near = nearest(wanted, names.all());
  const hint = near !== undefined
    ? `did you mean ${near}?`
    : `use a stage's name${list(names.all())} or its index, 0 to ${stages.length - 1}`;
  diagnostics.push(
    finding("BIMA028", `Cannot build target "${wanted}": no stage has this name`, undefined, hint),
  );
  return undefined;
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "" : ` (${names.join(", ")})`;
}

function checkBuildArgs(
  buildArgs: Readonly<Record<string, string>>,
  variables: Variables,
  diagnostics: Diagnostic[],
): void {
  for (const name of Object.keys(buildArgs)) {
    if (variables.isDeclared(name) || predefinedNames.some((pattern) => pattern.test(name))) continue;
    const near = nearest(name, variables.declared());
    const hint = near === undefined ? `declare it with ARG ${name}` : `did you mean ${near}?`;
    diagnostics.push(
      finding("BIMA064", `Build argument "${name}" has no effect: no ARG declares it`, undefined, hint),
    );
  }
}

/** The stages that the target stands on or copies from, and theirs. */
function neededStages(stages: readonly Stage[], target: number): number[] {
  const needed = new Set<number>();
  const open = [target];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    const stage = stages[index];
    if (stage === undefined || needed.has(index)) continue;
    needed.add(index);
    if (stage.base.kind === "stage") open.push(stage.base.index);
    for (const step of stage.steps) {
      if (step.kind === "copy" && step.origin.kind === "stage") open.push(step.origin.index);
    }
  }
  return [...needed].sort((a, b) => a - b);
}
