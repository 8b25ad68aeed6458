/**
 * The JSON form of arguments: `["a", "b"]`.
 *
 * @module
 */
import { finding } from "../codes.ts";
import type { Diagnostic, Span } from "../diagnostic.ts";
import { type Origin, SourceText } from "./source_text.ts";
import type { Range } from "./words.ts";

/** One string of the array. */
export interface JsonElement {
  /** The decoded text and where its characters stand. */
  readonly source: SourceText;
  /** The string with its quotes. */
  readonly span: Span;
}

/** What arguments turn out to be: an array of strings, no array at all, or an array of something else. */
export type JsonArray =
  | { readonly kind: "array"; readonly elements: readonly JsonElement[] }
  | { readonly kind: "none" }
  | { readonly kind: "broken" };

/**
 * Reads arguments as a JSON array of strings. What looks like one but is no JSON counts as plain words, as in
 * Docker, with a warning.
 *
 * @param keyword the instruction, for messages
 * @param source the text; @param range the arguments, without blanks around them
 * @param diagnostics receives the warning, and the error for an array of something else
 */
export function readJsonArray(
  keyword: string,
  source: SourceText,
  range: Range,
  diagnostics: Diagnostic[],
): JsonArray {
  const text = source.text.slice(range.start, range.end);
  if (!text.startsWith("[")) return { kind: "none" };
  const hint = `write ${keyword} ["first", "second"]: double quotes around each string, a comma between them`;
  const value = parsed(text);
  if (!Array.isArray(value)) {
    // A pattern such as [a-z].img begins with a bracket too.
    if (text.endsWith("]")) {
      const message = `Cannot read the array of ${keyword} as JSON: its text is taken as plain words`;
      diagnostics.push(finding("BIMA062", message, source.span(range.start, range.end), hint));
    }
    return { kind: "none" };
  }
  if (!value.every((element) => typeof element === "string")) {
    const message = `Cannot use the array of ${keyword}: expected strings only`;
    diagnostics.push(finding("BIMA008", message, source.span(range.start, range.end), hint));
    return { kind: "broken" };
  }
  const elements = [...text.matchAll(/"(?:[^"\\]|\\.)*"/g)].map((match) => {
    const start = range.start + match.index;
    return element(source, match[0], start);
  });
  return { kind: "array", elements };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Decodes one string and keeps the way back to each of its characters. */
function element(source: SourceText, quoted: string, start: number): JsonElement {
  const origins: Origin[] = [];
  let text = "";
  for (const { 0: piece, index } of quoted.slice(1, -1).matchAll(/[^\\]+|\\u.{4}|\\./g)) {
    origins.push({ offset: text.length, position: source.position(start + 1 + index) });
    text += piece.startsWith("\\") ? String(JSON.parse(`"${piece}"`)) : piece;
  }
  return { source: new SourceText(text, origins), span: source.span(start, start + quoted.length) };
}
