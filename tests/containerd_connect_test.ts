import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openContainerd } from "../lib/containerd.ts";
import { ContainerdConnectError, ContainerdError } from "../lib/containerd_errors.ts";
import { UsageError } from "../lib/errors.ts";
import { Daemon } from "./support/containerd.ts";
import { imageOf, namesOf } from "./support/image.ts";

/** A temporary directory with a listener in it that is not containerd. */
async function listen(serve?: (connection: Deno.Conn) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  const listener = Deno.listen({ transport: "unix", path: `${folder}/sock` });
  const served = (async () => {
    if (serve !== undefined) {
      for await (const connection of listener) await serve(connection).catch(() => {});
    }
  })();
  return {
    address: `${folder}/sock`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await served;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("openContainerd() says when there is no socket", async () => {
  const error = await assertRejects(
    () => openContainerd({ address: "/nowhere/containerd.sock" }),
    ContainerdConnectError,
    'Cannot connect to containerd at "/nowhere/containerd.sock": there is no such socket',
  );
  assertStringIncludes(error.hint ?? "", "--address");
});

Deno.test("openContainerd() says when nothing listens on the socket", async () => {
  await using daemon = await Daemon.start();
  await daemon.kill();
  await assertRejects(
    () => openContainerd({ address: daemon.address }),
    ContainerdConnectError,
    "nothing listens there",
  );
});

Deno.test("openContainerd() says when the socket is another user's, and what to do", async () => {
  await using daemon = await Daemon.start();
  await Deno.chown(daemon.address, 65534, 65534);
  await Deno.chmod(daemon.address, 0o600);
  // Root without its privilege to open everything: an ordinary user, as far as the socket is concerned.
  const caps = "-dac_override,-dac_read_search";
  const { stdout } = await new Deno.Command("setpriv", {
    args: [
      `--bounding-set=${caps}`,
      `--inh-caps=${caps}`,
      Deno.execPath(),
      "run",
      "-A",
      "--quiet",
      new URL("./support/containerd_client.ts", import.meta.url).pathname,
      daemon.address,
      "bima/denied",
    ],
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertStringIncludes(text, `Cannot connect to containerd at "${daemon.address}": permission denied`);
  for (const word of ["root", "sudo", "group"]) assertStringIncludes(text, word);
});

Deno.test("openContainerd() gives up on a daemon that accepts and never answers", async () => {
  await using daemon = await Daemon.start();
  daemon.freeze();
  await assertRejects(
    () => openContainerd({ address: daemon.address, timeout: 300 }),
    ContainerdConnectError,
    "no answer within 0.3 s",
  );
});

Deno.test("openContainerd() says when something else listens", async () => {
  await using other = await listen(async (connection) => {
    await connection.read(new Uint8Array(100));
    await connection.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
    connection.close();
  });
  await assertRejects(
    () => openContainerd({ address: other.address, timeout: 5000 }),
    ContainerdConnectError,
    "does not speak containerd's API",
  );
});

Deno.test("openContainerd() stops connecting when the signal fires", async () => {
  await using other = await listen();
  const controller = new AbortController();
  const opened = openContainerd({ address: other.address, signal: controller.signal });
  controller.abort(new Error("interrupted"));
  await assertRejects(() => opened, Error, "interrupted");
});

Deno.test("openContainerd() leaves no lease when the signal fires while it takes one", async () => {
  await using daemon = await Daemon.start();
  for (const delay of [0, 1, 2, 4, 8]) {
    const controller = new AbortController();
    const opened = openContainerd({
      address: daemon.address,
      signal: controller.signal,
      onEvent: () => setTimeout(() => controller.abort(new Error("interrupted")), delay),
    });
    // Some are open by then, the others are stopped.
    await opened.then((writer) => writer[Symbol.asyncDispose](), () => {});
    assertEquals(await daemon.leftovers(), []);
  }
});

Deno.test("openContainerd() refuses a namespace before it connects", async () => {
  await assertRejects(
    () => openContainerd({ address: "/nowhere", namespace: "a/b" }),
    UsageError,
    'Cannot use containerd namespace "a/b"',
  );
});

Deno.test("openContainerd() takes a unix URL and makes the namespace", async () => {
  await using daemon = await Daemon.start();
  const events: string[] = [];
  await using writer = await openContainerd({
    address: `unix://${daemon.address}`,
    namespace: "k8s.io",
    onEvent: (event) => events.push(event.kind),
  });
  const result = await writer.finish(await imageOf([]), namesOf("bima/namespace"));
  assertEquals(events, ["connected"]);
  assertStringIncludes(result.location, "k8s.io");
  assertEquals([...(await daemon.images("k8s.io")).keys()], ["docker.io/bima/namespace:latest"]);
  assertEquals(await daemon.images(), new Map());
  assertEquals(await daemon.leftovers("k8s.io"), []);
});

Deno.test("openContainerd() lists the snapshotters when there is no such one", async () => {
  await using daemon = await Daemon.start();
  const error = await assertRejects(
    () => openContainerd({ address: daemon.address, snapshotter: "floppy" }),
    ContainerdError,
    'Cannot unpack with snapshotter "floppy": containerd has no such snapshotter',
  );
  assert(/there are .*native.*overlayfs/.test(error.hint ?? ""), error.hint);
  assertEquals(await daemon.leftovers(), []);
});

Deno.test("openContainerd() says why a snapshotter did not start", async () => {
  await using daemon = await Daemon.start();
  const error = await assertRejects(
    () => openContainerd({ address: daemon.address, snapshotter: "devmapper" }),
    ContainerdError,
    'Cannot unpack with snapshotter "devmapper": containerd could not start it: ',
  );
  assert(!/devmapper/.test(error.hint ?? ""), error.hint);
});

Deno.test("openContainerd() does not ask for a snapshotter without unpacking", async () => {
  await using daemon = await Daemon.start();
  await using writer = await openContainerd({
    address: daemon.address,
    snapshotter: "floppy",
    unpack: false,
  });
  await writer.finish(await imageOf([]), namesOf("bima/packed"));
  assertEquals((await daemon.images()).size, 1);
});
