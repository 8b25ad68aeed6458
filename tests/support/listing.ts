/**
 * What a folder holds, as other programs see it.
 *
 * @module
 */

/**
 * Lists everything below a folder with `find` and `sha256sum`.
 *
 * @param folder its path
 * @param inside a command that runs others where the folder is seen
 * @returns sorted rows: path, kind, mode, owner, seconds since 1970, and the size and digest or the target
 */
export async function listing(folder: string, inside: readonly string[] = []): Promise<string[]> {
  const script =
    `cd "$0" && find . -mindepth 1 -printf '%p %y %m %U:%G %T@ ' '(' -type f -printf '%s ' -exec sha256sum {} ';' ` +
    `-o -type l -printf '%l\\n' -o -printf '\\n' ')'`;
  const [program = "", ...args] = [...inside, "sh", "-c", script, folder];
  const command = new Deno.Command(program, { args, stderr: "inherit" });
  const { code, stdout } = await command.output();
  if (code !== 0) throw new Error(`Cannot list ${folder}`);
  return new TextDecoder().decode(stdout).trim().split("\n").map((row) =>
    // sha256sum repeats the name, and escapes some; find writes fractions of seconds, which no tar has here.
    row.replace(/ \\?([0-9a-f]{64}) {2}.*$/, " $1").replace(/(\d+)\.0000000000( |$)/, "$1$2").trim()
  ).sort();
}
