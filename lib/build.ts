/**
 * The order of the steps: Containerfile → program → plan → layers → manifest → destination.
 *
 * @module
 */
import { compile, readContainerfile, type Source } from "./containerfile.ts";
import { openContext } from "./context.ts";
import { ContainerfileError, type Diagnostic, formatDiagnostic, sortDiagnostics } from "./diagnostic.ts";
import type { Digest } from "./digest.ts";
import { UsageError } from "./errors.ts";
import { GzipPool } from "./gzip.ts";
import { writeLayer, type WrittenLayer } from "./layer.ts";
import { composeImage, type Descriptor } from "./oci.ts";
import { type Destination, hiddenBy, openWriter } from "./destination.ts";
import { type ImagePlan, planImage } from "./plan.ts";
import { parsePlatform, type Platform } from "./platform.ts";
import type { ProgressListener } from "./progress.ts";
import { parseReference } from "./reference.ts";
import type { ImageWriter } from "./writer.ts";

/** What to build, and where to put it. `context` and `tag` are required, the rest has defaults. */
export interface BuildOptions {
  /** The build context: the directory that COPY reads from. */
  readonly context: string;
  /** The image's name, or several: `name[:tag]`, the tag is `latest` when there is none. */
  readonly tag: string | readonly string[];
  /** The Containerfile. Default: `Containerfile` or `Dockerfile` in the working directory, then in the context. */
  readonly file?: string;
  /** Where the image goes. Default: containerd. */
  readonly output?: Destination;
  /** `os/architecture[/variant]`. Default: what the unikernel's binary says. */
  readonly platform?: string;
  /** Values for ARG. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** The stage that becomes the image. Default: the last one. */
  readonly target?: string;
  /** Labels that win over those of the Containerfile. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations for the manifest besides the labels. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** The time in the image, in whole seconds since 1970; files are not newer. Default: 0. */
  readonly sourceDateEpoch?: number;
  /** gzip's level, from 1 (fast) to 9 (small). Default: 6. */
  readonly compressionLevel?: number;
  /** How many workers compress; the image is the same for any number. Default: one for each processor. */
  readonly workers?: number;
  /** Whether a warning stops the build. Default: false. */
  readonly strict?: boolean;
  /** Stops the build; nothing is left of it then. */
  readonly signal?: AbortSignal;
  /** Told what happens. */
  readonly onEvent?: ProgressListener;
}

/** A built image. */
export interface BuildResult {
  /** The manifest's digest. */
  readonly digest: Digest;
  /** The manifest's descriptor. */
  readonly descriptor: Descriptor;
  /** What the image runs on. */
  readonly platform: Platform;
  /** The image's full names. */
  readonly names: readonly string[];
  /** Where it is, for people: a file, or a daemon and its namespace. */
  readonly location: string;
  /** The layers' descriptors, the lowest first. */
  readonly layers: readonly Descriptor[];
}

/**
 * Builds an image.
 *
 * Everything that can be wrong with the Containerfile, the context and the labels is found before anything is
 * written. When the build fails or is stopped, the destination is as it was.
 *
 * @param options what to build, and where to put it
 * @returns the image's digest and names
 * @throws {ContainerfileError} with all findings, when the Containerfile cannot be built
 * @throws {PathError} when the context or the destination cannot be used
 * @throws {UsageError} when an option is wrong
 *
 * @example
 * ```ts ignore
 * import { build } from "./build.ts";
 *
 * const { digest } = await build({ context: ".", tag: "hello", output: { kind: "tar", dest: "hello.tar" } });
 * ```
 */
export async function build(options: BuildOptions): Promise<BuildResult> {
  const { signal, onEvent = () => {} } = options;
  const names = namesOf(options.tag).map(parseReference);
  const epoch = options.sourceDateEpoch ?? 0;
  const source = readContainerfile(options.file, options.context);
  const plan = await makePlan(source, options, epoch);
  onEvent({ kind: "planned", platform: plan.platform, layers: plan.layers.length });

  await using writer = await openWriter(options.output ?? { kind: "containerd" }, {
    created: new Date(epoch * 1000),
    onEvent,
    ...(signal === undefined ? {} : { signal }),
  });
  const layers = await writeLayers(plan, writer, options);
  const image = await composeImage({ ...plan, layers, created: new Date(epoch * 1000) });
  signal?.throwIfAborted();
  onEvent({ kind: "finishing" });
  const { digest, location } = await writer.finish(image, names);

  return {
    digest,
    location,
    descriptor: image.manifest.descriptor,
    platform: image.platform,
    names: names.map(({ name }) => name),
    layers: layers.map(({ descriptor }) => descriptor),
  };
}

async function makePlan(source: Source, options: BuildOptions, epoch: number): Promise<ImagePlan> {
  const { platform: wanted, onEvent = () => {}, strict = false, ...rest } = options;
  const platform = wanted === undefined ? {} : { platform: parsePlatform(wanted) };
  const { program, diagnostics } = compile(source, { ...rest, ...platform });
  const context = openContext(options.context, { hidden: hiddenBy(options.output) });
  const planned = await planImage(program, { ...rest, ...platform, context, epoch });
  const findings: readonly Diagnostic[] = sortDiagnostics([...diagnostics, ...planned.diagnostics]);
  const { plan } = planned;
  if (plan === undefined || (strict && findings.length > 0)) {
    throw new ContainerfileError(source.file, source.text, findings);
  }
  for (const diagnostic of findings) {
    onEvent({ kind: "warning", diagnostic, text: formatDiagnostic(diagnostic, source.file, source.text) });
  }
  return plan;
}

/** One after the other: inside of a layer all processors compress already. */
async function writeLayers(
  plan: ImagePlan,
  writer: ImageWriter,
  options: BuildOptions,
): Promise<WrittenLayer[]> {
  const { onEvent = () => {}, compressionLevel = 6, workers, signal } = options;
  using pool = new GzipPool(workers === undefined ? {} : { workers });
  const layers: WrittenLayer[] = [];
  for (const [index, { tree, title }] of plan.layers.entries()) {
    const size = [...tree.values()].reduce((sum, node) => sum + (node.kind === "file" ? node.size : 0), 0);
    onEvent({ kind: "layer", index, title, size });
    const layer = await writeLayer(tree, writer, {
      pool,
      level: compressionLevel,
      onBytes: (count) => onEvent({ kind: "bytes", index, count }),
      ...(signal === undefined ? {} : { signal }),
    });
    onEvent({ kind: "written", index, descriptor: layer.descriptor, reused: layer.reused });
    layers.push(layer);
  }
  return layers;
}

function namesOf(tag: string | readonly string[]): readonly string[] {
  const names = typeof tag === "string" ? [tag] : tag;
  if (names.length === 0) {
    throw new UsageError("Cannot build an image without a name", { hint: "give it one with -t" });
  }
  return names;
}
