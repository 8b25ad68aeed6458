/**
 * The error classes of bima. Every message says what could not be done, to which thing, and why
 * (`Cannot <verb> "<thing>": <state>`); the way out stands in {@linkcode BimaError.hint}.
 *
 * @module
 */

/** Options of {@linkcode BimaError}. */
export interface BimaErrorOptions extends ErrorOptions {
  /** What the user can do about it: one sentence, no trailing newline. */
  readonly hint?: string;
}

/** The base class of every error that bima throws on purpose. Exit code 1. */
export class BimaError extends Error {
  /** The class, as messages and logs show it. */
  override readonly name: string = "BimaError";
  /** What the user can do about it, where there is something to do. */
  readonly hint?: string;

  /**
   * Makes an error.
   *
   * @param message what failed, in one line
   * @param options the cause and a hint
   */
  constructor(message: string, options: BimaErrorOptions = {}) {
    super(message, options);
    if (options.hint !== undefined) this.hint = options.hint;
  }
}

/** The command line or an option of the library is wrong. Exit code 2. */
export class UsageError extends BimaError {
  /** See {@linkcode BimaError.name}. */
  override readonly name = "UsageError";
}

/** A file of the build context, or the place that the image goes to, cannot be used. */
export class PathError extends BimaError {
  /** See {@linkcode BimaError.name}. */
  override readonly name = "PathError";
  /** The path as the user would write it. */
  readonly path: string;

  /**
   * Makes an error.
   *
   * @param path the path at fault
   * @param message what failed
   * @param options the cause and a hint
   */
  constructor(path: string, message: string, options: BimaErrorOptions = {}) {
    super(message, options);
    this.path = path;
  }
}

/** Bytes do not have the digest or the size that was promised for them. */
export class DigestMismatchError extends BimaError {
  /** See {@linkcode BimaError.name}. */
  override readonly name = "DigestMismatchError";
}

/** @returns the message of anything that was thrown, without its class name and without a stack */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
