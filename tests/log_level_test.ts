/** Levels of BIMA_LOG. */
import { assert, assertEquals } from "@std/assert";
import { logLevelAliases, logLevels } from "../lib/log_level.ts";
import { bima, Folder } from "./support/bima.ts";

Deno.test("logLevels go from the most talkative to the quietest", () => {
  assertEquals([...logLevels], ["trace", "debug", "info", "warn", "error"]);
});

Deno.test("logLevelAliases are other names of levels, not levels themselves", () => {
  for (const [alias, level] of Object.entries(logLevelAliases)) {
    assert(logLevels.includes(level), alias);
    assert(!(logLevels as readonly string[]).includes(alias), alias);
  }
});

Deno.test("BIMA_LOG takes every level and alias in any case, and refuses other words", async () => {
  using folder = new Folder();
  // With any level the build fails for want of a Containerfile; a wrong one is wrong usage.
  const run = async (level: string) => {
    const env = { BIMA_LOG: level };
    const { code, stderr } = await bima(["build", "--tar", "-t", "x", "."], { cwd: folder.path, env });
    return [code, stderr.split("\n")[0]];
  };
  for (const level of ["", "Trace", "WARNING", "fatal", "panic"]) {
    assertEquals((await run(level))[0], 1, level);
  }
  assertEquals(await run("loud"), [
    2,
    'bima: Cannot use BIMA_LOG "loud": expected trace, debug, info, warn, error',
  ]);
  assertEquals((await run("constructor"))[0], 2);
});
