/** What is particular about the way through `ctr`; tests/ctr_writer_test.ts has what every destination does. */
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { openContainerd } from "../lib/containerd.ts";
import type { ContainerdEvent, ContainerdOptions } from "../lib/containerd.ts";
import { ContainerdConnectError, ContainerdError, ContainerdLostError } from "../lib/containerd_errors.ts";
import { openCtr } from "../lib/ctr.ts";
import { failureOf } from "../lib/ctr_client.ts";
import { parsePlugins } from "../lib/ctr_snapshotter.ts";
import { BimaError, UsageError } from "../lib/errors.ts";
import { mediaTypes } from "../lib/oci.ts";
import type { ImageWriter } from "../lib/writer.ts";
import { Folder } from "./support/bima.ts";
import { Daemon } from "./support/containerd.ts";
import { imageOf, layerOf, namesOf, noise, writeLayer } from "./support/image.ts";

const snapshots = "io.containerd.snapshotter.v1.overlayfs/snapshots";

/** Writes an image of two layers. */
async function write(writer: ImageWriter, name: string, architecture?: string, size = 100_000) {
  await using open = writer;
  const layers = [
    await writeLayer(open, await layerOf({ kernel: noise(size) })),
    await writeLayer(open, await layerOf({ "urunc.json": "{}" })),
  ];
  const image = await imageOf(layers, architecture);
  await open.finish(image, namesOf(name, `${name}-too`));
  return image;
}

async function assertClean(daemon: Daemon): Promise<void> {
  assertEquals([...await daemon.leftovers(), ...await daemon.orphans()], []);
}

/** A PATH on which `ctr` is this script, and everything else is as before. */
function fakeCtr(script: string): Disposable {
  const folder = new Folder({ ctr: `#!/bin/sh\n${script}\n` });
  Deno.chmodSync(folder.at("ctr"), 0o755);
  const path = Deno.env.get("PATH") ?? "";
  Deno.env.set("PATH", `${folder.path}:${path}`);
  return {
    [Symbol.dispose]() {
      Deno.env.set("PATH", path);
      folder[Symbol.dispose]();
    },
  };
}

for (const architecture of ["amd64", "arm64", "riscv64"]) {
  Deno.test(`an image for ${architecture} is the same through ctr as over gRPC`, async () => {
    await using daemon = await Daemon.start();
    const { address } = daemon;
    const seen = [];
    for (const open of [openContainerd, openCtr]) {
      const namespace = open.name;
      for (const snapshotter of ["overlayfs", "native"]) {
        await write(await open({ address, namespace, snapshotter }), "bima/same", architecture);
      }
      const list = async (...args: string[]) =>
        (await daemon.ctr("-n", namespace, ...args)).trim().split("\n");
      const [digest = "sha256:"] = (await daemon.images(namespace)).values();
      seen.push({
        images: await list("images", "ls"),
        check: await list("images", "check"),
        manifest: await daemon.read(digest, namespace),
        overlayfs: await list("snapshots", "ls"),
        native: await list("snapshots", "--snapshotter", "native", "ls"),
      });
      assertEquals(await daemon.leftovers(namespace), []);
      assertEquals(await daemon.orphans(namespace), []);
    }
    const [grpc, ctr] = seen;
    assertEquals(ctr, grpc);
    assertStringIncludes(`${grpc?.images}`, `linux/${architecture}`);
    assertMatch(`${grpc?.check}`, /complete \(3\/3\)/);
  });
}

Deno.test("openCtr() unpacks with the namespace's own snapshotter, and not at all when told so", async () => {
  await using daemon = await Daemon.start();
  const { address } = daemon;
  await daemon.ctr("namespaces", "create", "mine", "containerd.io/defaults/snapshotter=native", "a=b");
  await write(await openCtr({ address, namespace: "mine" }), "bima/own");
  await write(
    await openCtr({ address, namespace: "packed", unpack: false, snapshotter: "floppy" }),
    "bima/packed",
  );
  const committed = async (namespace: string, snapshotter: string) =>
    (await daemon.ctr("-n", namespace, "snapshots", "--snapshotter", snapshotter, "ls")).match(/Committed/g)
      ?.length;
  assertEquals(await committed("mine", "native"), 2);
  assertEquals(await committed("mine", "overlayfs"), undefined);
  assertEquals(await committed("packed", "overlayfs"), undefined);
  assertMatch(await daemon.ctr("-n", "packed", "images", "check"), /complete \(3\/3\).*false/);
});

Deno.test("openCtr() says what to do without ctr on PATH", async () => {
  const path = Deno.env.get("PATH") ?? "";
  Deno.env.set("PATH", "/nowhere");
  try {
    const error = await assertRejects(
      () => openCtr({ address: "/nowhere/containerd.sock" }),
      BimaError,
      `Cannot run containerd's client "ctr": there is none on PATH`,
    );
    assertStringIncludes(error.hint ?? "", "--tar");
    assertStringIncludes(error.hint ?? "", "built with Deno 2.7.13 or newer");
  } finally {
    Deno.env.set("PATH", path);
  }
});

Deno.test("openCtr() says when there is no socket, and when nothing listens on it", async () => {
  const error = await assertRejects(
    () => openCtr({ address: "/nowhere/containerd.sock" }),
    ContainerdConnectError,
    'Cannot connect to containerd at "/nowhere/containerd.sock": there is no such socket',
  );
  assertStringIncludes(error.hint ?? "", "--address");
  await using daemon = await Daemon.start();
  await daemon.kill();
  await assertRejects(
    () => openCtr({ address: daemon.address }),
    ContainerdConnectError,
    "nothing listens there",
  );
});

Deno.test("openCtr() refuses an address and a namespace before it looks for ctr", async () => {
  await assertRejects(() => openCtr({ address: "tcp://localhost:1" }), UsageError, "a unix socket only");
  await assertRejects(() => openCtr({ namespace: "a/b" }), UsageError, 'containerd namespace "a/b"');
});

Deno.test("openCtr() gives up on a daemon that accepts and never answers", async () => {
  await using daemon = await Daemon.start();
  daemon.freeze();
  await assertRejects(
    () => openCtr({ address: daemon.address, timeout: 1000 }),
    ContainerdConnectError,
    "no answer within 1 s",
  );
});

Deno.test("openCtr() stops connecting when the signal fires", async () => {
  await using daemon = await Daemon.start();
  daemon.freeze();
  const controller = new AbortController();
  const opened = openCtr({ address: daemon.address, signal: controller.signal });
  setTimeout(() => controller.abort(new Error("interrupted")), 100);
  await assertRejects(() => opened, Error, "interrupted");
});

Deno.test("openCtr() lists the snapshotters when there is no such one, and says why one did not start", async () => {
  await using daemon = await Daemon.start();
  const refused = (snapshotter: string, text: string) =>
    assertRejects(() => openCtr({ address: daemon.address, snapshotter }), ContainerdError, text);
  const unknown = await refused("floppy", 'snapshotter "floppy": containerd has no such snapshotter');
  assertMatch(unknown.hint ?? "", /^there are .*native.*overlayfs/);
  const broken = await refused(
    "devmapper",
    'snapshotter "devmapper": containerd could not start it: devmapper not',
  );
  assert(!broken.hint?.includes("devmapper"), broken.hint);
  await assertClean(daemon);
});

Deno.test("an image that cannot be unpacked leaves the one that had its name", async () => {
  await using daemon = await Daemon.start();
  const { address } = daemon;
  const before = await write(await openCtr({ address }), "bima/kept");
  await using writer = await openCtr({ address });
  const good = await writeLayer(writer, await layerOf({ kernel: "new" }));
  const image = await imageOf([{ ...good, diffId: before.config.descriptor.digest }]);
  const error = await assertRejects(() => writer.finish(image, namesOf("bima/kept")), ContainerdError);
  assertMatch(error.message, /^Cannot import "docker.io\/bima\/kept:latest" into containerd: .*diff id/i);
  await writer[Symbol.asyncDispose]();
  assertEquals(
    await daemon.images(),
    new Map(
      ["kept", "kept-too"].map((
        name,
      ) => [`docker.io/bima/${name}:latest`, before.manifest.descriptor.digest]),
    ),
  );
  await assertClean(daemon);
});

Deno.test("an import says that the disk is full, and leaves nothing", async () => {
  await using daemon = await Daemon.start({ size: "4m" });
  const error = await assertRejects(
    () =>
      openCtr({ address: daemon.address }).then((writer) => write(writer, "bima/full", "amd64", 6_000_000)),
    ContainerdError,
    "containerd's disk is full",
  );
  assertStringIncludes(error.hint ?? "", "free space");
  assertEquals(await daemon.images(), new Map());
  await assertClean(daemon);
});

/** Starts an import that takes a while and calls `hit` in the middle of its unpacking. */
async function hitWhileUnpacking(
  daemon: Daemon,
  options: ContainerdOptions,
  hit: () => Promise<void> | void,
) {
  const { address } = daemon;
  await using writer = await openCtr({ address, timeout: 2000, ...options });
  const layer = await writeLayer(writer, await layerOf({ kernel: new Uint8Array(300_000_000) }));
  const finished = writer.finish(await imageOf([layer]), namesOf("bima/hit"));
  finished.catch(() => {});
  const unpacking = () => {
    try {
      return Deno.statSync(`${daemon.folder}/root/${snapshots}/1/fs/kernel`).size > 0;
    } catch {
      return false;
    }
  };
  while (!unpacking()) await new Promise((resolve) => setTimeout(resolve, 1));
  await hit();
  await finished;
}

Deno.test("an import fails clearly when the daemon is killed, and the next one removes its draft", async () => {
  await using daemon = await Daemon.start();
  const events: ContainerdEvent[] = [];
  await assertRejects(
    () => hitWhileUnpacking(daemon, { onEvent: (event) => events.push(event) }, () => daemon.kill()),
    ContainerdLostError,
    `Cannot import "docker.io/bima/hit:latest" into containerd: containerd at "${daemon.address}" went away`,
  );
  assertEquals(events.map(({ kind }) => kind), ["connected", "leftover"]);
  await daemon.start();
  await write(await openCtr({ address: daemon.address }), "bima/next");
  assertEquals(
    [...(await daemon.images()).keys()],
    ["docker.io/bima/next-too:latest", "docker.io/bima/next:latest"].sort(),
  );
});

Deno.test("an import fails clearly when the daemon freezes", async () => {
  await using daemon = await Daemon.start();
  await assertRejects(
    () => hitWhileUnpacking(daemon, { idleLimit: 1000 }, () => daemon.freeze()),
    ContainerdLostError,
    `containerd at "${daemon.address}" stopped answering`,
  );
  daemon.thaw();
  await write(await openCtr({ address: daemon.address }), "bima/next");
  assertEquals((await daemon.images()).size, 2);
});

Deno.test("the signal stops an import while containerd unpacks, and nothing is left", async () => {
  await using daemon = await Daemon.start();
  const controller = new AbortController();
  const reason = new Error("interrupted");
  const { signal } = controller;
  const error = await assertRejects(() =>
    hitWhileUnpacking(daemon, { signal, timeout: 20_000 }, () => controller.abort(reason))
  );
  assertEquals(error, reason);
  assertEquals(await daemon.images(), new Map());
  await assertClean(daemon);
});

Deno.test("the signal stops an import while the tar is sent, and nothing is left", async () => {
  await using daemon = await Daemon.start();
  const controller = new AbortController();
  const reason = new Error("interrupted");
  // Slow, so that the tar is still on its way when the first blob arrives.
  using _slow = fakeCtr(`case "$*" in
    *"images import"*" -") { head -c 1000000; sleep 1; cat; } | exec "${await ctrPath()}" "$@" ;;
    *) exec "${await ctrPath()}" "$@" ;;
  esac`);
  const writer = await openCtr({ address: daemon.address, signal: controller.signal });
  const layer = await writeLayer(writer, await layerOf({ kernel: noise(40_000_000) }));
  const finished = writer.finish(await imageOf([layer]), namesOf("bima/hit"));
  finished.catch(() => {});
  while (!(await daemon.ctr("content", "active")).includes("tar-blobs"));
  controller.abort(reason);
  assertEquals(await assertRejects(() => finished), reason);
  await writer[Symbol.asyncDispose]();
  assertEquals(await daemon.images(), new Map());
  await assertClean(daemon);
});

async function ctrPath(): Promise<string> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", "command -v ctr"] }).output();
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("what a killed bima leaves behind, the next one removes", async () => {
  await using daemon = await Daemon.start();
  // The draft's name is set, and the process dies before it can give the image its own.
  const code = `import { openCtr } from "${new URL("../lib/ctr.ts", import.meta.url)}";
    import { imageOf, layerOf, namesOf, writeLayer } from "${new URL("./support/image.ts", import.meta.url)}";
    const writer = await openCtr({ address: "${daemon.address}", onEvent: ({ kind }) => {
      if (kind === "unpacked") Deno.kill(Deno.pid, "SIGKILL");
    } });
    const layer = await writeLayer(writer, await layerOf({ kernel: "killed" }));
    await writer.finish(await imageOf([layer]), namesOf("bima/killed"));`;
  using folder = new Folder({ "killed.ts": code });
  const config = new URL("../deno.json", import.meta.url).pathname;
  const { signal } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", "--config", config, folder.at("killed.ts")],
  }).output();
  assertEquals(signal, "SIGKILL");
  assertMatch([...(await daemon.images()).keys()].join(), /^bima\.invalid\/unfinished:bima-[0-9a-f]+\.lock$/);
  const image = await write(await openCtr({ address: daemon.address }), "bima/next");
  assertEquals(
    await daemon.images(),
    new Map(
      ["next", "next-too"].map((name) => [`docker.io/bima/${name}:latest`, image.manifest.descriptor.digest]),
    ),
  );
  await assertClean(daemon);
});

Deno.test("a running build's draft is left alone by another build", async () => {
  await using daemon = await Daemon.start();
  const { address } = daemon;
  const images: number[] = [];
  const outer = await openCtr({
    address,
    onEvent: ({ kind }) => {
      if (kind === "unpacked") images.push(0);
    },
  });
  await using second = await openCtr({ address });
  const [one, two] = await Promise.all([write(outer, "bima/one"), write(second, "bima/two")]);
  assertEquals(one.manifest.descriptor, two.manifest.descriptor);
  assertEquals((await daemon.images()).size, 4);
  assertEquals(images.length, 2);
  await assertClean(daemon);
});

Deno.test("commit() takes a layer that is larger than a pipe's buffer, whose tar arrives whole", async () => {
  await using daemon = await Daemon.start();
  await using writer = await openCtr({ address: daemon.address });
  const input = await layerOf({ kernel: noise(20_000_000) });
  const blob = await writer.blob("large");
  await new Blob([input.bytes]).stream().pipeTo(blob.writable);
  const descriptor = await blob.commit({ mediaType: mediaTypes.layerGzip, diffId: input.diffId });
  await writer.finish(await imageOf([{ descriptor, diffId: input.diffId }]), namesOf("bima/large"));
  assertEquals(await daemon.read(descriptor.digest), input.bytes);
  assertMatch(await daemon.ctr("images", "check"), /complete \(2\/2\).*true/);
});

Deno.test("failureOf() finds the status in ctr's last words", () => {
  const cases = {
    'time="2026" level=warning msg="old"\nctr: image "a": not found\n': ['image "a": not found', 5],
    "ctr: rpc error: code = Unavailable desc = connection error: dial": [
      "rpc error: code = Unavailable desc = connection error: dial",
      14,
    ],
    'ctr: failed to dial "/s": context deadline exceeded: connection closed': [
      'failed to dial "/s": context deadline exceeded: connection closed',
      4,
    ],
    "ctr: snapshotter not loaded: nope: invalid argument": [
      "snapshotter not loaded: nope: invalid argument",
      3,
    ],
    "panic: runtime error": ["panic: runtime error", 2],
    "": ["", 2],
  } as const;
  for (const [stderr, [details, code]] of Object.entries(cases)) {
    assertEquals(failureOf(stderr), { details, code });
  }
});

Deno.test("parsePlugins() reads the snapshotters, and why one does not work", () => {
  const listing = `Type:          io.containerd.snapshotter.v1
ID:            devmapper
Platforms:     linux/amd64
Error:        
               Code:        Unknown
               Message:     devmapper not configured
                               
Type:          io.containerd.snapshotter.v1
ID:            native
Exports:      
               root      /var/lib/containerd
                      
Type:          io.containerd.content.v1
ID:            content
`;
  assertEquals(parsePlugins(listing), [{ id: "devmapper", error: "devmapper not configured" }, {
    id: "native",
  }]);
});
