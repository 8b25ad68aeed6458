/**
 * The variables that can be used in one place of a Containerfile.
 *
 * @module
 */
import { type Code, finding } from "../codes.ts";
import type { Diagnostic, Span } from "../diagnostic.ts";
import { expand, expandToWords, type Scope } from "./expand.ts";
import type { ArgInstruction } from "../parse/instruction.ts";
import type { Meter } from "./meter.ts";
import { quote, shorten } from "../quote.ts";
import type { Variables } from "./variables.ts";
import type { VariablePart, Word } from "../parse/words.ts";

/** A value, or the knowledge that there is none before the platform is known. */
export type Value = { readonly kind: "text"; readonly text: string } | { readonly kind: "unknown platform" };

/** Values by name. What is missing is reported. */
export class VariableScope implements Scope {
  /** The values. */
  protected readonly values: ReadonlyMap<string, Value>;
  /** Whether an instruction that may define variables has an error. */
  protected doubtful: boolean;
  /** The limit on work. */
  protected readonly meter: Meter;
  readonly #diagnostics: Diagnostic[];

  /**
   * @param values by name
   * @param doubtful whether variables that seem undefined may be defined after all
   * @param meter the limit on work
   * @param diagnostics receives what is wrong
   */
  constructor(
    values: ReadonlyMap<string, Value>,
    doubtful: boolean,
    meter: Meter,
    diagnostics: Diagnostic[],
  ) {
    this.values = values;
    this.doubtful = doubtful;
    this.meter = meter;
    this.#diagnostics = diagnostics;
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
      const hint =
        `say it with --platform, for example --platform linux/amd64, or write \${${name}:-a default}`;
      this.#report("BIMA025", `Cannot give $${name} a value: the platform is not known yet`, span, hint);
    } else if (!this.doubtful && !this.isDeclared(name)) {
      const message = `Variable $${shorten(name)} is not defined: it counts as empty`;
      this.#report("BIMA063", message, span, this.hintFor(name));
    }
  }

  /** @inheritDoc */
  required({ name, span }: VariablePart, message: string): void {
    const hint = `give it a value: ARG ${shorten(name)} and --build-arg ${shorten(name)}=…, or ENV ${
      shorten(name)
    }=…`;
    this.#report("BIMA024", `Cannot go on without $${shorten(name)}: ${shorten(message)}`, span, hint);
  }

  /** @inheritDoc */
  badPattern({ name, span }: VariablePart): void {
    const message = `Cannot use the pattern in substitution of ${
      quote(name)
    }: its escape character stands alone`;
    this.#report("BIMA005", message, span, "only * ? \\ } and / need to be escaped there");
  }

  /** @inheritDoc */
  spend({ span }: VariablePart, amount: number): boolean {
    return this.meter.spend(amount, span);
  }

  /** @returns whether an ARG declares the name, although nothing gives it a value */
  protected isDeclared(_name: string): boolean {
    return false;
  }

  /** @returns the way out for a variable that is not defined */
  protected hintFor(name: string): string {
    if (isBuildPlatform(name)) return noBuildPlatform(name);
    const near = this.meter.suggest(name, this.values.keys());
    if (near !== undefined) return `did you mean $${near}?`;
    return `define it before FROM: ARG ${shorten(name)}=…`;
  }

  #report(code: Code, message: string, span: Span, hint: string): void {
    this.#diagnostics.push(finding(code, message, span, hint));
  }
}

/** BuildKit tells the platform of the building machine in these. */
function isBuildPlatform(name: string): boolean {
  return /^BUILD(PLATFORM|OS|ARCH|VARIANT)$/.test(name);
}

function noBuildPlatform(name: string): string {
  return `nothing is executed here, so no machine builds; $${
    name.replace("BUILD", "TARGET")
  } tells the image's`;
}

/** The variables of one stage. ENV wins over ARG, whichever comes first. */
export class StageScope extends VariableScope {
  readonly #shared: Variables;
  readonly #diagnostics: Diagnostic[];
  readonly #values: Map<string, Value>;
  readonly #env: Map<string, string>;
  readonly #declared: Set<string>;

  /** @param shared the variables of the file; @param base the scope at the end of the stage that this one is based on */
  constructor(shared: Variables, diagnostics: Diagnostic[], base?: StageScope) {
    const values = new Map(base === undefined ? [] : base.#values);
    super(values, base?.doubtful ?? false, shared.meter, diagnostics);
    this.#shared = shared;
    this.#diagnostics = diagnostics;
    this.#values = values;
    this.#env = new Map(base === undefined ? [] : base.#env);
    this.#declared = new Set(base === undefined ? [] : base.#declared);
  }

  /** @returns a scope that starts with the variables of this one */
  inherit(): StageScope {
    return new StageScope(this.#shared, this.#diagnostics, this);
  }

  /** The number of variables. */
  get size(): number {
    return this.#values.size + this.#declared.size;
  }

  /** ENV as `NAME=value`, in order of first appearance. */
  get env(): string[] {
    return [...this.#env].map(([name, value]) => `${name}=${value}`);
  }

  /** From here on nobody knows what is defined: an instruction has an error. */
  doubt(): void {
    this.doubtful = true;
  }

  /** Takes ARG. @returns name and value of each definition */
  declare({ definitions }: ArgInstruction): { readonly name: string; readonly value?: string }[] {
    return definitions.map(({ key, value }) => {
      const name = this.expand(key);
      const result = this.#shared.argValue(name, value && (() => this.expand(value)));
      this.#declared.add(name);
      if (result !== undefined && !this.#env.has(name)) this.#values.set(name, result);
      return result?.kind === "text" ? { name, value: result.text } : { name };
    });
  }

  /** Takes one variable of ENV. */
  setEnv(name: string, value: string): void {
    this.#env.set(name, value);
    this.#values.set(name, { kind: "text", text: value });
  }

  /** @inheritDoc */
  protected override isDeclared(name: string): boolean {
    return this.#declared.has(name);
  }

  /** @inheritDoc */
  protected override hintFor(name: string): string {
    if (this.#shared.isGlobal(name)) return `bring it into this stage: ARG ${name} after FROM`;
    if (isBuildPlatform(name)) return noBuildPlatform(name);
    const near = this.meter.suggest(name, this.#values.keys());
    if (near !== undefined) return `did you mean $${near}?`;
    return `define it with ARG ${shorten(name)}=… or ENV ${shorten(name)}=…, or write \\$ for a dollar sign`;
  }
}
