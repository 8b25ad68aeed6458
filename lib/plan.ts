/**
 * The plan of an image: what each layer holds, what the config says, and all that is wrong, before a byte is written.
 *
 * @module
 */
import { BinaryError, identifyBinary } from "./binary.ts";
import { finding } from "./codes.ts";
import { planCopy } from "./copy.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { readAt } from "./file_stream.ts";
import type { HistoryEntry, RuntimeConfig } from "./oci.ts";
import { formatPlatform, type Platform } from "./platform.ts";
import { type LayerTree, Rootfs } from "./rootfs.ts";
import type { Program, Stage, Step } from "./stage.ts";
import type { FileNode, FileTree } from "./tree.ts";
import { checkLabels, commandLine, jsonPath, prefix, uruncJson } from "./urunc.ts";
import { planWorkdir } from "./copy/workdir.ts";

/** A layer to be written. */
export interface PlannedLayer {
  /** What it holds. */
  readonly tree: LayerTree;
  /** The instruction it comes from. */
  readonly title: string;
}

/** An image to be written. */
export interface ImagePlan {
  readonly platform: Platform;
  /** The lowest first; the last one holds `/urunc.json`. */
  readonly layers: readonly PlannedLayer[];
  readonly history: readonly HistoryEntry[];
  readonly config: RuntimeConfig;
  readonly annotations: Readonly<Record<string, string>>;
  readonly author?: string;
}

/** What {@linkcode planImage} needs besides the program. */
export interface PlanOptions {
  /** What COPY reads from. */
  readonly context: FileTree;
  /** The latest time that a file in the image may have, in seconds since 1970. */
  readonly epoch: number;
  /** The platform that the user wants. Default: that of the stage's FROM, else the binary's. */
  readonly platform?: Platform;
  /** Labels of the command line; they win over those of the Containerfile. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations of the command line; they win over labels. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Stops the work. */
  readonly signal?: AbortSignal;
}

/**
 * Plans the image of a program's target. Reads names and attributes, and of one file, the unikernel, its headers.
 *
 * @param program the evaluated Containerfile
 * @returns the plan, unless an error was found, and all findings
 * @throws {PathError} when something in the context cannot be read
 */
export async function planImage(
  program: Program,
  options: PlanOptions,
): Promise<{ readonly plan?: ImagePlan; readonly diagnostics: readonly Diagnostic[] }> {
  const diagnostics: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => void diagnostics.push(diagnostic);
  const { stage, result } = planStages(program, options, report);

  const given = { ...stage.config.labels, ...options.labels };
  const args = [...stage.config.entrypoint ?? [], ...stage.config.cmd ?? []];
  const { rootfs } = result;
  const hasCommand = args.length > 0;
  const key = `${prefix}cmdline`;
  const { cmd, cmdline } = commandLine(given[key], args);
  const labels = hasCommand || given[key] !== undefined ? { ...given, [key]: cmdline } : given;
  const binary = checkLabels({ labels, spans: stage.labelSpans, rootfs, hasCommand, report });
  const platform = await choosePlatform(binary, labels, {
    stage,
    wanted: options.platform ?? stage.platform,
    report,
  });
  if (rootfs.node(jsonPath) !== undefined) {
    report(finding("BIMA167", `"/${jsonPath}" is copied into the image and replaced by bima's own`));
  }
  if (platform === undefined || diagnostics.some(({ severity }) => severity === "error")) {
    return { diagnostics };
  }

  const json = jsonLayer(uruncJson(labels), options.epoch);
  const plan: ImagePlan = {
    platform,
    layers: [...result.layers, json],
    history: [...result.history, { createdBy: json.title, emptyLayer: false }],
    config: { ...runtimeConfig(stage), labels, ...(cmd === undefined ? {} : { cmd }) },
    annotations: { ...labels, ...options.annotations },
    ...(stage.config.author === undefined ? {} : { author: stage.config.author }),
  };
  return { plan, diagnostics };
}

/** What the steps of a stage, and of those it is based on, add up to. */
interface StageResult {
  readonly layers: readonly PlannedLayer[];
  readonly history: readonly HistoryEntry[];
  readonly rootfs: Rootfs;
}

type Report = (diagnostic: Diagnostic) => void;

function planStages(
  program: Program,
  options: PlanOptions,
  report: Report,
): { readonly stage: Stage; readonly result: StageResult } {
  const results = new Map<number, StageResult>();
  for (const index of program.needed) {
    const stage = program.stages[index];
    if (stage !== undefined) results.set(index, planStage(stage, results, options, report));
  }
  const stage = program.stages[program.target];
  const result = results.get(program.target);
  if (stage === undefined || result === undefined) {
    throw new TypeError(`The program has no stage ${program.target}, or does not need it`);
  }
  return { stage, result };
}

function planStage(
  stage: Stage,
  earlier: ReadonlyMap<number, StageResult>,
  options: PlanOptions,
  report: Report,
): StageResult {
  const base = stage.base.kind === "stage" ? earlier.get(stage.base.index) : undefined;
  const layers = [...base?.layers ?? []];
  const history = [...base?.history ?? []];
  const rootfs = new Rootfs(`stage ${stage.name ?? "above"}`, layers.map(({ tree }) => tree));
  for (const step of stage.steps) {
    options.signal?.throwIfAborted();
    const tree = planStep(step, { rootfs, earlier, options, report });
    history.push({ createdBy: step.text, emptyLayer: tree === undefined });
    if (tree === undefined) continue;
    layers.push({ tree, title: step.text });
    rootfs.apply(tree);
  }
  return { layers, history, rootfs };
}

interface StepScope {
  readonly rootfs: Rootfs;
  readonly earlier: ReadonlyMap<number, StageResult>;
  readonly options: PlanOptions;
  readonly report: Report;
}

/** @returns the layer that a step makes, if it makes one */
function planStep(step: Step, { rootfs, earlier, options, report }: StepScope): LayerTree | undefined {
  const { context, epoch } = options;
  switch (step.kind) {
    case "metadata":
      return undefined;
    case "workdir":
      return planWorkdir(step, rootfs, report);
    case "copy": {
      const { origin } = step;
      const from = origin.kind === "context" ? context : earlier.get(origin.index)?.rootfs;
      if (from === undefined) {
        throw new TypeError("A step copies from a stage that the program does not need");
      }
      return planCopy(step, { from, rootfs, epoch, report });
    }
  }
}

async function choosePlatform(
  binary: FileNode | undefined,
  labels: Readonly<Record<string, string>>,
  { stage, wanted, report }: { stage: Stage; wanted: Platform | undefined; report: Report },
): Promise<Platform | undefined> {
  if (binary === undefined) return undefined;
  const span = stage.labelSpans.get(`${prefix}binary`);
  const file = labels[`${prefix}binary`] ?? "";
  try {
    const read = (offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> =>
      Promise.resolve(readAt(binary, offset, length));
    const { platform, description } = await identifyBinary(read, binary.size, { file });
    if (wanted === undefined) return platform;
    const [asked, found] = [formatPlatform(wanted), formatPlatform(platform)];
    if (asked !== found) {
      report(
        finding(
          "BIMA166",
          `the platform is set to ${asked}, and "${file}" is for ${found} (${description})`,
          span,
        ),
      );
    }
    return wanted;
  } catch (error) {
    if (!(error instanceof BinaryError)) throw error;
    if (wanted === undefined || /^(?:truncated|it is empty|it became)/.test(error.reason)) {
      const hint = error.hint ?? "if the file is right, name its platform with --platform os/architecture";
      report(finding("BIMA117", error.message, span, hint));
    } else {
      report(
        finding("BIMA166", `${error.message}; taking it for ${formatPlatform(wanted)} as you say`, span),
      );
    }
    return wanted;
  }
}

function jsonLayer(bytes: Uint8Array<ArrayBuffer>, epoch: number): PlannedLayer {
  const node: FileNode = {
    kind: "file",
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: epoch,
    size: bytes.byteLength,
    content: { kind: "bytes", bytes },
  };
  return { tree: new Map([[jsonPath, node]]), title: `bima: /${jsonPath}` };
}

function runtimeConfig({ config }: Stage): RuntimeConfig {
  const { labels: _labels, author: _author, ...rest } = config;
  return rest;
}
