/**
 * Writes a parsed Containerfile in one canonical form: upper-case names, one line an instruction, quotes where they
 * are needed. Parsing the result gives the same instructions again.
 *
 * @module
 */
import type { Containerfile, CopyInstruction, Flag, Instruction } from "./instruction.ts";
import type { CopySource } from "./stage.ts";
import type { Escape, Part, VariablePart, Word } from "./words.ts";

/**
 * @param containerfile what the parser returned; instructions of kind `invalid` are left out
 * @returns its canonical text, each line ended by a line feed
 */
export function print({ directives, instructions }: Containerfile): string {
  const { escape, syntax, check } = directives;
  const head = [
    ...(syntax === undefined ? [] : [`# syntax=${syntax}`]),
    ...(escape === "\\" ? [] : [`# escape=${escape}`]),
    ...(check === undefined ? [] : [`# check=${check}`]),
  ];
  const body = instructions.flatMap((instruction) => printInstruction(instruction, escape) ?? []);
  return [...head, ...body].map((line) => `${line}\n`).join("");
}

/** @returns the instruction, with its heredocs on further lines; `undefined` for one of kind `invalid` */
export function printInstruction(instruction: Instruction, escape: Escape = "\\"): string | undefined {
  const word = (word: Word) => printWord(word, escape);
  const { kind } = instruction;
  switch (kind) {
    case "FROM": {
      const { platform, image, name } = instruction;
      const as = name === undefined ? "" : ` AS ${name.text}`;
      return `FROM ${flag("platform", platform, escape)}${word(image)}${as}`;
    }
    case "ARG": {
      const definitions = instruction.definitions.map(({ key, value }) =>
        value === undefined ? word(key) : `${word(key)}=${word(value)}`
      );
      return `ARG ${definitions.join(" ")}`;
    }
    case "ENV":
    case "LABEL":
      return `${kind} ${instruction.pairs.map(({ key, value }) => `${word(key)}=${word(value)}`).join(" ")}`;
    case "COPY":
    case "ADD":
      return copyText(instruction, escape);
    case "WORKDIR":
    case "USER":
    case "STOPSIGNAL":
      return `${kind} ${word(instruction.value)}`;
    case "CMD":
    case "ENTRYPOINT": {
      const { command } = instruction;
      return `${kind} ${
        command.form === "exec" ? printArgs(command.args.map(({ text }) => text)) : rest(command.line.text)
      }`;
    }
    case "EXPOSE":
      return `EXPOSE ${instruction.values.map(word).join(" ")}`;
    case "VOLUME":
      return `VOLUME ${listOrJson(instruction.values.map(word))}`;
    case "MAINTAINER":
      return `MAINTAINER ${rest(instruction.name.text)}`;
    case "RUN":
    case "ONBUILD":
    case "HEALTHCHECK":
    case "SHELL":
      return `${kind} ${instruction.rest.text}`;
    case "invalid":
      return undefined;
  }
}

/** @returns arguments in exec form */
export function printArgs(args: readonly string[]): string {
  return `[${args.map((arg) => JSON.stringify(arg)).join(", ")}]`;
}

/** @returns `name=value` pairs with quotes where they are needed, separated by blanks */
export function printPairs(pairs: readonly { readonly name: string; readonly value: string }[]): string {
  return pairs.map(({ name, value }) => `${quoteText(name)}=${quoteText(value)}`).join(" ");
}

/** A copy whose variables are replaced. */
export interface PlainCopy {
  readonly sources: readonly CopySource[];
  readonly destination: string;
  readonly chown?: string;
  readonly chmod?: string;
  readonly exclude: readonly string[];
  readonly parents: boolean;
  readonly link: boolean;
}

/** @returns a copy on one line, the text of heredocs left out, for the history of an image */
export function printCopy(keyword: string, from: string | undefined, copy: PlainCopy): string {
  const flags = [
    ...(from === undefined ? [] : [`--from=${quoteText(from)}`]),
    ...(copy.chown === undefined ? [] : [`--chown=${quoteText(copy.chown)}`]),
    ...(copy.chmod === undefined ? [] : [`--chmod=${quoteText(copy.chmod)}`]),
    ...copy.exclude.map((pattern) => `--exclude=${quoteText(pattern)}`),
    ...(copy.parents ? ["--parents"] : []),
    ...(copy.link ? ["--link"] : []),
  ];
  const sources = copy.sources.map((source) => (source.kind === "path" ? source.path : `<<${source.name}`));
  const words = [...sources, copy.destination];
  const plain = words.every((word) => /^[^\s"']+$/.test(word));
  return [keyword, ...flags, ...(plain ? words : [printArgs(words)])].join(" ");
}

/** @returns a fixed text as one word; in double quotes when it has characters that mean something */
export function quoteText(text: string, escape: Escape = "\\"): string {
  if (/^[A-Za-z0-9_.,:;/@%+=*?~^!()<>[\]{}|&#-]+$/.test(text) && !text.includes("=")) return text;
  return `"${[...text].map((one) => (`"$${escape}`.includes(one) ? escape + one : one)).join("")}"`;
}

/** @returns a word that reads as the same parts again */
export function printWord({ parts }: Word, escape: Escape): string {
  if (parts.length === 0) return '""';
  return parts.map((part) => {
    if (part.kind === "text") return quoteText(part.text, escape);
    const variable = printVariable(part, escape);
    return part.quoted ? `"${variable}"` : variable;
  }).join("");
}

function printVariable({ name, operator, operand, replacement }: VariablePart, escape: Escape): string {
  if (operator === undefined) return `\${${name}}`;
  const isPattern = /^[#%/]/.test(operator);
  const first = printOperand(operand ?? [], escape, isPattern);
  const second = replacement === undefined ? "" : `/${printOperand(replacement, escape, true)}`;
  return `\${${name}${operator}${first}${second}}`;
}

/** In an operand each special character is escaped, because quotes would end those around the variable. */
function printOperand(parts: readonly Part[], escape: Escape, isPattern: boolean): string {
  return parts.map((part) => {
    if (part.kind === "variable") return printVariable(part, escape);
    // The escapes of a pattern were kept, so it is printed as it is.
    if (isPattern) return part.text;
    return [...part.text].map((one) => (/[A-Za-z0-9_./:=,@+-]/.test(one) ? one : escape + one)).join("");
  }).join("");
}

/** Text up to the end of the line; what looks like a flag is kept from being one. */
function rest(text: string): string {
  return text.startsWith("--") ? `-- ${text}` : text;
}

function flag(name: string, flag: Flag<Word> | undefined, escape: Escape): string {
  return flag === undefined ? "" : `--${name}=${printWord(flag.value, escape)} `;
}

function copyText(copy: CopyInstruction, escape: Escape): string {
  const flags = [
    flag("from", copy.from, escape),
    flag("chown", copy.chown, escape),
    flag("chmod", copy.chmod, escape),
    ...copy.exclude.map((exclude) => flag("exclude", exclude, escape)),
    ...(["parents", "link", "unpack"] as const).map((name) => {
      const value = copy[name]?.value;
      return value === undefined ? "" : `--${name}=${value} `;
    }),
  ].join("");
  const bodies: string[] = [];
  const words = copy.sources.map((source) => {
    if (source.kind === "path") return printWord(source.path, escape);
    const { parts } = source.content;
    const isPlain = parts.every((part) => part.kind === "text");
    bodies.push(`\n${parts.map(printHeredocPart(isPlain)).join("")}${source.name}`);
    return isPlain ? `<<"${source.name}"` : `<<${source.name}`;
  });
  const all = [...words, printWord(copy.destination, escape)];
  const list = bodies.length > 0 ? all.join(" ") : listOrJson(all);
  return `${copy.kind} ${flags}${/^--/.test(list) ? "-- " : ""}${list}${bodies.join("")}`;
}

function printHeredocPart(isPlain: boolean): (part: Part) => string {
  return (part) => {
    if (part.kind === "variable") return printVariable(part, "\\");
    return isPlain ? part.text : part.text.replace(/[\\$]/g, "\\$&");
  };
}

/** Words separated by blanks, or a JSON array when one of them has a blank in it. */
function listOrJson(words: readonly string[]): string {
  const plain = words.every((word) => !/\s/.test(word)) && !words[0]?.startsWith("[");
  return plain ? words.join(" ") : printArgs(words);
}
