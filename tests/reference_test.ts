/** Image names: what Docker and containerd take, and what they make of it. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { UsageError } from "../lib/errors.ts";
import { familiarName, fileNameOf, parseReference } from "../lib/reference.ts";

const digits = "0123456789abcdef".repeat(4);

/** What is written, the full name, and the name as Docker shows it. */
const names: readonly (readonly [text: string, name: string, familiar: string])[] = [
  // Names without a host.
  ["redis", "docker.io/library/redis:latest", "redis:latest"],
  ["redis:7", "docker.io/library/redis:7", "redis:7"],
  ["bima/test:1", "docker.io/bima/test:1", "bima/test:1"],
  ["a/b/c", "docker.io/a/b/c:latest", "a/b/c:latest"],
  ["library/redis", "docker.io/library/redis:latest", "redis:latest"],
  ["localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"],
  ["localhost", "docker.io/library/localhost:latest", "localhost:latest"],
  ["a.b", "docker.io/library/a.b:latest", "a.b:latest"],
  ["0", "docker.io/library/0:latest", "0:latest"],
  ["a_b/c__d/e---f", "docker.io/a_b/c__d/e---f:latest", "a_b/c__d/e---f:latest"],
  // 64 hexadecimal digits are only an identifier when they stand alone.
  [`${digits}:1`, `docker.io/library/${digits}:1`, `${digits}:1`],
  [`${digits}0`, `docker.io/library/${digits}0:latest`, `${digits}0:latest`],
  // Names of Docker Hub's own hosts.
  ["docker.io/redis", "docker.io/library/redis:latest", "redis:latest"],
  ["docker.io/library/redis", "docker.io/library/redis:latest", "redis:latest"],
  ["index.docker.io/redis:6", "docker.io/library/redis:6", "redis:6"],
  ["index.docker.io/a/b", "docker.io/a/b:latest", "a/b:latest"],
  // The short form would mean something else here.
  ["docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"],
  ["docker.io/localhost/x", "docker.io/localhost/x:latest", "docker.io/localhost/x:latest"],
  ["docker.io/a.b/x", "docker.io/a.b/x:latest", "docker.io/a.b/x:latest"],
  ["docker.io/library/a.b/x", "docker.io/library/a.b/x:latest", "library/a.b/x:latest"],
  // Hosts: a dot, a port, upper case, or localhost.
  ["localhost/x", "localhost/x:latest", "localhost/x:latest"],
  ["localhost:5000/x:v1", "localhost:5000/x:v1", "localhost:5000/x:v1"],
  ["registry.example/x", "registry.example/x:latest", "registry.example/x:latest"],
  ["registry.example/library/x", "registry.example/library/x:latest", "registry.example/library/x:latest"],
  ["host:80/a/b:c", "host:80/a/b:c", "host:80/a/b:c"],
  ["Team/app", "Team/app:latest", "Team/app:latest"],
  ["Docker.io/app", "Docker.io/app:latest", "Docker.io/app:latest"],
  ["127.0.0.1/x", "127.0.0.1/x:latest", "127.0.0.1/x:latest"],
  ["[::1]/x", "[::1]/x:latest", "[::1]/x:latest"],
  ["[2001:DB8::1]:5000/x/y:z", "[2001:DB8::1]:5000/x/y:z", "[2001:DB8::1]:5000/x/y:z"],
  ["xn--bcher-kva.example/x", "xn--bcher-kva.example/x:latest", "xn--bcher-kva.example/x:latest"],
  // Tags.
  ["x:_", "docker.io/library/x:_", "x:_"],
  ["x:A.b-C_9", "docker.io/library/x:A.b-C_9", "x:A.b-C_9"],
  [`x:${"t".repeat(128)}`, `docker.io/library/x:${"t".repeat(128)}`, `x:${"t".repeat(128)}`],
  // 255 characters with the host.
  [`a.b/${"p".repeat(251)}:t`, `a.b/${"p".repeat(251)}:t`, `a.b/${"p".repeat(251)}:t`],
  ["p".repeat(237), `docker.io/library/${"p".repeat(237)}:latest`, `${"p".repeat(237)}:latest`],
];

Deno.test("parseReference() normalises names as Docker does", () => {
  for (const [text, name] of names) {
    const reference = parseReference(text);
    assertEquals(reference.name, name, text);
    assertEquals(`${reference.domain}/${reference.path}:${reference.tag}`, name, text);
  }
});

Deno.test("familiarName() shows names as Docker does", () => {
  for (const [text, , familiar] of names) assertEquals(familiarName(parseReference(text)), familiar, text);
});

const refused: readonly (readonly [text: string, why: string])[] = [
  ["", "it is empty"],
  [" ", '" " is not a valid path element'],
  ["a b", '"a b" is not a valid path element'],
  ["x\n", "is not a valid path element"],
  ["x:1\n", "is not a valid tag"],
  ["/x", "it has an empty path element"],
  ["x/", "it has an empty path element"],
  ["a//b", "it has an empty path element"],
  ["a.b//x", "it has an empty path element"],
  ["localhost/", "the part before the tag is missing"],
  ["a.b/:t", "the part before the tag is missing"],
  [":t", "the part before the tag is missing"],
  ["x:", '"" is not a valid tag'],
  ["x:-t", '"-t" is not a valid tag'],
  ["x:.t", '".t" is not a valid tag'],
  ["x:t+u", '"t+u" is not a valid tag'],
  ["x:ü", '"ü" is not a valid tag'],
  [`x:${"t".repeat(129)}`, "is not a valid tag"],
  ["x:1:2", '"x:1" is not a valid path element'],
  ["Redis", "a repository name must be lower case"],
  ["a/B", "a repository name must be lower case"],
  ["a.b/C:t", "a repository name must be lower case"],
  ["a..b", '"a..b" is not a valid path element'],
  ["a___b", '"a___b" is not a valid path element'],
  ["a._b", '"a._b" is not a valid path element'],
  ["-a", '"-a" is not a valid path element'],
  ["a-", '"a-" is not a valid path element'],
  ["_a/b", '"_a" is not a valid path element'],
  ["ä", '"ä" is not a valid path element'],
  ["a:b/c", '"a:b" is not a host name'],
  ["a:/c", '"a:" is not a host name'],
  ["-a.b/c", '"-a.b" is not a host name'],
  ["a-.b/c", '"a-.b" is not a host name'],
  ["a_b.c/d", '"a_b.c" is not a host name'],
  [".a/b", '".a" is not a host name'],
  ["::1/x", '"::1" is not a host name'],
  ["[::1/x", '"[::1" is not a host name'],
  ["[g::1]/x", '"[g::1]" is not a host name'],
  ["https://a.b/c", '"https:" is not a host name'],
  [digits, "64 hexadecimal digits are the identifier of an image"],
  [`a.b/${"p".repeat(252)}`, "has 256 characters, at most 255"],
  ["p".repeat(238), "has 256 characters, at most 255"],
  [`x@sha256:${digits}`, "it has a digest"],
  [`x:1@sha256:${digits}`, "it has a digest"],
];

Deno.test("parseReference() refuses what is no name of an image, and says which part is wrong", () => {
  for (const [text, why] of refused) {
    const error = assertThrows(() => parseReference(text), UsageError, why);
    assertStringIncludes(error.message, `Cannot use image name "${text}": `);
    assertEquals(typeof error.hint, "string", text);
  }
});

Deno.test("parseReference() proposes the lower-case name", () => {
  assertEquals(assertThrows(() => parseReference("My/App"), UsageError).hint, "write app");
  assertEquals(assertThrows(() => parseReference("Redis:7"), UsageError).hint, "write redis");
});

Deno.test("parseReference() reads every name that it made, and its familiar form, as the same name", () => {
  const element = fc.stringMatching(/^[a-z0-9]{1,4}([._-][a-z0-9]{1,3}){0,2}$/);
  const host = fc.constantFrom("docker.io", "localhost", "a.b", "c:5000", "[::1]", "library", "Upper");
  const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,9}$/);
  fc.assert(fc.property(
    fc.array(fc.oneof(element, fc.constantFrom("library", "localhost")), { minLength: 1, maxLength: 4 }),
    fc.option(host),
    tag,
    (elements, domain, tag) => {
      // Without a host, a first element with a dot is taken for one, and then an underscore in it is an error.
      const text = `${[domain ?? "docker.io", ...elements].join("/")}:${tag}`;
      const reference = parseReference(text);
      assertEquals(parseReference(reference.name), reference);
      assertEquals(parseReference(familiarName(reference)), reference);
    },
  ));
});

Deno.test("fileNameOf() is the last path element with the tag as it was written", () => {
  assertEquals(fileNameOf("a.b/c/image:tag"), "image:tag");
  assertEquals(fileNameOf("image"), "image");
  assertEquals(fileNameOf("localhost:5000/x"), "x");
});
