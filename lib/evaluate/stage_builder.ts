/**
 * One stage: its base, its steps and the config that they add up to.
 *
 * @module
 */
import { findBase, findPlatform } from "./base.ts";
import { type Code, finding } from "../codes.ts";
import { copyStep } from "./copy_step.ts";
import type { Diagnostic, Span } from "../diagnostic.ts";
import { joinPath } from "../image_path.ts";
import type {
  ArgInstruction,
  CommandInstruction,
  FromInstruction,
  Instruction,
  InvalidInstruction,
  ListInstruction,
  PairsInstruction,
  ValueInstruction,
} from "../parse/instruction.ts";
import { isOwner } from "./owner_syntax.ts";
import type { Platform } from "../platform.ts";
import { parsePorts, PortSet } from "./ports.ts";
import { oneLine, printArgs, printPairs, quoteText } from "../parse/print_text.ts";
import { quote } from "../quote.ts";
import { isSignal } from "./signal.ts";
import type { Stage, StageConfig, Step } from "../stage.ts";
import type { StageNames } from "./stage_names.ts";
import type { StageScope } from "./variable_scope.ts";
import type { Variables } from "./variables.ts";

/** What a stage is made of. */
export interface StageText {
  readonly start: FromInstruction | InvalidInstruction;
  readonly body: readonly Instruction[];
  /** The stages before it. */
  readonly before: readonly BuiltStage[];
  readonly names: StageNames;
  readonly variables: Variables;
}

/** A stage, and what the stages that start from it inherit beside its config. */
export interface BuiltStage {
  readonly stage: Stage;
  readonly scope: StageScope;
  readonly ports: PortSet;
}

/** The fields of a config that hold one value, while they are collected. */
type Draft = {
  -readonly [Key in "entrypoint" | "cmd" | "workingDir" | "user" | "stopSignal" | "author"]?:
    StageConfig[Key];
};

/** Builds one stage. */
export class StageBuilder {
  readonly #text: StageText;
  readonly #diagnostics: Diagnostic[];
  readonly #base: Stage["base"];
  readonly #platform: Platform | undefined;
  readonly #scope: StageScope;
  readonly #steps: Step[] = [];
  readonly #labels: Map<string, string>;
  readonly #labelSpans = new Map<string, Span>();
  readonly #ports: PortSet;
  readonly #volumes: Set<string>;
  readonly #config: Draft;
  /** Where CMD and ENTRYPOINT of this stage stand, to tell of the ones that are replaced. */
  readonly #commands = new Map<string, Span>();

  /** @param text its instructions and what comes before; @param diagnostics receives what is wrong */
  constructor(text: StageText, diagnostics: Diagnostic[]) {
    const { start, before, names, variables } = text;
    const global = variables.globalScope();
    this.#text = text;
    this.#diagnostics = diagnostics;
    this.#base = start.kind === "FROM"
      ? findBase(start, global, names, variables.meter, diagnostics)
      : { kind: "scratch" };
    const inherited = this.#base.kind === "stage" ? before[this.#base.index] : undefined;
    const base = inherited !== undefined && mayInherit(inherited, variables, start.span)
      ? inherited
      : undefined;
    const platform = start.kind === "FROM" ? findPlatform(start, global, diagnostics) : undefined;
    this.#platform = platform ?? base?.stage.platform;
    this.#scope = base === undefined ? variables.stageScope() : base.scope.inherit();
    this.#ports = base === undefined ? new PortSet() : base.ports.clone();
    const { labels = {}, env: _, exposedPorts: __, volumes, ...config } = base?.stage.config ?? {};
    this.#labels = new Map(Object.entries(labels));
    this.#volumes = new Set(volumes);
    this.#config = config;
  }

  /** @returns the stage; with errors in it, as much of it as there is */
  build(): BuiltStage {
    const { start, body } = this.#text;
    for (const instruction of body) this.#apply(instruction);
    const stage: Stage = {
      ...(start.kind === "FROM" && start.name !== undefined ? { name: start.name.text } : {}),
      base: this.#base,
      ...(this.#platform === undefined ? {} : { platform: this.#platform }),
      span: start.span,
      steps: this.#steps,
      config: {
        ...this.#config,
        labels: Object.fromEntries(this.#labels),
        env: this.#scope.env,
        exposedPorts: this.#ports.list(),
        volumes: [...this.#volumes],
      },
      labelSpans: this.#labelSpans,
    };
    return { stage, scope: this.#scope, ports: this.#ports };
  }

  #apply(instruction: Instruction): void {
    switch (instruction.kind) {
      case "COPY":
      case "ADD": {
        const { names, variables } = this.#text;
        const context = {
          scope: this.#scope,
          names,
          meter: variables.meter,
          workingDir: this.#config.workingDir ?? "/",
        };
        const step = copyStep(instruction, context, this.#diagnostics);
        if (step !== undefined) this.#push(step);
        return;
      }
      case "ARG":
        return this.#arg(instruction);
      case "LABEL":
      case "ENV":
        return this.#pairs(instruction);
      case "WORKDIR":
      case "USER":
      case "STOPSIGNAL":
        return this.#value(instruction);
      case "CMD":
      case "ENTRYPOINT":
        return this.#command(instruction);
      case "EXPOSE":
        return this.#expose(instruction);
      case "VOLUME":
        return this.#volume(instruction);
      case "MAINTAINER":
        this.#config.author = instruction.name.text;
        return this.#metadata(instruction.span, `MAINTAINER ${instruction.name.text}`);
      case "invalid": {
        // It may have defined the variables that seem undefined from here on.
        const { keyword } = instruction;
        if (keyword === undefined || keyword === "ARG" || keyword === "ENV") this.#scope.doubt();
        return;
      }
      case "FROM":
      case "RUN":
      case "ONBUILD":
      case "HEALTHCHECK":
      case "SHELL":
        return;
    }
  }

  #arg(instruction: ArgInstruction): void {
    const definitions = this.#scope.declare(instruction).map(({ name, value }) =>
      value === undefined ? quoteText(name) : printPairs([{ name, value }])
    );
    this.#metadata(instruction.span, `ARG ${definitions.join(" ")}`);
  }

  #pairs({ kind, pairs, span }: PairsInstruction): void {
    // All values are made of those from before the instruction.
    const expanded = pairs.map(({ key, value }) => ({
      name: this.#scope.expand(key),
      value: this.#scope.expand(value),
      keySpan: key.span,
      valueSpan: value.span,
    }));
    for (const { name, value, keySpan, valueSpan } of expanded) {
      if (name === "") {
        this.#report("BIMA014", `Cannot use ${kind}: the name is empty`, keySpan, `write ${kind} name=value`);
      } else if (kind === "ENV") this.#scope.setEnv(name, value);
      else {
        this.#labels.set(name, value);
        this.#labelSpans.set(name, valueSpan);
      }
    }
    this.#metadata(span, `${kind} ${printPairs(expanded)}`);
  }

  #value({ kind, value, span }: ValueInstruction): void {
    const before = this.#diagnostics.length;
    const text = this.#scope.expand(value);
    if (text.trim() === "") {
      const isKnown = this.#diagnostics.slice(before).some(({ severity }) => severity === "error");
      if (isKnown) return;
      const hint = "write a value, or delete the line";
      return this.#report("BIMA023", `Cannot use ${kind}: its value is empty`, value.span, hint);
    }
    if (kind === "WORKDIR") {
      const path = joinPath(this.#config.workingDir ?? "/", text);
      this.#config.workingDir = path;
      const { user } = this.#config;
      const owner = user === undefined ? {} : { user };
      this.#push({ kind: "workdir", span, text: `WORKDIR ${quoteText(path)}`, path, ...owner });
      return;
    }
    if (kind === "USER") {
      if (!isOwner(text)) {
        const hint = "write USER user, USER user:group or numbers";
        this.#report("BIMA021", `Cannot use user ${quote(text)}: expected user[:group]`, value.span, hint);
      }
      this.#config.user = text;
    } else {
      if (!isSignal(text)) {
        const hint = "write a name such as SIGTERM or a number from 1 to 64";
        this.#report("BIMA020", `Cannot use signal ${quote(text)}: there is none`, value.span, hint);
      }
      this.#config.stopSignal = text;
    }
    this.#metadata(span, `${kind} ${quoteText(text)}`);
  }

  #command({ kind, command, span, keywordSpan }: CommandInstruction): void {
    const before = this.#commands.get(kind);
    if (before !== undefined) {
      const hint = `delete it, or the ${kind} in line ${keywordSpan.start.line}`;
      this.#report("BIMA071", `${kind} has no effect: a later one in this stage replaces it`, before, hint);
    }
    this.#commands.set(kind, keywordSpan);
    if (command.form === "shell") {
      const message = `${kind} in shell form runs /bin/sh -c: a unikernel has no shell`;
      this.#report("BIMA065", message, command.line.span, `write ${kind} ${execForm(command.line.text)}`);
    }
    const args = command.form === "exec"
      ? command.args.map(({ text }) => text)
      : ["/bin/sh", "-c", command.line.text];
    if (kind === "CMD") this.#config.cmd = args;
    else {
      this.#config.entrypoint = args;
      // A CMD of the base was meant for the entrypoint of the base.
      if (!this.#commands.has("CMD")) delete this.#config.cmd;
    }
    this.#metadata(span, `${kind} ${printArgs(args)}`);
  }

  #expose({ values, span }: ListInstruction): void {
    const texts: string[] = [];
    for (const value of values) {
      for (const text of this.#scope.expandToWords(value)) {
        texts.push(text);
        const ports = parsePorts(text);
        if (text.includes(":") && typeof ports !== "string") {
          const port = text.slice(text.lastIndexOf(":") + 1);
          const message = `EXPOSE takes no port of the host: of ${quote(text)} only ${quote(port)} counts`;
          this.#report("BIMA072", message, value.span, `write EXPOSE ${port}`);
        }
        if (typeof ports === "string") {
          const hint = "write a port from 0 to 65535 or a range, then /tcp, /udp or /sctp";
          this.#report("BIMA019", `Cannot expose ${quote(text)}: ${ports}`, value.span, hint);
        } else this.#ports.add(ports);
      }
    }
    this.#metadata(span, `EXPOSE ${texts.join(" ")}`);
  }

  #volume({ values, span }: ListInstruction): void {
    const paths = values.map((value) => {
      const path = this.#scope.expand(value).trim();
      if (path === "") {
        this.#report("BIMA023", "Cannot use VOLUME: a path is empty", value.span, "write VOLUME /path");
      } else this.#volumes.add(path);
      return quoteText(path);
    });
    this.#metadata(span, `VOLUME ${paths.join(" ")}`);
  }

  #metadata(span: Span, text: string): void {
    this.#push({ kind: "metadata", span, text });
  }

  #push(step: Step): void {
    this.#steps.push({ ...step, text: oneLine(step.text) });
  }

  #report(code: Code, message: string, span: Span, hint: string): void {
    this.#diagnostics.push(finding(code, message, span, hint));
  }
}

/** A shell command as arguments, where that is certain; an example otherwise. */
function execForm(command: string): string {
  const isSimple = command.length <= 60 &&
    /^[A-Za-z0-9_.,:;/@%+=^-]+( [A-Za-z0-9_.,:/@%+=^-]+)*$/.test(command);
  return isSimple ? printArgs(command.split(" ")) : '["first", "second"]';
}

/** Copying the config of a base takes time, and a file can have very many stages. */
function mayInherit({ stage, scope, ports }: BuiltStage, { meter }: Variables, span: Span): boolean {
  const { labels, volumes } = stage.config;
  const entries = Object.keys(labels).length + volumes.length;
  return meter.spend(entries + scope.size + ports.size, span);
}
