/**
 * Gives a parsed Containerfile its meaning: variables get their values, names of stages become indexes, metadata
 * adds up to a config. Knows no files and no images.
 *
 * @module
 */
import { finding } from "./codes.ts";
import { type Diagnostic, sortDiagnostics } from "./diagnostic.ts";
import type { Containerfile, FromInstruction, Instruction, InvalidInstruction } from "./parse/instruction.ts";
import { nearest } from "./nearest.ts";
import type { Platform } from "./platform.ts";
import { quote, shorten } from "./quote.ts";
import type { Program, Stage } from "./stage.ts";
import { type BuiltStage, StageBuilder } from "./evaluate/stage_builder.ts";
import { StageNames } from "./evaluate/stage_names.ts";
import { Variables } from "./evaluate/variables.ts";

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
  /** Absent when there are errors, here or in what the parser found. */
  readonly program?: Program;
  /** The findings, without those of the parser, in order of their position. */
  readonly diagnostics: readonly Diagnostic[];
}

/** FROM, or what was meant to be one, and what follows it. */
interface StageLines {
  readonly start: FromInstruction | InvalidInstruction;
  readonly body: Instruction[];
}

/**
 * Evaluates a Containerfile for one target. Never throws: what is wrong comes back as diagnostics.
 *
 * @param containerfile what the parser returned
 * @param options the target, build arguments and the platform
 * @returns the program, when there are no errors, and the findings
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
  const diagnostics: Diagnostic[] = [];
  const { global, groups } = groupByStage(containerfile.instructions);
  const variables = new Variables(options, diagnostics);
  for (const instruction of global) variables.declareGlobal(instruction);
  const nameOf = ({ start }: StageLines) => start.kind === "FROM" ? start.name : undefined;
  const names = new StageNames(groups.flatMap((group) => nameOf(group) ?? []));
  const built: BuiltStage[] = [];
  for (const group of groups) {
    built.push(new StageBuilder({ ...group, before: built, names, variables }, diagnostics).build());
    names.add(nameOf(group), diagnostics);
  }
  const stages = built.map(({ stage }) => stage);
  const target = findTarget(options.target, stages, names, diagnostics);
  reportUnused(variables, diagnostics);
  const sorted = sortDiagnostics(diagnostics);
  const hasErrors = [containerfile.diagnostics, sorted].some((list) => list.some(isError));
  if (target === undefined || hasErrors) return { diagnostics: sorted };
  const upTo = stages.slice(0, target + 1);
  return { program: { stages: upTo, target, needed: neededStages(upTo, target) }, diagnostics: sorted };
}

function isError({ severity }: Diagnostic): boolean {
  return severity === "error";
}

/** Splits the instructions into those before the first FROM and those of each stage. */
function groupByStage(instructions: readonly Instruction[]): { global: Instruction[]; groups: StageLines[] } {
  const global: Instruction[] = [];
  const groups: StageLines[] = [];
  for (const instruction of instructions) {
    const isBroken = instruction.kind === "invalid" && instruction.keyword === "FROM";
    if (instruction.kind === "FROM" || isBroken) groups.push({ start: instruction, body: [] });
    else (groups.at(-1)?.body ?? global).push(instruction);
  }
  return { global, groups };
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
  const list = [...names.all()].join(", ");
  const known = list === "" ? "" : `: ${shorten(list)}`;
  const hint = near !== undefined
    ? `did you mean ${near}?`
    : `use the name of a stage${known}, or its number, 0 to ${stages.length - 1}`;
  const message = `Cannot build target ${quote(wanted)}: no stage has this name`;
  diagnostics.push(finding("BIMA028", message, undefined, hint));
  return undefined;
}

function reportUnused(variables: Variables, diagnostics: Diagnostic[]): void {
  for (const name of variables.unusedBuildArgs()) {
    const near = nearest(name, variables.declared());
    const hint = near === undefined ? `declare it with ARG ${shorten(name)}` : `did you mean ${near}?`;
    const message = `Build argument ${quote(name)} has no effect: no ARG declares it`;
    diagnostics.push(finding("BIMA064", message, undefined, hint));
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
