import { assertEquals } from "@std/assert";
import { transport } from "../lib/transport.ts";

Deno.test("transport() is gRPC from the first Deno on whose HTTP/2 is sound", () => {
  for (const version of ["2.7.13", "2.7.14", "2.8.0", "2.9.5", "2.10.0", "3.0.0", "2.7.13+abc"]) {
    assertEquals(transport(version), "gRPC", version);
  }
  for (const version of ["2.7.12", "2.7.11", "2.6.99", "2.0.13", "1.46.3"]) {
    assertEquals(transport(version), "ctr", version);
  }
});
