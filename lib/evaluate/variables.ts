/**
 * The variables of a Containerfile that its stages share: build arguments, ARG before FROM, the predefined ones.
 *
 * @module
 */
import type { Diagnostic } from "../diagnostic.ts";
import type { EvaluateOptions } from "../evaluate.ts";
import type { Instruction } from "../parse/instruction.ts";
import { Meter } from "./meter.ts";
import { formatPlatform } from "../platform.ts";
import { StageScope, type Value, VariableScope } from "./variable_scope.ts";

/** Build arguments that need no ARG, as in BuildKit. */
const needNoArg: readonly RegExp[] = [
  /^(http|https|ftp|no|all)_proxy$/,
  /^(HTTP|HTTPS|FTP|NO|ALL)_PROXY$/,
  /^(TARGET|BUILD)(PLATFORM|OS|ARCH|VARIANT)$/,
  /^BUILDKIT_/,
  /^SOURCE_DATE_EPOCH$/,
];

/** Where the scopes of FROM and of the stages get their values. */
export class Variables {
  /** The limit on what all variables together may produce. */
  readonly meter: Meter;
  readonly #buildArgs: ReadonlyMap<string, string>;
  readonly #global = new Map<string, Value>();
  readonly #declared = new Set<string>();
  readonly #diagnostics: Diagnostic[];
  /** Whether an instruction before FROM has an error: then nobody knows what is defined. */
  #doubtful = false;

  /** @param options build arguments, platform and target; @param diagnostics receives what is wrong */
  constructor({ buildArgs = {}, platform, target }: EvaluateOptions, diagnostics: Diagnostic[]) {
    this.meter = new Meter(diagnostics);
    this.#diagnostics = diagnostics;
    this.#buildArgs = new Map(Object.entries(buildArgs));
    const known = {
      TARGETPLATFORM: platform && formatPlatform(platform),
      TARGETOS: platform?.os,
      TARGETARCH: platform?.architecture,
      TARGETVARIANT: platform && (platform.variant ?? ""),
    };
    for (const [name, text] of Object.entries(known)) {
      this.#global.set(name, text === undefined ? { kind: "unknown platform" } : { kind: "text", text });
    }
    this.#global.set("TARGETSTAGE", { kind: "text", text: target || "default" });
    for (const [name, text] of this.#buildArgs) {
      if (/^(TARGET|BUILD)(PLATFORM|OS|ARCH|VARIANT)$/.test(name)) {
        this.#global.set(name, { kind: "text", text });
      }
    }
  }

  /** Takes an instruction that stands before the first FROM. */
  declareGlobal(instruction: Instruction): void {
    if (instruction.kind !== "ARG") {
      this.#doubtful = true;
      return;
    }
    const scope = this.globalScope();
    for (const { key, value } of instruction.definitions) {
      const name = scope.expand(key);
      const result = this.argValue(name, value && (() => scope.expand(value)));
      if (result !== undefined) this.#global.set(name, result);
    }
  }

  /** @returns the scope of FROM */
  globalScope(): VariableScope {
    return new VariableScope(this.#global, this.#doubtful, this.meter, this.#diagnostics);
  }

  /** @returns the scope of a new stage on scratch */
  stageScope(): StageScope {
    return new StageScope(this, this.#diagnostics);
  }

  /**
   * Declares a name.
   *
   * @param fallback evaluates the default; it is left alone when a build argument takes its place
   * @returns the value that ARG gives to the name, if any
   */
  argValue(name: string, fallback: (() => string) | undefined): Value | undefined {
    this.#declared.add(name);
    const given = this.#buildArgs.get(name);
    if (given !== undefined) return { kind: "text", text: given };
    return fallback === undefined ? this.#global.get(name) : { kind: "text", text: fallback() };
  }

  /** @returns whether the name has a value, or may have one, before the first FROM */
  isGlobal(name: string): boolean {
    return this.#global.has(name);
  }

  /** @returns the build arguments that nothing takes */
  unusedBuildArgs(): string[] {
    const isUsed = (name: string) =>
      this.#declared.has(name) || needNoArg.some((pattern) => pattern.test(name));
    return [...this.#buildArgs.keys()].filter((name) => !isUsed(name));
  }

  /** @returns all names that an ARG declares */
  declared(): ReadonlySet<string> {
    return this.#declared;
  }
}
