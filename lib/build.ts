/**
 * The order of the steps: Containerfile → program → plan → layers → manifest → destination.
 *
 * @module
 */
import type { BuildOptions, BuildResult } from "./build_options.ts";
import { compile } from "./containerfile.ts";
import { hiddenBy, openWriter } from "./destination.ts";
import { ContainerfileError, formatDiagnostic, sortDiagnostics } from "./diagnostic.ts";
import { UsageError } from "./errors.ts";
import { type Inputs, openInputs } from "./inputs.ts";
import { Excerpts } from "./excerpt.ts";
import { writeLayers } from "./layers.ts";
import { composeImage } from "./oci.ts";
import { type ImagePlan, planImage } from "./plan.ts";
import { parsePlatform } from "./platform.ts";
import { parseReference, type Reference } from "./reference.ts";

export type { BuildOptions, BuildResult };

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
  const names = distinct(namesOf(options.tag).map(parseReference));
  const epoch = options.sourceDateEpoch ?? 0;
  await using inputs = await openInputs({ ...options, hidden: hiddenBy(options.output) });
  const plan = await makePlan(inputs, options, epoch);
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

async function makePlan(
  { source, context }: Inputs,
  options: BuildOptions,
  epoch: number,
): Promise<ImagePlan> {
  const { platform: wanted, onEvent = () => {}, strict = false, ...rest } = options;
  const platform = wanted === undefined ? {} : { platform: parsePlatform(wanted) };
  const { program, diagnostics } = compile(source, { ...rest, ...platform });
  const planned = await planImage(program, { ...rest, ...platform, context, epoch });
  const findings = sortDiagnostics([...diagnostics, ...planned.diagnostics]);
  const { plan } = planned;
  if (plan === undefined || (strict && findings.length > 0)) {
    throw new ContainerfileError(source.file, source.text, findings);
  }
  const excerpts = new Excerpts(source.text);
  for (const diagnostic of findings) {
    onEvent({ kind: "warning", diagnostic, text: formatDiagnostic(diagnostic, source.file, excerpts) });
  }
  return plan;
}

function namesOf(tag: string | readonly string[]): readonly string[] {
  const names = typeof tag === "string" ? [tag] : tag;
  if (names.length === 0) {
    throw new UsageError("Cannot build an image without a name", { hint: "give it one with -t" });
  }
  return names;
}

/** Two ways to write a name are one name. */
function distinct(names: readonly Reference[]): readonly Reference[] {
  return [...new Map(names.map((reference) => [reference.name, reference])).values()];
}
