/** `--output`: all its forms. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../lib/errors.ts";
import { type Output, parseOutput } from "../lib/output.ts";

const tar = (dest?: string): Output => dest === undefined ? { kind: "tar" } : { kind: "tar", dest };

const forms: readonly (readonly [text: string, output: Output])[] = [
  ["ctr", { kind: "containerd" }],
  ["containerd", { kind: "containerd" }],
  ["type=ctr", { kind: "containerd" }],
  ["type=containerd", { kind: "containerd" }],
  ["tar", tar()],
  ["oci", tar()],
  ["docker", tar()],
  ["type=tar", tar()],
  ["type=tar,dest=a.tar", tar("a.tar")],
  ["dest=a.tar,type=tar", tar("a.tar")],
  ["tar,dest=a.tar", tar("a.tar")],
  ["type=oci,dest=/x/y", tar("/x/y")],
  ["type=docker,dest=-", tar("-")],
  ["type=tar, dest=a.tar", tar("a.tar")],
  ["TYPE=tar,Dest=a.tar", tar("a.tar")],
  // Only the first = ends the key, and blanks belong to a path.
  ["type=tar,dest=a=b=c", tar("a=b=c")],
  ["type=tar,dest= a b ", tar(" a b ")],
  ["type=tar,dest=ünï", tar("ünï")],
  // CSV, as docker reads it.
  ['"type=tar","dest=a,b.tar"', tar("a,b.tar")],
  ['type=tar,"dest=a,b.tar"', tar("a,b.tar")],
  ['"dest=a, ""b"".tar",type=tar', tar('a, "b".tar')],
  ['"tar"', tar()],
  ['type=tar,"dest=two\nlines"', tar("two\nlines")],
];

Deno.test("parseOutput() reads every form", () => {
  for (const [text, output] of forms) assertEquals(parseOutput(text), output, text);
});

const wrong: readonly (readonly [text: string, why: string])[] = [
  ["", 'unknown type ""'],
  ["TAR", 'unknown type "TAR"'],
  ["local", 'unknown type "local"'],
  ["image.tar", 'unknown type "image.tar"'],
  ["-", 'unknown type "-"'],
  ["type=", 'unknown type ""'],
  ["type=registry", 'unknown type "registry"'],
  ["dest=a.tar", 'unknown type ""'],
  ["type=tar,name=x", 'unknown field "name"'],
  ["type=tar,=x", 'unknown field ""'],
  ["type=tar,dest=", "dest is empty"],
  ["type=tar,dest=a,dest=b", "dest is given twice"],
  ["type=tar,type=ctr", "type is given twice"],
  ["type=tar,DEST=a,dest=b", "dest is given twice"],
  ["type=tar,", "type is given twice"],
  ["tar,ctr", "type is given twice"],
  ["type=ctr,dest=a", "an image in containerd has no dest"],
  ['type=tar,"dest=a', "a double quote is in the wrong place"],
  ['type=tar,dest="a,b"', "a double quote is in the wrong place"],
  ['type=tar,"dest=a"b', "a double quote is in the wrong place"],
  ['"', "a double quote is in the wrong place"],
];

Deno.test("parseOutput() refuses everything else and shows how it is written", () => {
  for (const [text, why] of wrong) {
    const error = assertThrows(() => parseOutput(text), UsageError, why);
    assertStringIncludes(error.message, `Cannot use --output "${text}": `);
    assertStringIncludes(error.hint ?? "", "type=tar");
  }
});
