/** Layers whose files bima writes into snapshots itself: the same as what containerd unpacks, or left to it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { build } from "../mod.ts";
import { context, Folder, labels, root } from "./support/bima.ts";
import { Daemon } from "./support/containerd.ts";
import { assertClean, buildInto } from "./support/containerd_build.ts";
import { noise } from "./support/image.ts";
import { listing } from "./support/listing.ts";

/** What a container would see, by `ctr images mount`. */
async function mounted(daemon: Daemon, snapshotter = "overlayfs"): Promise<string[]> {
  const folder = await Deno.makeTempDir({ dir: daemon.folder });
  const name = "docker.io/bima/files:latest";
  await daemon.ctr("images", "mount", "--snapshotter", snapshotter, name, folder);
  try {
    return await listing(folder, daemon.inside);
  } finally {
    await daemon.ctr("images", "unmount", "--rm", "--snapshotter", snapshotter, folder);
  }
}

/** What a container would see of the same image, imported and unpacked by `ctr`. */
async function imported(folder: Folder): Promise<string[]> {
  await using daemon = await Daemon.start();
  await build({
    context: folder.path,
    file: folder.at("Containerfile"),
    tag: "bima/files",
    output: { kind: "tar", dest: `${daemon.folder}/image.tar` },
  });
  await daemon.ctr("images", "import", "--no-unpack=false", `${daemon.folder}/image.tar`);
  return await mounted(daemon);
}

/** A context with all that COPY can bring, in layers that lie on top of each other. */
async function richContext(): Promise<Folder> {
  const folder = context({
    "tree/a/file": "a",
    "tree/a/setuid": "setuid",
    "tree/empty/": "",
    "tree/z/large": noise(3_000_000),
    "over/a/file": "another a",
    "over/a/new": "new",
    "one": "1",
  });
  await Deno.symlink("../a/file", folder.at("tree/z/link"));
  await Deno.symlink("/nowhere", folder.at("tree/dangling"));
  await Deno.chmod(folder.at("tree/a/setuid"), 0o4755);
  await Deno.chmod(folder.at("tree/empty"), 0o1777);
  await Deno.chmod(folder.at("over/a"), 0o700);
  folder.write(
    "Containerfile",
    [
      "FROM scratch",
      "COPY kernel /kernel",
      "COPY --chown=1000:3000000 --chmod=0750 tree /srv/deep/tree",
      "COPY tree /tree",
      "COPY one /srv/deep/one",
      "COPY over /tree",
      "COPY one /tree/z/link",
      "COPY --chown=1000:1000 --chmod=2775 over /shared",
      "COPY one /shared/a/one",
      "WORKDIR /work",
      "COPY --link one ./",
      labels,
    ].join("\n"),
  );
  return folder;
}

Deno.test("bima writes the files that containerd would unpack", async () => {
  using folder = await richContext();
  await using daemon = await Daemon.start();
  const { how, reasons } = await buildInto(daemon, folder);
  assertEquals([reasons, [...new Set(how)]], [[], ["written"]]);
  assertEquals(how.length, 11);
  const [ours, theirs] = [await mounted(daemon), await imported(folder)];
  assert(ours.length > 20 && ours.some((row) => row.includes("1000:3000000")));
  // A directory that gets something in a later layer has the time of that moment when containerd unpacks it.
  const timeless = (rows: readonly string[]) =>
    rows.map((row) => row.replace(/( d \d+ \d+:\d+) [\d.]+/, "$1"));
  assertEquals(timeless(ours), timeless(theirs));
  assertEquals(
    ours.filter((row) => !/ 0(?: |$)/.test(row)),
    [],
    "all times are 0, also those of directories",
  );
  assertStringIncludes(await daemon.ctr("images", "check"), "complete (12/12)");
  await daemon.ctr("containers", "create", "docker.io/bima/files:latest", "box");
  await daemon.ctr("containers", "rm", "box");
  await assertClean(daemon);
  await daemon.ctr("images", "rm", "--sync", "docker.io/bima/files:latest");
  await assertClean(daemon);
});

Deno.test("bima writes on top of a layer that is there, and finds its own snapshots again", async () => {
  using folder = context({ "one": "1" });
  folder.write("Containerfile", `FROM scratch\nCOPY kernel /kernel\nCOPY one /etc/one\n${labels}`);
  // Files that have just been written are not looked up by their attributes.
  await Deno.utime(folder.at("kernel"), 1, 1);
  await new Promise((resolve) => setTimeout(resolve, 3100));
  await using daemon = await Daemon.start();
  assertEquals((await buildInto(daemon, folder)).how, ["written", "written", "written"]);
  assertEquals((await buildInto(daemon, folder)).how, ["present", "present", "present"]);
  folder.write("one", "2");
  // The blob of the last layer is there, on top of other layers.
  assertEquals((await buildInto(daemon, folder)).how, ["present", "written", "applied"]);
  assert((await mounted(daemon)).some((row) => row.startsWith("./etc/one f 644")));
  // The same content, written again: the snapshot that is made is there already.
  folder.write("one", "2");
  assertEquals((await buildInto(daemon, folder)).how, ["present", "present", "present"]);
  await assertClean(daemon);
});

Deno.test("containerd unpacks a layer that is used again, and those above it", async () => {
  using folder = context({ "one": "1" });
  folder.write("Containerfile", `FROM scratch\nCOPY kernel /kernel\nCOPY one /etc/one\n${labels}`);
  await new Promise((resolve) => setTimeout(resolve, 3100));
  await using daemon = await Daemon.start();
  const packed = { kind: "containerd", address: daemon.address, unpack: false } as const;
  assertEquals((await buildInto(daemon, folder, { output: packed })).how, []);
  folder.write("one", "2");
  const { how, reasons } = await buildInto(daemon, folder);
  assertEquals(how, ["applied", "applied", "applied"]);
  assertStringIncludes(reasons.join(), "is only there as a blob");
  assertEquals((await mounted(daemon)).length, 4);
  await assertClean(daemon);
});

Deno.test("two builds of the same image at once both write, and one of them wins", async () => {
  using folder = context({ "data": noise(2_000_000) });
  folder.write("Containerfile", `FROM scratch\nCOPY data /data\nCOPY kernel /kernel\n${labels}`);
  await using daemon = await Daemon.start();
  const outcomes = await Promise.all([1, 2, 3].map(() => buildInto(daemon, folder)));
  for (const index of [0, 1, 2]) {
    const ways = outcomes.map(({ how }) => how[index]).sort();
    assertEquals(ways.filter((way) => way === "written").length <= 1, true, `${ways}`);
    assert(!ways.includes("applied") || ways.includes("written"), `${ways}`);
  }
  assertEquals((await mounted(daemon)).length, 3);
  await assertClean(daemon);
});

/** When bima does not write, the image is the same. */
async function assertLeft(
  reason: string,
  { daemon, folder, how, snapshotter }: {
    daemon: Daemon;
    folder: Folder;
    how: readonly string[];
    snapshotter?: string;
  },
): Promise<void> {
  const output = {
    kind: "containerd",
    address: daemon.address,
    ...(snapshotter === undefined ? {} : { snapshotter }),
  } as const;
  const outcome = await buildInto(daemon, folder, { output });
  assertEquals(outcome.how, how);
  assertEquals(outcome.reasons.length, 1);
  assertStringIncludes(outcome.reasons[0] ?? "", reason);
  const rows = await mounted(daemon, snapshotter);
  assertEquals(rows.map((row) => row.split(" ")[0]), ["./kernel", "./urunc.json"]);
  await assertClean(daemon, snapshotter);
}

const applied = ["applied", "applied"] as const;

Deno.test("containerd unpacks for a snapshotter that keeps no folders", async () => {
  using folder = context();
  await using daemon = await Daemon.start();
  const reason = 'snapshotter "native" does it in its own way';
  await assertLeft(reason, { daemon, folder, how: applied, snapshotter: "native" });
});

Deno.test("containerd unpacks when it is told to", async () => {
  using folder = context();
  await using daemon = await Daemon.start();
  const output = { kind: "containerd", address: daemon.address, unpackBy: "containerd" } as const;
  assertEquals(await buildInto(daemon, folder, { output }), {
    how: applied,
    reasons: ["BimaError: as it was told to"],
  });
  await assertClean(daemon);
});

Deno.test("containerd unpacks when its socket or its folder is not root's", async () => {
  using folder = context();
  {
    await using daemon = await Daemon.start();
    await Deno.chown(daemon.address, 1000, 0);
    await assertLeft("is not only root's to change", { daemon, folder, how: applied });
  }
  {
    // Its owner could put another socket, and with it any folder, in its place.
    await using daemon = await Daemon.start();
    await Deno.chown(daemon.folder, 1000, 1000);
    await assertLeft(`"${daemon.folder}" is not only root's to change`, { daemon, folder, how: applied });
    await Deno.chown(daemon.folder, 0, 0);
  }
  {
    await using daemon = await Daemon.start();
    await Deno.chmod(daemon.folder, 0o777);
    await assertLeft(`"${daemon.folder}" is not only root's to change`, { daemon, folder, how: applied });
  }
  {
    // A link in somebody's folder can lead to another daemon a moment before.
    await using daemon = await Daemon.start();
    using own = new Folder();
    await Deno.symlink(daemon.address, own.at("socket"));
    await Deno.chown(own.path, 1000, 1000);
    const output = { kind: "containerd", address: own.at("socket") } as const;
    const { how, reasons } = await buildInto(daemon, folder, { output });
    assertEquals([how, reasons], [applied, [`BimaError: "${own.path}" is not only root's to change`]]);
  }
  {
    // As in a user namespace: the daemon's root is another user outside of it.
    await using daemon = await Daemon.start();
    const snapshots = `${daemon.folder}/root/io.containerd.snapshotter.v1.overlayfs/snapshots`;
    await Deno.chmod(snapshots, 0o2755);
    await Deno.chown(snapshots, 0, 1000);
    await assertLeft(`does not belong to root (0:1000)`, { daemon, folder, how: applied });
  }
});

Deno.test("containerd unpacks when its folders are out of sight", async () => {
  using folder = context();
  await using daemon = await Daemon.start({ elsewhere: true });
  await assertLeft("No such file or directory", { daemon, folder, how: applied });
});

Deno.test("containerd unpacks when there is another folder where its own would be", async () => {
  using folder = context();
  await using daemon = await Daemon.start({ elsewhere: true });
  const decoy = `${daemon.folder}/root/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs`;
  await Deno.mkdir(decoy, { recursive: true });
  await assertLeft(`containerd does not see what bima writes to "${decoy}"`, {
    daemon,
    folder,
    how: applied,
  });
  assertEquals(Array.from(Deno.readDirSync(decoy)), []);
});

Deno.test("containerd unpacks when a folder is not empty", async () => {
  using folder = context();
  await using daemon = await Daemon.start({ elsewhere: true });
  const decoy = `${daemon.folder}/root/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs`;
  await Deno.mkdir(`${decoy}/something`, { recursive: true });
  await assertLeft(`"${decoy}" is not empty`, { daemon, folder, how: applied });
  assertEquals(Array.from(Deno.readDirSync(decoy), ({ name }) => name), ["something"]);
});

Deno.test("containerd unpacks what bima cannot write, and the layers above", async () => {
  using folder = context({ "future": "future" });
  await Deno.utime(folder.at("future"), 2 ** 32, 2 ** 32);
  folder.write(
    "Containerfile",
    `FROM scratch\nCOPY kernel /kernel\nCOPY future /future\nCOPY kernel /again\n${labels}`,
  );
  await using daemon = await Daemon.start();
  const { how, reasons } = await buildInto(daemon, folder, { sourceDateEpoch: 2 ** 33 });
  assertEquals(how, ["written", "applied", "applied", "applied"]);
  assertEquals(reasons, ["RangeError: The time 4294967296 is not between 0 and 2147483647"]);
  assertEquals((await mounted(daemon)).length, 4);
  await assertClean(daemon);
});

Deno.test("containerd unpacks when Deno lets bima write nowhere", async () => {
  using folder = context();
  await using daemon = await Daemon.start();
  const options = ["--quiet", "--no-prompt", "--config", `${root}/deno.json`];
  using temporary = new Folder();
  const rights = [
    "--allow-read",
    "--allow-env",
    "--allow-net",
    `--allow-write=${temporary.path},${daemon.address}`,
  ];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...options, ...rights, `${root}/cli.ts`, "build", "-t", "bima/files", "."],
    cwd: folder.path,
    env: { CONTAINERD_ADDRESS: daemon.address, BIMA_LOG: "debug", TMPDIR: temporary.path },
  }).output();
  const text = new TextDecoder().decode(stderr);
  assertEquals(code, 0, text);
  assertStringIncludes(text, "containerd unpacks the layers: Requires write access to");
  assertEquals((await mounted(daemon)).length, 2);
  await assertClean(daemon);
});
