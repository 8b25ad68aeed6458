/**
 * COPY and ADD with their variables replaced.
 *
 * @module
 */
import { type Code, finding } from "../codes.ts";
import type { Diagnostic, Span } from "../diagnostic.ts";
import { isDirectoryPath, joinPath } from "../image_path.ts";
import type { CopyInstruction, PathSource } from "../parse/instruction.ts";
import { parseMode } from "../copy/mode.ts";
import type { Meter } from "./meter.ts";
import { isOwner } from "./owner_syntax.ts";
import { printCopy } from "../parse/print_text.ts";
import { quote } from "../quote.ts";
import type { CopyOrigin, CopySource, CopyStep } from "../stage.ts";
import type { StageNames } from "./stage_names.ts";
import type { VariableScope } from "./variable_scope.ts";
import { literalText } from "../parse/words.ts";

/** What surrounds a copy. */
export interface CopyContext {
  readonly scope: VariableScope;
  /** The stages before this one. */
  readonly names: StageNames;
  readonly meter: Meter;
  /** Absolute and clean. */
  readonly workingDir: string;
}

const archive = /\.(tar|tgz|tbz2?|txz|tlz|tzst)$|\.tar\.(gz|bz2|xz|lzma|zst|lz4|Z)$/i;
const remote = /^(https?|ftp):\/\/|^(git|ssh):\/\/|^git@|^github\.com\/[^/]+\/[^/]/i;

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
  return new CopyEvaluator(copy, context, diagnostics).step();
}

/** Evaluates one copy. */
class CopyEvaluator {
  readonly #copy: CopyInstruction;
  readonly #context: CopyContext;
  readonly #diagnostics: Diagnostic[];

  constructor(copy: CopyInstruction, context: CopyContext, diagnostics: Diagnostic[]) {
    this.#copy = copy;
    this.#context = context;
    this.#diagnostics = diagnostics;
  }

  step(): CopyStep | undefined {
    const copy = this.#copy;
    if (copy.kind === "ADD") this.#checkAdd();
    const origin = this.#origin();
    const { scope, workingDir } = this.#context;
    const sources = copy.sources.map((source): CopySource => {
      if (source.kind === "path") return this.#path(source);
      return { kind: "inline", name: source.name, content: scope.expand(source.content), span: source.span };
    });
    const written = this.#destination();
    const chown = this.#chown();
    const chmod = this.#chmod();
    const exclude = copy.exclude.map(({ value }) => scope.expand(value));
    if (origin === undefined) return undefined;
    const path = joinPath(workingDir, written);
    const step = {
      origin,
      sources,
      exclude,
      parents: copy.parents?.value ?? false,
      ...(chown === undefined ? {} : { chown }),
      ...(chmod === undefined ? {} : { chmod }),
    };
    const from = copy.from && literalText(copy.from.value);
    const text = printCopy(copy.kind, {
      ...step,
      ...(from === undefined ? {} : { from }),
      destination: written,
      link: copy.link?.value ?? false,
    });
    return {
      kind: "copy",
      span: copy.span,
      text,
      ...step,
      destination: isDirectoryPath(written) && path !== "/" ? `${path}/` : path,
      destinationSpan: copy.destination.span,
    };
  }

  #checkAdd(): void {
    const { keywordSpan, unpack } = this.#copy;
    const message = "ADD works as COPY: it neither fetches nor unpacks anything";
    this.#report("BIMA067", message, keywordSpan, "write COPY, which does the same with local files");
    if (unpack?.value !== true) return;
    const hint = "unpack the archive before the build and COPY the directory";
    this.#report("BIMA035", "Cannot use --unpack: unpacking archives is not supported", unpack.span, hint);
  }

  #path({ path: word }: PathSource): CopySource {
    const { kind, unpack } = this.#copy;
    const { span } = word;
    const before = this.#diagnostics.length;
    const path = this.#context.scope.expand(word);
    if (path === "") {
      const hint = "write . for the whole build context";
      if (!this.#failedSince(before)) {
        this.#report("BIMA023", `Cannot use ${kind}: a source is empty`, span, hint);
      }
    } else if (remote.test(path)) {
      const hint = "fetch it before the build and COPY the file";
      this.#report("BIMA034", `Cannot copy ${quote(path)}: remote sources are not supported`, span, hint);
    } else if (kind === "ADD" && archive.test(path) && unpack === undefined) {
      const hint = "unpack it before the build and COPY the directory; COPY leaves an archive as it is";
      this.#report(
        "BIMA035",
        `Cannot unpack ${quote(path)}: unpacking archives is not supported`,
        span,
        hint,
      );
    }
    return { kind: "path", path, span };
  }

  /** The destination as written, variables replaced. */
  #destination(): string {
    const { kind, sources, destination: { span }, destination } = this.#copy;
    const before = this.#diagnostics.length;
    const text = this.#context.scope.expand(destination);
    if (text === "") {
      const hint = "write / for the root of the image";
      if (!this.#failedSince(before)) {
        this.#report("BIMA023", `Cannot use ${kind}: the destination is empty`, span, hint);
      }
    } else if (sources.length > 1 && !isDirectoryPath(text)) {
      const message = `Cannot copy ${sources.length} sources to ${quote(text)}: expected a directory`;
      this.#report("BIMA018", message, span, "end the destination with a slash");
    }
    return text;
  }

  #chown(): string | undefined {
    const { chown } = this.#copy;
    if (chown === undefined) return undefined;
    const before = this.#diagnostics.length;
    const text = this.#context.scope.expand(chown.value);
    if (!isOwner(text) && !this.#failedSince(before)) {
      const message = `Cannot use owner ${quote(text)}: expected user[:group], names or numbers`;
      this.#report("BIMA021", message, chown.span, "for example --chown=1000:1000");
    }
    return text;
  }

  #chmod(): string | undefined {
    const { chmod } = this.#copy;
    if (chmod === undefined) return undefined;
    const before = this.#diagnostics.length;
    const text = this.#context.scope.expand(chmod.value);
    if (parseMode(text) === undefined && !this.#failedSince(before)) {
      const message = `Cannot use mode ${
        quote(text)
      }: expected octal digits up to 7777 or a form such as u=rwX,go=rX`;
      this.#report("BIMA022", message, chmod.span, "for example --chmod=0644");
    }
    return text;
  }

  #origin(): CopyOrigin | undefined {
    const { from, keywordSpan } = this.#copy;
    if (from === undefined) return { kind: "context" };
    const { names, meter } = this.#context;
    const refuse = (code: Code, message: string, hint: string): undefined => {
      this.#report(code, message, from.span, hint);
    };
    const name = literalText(from.value);
    if (name === undefined) {
      const hint = "start a stage with the variable, FROM $image AS name, and write --from=name";
      return refuse("BIMA029", "Cannot use a variable in --from: the stages must be known beforehand", hint);
    }
    const index = names.find(name);
    if (index !== undefined) return { kind: "stage", index };
    if (/^[0-9]+$/.test(name)) {
      const known = names.count === 0 ? "there is none" : `only 0 to ${names.count - 1} are`;
      return refuse(
        "BIMA027",
        `Cannot copy from stage ${name}: ${known} before this one`,
        "FROM lines count from 0",
      );
    }
    const line = names.lineOf(name);
    if (line !== undefined) {
      const where = line < keywordSpan.start.line
        ? "it is this stage itself"
        : `it comes later, in line ${line}`;
      return refuse("BIMA027", `Cannot copy from stage ${quote(name)}: ${where}`, "name an earlier stage");
    }
    const near = meter.suggest(name, names.all());
    if (near !== undefined) {
      const message = `Cannot copy from ${quote(name)}: no earlier stage has this name`;
      return refuse("BIMA027", message, `did you mean ${near}?`);
    }
    const message = `Cannot copy from ${quote(name)}: not supported yet, only earlier stages`;
    return refuse(
      "BIMA026",
      message,
      "put the files into the build context, or name a stage before this one",
    );
  }

  #failedSince(index: number): boolean {
    return this.#diagnostics.slice(index).some(({ severity }) => severity === "error");
  }

  #report(code: Code, message: string, span: Span, hint: string): void {
    this.#diagnostics.push(finding(code, message, span, hint));
  }
}
