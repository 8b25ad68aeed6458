import { assertEquals } from "@std/assert";
import { parseMode } from "../lib/copy/mode.ts";
import { run, withFiles } from "./support/context.ts";

const octal = (mode: number): string => mode.toString(8);

Deno.test("parseMode() sets octal modes, special bits among them", () => {
  const modes = { "0": 0, "644": 0o644, "0755": 0o755, "04755": 0o4755, "7777": 0o7777, "000000600": 0o600 };
  for (const [text, mode] of Object.entries(modes)) {
    assertEquals(parseMode(text)?.(0o1234, false), mode, text);
    assertEquals(parseMode(text)?.(0o1234, true), mode, text);
  }
});

Deno.test("parseMode() refuses what is no mode", () => {
  for (
    const text of ["", "8", "689", "10000", "-644", "u", "rwx", "z+r", "u+q", "u+r,", ",", "u+r g+r", "u+rg"]
  ) {
    assertEquals(parseMode(text), undefined, text);
  }
});

/** Symbolic modes, all with somebody in front of the operator: without one, chmod minds the umask. */
const symbolic = [
  "u+x",
  "u+r,g+w,o+x",
  "a-w",
  "go=",
  "a=r",
  "u=rwX,go=rX",
  "a+X",
  "a-X",
  "g=u",
  "o=g",
  "u=o,g=o",
  "ug+rw,o-rwx",
  "u+s",
  "g+s",
  "ug-s",
  "a+t",
  "a-t",
  "u=rw,go=u",
  "u-x+w",
  "a=rwx,go-w",
  "o=u,u=",
];

Deno.test("parseMode() changes modes as the program chmod does", async () => {
  const before = [0o000, 0o400, 0o644, 0o755, 0o711, 0o777, 0o1777, 0o2755, 0o4711, 0o6755];
  await withFiles({ "file": "", "directory": null }, async (path) => {
    const lines: string[] = [];
    let script = `cd ${path}\n`;
    for (const text of symbolic) {
      for (const mode of before) {
        for (const name of ["file", "directory"]) {
          // On directories chmod keeps setuid and setgid unless they are named, which is its own extension.
          if (name === "directory" && (mode & 0o6000) !== 0) continue;
          // BSD, and with it BuildKit, keeps the sticky bit unless it is named; GNU takes it away.
          if ((mode & 0o1000) !== 0 && /[ao][a-z]*=/.test(text)) continue;
          script += `chmod ${octal(mode).padStart(5, "0")} ${name}; chmod ${text} ${name}; stat -c "${
            octal(mode)
          } ${text} %a" ${name}\n`;
          const changed = parseMode(text)?.(mode, name === "directory") ?? -1;
          lines.push(`${octal(mode)} ${text} ${octal(changed)}`);
        }
      }
    }
    assertEquals(lines, (await run("sh", "-c", script)).trimEnd().split("\n"));
  });
});

Deno.test("parseMode() takes everybody where nobody is named, whatever the umask is", () => {
  assertEquals(octal(parseMode("+x")?.(0o644, false) ?? 0), "755");
  assertEquals(octal(parseMode("+w")?.(0o444, false) ?? 0), "666");
  assertEquals(octal(parseMode("=r")?.(0o777, false) ?? 0), "444");
  assertEquals(octal(parseMode("-w,+X")?.(0o722, true) ?? 0), "511");
});

Deno.test("parseMode() leaves other classes alone", () => {
  assertEquals(octal(parseMode("o+x")?.(0o4640, false) ?? 0), "4641");
  assertEquals(octal(parseMode("u=")?.(0o4755, false) ?? 0), "55");
  assertEquals(octal(parseMode("g=")?.(0o2755, false) ?? 0), "705");
});

Deno.test("parseMode() lets X look at the mode as it was before all changes, as POSIX wants it", () => {
  assertEquals(octal(parseMode("a-x,u+X")?.(0o755, false) ?? 0), "744");
  assertEquals(octal(parseMode("=rw,+X")?.(0o766, false) ?? 0), "777");
  assertEquals(octal(parseMode("=rw,+X")?.(0o640, false) ?? 0), "666");
});

Deno.test("parseMode() keeps the sticky bit unless it is named", () => {
  assertEquals(octal(parseMode("a=rwx")?.(0o1755, true) ?? 0), "1777");
  assertEquals(octal(parseMode("a=rwxt")?.(0o755, true) ?? 0), "1777");
});
