/** Error classes: what they carry. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { BimaError, DigestMismatchError, messageOf, PathError, UsageError } from "../lib/errors.ts";

Deno.test("BimaError keeps message, hint and cause", () => {
  const cause = new Error("below");
  const error = new BimaError("Cannot do it", { hint: "do something else", cause });
  assertEquals([error.name, error.message, error.hint], ["BimaError", "Cannot do it", "do something else"]);
  assert(error.cause === cause);
  assertInstanceOf(error, Error);
});

Deno.test("BimaError has no hint and no cause when there is none", () => {
  const error = new BimaError("Cannot do it");
  assertEquals([error.hint, error.cause, Object.hasOwn(error, "cause")], [undefined, undefined, false]);
});

Deno.test("every error class is a BimaError with a name of its own", () => {
  const errors = [new UsageError("a"), new PathError("p", "b"), new DigestMismatchError("c")];
  for (const error of errors) assertInstanceOf(error, BimaError);
  assertEquals(errors.map(String), ["UsageError: a", "PathError: b", "DigestMismatchError: c"]);
});

Deno.test("PathError names the path", () => {
  const error = new PathError("a/b", 'Cannot read "a/b": it is gone', { hint: "look again" });
  assertEquals([error.path, error.hint], ["a/b", "look again"]);
});

Deno.test("messageOf() takes whatever was thrown", () => {
  assertEquals(messageOf(new TypeError("wrong")), "wrong");
  assertEquals(messageOf("text"), "text");
  assertEquals(messageOf(undefined), "undefined");
  assertEquals(
    messageOf(Object.create(Error.prototype, { message: { value: "made by hand" } })),
    "made by hand",
  );
});
