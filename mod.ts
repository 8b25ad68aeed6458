/**
 * bima turns a unikernel into an OCI image: a Containerfile and a directory go in, an image comes out, in one tar
 * that every tool loads, or in containerd.
 *
 * @example Build an image into a tar
 * ```ts ignore
 * import { build } from "./mod.ts";
 *
 * const { digest, platform } = await build({
 *   context: "examples/hello",
 *   file: "examples/hello/Containerfile",
 *   tag: "hello",
 *   output: { kind: "tar", dest: "hello.tar" },
 * });
 * console.log(digest, platform.architecture);
 * ```
 *
 * @module
 */
export { build, type BuildOptions, type BuildResult } from "./lib/build.ts";
export { check, type CheckOptions, type CheckResult } from "./lib/check.ts";
export type { ContainerdEvent, ContainerdOptions, Unpacking } from "./lib/containerd.ts";
export type { ContainerdDestination, Destination, TarDestination } from "./lib/destination.ts";
export {
  ContainerfileError,
  type Diagnostic,
  formatDiagnostic,
  type Position,
  type Severity,
  type Span,
} from "./lib/diagnostic.ts";
export { Excerpts } from "./lib/excerpt.ts";
export { type Digest, isDigest } from "./lib/digest.ts";
export { BimaError, DigestMismatchError, PathError, UsageError } from "./lib/errors.ts";
export type { Descriptor } from "./lib/oci.ts";
export { formatPlatform, parsePlatform, type Platform } from "./lib/platform.ts";
export type { BuildEvent, ProgressListener } from "./lib/progress.ts";
export { parseReference, type Reference } from "./lib/reference.ts";
export { type UnpackerName, unpackers } from "./lib/unpackers.ts";
