import { directories } from "./differential/directories.ts";
import { files } from "./differential/files.ts";
import { grammar } from "./differential/grammar.ts";
import { ignore } from "./differential/ignore.ts";
import { links } from "./differential/links.ts";
import { metadata } from "./differential/metadata.ts";
import { newer } from "./differential/newer.ts";
import { permissions } from "./differential/permissions.ts";
import { stages } from "./differential/stages.ts";
import { variables } from "./differential/variables.ts";
import { wildcards } from "./differential/wildcards.ts";
import { buildAll, type Case, verify } from "./support/differential.ts";

const tables = [
  files,
  directories,
  links,
  wildcards,
  permissions,
  ignore,
  newer,
  variables,
  stages,
  grammar,
  metadata,
];

for (const table of tables) {
  Deno.test(`bima makes of ${table.title} what buildah makes, or says why not`, async (t) => {
    const outcomes = await buildAll(table);
    for (const [one, outcome] of outcomes) await t.step(titleOf(one), () => verify(one, outcome));
  });
}

/** Its instructions, and in front of them the ignore file, when there is one. */
function titleOf({ text, files = {} }: Case): string {
  const ignores = [files[".containerignore"], files[".dockerignore"]].filter((entry) =>
    typeof entry === "string"
  );
  return [...ignores.map((entry) => `[${entry}]`), text].join(" ");
}
