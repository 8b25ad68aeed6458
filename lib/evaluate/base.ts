/**
 * What a stage starts from.
 *
 * @module
 */
import { type Code, finding } from "../codes.ts";
import type { Diagnostic } from "../diagnostic.ts";
import { messageOf, UsageError } from "../errors.ts";
import type { FromInstruction } from "../parse/instruction.ts";
import type { Meter } from "./meter.ts";
import { nearest } from "../nearest.ts";
import { parsePlatform, type Platform } from "../platform.ts";
import { quote } from "../quote.ts";
import type { Stage } from "../stage.ts";
import type { StageNames } from "./stage_names.ts";
import type { VariableScope } from "./variable_scope.ts";

/**
 * @param from the instruction
 * @param scope the variables before the first FROM; @param names the stages so far
 * @param meter the limit on work
 * @param diagnostics receives what is wrong
 * @returns the base; `scratch` when there is none, so that the rest can be checked
 */
export function findBase(
  { image, keywordSpan }: FromInstruction,
  scope: VariableScope,
  names: StageNames,
  meter: Meter,
  diagnostics: Diagnostic[],
): Stage["base"] {
  const before = diagnostics.length;
  const name = scope.expand(image);
  if (name === "scratch") return { kind: "scratch" };
  const index = names.named(name);
  if (index !== undefined) return { kind: "stage", index };
  const report = (code: Code, message: string, hint: string): void => {
    diagnostics.push(finding(code, message, image.span, hint));
  };
  const line = names.lineOf(name);
  if (diagnostics.slice(before).some(({ severity }) => severity === "error")) {
    // What is wrong with the variable has been said.
  } else if (name === "") {
    const hint = "write FROM scratch, or give the variable a value with ARG before FROM";
    report("BIMA023", "Cannot use FROM: the image's name is empty", hint);
  } else if (line !== undefined) {
    const where = line === keywordSpan.start.line
      ? "this is the stage itself"
      : `it comes later, in line ${line}`;
    report("BIMA027", `Cannot start from stage ${quote(name)}: ${where}`, "name an earlier stage or scratch");
  } else {
    const near = nearest(name, ["scratch"]) ?? meter.suggest(name, names.all());
    const hint = near === undefined
      ? "write FROM scratch and COPY what the image needs: base images cannot be fetched"
      : `did you mean ${near}?`;
    report(
      "BIMA026",
      `Cannot start from ${quote(name)}: not supported yet, only scratch and earlier stages`,
      hint,
    );
  }
  return { kind: "scratch" };
}

/** @returns what `--platform` of FROM says, or `undefined` when it says nothing */
export function findPlatform(
  { platform }: FromInstruction,
  scope: VariableScope,
  diagnostics: Diagnostic[],
): Platform | undefined {
  if (platform === undefined) return undefined;
  const before = diagnostics.length;
  const text = scope.expand(platform.value);
  if (diagnostics.length > before) return undefined;
  try {
    return parsePlatform(text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    diagnostics.push(finding("BIMA013", messageOf(error), platform.span, error.hint));
    return undefined;
  }
}
