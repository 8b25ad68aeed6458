/**
 * COPY and ADD with their variables replaced.
 *
 * @module
 */
import { isDirectoryPath, joinPath } from "./clean_path.ts";
import { type Code, finding } from "./codes.ts";
import type { Diagnostic, Span } from "./diagnostic.ts";
import type { CopyInstruction } from "./instruction.ts";
import { nearest } from "./nearest.ts";
import { isMode, isOwner } from "./permissions.ts";
import { printCopy } from "./print.ts";
import type { CopyOrigin, CopySource, CopyStep } from "./stage.ts";
import type { StageNames } from "./stage_names.ts";
import type { VariableScope } from "./variables.ts";
import { literalText } from "./words.ts";

/** What surrounds a copy. */
export interface CopyContext {
  readonly scope: VariableScope;
  readonly names: StageNames;
  /** Absolute and clean. */
  readonly workingDir: string;
  /** The name of the stage that it stands in. */
  readonly own: string | undefined;
}

const archive = /\.(tar|tgz|tbz2?|txz|tlz|tzst)$|\.tar\.(gz|bz2|xz|lzma|zst|lz4|Z)$/i;
const remote = /^(https?|ftp):\/\//i;
const git = /^(git:\/\/|git@|ssh:\/\/)|^https?:\/\/[^ ]*\.git(#.*)?$|^github\.com\/[^/]+\/[^/]+/i;

/**
 * Expands a copy and checks all that can be checked without files.
 *
 * @param diagnostics receives what is wrong
 * @returns the step, or `undefined` when its origin is unknown
 */
export function copyStep(
  copy: CopyInstruction,
  context: CopyContext,
  diagnostics: Diagnostic[],
): CopyStep | undefined {
  const { scope, workingDir } = context;
  const report = (code: Code, message: string, span: Span, hint: string) =>
    diagnostics.push(finding(code, message, span, hint));
  if (copy.kind === "ADD") {
    const hint = "write COPY; it does the same with local files";
    report("BIMA067", "ADD works as COPY: it neither fetches nor unpacks anything", copy.keywordSpan, hint);
  }
  const origin = findOrigin(copy, context, diagnostics);
  const sources = copy.sources.map((source): CopySource => {
    if (source.kind === "heredoc") {
      return { kind: "inline", name: source.name, content: scope.expand(source.content), span: source.span };
    }
    const { span } = source.path;
    const path = scope.expand(source.path);
    if (path === "") {
      report("BIMA023", `Cannot use ${copy.kind}: a source is empty`, span, "write . for the whole context");
    } else if (git.test(path) || remote.test(path)) {
      const message = `Cannot copy "${path}": remote sources are not supported`;
      report("BIMA034", message, span, "fetch it before the build and COPY the file");
    } else if (copy.kind === "ADD" && archive.test(path) && copy.unpack?.value !== false) {
      const message = `Cannot unpack "${path}": unpacking archives is not supported`;
      report(
        "BIMA035",
        message,
        span,
        "unpack it before the build and COPY the directory; COPY takes it as it is",
      );
    }
    return { kind: "path", path, span };
  });
  if (copy.kind === "ADD" && copy.unpack?.value === true) {
    const message = "Cannot use --unpack: unpacking archives is not supported";
    report("BIMA035", message, copy.unpack.span, "unpack it before the build and COPY the directory");
  }
  const written = scope.expand(copy.destination);
  if (written === "") {
    const message = `Cannot use ${copy.kind}: the destination is empty`;
    report("BIMA023", message, copy.destination.span, "write / for the root of the image");
  } else if (copy.sources.length > 1 && !isDirectoryPath(written)) {
    const message = `Cannot copy ${copy.sources.length} sources to "${written}": expected a directory`;
    report("BIMA018", message, copy.destination.span, `end it with a slash: ${written}/`);
  }
  const chown = copy.chown && scope.expand(copy.chown.value);
  if (copy.chown !== undefined && !isOwner(chown ?? "")) {
    const message = `Cannot use owner "${chown}": expected user[:group], names or numbers`;
    report("BIMA021", message, copy.chown.span, "for example --chown=1000:1000");
  }
  const chmod = copy.chmod && scope.expand(copy.chmod.value);
  if (copy.chmod !== undefined && !isMode(chmod ?? "")) {
    const message =
      `Cannot use mode "${chmod}": expected octal digits up to 7777 or letters such as u=rwX,go=rX`;
    report("BIMA022", message, copy.chmod.span, "for example --chmod=0644");
  }
  const exclude = copy.exclude.map(({ value }) => scope.expand(value));
  if (origin === undefined) return undefined;
  const path = joinPath(workingDir, written);
  const destination = isDirectoryPath(written) && path !== "/" ? `${path}/` : path;
  const parents = copy.parents?.value ?? false;
  const fields = {
    origin,
    sources,
    exclude,
    parents,
    ...(chown === undefined ? {} : { chown }),
    ...(chmod === undefined ? {} : { chmod }),
  };
  const from = copy.from && literalText(copy.from.value);
  const text = printCopy(copy.kind, from, {
    ...fields,
    destination: written,
    link: copy.link?.value ?? false,
  });
  return {
    kind: "copy",
    span: copy.span,
    text,
    ...fields,
    destination,
    destinationSpan: copy.destination.span,
  };
}

function findOrigin(
  { from }: CopyInstruction,
  { names, own }: CopyContext,
  diagnostics: Diagnostic[],
): CopyOrigin | undefined {
  if (from === undefined) return { kind: "context" };
  const name = literalText(from.value);
  const report = (code: Code, message: string, hint: string): undefined => {
    diagnostics.push(finding(code, message, from.span, hint));
  };
  if (name === undefined) {
    const hint = "start a stage with the variable, FROM $image AS name, and write --from=name";
    return report("BIMA029", "Cannot use a variable in --from: its stage must be known beforehand", hint);
  }
  const index = names.find(name);
  if (index !== undefined) return { kind: "stage", index };
  if (/^[0-9]+$/.test(name)) {
    const known = names.count === 0
      ? "there is none before this one"
      : `0 to ${names.count - 1} are before this one`;
    return report("BIMA027", `Cannot copy from stage ${name}: ${known}`, "count the FROM lines from 0");
  }
  if (name.toLowerCase() === own) {
    return report(
      "BIMA027",
      `Cannot copy from stage "${name}": it is this stage itself`,
      "name an earlier stage",
    );
  }
  const near = nearest(name, names.all());
  if (near !== undefined) {
    return report(
      "BIMA027",
      `Cannot copy from "${name}": no earlier stage has this name`,
      `did you mean ${near}?`,
    );
  }
  const message = `Cannot copy from "${name}": not supported yet, only earlier stages are`;
  return report("BIMA026", message, "copy the files into the build context, or name a stage before this one");
}
