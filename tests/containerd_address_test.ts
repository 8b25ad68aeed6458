import { assertEquals, assertThrows } from "@std/assert";
import { parseAddress, parseNamespace } from "../lib/containerd_address.ts";
import { UsageError } from "../lib/errors.ts";

Deno.test("parseAddress() takes a path and a unix URL", () => {
  for (const text of ["/run/c.sock", "unix:///run/c.sock", "unix:/run/c.sock", "UNIX:///run/c.sock"]) {
    assertEquals(parseAddress(text), "/run/c.sock");
  }
  assertEquals(parseAddress("run/c.sock"), "run/c.sock");
  assertEquals(parseAddress("/run/a b:c%20.sock"), "/run/a b:c%20.sock");
});

Deno.test("parseAddress() refuses what is no unix socket", () => {
  for (const text of ["tcp://127.0.0.1:1234", "http://host/", "npipe:////./pipe/containerd"]) {
    assertThrows(() => parseAddress(text), UsageError, "a unix socket only");
  }
  assertThrows(() => parseAddress(""), UsageError, "it names no file");
  assertThrows(() => parseAddress("unix://"), UsageError, "it names no file");
  assertThrows(() => parseAddress(`/${"é".repeat(54)}`), UsageError, "it is 109 bytes long");
});

Deno.test("parseNamespace() takes what containerd takes", () => {
  for (const text of ["default", "k8s.io", "a-b_c.d", "0", "A".repeat(76)]) {
    assertEquals(parseNamespace(text), text);
  }
});

Deno.test("parseNamespace() refuses what containerd refuses", () => {
  for (const text of ["a b", "a/b", "-a", "a-", "a--b", "a..b", "ä", "a\nb", "a\n", " "]) {
    assertThrows(() => parseNamespace(text), UsageError, "a character is out of place");
  }
  assertThrows(() => parseNamespace(""), UsageError, "it is empty");
  assertThrows(() => parseNamespace("a".repeat(77)), UsageError, "it has 77 characters");
});
