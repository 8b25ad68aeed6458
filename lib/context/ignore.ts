/**
 * Ignore files: which one counts, and what its lines say (Docker's `.dockerignore`, podman's `.containerignore`).
 *
 * @module
 */
import { finding } from "../codes.ts";
import { ContainerfileError, type Diagnostic } from "../diagnostic.ts";
import { IgnoredTree } from "./ignored_tree.ts";
import { parsePattern, type Pattern, PatternList } from "../pattern.ts";
import { readText } from "./text_file.ts";
import type { FileTree } from "../tree.ts";

/** The names at the root of a context, the first one that is there counts. */
const names = [".containerignore", ".dockerignore"];

/** An ignore file with malformed patterns. */
export class IgnoreFileError extends ContainerfileError {
  /** The file's text. */
  readonly source: string;

  /** @param file the file as messages name it; @param source its text; @param diagnostics all findings */
  constructor(file: string, source: string, diagnostics: readonly Diagnostic[]) {
    super(file, source, diagnostics);
    this.source = source;
  }
}

/** An ignore file. */
export interface IgnoreFile {
  /** Its path as messages show it. */
  readonly file: string;
  readonly text: string;
}

/**
 * Hides what the ignore file of a build leaves out. The Containerfile's own one, `<name>.dockerignore` beside it,
 * goes before those at the context's root, even when it is empty.
 *
 * @param context the whole build context
 * @param own the Containerfile's own ignore file. Default: it has none
 * @returns the context as COPY sees it
 * @throws {IgnoreFileError} when a pattern is malformed
 * @throws {PathError} when the ignore file cannot be read
 */
export function applyIgnoreFile(context: FileTree, own?: IgnoreFile): FileTree {
  const found = own ?? findInContext(context);
  if (found === undefined) return context;
  const patterns = parseIgnoreFile(found);
  return patterns.length === 0 ? context : new IgnoredTree(context, new PatternList(patterns), found.file);
}

function findInContext(context: FileTree): IgnoreFile | undefined {
  for (const file of names) {
    const text = readText(context, file);
    if (text !== undefined) return { file, text };
  }
  return undefined;
}

/**
 * @param ignore the file
 * @returns its patterns; comments and blank lines have none
 * @throws {IgnoreFileError} with all malformed patterns
 */
export function parseIgnoreFile({ file, text }: IgnoreFile): Pattern[] {
  const patterns: Pattern[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const [index, written] of text.replace(/^\uFEFF/, "").split(/\r?\n/).entries()) {
    if (written.startsWith("#") || written.trim() === "") continue;
    const line = index + 1;
    const pattern = parsePattern(written, line);
    if (pattern !== undefined) patterns.push(pattern);
    else {
      const column = written.length - written.trimStart().length + 1;
      const end = { line, column: written.trimEnd().length + 1 };
      diagnostics.push(finding(
        "BIMA103",
        `Cannot use pattern "${written.trim()}": it is malformed`,
        { start: { line, column }, end },
        "[ needs a ], \\ a character after it, and ! a pattern",
      ));
    }
  }
  if (diagnostics.length > 0) throw new IgnoreFileError(file, text, diagnostics);
  return patterns;
}
