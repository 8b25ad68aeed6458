/**
 * Where a containerd daemon listens, and which of its namespaces is meant.
 *
 * @module
 */
import { UsageError } from "./errors.ts";

/** The socket of a containerd that was installed the usual way. */
export const defaultAddress = "/run/containerd/containerd.sock";

/** The longest path of a unix socket in bytes (`sun_path` of Linux' unix(7), without its final zero). */
const longestPath = 107;

/**
 * @param text a path, or `unix:///path`
 * @returns the path of the socket
 * @throws {UsageError} for any other kind of address
 */
export function parseAddress(text: string): string {
  const refuse = (why: string): never => {
    throw new UsageError(`Cannot use containerd address "${text}": ${why}`, {
      hint: "for example /run/containerd/containerd.sock or unix:///run/containerd/containerd.sock",
    });
  };
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "unix") refuse("containerd listens on a unix socket only");
  const path = text.replace(/^unix:(?:\/\/)?/i, "");
  if (path === "") refuse("it names no file");
  if (path.includes("\0")) refuse("it contains a NUL character");
  const bytes = new TextEncoder().encode(path).byteLength;
  if (bytes > longestPath) {
    refuse(`it is ${bytes} bytes long, a socket's path has at most ${longestPath}`);
  }
  return path;
}

/**
 * Checks a namespace as containerd does (containerd's package `identifiers`).
 *
 * @param text the namespace
 * @returns the same text
 * @throws {UsageError} when containerd would refuse it
 */
export function parseNamespace(text: string): string {
  if (text.length > 76 || !/^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/.test(text)) {
    const state = text === ""
      ? "it is empty"
      : text.length > 76
      ? `it has ${text.length} characters, at most 76 are allowed`
      : "a character is out of place";
    throw new UsageError(`Cannot use containerd namespace "${text}": ${state}`, {
      hint: "a namespace is made of letters and digits, with single . _ or - between them",
    });
  }
  return text;
}
