/**
 * The words of a command line that name what is read; `-` is standard input.
 *
 * @module
 */
import { UsageError } from "./errors.ts";
import type { ByteStream } from "./inputs.ts";

/** Standard input. */
export interface StandardInput {
  /** Opens it; called once at most. */
  readonly stdin: () => ByteStream;
  /** Whether a person would have to type what is read. */
  readonly stdinIsTerminal: boolean;
}

/**
 * @param context the build context, a directory or `-`
 * @param file the Containerfile, a path or `-`. Default: none was named
 * @param input standard input
 * @returns both, for the library
 * @throws {UsageError} when both are `-`, or a tar would have to be typed
 */
export function commandInputs(
  context: string,
  file: string | undefined,
  { stdin, stdinIsTerminal }: StandardInput,
): { readonly context: string | ByteStream; readonly file?: string | ByteStream } {
  if (context === "-" && file === "-") {
    throw new UsageError("Cannot read both the Containerfile and the build context from standard input", {
      hint: "put the Containerfile into the tar, or name it with -f",
    });
  }
  if (context === "-" && stdinIsTerminal) {
    throw new UsageError("Cannot read a build context from a terminal", {
      hint: "name a directory, or pipe a tar into bima: tar -c . | bima build -t NAME -",
    });
  }
  const named = file === "-" ? stdin() : file;
  return { context: context === "-" ? stdin() : context, ...(named === undefined ? {} : { file: named }) };
}
