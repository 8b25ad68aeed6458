/**
 * What a release is made of, made when it is missing or older than its sources.
 *
 * @module
 */
import { root } from "./bima.ts";

/**
 * Runs make.
 *
 * @param targets what to make, such as `dist/bima.js`
 * @returns what make said on stderr
 */
export async function make(...targets: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("make", {
    args: ["--no-print-directory", "-C", root, ...targets],
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stderr);
  if (!success) throw new Error(`make ${targets.join(" ")}: ${new TextDecoder().decode(stdout)}${text}`);
  return text;
}
