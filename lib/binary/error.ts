/**
 * What is thrown for a file that is no bootable binary, and the one check that all formats share: is it whole?
 *
 * @module
 */
import { BimaError, type BimaErrorOptions } from "../errors.ts";

/** A file is no binary that bima knows, is damaged, or is for a machine without a name in OCI images. */
export class BinaryError extends BimaError {
  override readonly name = "BinaryError";
  /** What is wrong, without the name of the file. */
  readonly reason: string;

  /**
   * @param reason what was found and what was expected
   * @param options the cause, a hint, and the file's name for the message
   */
  constructor(reason: string, options: BimaErrorOptions & { readonly file?: string } = {}) {
    const { file, ...rest } = options;
    super(`Cannot use ${file === undefined ? "the binary" : `binary "${file}"`}: ${reason}`, rest);
    this.reason = reason;
  }

  /** @returns the same error with the file's name in its message */
  named(file: string): BinaryError {
    const { hint, cause } = this;
    return new BinaryError(this.reason, { file, cause, ...(hint === undefined ? {} : { hint }) });
  }
}

/**
 * Refuses a file that ends too early.
 *
 * @param what the part that must be there: `segment 2`
 * @param end the offset in bytes at which that part ends
 * @param size the size of the file in bytes; infinite when it is unknown
 * @throws {BinaryError} when the file ends before the part does
 */
export function requireWhole(what: string, end: number | bigint, size: number): void {
  // A bigint and a number compare by value, infinity included.
  if (end > size) throw new BinaryError(`truncated: ${what} ends at ${end}, the file has ${size} bytes`);
}
