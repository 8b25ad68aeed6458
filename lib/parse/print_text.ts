/**
 * Fixed texts as words of a Containerfile, for the history of an image.
 *
 * @module
 */
import type { CopySource } from "../stage.ts";
import type { Escape } from "./words.ts";

/** A copy whose variables are replaced. */
export interface PlainCopy {
  readonly from?: string;
  readonly sources: readonly CopySource[];
  readonly destination: string;
  readonly chown?: string;
  readonly chmod?: string;
  readonly exclude: readonly string[];
  readonly parents: boolean;
  readonly link: boolean;
}

/** Characters that mean nothing outside of quotes. */
const plain = /^[A-Za-z0-9_.,:;/@%+*?~^!()[\]{}|&#-]+$/;

/** @returns whether a text can stand in a word without quotes */
export function isPlain(text: string): boolean {
  return plain.test(text);
}

/** @returns a fixed text as one word; in double quotes when it has characters that mean something */
export function quoteText(text: string, escape: Escape = "\\"): string {
  return isPlain(text) ? text : `"${escapeQuoted(text, escape)}"`;
}

/** @returns a text as it is written between double quotes */
export function escapeQuoted(text: string, escape: Escape): string {
  return text.replace(escape === "\\" ? /["$\\]/g : /["$`]/g, (character) => escape + character);
}

/** @returns a text whose last line is ended; only a heredoc that is not closed needs that */
export function endLine(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** @returns a text on one line: what would break it is written as an escape */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => JSON.stringify(character).slice(1, -1));
}

/** @returns arguments in exec form */
export function printArgs(args: readonly string[]): string {
  return `[${args.map((arg) => JSON.stringify(arg)).join(", ")}]`;
}

/** @returns `name=value` pairs separated by blanks, with quotes where they are needed */
export function printPairs(pairs: readonly { readonly name: string; readonly value: string }[]): string {
  return pairs.map(({ name, value }) => `${quoteText(name)}=${quoteText(value)}`).join(" ");
}

/** @returns a copy on one line, the text of heredocs left out */
export function printCopy(keyword: string, copy: PlainCopy): string {
  const { from, chown, chmod } = copy;
  const flags = [
    ...(from === undefined ? [] : [`--from=${quoteText(from)}`]),
    ...(chown === undefined ? [] : [`--chown=${quoteText(chown)}`]),
    ...(chmod === undefined ? [] : [`--chmod=${quoteText(chmod)}`]),
    ...copy.exclude.map((pattern) => `--exclude=${quoteText(pattern)}`),
    ...(copy.parents ? ["--parents"] : []),
    ...(copy.link ? ["--link"] : []),
  ];
  const sources = copy.sources.map((source) => (source.kind === "path" ? source.path : `<<${source.name}`));
  const words = [...sources, copy.destination];
  // The shell form cannot hold blanks.
  const isShell = words.every((word) => /^[^\s"']+$/.test(word));
  return [keyword, ...flags, ...(isShell ? words : [printArgs(words)])].join(" ");
}
