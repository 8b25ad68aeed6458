/**
 * Finds the Containerfile, reads it, and turns it into a program.
 *
 * @module
 */
import { resolve } from "@std/path/posix";
import { finding } from "./codes.ts";
import { ContainerfileError, type Diagnostic } from "./diagnostic.ts";
import { BimaError, PathError } from "./errors.ts";
import { evaluate } from "./evaluate.ts";
import { parse } from "./parse.ts";
import type { Platform } from "./platform.ts";
import type { Program } from "./stage.ts";

/** A Containerfile's text and where it came from. */
export interface Source {
  /** The path as messages show it. */
  readonly file: string;
  /** The text. */
  readonly text: string;
  /** The path that was asked for, when another one was taken in its place. */
  readonly instead?: string;
}

/** The names that are tried, in this order. */
const names = ["Containerfile", "Dockerfile"];

/** A file of more bytes than this is not a Containerfile. */
const maxSize = 16 * 1024 * 1024;

/**
 * Finds and reads the Containerfile: the named one; else `Containerfile`, then `Dockerfile` in the working
 * directory, then in the context.
 *
 * @param file the path that the user named, relative to the working directory. Default: none
 * @param context the build context
 * @returns its text
 * @throws {PathError} when there is none, or it cannot be read
 */
export function readContainerfile(file: string | undefined, context: string): Source {
  const named = file ?? "./Containerfile";
  const local = names.map((name) => `./${name}`);
  const inContext = names.map((name) => `${context.replace(/\/+$/, "")}/${name}`);
  const candidates = [...new Set([named, ...local, ...(file === undefined ? inContext : [])])];
  for (const path of candidates) {
    const text = readText(path);
    if (text === undefined) continue;
    const shown = path.replace(/^\.\//, "");
    return file === undefined || path === file ? { file: shown, text } : { file: shown, text, instead: file };
  }
  const where = file === undefined ? `in "${resolve(".")}" or in the build context "${context}"` : "there";
  throw new PathError(
    named,
    file === undefined
      ? `Cannot find a Containerfile ${where}: expected Containerfile or Dockerfile`
      : `Cannot read "${file}": no such file, and no Containerfile or Dockerfile in the working directory either`,
    { hint: "name the file with -f" },
  );
}

function readText(path: string): string | undefined {
  try {
    const info = Deno.statSync(path);
    if (info.isDirectory) {
      throw new PathError(path, `Cannot read "${path}": it is a directory, expected a Containerfile`);
    }
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readBytes(path));
  } catch (error) {
    if (error instanceof BimaError) throw error;
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    const state = error instanceof Deno.errors.PermissionDenied
      ? "permission denied"
      : error instanceof TypeError
      ? "it is not UTF-8 text"
      : error instanceof Error
      ? error.message
      : String(error);
    throw new PathError(path, `Cannot read "${path}": ${state}`, { cause: error });
  }
}

/** A pipe or a device does not tell its size, so it is not asked for. */
function readBytes(path: string): Uint8Array<ArrayBuffer> {
  using file = Deno.openSync(path);
  let bytes = new Uint8Array(64 * 1024);
  let size = 0;
  for (let count = file.readSync(bytes); count; count = file.readSync(bytes.subarray(size))) {
    size += count;
    if (size > maxSize) {
      throw new PathError(path, `Cannot read "${path}": a Containerfile has at most ${maxSize} bytes`);
    }
    if (size === bytes.byteLength) {
      const more = new Uint8Array(2 * size);
      more.set(bytes);
      bytes = more;
    }
  }
  return bytes.subarray(0, size);
}

/** How a Containerfile is evaluated. */
export interface CompileOptions {
  /** The stage that becomes the image. Default: the last one. */
  readonly target?: string;
  /** Values for ARG. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** The platform that the user named. */
  readonly platform?: Platform;
}

/**
 * Parses and evaluates a Containerfile.
 *
 * @returns the program and the warnings
 * @throws {ContainerfileError} with all findings when there is an error among them
 */
export function compile(
  source: Source,
  options: CompileOptions,
): { readonly program: Program; readonly diagnostics: readonly Diagnostic[] } {
  const parsed = parse(source.text);
  const { program, diagnostics: found } = evaluate(parsed, options);
  const diagnostics = [...elsewhere(source), ...parsed.diagnostics, ...found];
  if (program === undefined || diagnostics.some(({ severity }) => severity === "error")) {
    throw new ContainerfileError(source.file, source.text, diagnostics);
  }
  return { program, diagnostics };
}

/** Scripts of the first bima count on the other file being taken; everybody else wants to know. */
function elsewhere({ file, instead }: Source): Diagnostic[] {
  if (instead === undefined) return [];
  return [finding("BIMA170", `"${instead}" is not there, "${file}" is used in its place`)];
}
