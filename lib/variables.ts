/**
 * The variables of a Containerfile: ARG before and after FROM, ENV, build arguments, and the predefined ones.
 *
 * @module
 */
import { finding } from "./codes.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { EvaluateOptions } from "./evaluate.ts";
import { expand, type ExpandProblem, expandToWords, type Scope } from "./expand.ts";
import type { ArgInstruction, Instruction } from "./instruction.ts";
import { nearest } from "./nearest.ts";
import { formatPlatform } from "./platform.ts";
import type { VariablePart, Word } from "./words.ts";

/** Variables that tell the platform; inside a stage they need an ARG. */
export const platformVariables = ["TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT"] as const;

/** Variables of BuildKit that tell the platform of the building machine: nothing runs here, so there is none. */
const buildVariables = ["BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT"] as const;

/** Build arguments that need no ARG, as in BuildKit. */
export const predefinedNames: readonly RegExp[] = [
  /^(http|https|ftp|no|all)_proxy$/,
  /^(HTTP|HTTPS|FTP|NO|ALL)_PROXY$/,
  /^(TARGET|BUILD)(PLATFORM|OS|ARCH|VARIANT)$/,
  /^BUILDKIT_/,
  /^SOURCE_DATE_EPOCH$/,
];

/** What {@linkcode Variables} needs to know. */
export interface VariablesOptions extends EvaluateOptions {
  /** The names of all stages, in order. */
  readonly stages: readonly (string | undefined)[];
}

/** A value, or the knowledge that there cannot be one. */
type Value = { readonly kind: "text"; readonly text: string } | { readonly kind: "unknown platform" };

/** The variables that all stages share. */
export class Variables {
  readonly #buildArgs: ReadonlyMap<string, string>;
  readonly #global = new Map<string, Value>();
  readonly #declared = new Set<string>();
  readonly #diagnostics: Diagnostic[];
  /** Whether an ARG before FROM has an error: then nobody knows what is defined. */
  #doubtful = false;

  /** @param options build arguments, platform and target; @param diagnostics receives what is wrong */
  constructor(options: VariablesOptions, diagnostics: Diagnostic[]) {
    this.#diagnostics = diagnostics;
    this.#buildArgs = new Map(Object.entries(options.buildArgs ?? {}));
    const { platform } = options;
    const known: Record<typeof platformVariables[number], string | undefined> = {
      TARGETPLATFORM: platform && formatPlatform(platform),
      TARGETOS: platform?.os,
      TARGETARCH: platform?.architecture,
      TARGETVARIANT: platform && (platform.variant ?? ""),
    };
    for (const name of platformVariables) {
      const text = this.#buildArgs.get(name) ?? known[name];
      this.#global.set(name, text === undefined ? { kind: "unknown platform" } : { kind: "text", text });
    }
    for (const name of buildVariables) {
      const text = this.#buildArgs.get(name);
      if (text !== undefined) this.#global.set(name, { kind: "text", text });
    }
    const target = options.target ?? "";
    const index = /^[0-9]{1,9}$/.test(target) ? Number(target) : options.stages.length - 1;
    const name = target === "" || index !== options.stages.length - 1 ? options.stages[index] : target;
    this.#global.set("TARGETSTAGE", { kind: "text", text: (name ?? "default").toLowerCase() });
  }

  /** Takes an ARG that stands before the first FROM. */
  declareGlobal(instruction: Instruction): void {
    if (instruction.kind !== "ARG") {
      this.#doubtful = true;
      return;
    }
    const scope = this.globalScope();
    for (const { key, value } of instruction.definitions) {
      const name = expand(key, scope);
      this.#declared.add(name);
      const given = this.#buildArgs.get(name);
      if (given !== undefined) this.#global.set(name, { kind: "text", text: given });
      else if (value !== undefined) this.#global.set(name, { kind: "text", text: expand(value, scope) });
    }
  }

  /** @returns the scope of FROM */
  globalScope(): VariableScope {
    return new VariableScope(this.#global, this.#doubtful, this.#diagnostics);
  }

  /** @returns the value that an ARG inside a stage gives to a name, if any */
  argValue(name: string, fallback: (() => string) | undefined): Value | undefined {
    this.#declared.add(name);
    const given = this.#buildArgs.get(name);
    if (given !== undefined) return { kind: "text", text: given };
    return fallback === undefined ? this.#global.get(name) : { kind: "text", text: fallback() };
  }

  /** @returns whether an ARG declares this name */
  isDeclared(name: string): boolean {
    return this.#declared.has(name);
  }

  /** @returns all names that an ARG declares */
  declared(): ReadonlySet<string> {
    return this.#declared;
  }

  /** @returns the scope of a new stage on scratch */
  stageScope(): StageScope {
    return new StageScope(this, this.#diagnostics);
  }
}

/** Values by name; findings about missing ones go to the diagnostics. */
export class VariableScope implements Scope {
  /** The values. */
  protected readonly values: ReadonlyMap<string, Value>;
  /** Where findings go. */
  protected readonly diagnostics: Diagnostic[];
  /** Whether an instruction that may define variables has an error. */
  protected doubtful: boolean;

  /** @param values by name; @param doubtful suppresses warnings of undefined variables */
  constructor(values: ReadonlyMap<string, Value>, doubtful: boolean, diagnostics: Diagnostic[]) {
    this.values = values;
    this.doubtful = doubtful;
    this.diagnostics = diagnostics;
  }

  /** @returns the text of a word with its variables replaced */
  expand(word: Word): string {
    return expand(word, this);
  }

  /** @returns the words that a word becomes */
  expandToWords(word: Word): string[] {
    return expandToWords(word, this);
  }

  /** @inheritDoc */
  get(name: string): string | undefined {
    const value = this.values.get(name);
    return value?.kind === "text" ? value.text : undefined;
  }

  /** @inheritDoc */
  undefined({ name, span }: VariablePart): void {
    if (this.values.get(name)?.kind === "unknown platform") {
      this.diagnostics.push(
        finding(
          "BIMA025",
          `Cannot give $${name} a value: the platform is not known yet`,
          span,
          `say it with --platform, for example --platform linux/amd64, or write \${${name}:-a default}`,
        ),
      );
      return;
    }
    if (this.doubtful || this.declaredWithoutValue(name)) return;
    this.diagnostics.push(
      finding("BIMA063", `Variable $${name} is not defined: it counts as empty`, span, this.hintFor(name)),
    );
  }

  /** @inheritDoc */
  fail({ name, span }: VariablePart, problem: ExpandProblem): void {
    if (problem.kind === "required") {
      const hint = `give it a value: --build-arg ${name}=… after ARG ${name}, or ENV ${name}=…`;
      this.diagnostics.push(
        finding("BIMA024", `Cannot go on without $${name}: ${problem.message}`, span, hint),
      );
    } else {
      this.diagnostics.push(
        finding("BIMA005", `Cannot use the pattern in substitution of "${name}": ${problem.message}`, span),
      );
    }
  }

  /** @returns whether an ARG declares the name and nothing gives it a value */
  protected declaredWithoutValue(_name: string): boolean {
    return false;
  }

  /** @returns the way out for a variable that is not defined */
  protected hintFor(name: string): string {
    const near = nearest(name, this.values.keys());
    return near === undefined
      ? `define it: ARG ${name}=… before FROM, or write \\$${name} for the text`
      : `did you mean $${near}?`;
  }
}

/** The variables of one stage. ENV wins over ARG, whichever comes first. */
export class StageScope extends VariableScope {
  readonly #shared: Variables;
  readonly #values: Map<string, Value>;
  readonly #env: Map<string, string>;
  readonly #bare: Set<string>;

  /** @param shared the variables of the file; @param base the scope at the end of the stage it starts from */
  constructor(shared: Variables, diagnostics: Diagnostic[], base?: StageScope) {
    const values = new Map(base?.values);
    super(values, base?.doubtful ?? false, diagnostics);
    this.#shared = shared;
    this.#values = values;
    this.#env = new Map(base === undefined ? [] : base.#env);
    this.#bare = new Set(base === undefined ? [] : base.#bare);
  }

  /** @returns a scope that starts with the variables of this one */
  inherit(): StageScope {
    return new StageScope(this.#shared, this.diagnostics, this);
  }

  /** ENV as `NAME=value`, in order of first appearance. */
  get env(): string[] {
    return [...this.#env].map(([name, value]) => `${name}=${value}`);
  }

  /** From here on nobody knows what is defined: an ARG or ENV has an error. */
  doubt(): void {
    this.doubtful = true;
  }

  /** Takes ARG; @returns `name` or `name=value` of each definition */
  declare({ definitions }: ArgInstruction): { name: string; value?: string }[] {
    return definitions.map(({ key, value }) => {
      const name = this.expand(key);
      const result = this.#shared.argValue(name, value === undefined ? undefined : () => this.expand(value));
      if (result === undefined) this.#bare.add(name);
      else if (!this.#env.has(name)) this.#values.set(name, result);
      return result?.kind === "text" ? { name, value: result.text } : { name };
    });
  }

  /** Takes one variable of ENV. */
  setEnv(name: string, value: string): void {
    this.#env.set(name, value);
    this.#values.set(name, { kind: "text", text: value });
  }

  /** @inheritDoc */
  protected override declaredWithoutValue(name: string): boolean {
    return this.#bare.has(name);
  }

  /** @inheritDoc */
  protected override hintFor(name: string): string {
    const isBuild = buildVariables.some((known) => known === name);
    if (isBuild) return "nothing is executed here, so there is no build platform; TARGET… tells the image's";
    const isTarget = platformVariables.some((known) => known === name);
    if (isTarget || this.#shared.globalScope().get(name) !== undefined) {
      return `bring it into this stage: ARG ${name} after FROM`;
    }
    const near = nearest(name, this.values.keys());
    return near === undefined
      ? `define it with ARG ${name}=… or ENV ${name}=…, or write \\$${name} for the text`
      : `did you mean $${near}?`;
  }
}
