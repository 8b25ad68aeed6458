/**
 * Writes a parsed Containerfile in one canonical form: upper-case names, one line an instruction, quotes where they
 * are needed. Parsing the result gives the same instructions again.
 *
 * @module
 */
import { printHeredocMark } from "./heredoc.ts";
import type { Containerfile, CopyInstruction, Flag, Instruction } from "./instruction.ts";
import { endLine, escapeQuoted, isPlain, printArgs } from "./print_text.ts";
import { type Escape, literalText, type Part, type VariablePart, type Word } from "./words.ts";

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

/** @returns the instruction, heredocs on further lines, without a final line feed; `undefined` for kind `invalid` */
export function printInstruction(instruction: Instruction, escape: Escape = "\\"): string | undefined {
  const word = (word: Word) => printWord(word, escape);
  const { kind } = instruction;
  switch (kind) {
    case "FROM": {
      const { platform, image, name } = instruction;
      const as = name === undefined ? "" : ` AS ${name.text}`;
      return `FROM ${printFlag("platform", platform, escape)}${notFlag(word(image))}${as}`;
    }
    case "ARG": {
      const definitions = instruction.definitions.map(({ key, value }) =>
        value === undefined ? word(key) : `${word(key)}=${word(value)}`
      );
      return `ARG ${notFlag(definitions.join(" "))}`;
    }
    case "ENV":
    case "LABEL": {
      const pairs = instruction.pairs.map(({ key, value }) => `${word(key)}=${word(value)}`);
      return `${kind} ${notFlag(pairs.join(" "))}`;
    }
    case "COPY":
    case "ADD":
      return printCopyInstruction(instruction, escape);
    case "WORKDIR":
    case "USER":
    case "STOPSIGNAL":
      return `${kind} ${notFlag(word(instruction.value))}`;
    case "CMD":
    case "ENTRYPOINT": {
      const { command } = instruction;
      if (command.form === "shell") return `${kind} ${notFlag(command.line.text)}`;
      return `${kind} ${printArgs(command.args.map(({ text }) => text))}`;
    }
    case "EXPOSE":
      return `EXPOSE ${notFlag(instruction.values.map(word).join(" "))}`;
    case "VOLUME":
      return `VOLUME ${notFlag(printList(instruction.values.map(word)))}`;
    case "MAINTAINER":
      return `MAINTAINER ${notFlag(instruction.name.text)}`;
    case "RUN":
    case "ONBUILD":
    case "HEALTHCHECK":
    case "SHELL":
      return instruction.rest.text === "" ? kind : `${kind} ${instruction.rest.text}`;
    case "invalid":
      return undefined;
  }
}

/** @returns a word that reads as the same parts again */
export function printWord({ parts }: Word, escape: Escape = "\\"): string {
  if (parts.length === 0) return '""';
  let out = "";
  let inQuotes = false;
  for (const part of parts) {
    // A text without special characters goes along with what is around it.
    const wantsQuotes: boolean = part.kind === "variable" ? part.quoted : inQuotes || !isPlain(part.text);
    if (wantsQuotes !== inQuotes) out += '"';
    inQuotes = wantsQuotes;
    if (part.kind === "variable") out += printVariable(part, escape);
    else out += inQuotes ? escapeQuoted(part.text, escape) : part.text;
  }
  return inQuotes ? `${out}"` : out;
}

function printVariable({ name, operator, operand, replacement }: VariablePart, escape: Escape): string {
  if (operator === undefined) return `\${${name}}`;
  const keepsEscapes = /^[#%/]/.test(operator);
  const first = printOperand(operand ?? [], escape, keepsEscapes);
  const second = replacement === undefined ? "" : `/${printOperand(replacement, escape, true)}`;
  return `\${${name}${operator}${first}${second}}`;
}

/** In an operand special characters are escaped one by one: quotes would end those around the variable. */
function printOperand(parts: readonly Part[], escape: Escape, keepsEscapes: boolean): string {
  return parts.map((part) => {
    if (part.kind === "variable") return printVariable(part, escape);
    if (keepsEscapes) return part.text;
    return part.text.replace(/[^A-Za-z0-9_./:,@+-]/gu, (character) => escape + character);
  }).join("");
}

/** Keeps what looks like a flag from being one. */
function notFlag(text: string): string {
  return text.startsWith("--") ? `-- ${text}` : text;
}

function printFlag(name: string, flag: Flag<Word> | undefined, escape: Escape): string {
  return flag === undefined ? "" : `--${name}=${printWord(flag.value, escape)} `;
}

function printCopyInstruction(copy: CopyInstruction, escape: Escape): string {
  const flags = [
    printFlag("from", copy.from, escape),
    printFlag("chown", copy.chown, escape),
    printFlag("chmod", copy.chmod, escape),
    ...copy.exclude.map((exclude) => printFlag("exclude", exclude, escape)),
    ...(["parents", "link", "unpack"] as const).map((name) => {
      const value = copy[name]?.value;
      return value === undefined ? "" : `--${name}=${value} `;
    }),
  ].join("");
  const bodies: string[] = [];
  const words = copy.sources.map((source) => {
    if (source.kind === "path") return printWord(source.path, escape);
    const { name, content } = source;
    const text = literalText(content);
    const isVerbatim = text !== undefined && !text.split("\n").includes(name);
    bodies.push(`\n${endLine(isVerbatim ? text : printHeredoc(content, name))}${name}`);
    return printHeredocMark(name, isVerbatim);
  });
  words.push(printWord(copy.destination, escape));
  const list = bodies.length > 0 ? words.join(" ") : printList(words);
  return `${copy.kind} ${flags}${notFlag(list)}${bodies.join("")}`;
}

/** The text of a heredoc with its variables; a line that would end it gets a backslash in front. */
function printHeredoc({ parts }: Word, name: string): string {
  const text = parts.map((part) =>
    part.kind === "variable" ? printVariable(part, "\\") : part.text.replace(/[\\$]/g, "\\$&")
  ).join("");
  return text.split("\n").map((line) => (line === name ? `\\${line}` : line)).join("\n");
}

/** Words separated by blanks; a JSON array when one of them has a blank in it, or when they look like one. */
function printList(words: readonly string[]): string {
  const isShell = words.every((word) => !/\s/.test(word)) && !words[0]?.startsWith("[");
  return isShell ? words.join(" ") : printArgs(words);
}
