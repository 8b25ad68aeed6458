/**
 * One stage: its base, its steps and the config that they add up to.
 *
 * @module
 */
import { type Code, finding } from "./codes.ts";
import { copyStep } from "./copy_step.ts";
import type { Diagnostic, Span } from "./diagnostic.ts";
import type {
  CommandInstruction,
  FromInstruction,
  Instruction,
  InvalidInstruction,
  ListInstruction,
  PairsInstruction,
  ValueInstruction,
} from "./instruction.ts";
import { nearest } from "./nearest.ts";
import { parsePorts } from "./ports.ts";
import { printArgs, printPairs, quoteText } from "./print.ts";
import { joinPath } from "./clean_path.ts";
import { isSignal } from "./signal.ts";
import type { Stage, StageConfig, Step } from "./stage.ts";
import type { StageNames } from "./stage_names.ts";
import { isOwner } from "./permissions.ts";
import type { StageScope, Variables } from "./variables.ts";

/** What a stage is made of. */
export interface StageText {
  readonly start: FromInstruction | InvalidInstruction;
  readonly body: readonly Instruction[];
  /** The stages before it. */
  readonly before: readonly BuiltStage[];
  readonly names: StageNames;
  readonly variables: Variables;
}

/** The fields of a config while they are collected. */
type Draft = { -readonly [Key in keyof StageConfig]: StageConfig[Key] };

/** A stage and the variables at its end, for the stages that start from it. */
export interface BuiltStage {
  readonly stage: Stage;
  readonly scope: StageScope;
}

/** Builds one stage. */
export class StageBuilder {
  readonly #stage: StageText;
  readonly #diagnostics: Diagnostic[];
  readonly #base: Stage["base"];
  readonly #scope: StageScope;
  readonly #steps: Step[] = [];
  readonly #labels: Map<string, string>;
  readonly #labelSpans = new Map<string, Span>();
  readonly #config: Draft;
  /** Where CMD and ENTRYPOINT of this stage stand, to tell of the ones that are replaced. */
  readonly #commands = new Map<string, Span>();

  /** @param stage its instructions and what comes before; @param diagnostics receives what is wrong */
  constructor(stage: StageText, diagnostics: Diagnostic[]) {
    this.#stage = stage;
    this.#diagnostics = diagnostics;
    this.#base = stage.start.kind === "FROM" ? this.#findBase(stage.start) : { kind: "scratch" };
    const base = this.#base.kind === "stage" ? stage.before[this.#base.index] : undefined;
    this.#scope = base === undefined ? stage.variables.stageScope() : base.scope.inherit();
    this.#config = base === undefined
      ? { labels: {}, env: [], exposedPorts: [], volumes: [] }
      : { ...base.stage.config };
    this.#labels = new Map(Object.entries(this.#config.labels));
  }

  /** @returns the stage; with errors in it, as much of it as there is */
  build(): BuiltStage {
    const { start, body } = this.#stage;
    for (const instruction of body) this.#apply(instruction);
    const labels = Object.fromEntries(this.#labels);
    const stage: Stage = {
      ...(start.kind === "FROM" && start.name !== undefined ? { name: start.name.text } : {}),
      base: this.#base,
      span: start.span,
      steps: this.#steps,
      config: { ...this.#config, labels, env: this.#scope.env },
      labelSpans: this.#labelSpans,
    };
    return { stage, scope: this.#scope };
  }

  #findBase({ image, platform }: FromInstruction): Stage["base"] {
    const scope = this.#stage.variables.globalScope();
    if (platform !== undefined) scope.expand(platform.value);
    const before = this.#diagnostics.length;
    const name = scope.expand(image);
    const { names } = this.#stage;
    if (name === "scratch") return { kind: "scratch" };
    const index = names.named(name);
    if (index !== undefined) return { kind: "stage", index };
    if (name === "") {
      // An undefined variable was reported already; this says what comes of it.
      const hint = "write FROM scratch, or give the variable a value with ARG before FROM";
      this.#report("BIMA023", "Cannot use FROM: the image name is empty", image.span, hint);
    } else if (this.#diagnostics.length === before) {
      const near = nearest(name, ["scratch", ...names.all()]);
      const hint = near === undefined
        ? "write FROM scratch and COPY what the image needs; base images cannot be fetched"
        : `did you mean ${near}?`;
      const message = `Cannot start from "${name}": not supported yet, only scratch and earlier stages are`;
      this.#report("BIMA026", message, image.span, hint);
    }
    return { kind: "scratch" };
  }

  #apply(instruction: Instruction): void {
    switch (instruction.kind) {
      case "COPY":
      case "ADD": {
        const workingDir = this.#config.workingDir ?? "/";
        const { names, start } = this.#stage;
        const own = start.kind === "FROM" ? start.name?.text : undefined;
        const context = { scope: this.#scope, names, workingDir, own };
        const step = copyStep(instruction, context, this.#diagnostics);
        if (step !== undefined) this.#steps.push(step);
        return;
      }
      case "LABEL":
      case "ENV":
        return this.#pairs(instruction);
      case "ARG": {
        const { span } = instruction;
        const definitions = this.#scope.declare(instruction);
        const text = definitions.map((
          { name, value },
        ) => (value === undefined ? name : `${name}=${quoteText(value)}`));
        this.#metadata(span, `ARG ${text.join(" ")}`);
        return;
      }
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
      case "invalid":
        // It may have defined the variables that seem undefined from here on.
        if (instruction.keyword === undefined || /^(ARG|ENV)$/.test(instruction.keyword)) this.#scope.doubt();
        return;
      case "FROM":
      case "RUN":
      case "ONBUILD":
      case "HEALTHCHECK":
      case "SHELL":
        return;
    }
  }

  #pairs({ kind, pairs, span }: PairsInstruction): void {
    // All values are those from before the instruction.
    const expanded = pairs.map(({ key, value }) => ({
      name: this.#scope.expand(key),
      value: this.#scope.expand(value),
      keySpan: key.span,
      span: value.span,
    }));
    for (const { name, value, keySpan, span } of expanded) {
      if (name === "") {
        this.#report("BIMA014", `Cannot use ${kind}: the name is empty`, keySpan, `write ${kind} name=value`);
      } else if (kind === "ENV") this.#scope.setEnv(name, value);
      else {
        this.#labels.set(name, value);
        this.#labelSpans.set(name, span);
      }
    }
    this.#metadata(span, `${kind} ${printPairs(expanded)}`);
  }

  #value({ kind, value, span }: ValueInstruction): void {
    const text = this.#scope.expand(value);
    if (text.trim() === "") {
      const hint = `write a value, or delete the line`;
      return this.#report("BIMA023", `Cannot use ${kind}: its value is empty`, value.span, hint);
    }
    if (kind === "WORKDIR") {
      const path = joinPath(this.#config.workingDir ?? "/", text);
      this.#config.workingDir = path;
      this.#steps.push({ kind: "workdir", span, text: `WORKDIR ${quoteText(path)}`, path });
    } else if (kind === "USER") {
      if (!isOwner(text)) {
        const hint = "write USER user, USER user:group or numbers";
        this.#report("BIMA021", `Cannot use user "${text}": expected user[:group]`, value.span, hint);
      }
      this.#config.user = text;
      this.#metadata(span, `USER ${quoteText(text)}`);
    } else {
      if (!isSignal(text)) {
        const hint = "write a name such as SIGTERM or a number from 1 to 64";
        this.#report("BIMA020", `Cannot use signal "${text}": no such signal`, value.span, hint);
      }
      this.#config.stopSignal = text;
      this.#metadata(span, `STOPSIGNAL ${quoteText(text)}`);
    }
  }

  #command({ kind, command, span, keywordSpan }: CommandInstruction): void {
    const before = this.#commands.get(kind);
    if (before !== undefined) {
      const hint = `delete it, or the ${kind} in line ${keywordSpan.start.line}`;
      this.#report("BIMA071", `${kind} has no effect: a later one in this stage replaces it`, before, hint);
    }
    this.#commands.set(kind, keywordSpan);
    if (command.form === "shell") {
      const hint = `write ${kind} ["first", "second"]`;
      const message = `${kind} in shell form runs /bin/sh -c: a unikernel has no shell`;
      this.#report("BIMA065", message, command.line.span, hint);
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
    const all = new Set(this.#config.exposedPorts);
    const texts: string[] = [];
    for (const value of values) {
      for (const text of this.#scope.expandToWords(value)) {
        texts.push(text);
        const ports = parsePorts(text);
        if (typeof ports === "string") {
          const hint = "write a port from 0 to 65535 or a range, then /tcp, /udp or /sctp";
          this.#report("BIMA019", `Cannot expose "${text}": ${ports}`, value.span, hint);
        } else ports.forEach((port) => all.add(port));
      }
    }
    this.#config.exposedPorts = [...all];
    this.#metadata(span, `EXPOSE ${texts.join(" ")}`);
  }

  #volume({ values, span }: ListInstruction): void {
    const paths = values.map((value) => {
      const path = this.#scope.expand(value).trim();
      if (path === "") {
        this.#report("BIMA023", "Cannot use VOLUME: a path is empty", value.span, "write VOLUME /path");
      }
      return path;
    });
    this.#config.volumes = [...new Set([...this.#config.volumes, ...paths])];
    this.#metadata(span, `VOLUME ${paths.map((path) => quoteText(path)).join(" ")}`);
  }

  #metadata(span: Span, text: string): void {
    this.#steps.push({ kind: "metadata", span, text });
  }

  #report(code: Code, message: string, span: Span, hint: string): void {
    this.#diagnostics.push(finding(code, message, span, hint));
  }
}
