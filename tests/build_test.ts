import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { bima, containerfile, context, Folder, helloKernel, labels, root, run } from "./support/bima.ts";
import { type FixtureName, realFile } from "./support/fixtures.ts";
import { validate } from "./support/validator.ts";

/** Builds into a tar that must be valid. */
async function build(folder: Folder, ...options: string[]) {
  const tar = `${folder.path}.tar`;
  const { code, stdout, stderr } = await bima(
    [
      "build",
      "-t",
      "test:1",
      "-o",
      `type=tar,dest=${tar}`,
      "-f",
      folder.at("Containerfile"),
      ...options,
      folder.path,
    ],
  );
  assertEquals([code, stderr], [0, stderr]);
  try {
    const image = await validate(tar);
    assertEquals(stdout, `${image.digest}\n`);
    return { image, stderr };
  } finally {
    await Deno.remove(tar);
  }
}

Deno.test("build() writes one layer for each COPY and one for urunc.json", async () => {
  using folder = context({
    "Containerfile": `FROM scratch\nCOPY kernel /kernel\nCOPY etc /etc\n${labels}`,
    "etc/app.conf": "x=1\n",
  });
  const { image } = await build(folder);
  using _ = image;
  assertEquals(image.names, ["docker.io/library/test:1"]);
  assertEquals(image.listings.length, 3);
  assertMatch(image.listings[0] ?? "", /^-rw-r--r-- 0\/0 +\d+ 1970-01-01 00:00:00 kernel\n$/);
  assertMatch(
    image.listings[1] ?? "",
    /^drwxr-xr-x 0\/0 +0 1970-01-01 00:00:00 etc\/\n-rw-r--r-- 0\/0 +4 1970-01-01 00:00:00 etc\/app\.conf\n$/,
  );
  assertMatch(image.listings[2] ?? "", /^-rw-r--r-- 0\/0 +\d+ 1970-01-01 00:00:00 urunc\.json\n$/);
});

Deno.test("build() writes the labels to all three carriers", async () => {
  using folder = context({
    "Containerfile":
      `FROM scratch\nCOPY kernel /kernel\n${labels}LABEL note="ünïcode & \\"quotes\\"" com.urunc.unikernel.unikernelVersion=0.17\n`,
  });
  const { image } = await build(folder);
  using _ = image;
  const expected = {
    "com.urunc.unikernel.binary": "/kernel",
    "com.urunc.unikernel.cmdline": "hello world",
    "com.urunc.unikernel.hypervisor": "qemu",
    "com.urunc.unikernel.unikernelType": "unikraft",
    "com.urunc.unikernel.unikernelVersion": "0.17",
  };
  assertEquals(image.manifest.annotations, { ...expected, note: 'ünïcode & "quotes"' });
  assertEquals(image.config.config.Labels, { ...expected, note: 'ünïcode & "quotes"' });
  // base64(1) of coreutils reads the third one.
  const json = JSON.parse(await Deno.readTextFile(`${await image.rootfs()}/urunc.json`)) as Record<
    string,
    string
  >;
  assertEquals(Object.keys(json), Object.keys(expected));
  for (const [key, value] of Object.entries(expected)) {
    assertEquals(await run("sh", "-c", 'printf %s "$0" | base64 -d', json[key] ?? ""), value);
  }
});

Deno.test("build() fills the configuration", async () => {
  using folder = context();
  const { image } = await build(folder);
  using _ = image;
  const { created, os, architecture, variant, config, history } = image.config;
  assertEquals([created, os, architecture, variant], ["1970-01-01T00:00:00Z", "linux", "amd64", undefined]);
  assertEquals(config.Cmd, ["hello", "world"]);
  assertEquals(history.map(({ created_by }) => created_by.split(" ")[0]), [
    "COPY",
    "LABEL",
    "LABEL",
    "bima:",
  ]);
});

Deno.test("build() splits the command line at white space and keeps its quotes", async () => {
  using folder = context({
    "Containerfile":
      `FROM scratch\nCOPY kernel /kernel\n${labels}LABEL com.urunc.unikernel.cmdline="  app  --name='a b'\t\\"c\\" "\n`,
  });
  const { image } = await build(folder);
  using _ = image;
  assertEquals(image.config.config.Cmd, ["app", "--name='a", "b'", '"c"']);
  assertEquals(image.manifest.annotations?.["com.urunc.unikernel.cmdline"], `  app  --name='a b'\t"c" `);
});

Deno.test("build() gives an empty command line one empty argument", async () => {
  using folder = context({
    "Containerfile": `FROM scratch\nCOPY kernel /kernel\n${labels}LABEL com.urunc.unikernel.cmdline=""\n`,
  });
  const { image } = await build(folder);
  using _ = image;
  assertEquals(image.config.config.Cmd, [""]);
});

Deno.test("build() takes the command line from ENTRYPOINT and CMD when there is no label", async () => {
  using folder = context({
    "Containerfile": `FROM scratch\nCOPY kernel /kernel\nENTRYPOINT ["app", "two words"]\nCMD ["-v"]
LABEL com.urunc.unikernel.unikernelType=unikraft com.urunc.unikernel.hypervisor=qemu com.urunc.unikernel.binary=/kernel\n`,
  });
  const { image } = await build(folder);
  using _ = image;
  assertEquals(image.config.config.Entrypoint, ["app", "two words"]);
  assertEquals(image.config.config.Cmd, ["-v"]);
  assertEquals(image.manifest.annotations?.["com.urunc.unikernel.cmdline"], "app two words -v");
});

Deno.test("build() keeps modes, links and directories, and clamps times", async () => {
  using folder = context({
    "Containerfile": `FROM scratch\nCOPY kernel /kernel\nCOPY tree /tree\n${labels}`,
    "tree/run": "#!\n",
    "tree/empty/": "",
    "tree/secret": "s",
  });
  Deno.chmodSync(folder.at("tree/run"), 0o4755);
  Deno.chmodSync(folder.at("tree/empty"), 0o1777);
  Deno.chmodSync(folder.at("tree/secret"), 0o600);
  Deno.symlinkSync("run", folder.at("tree/link"));
  Deno.symlinkSync("/outside", folder.at("tree/dangling"));
  Deno.linkSync(folder.at("tree/run"), folder.at("tree/hard"));
  Deno.utimeSync(folder.at("tree/secret"), 1000, 1000);
  const { image } = await build(folder);
  using _ = image;
  const lines = (image.listings[1] ?? "").trim().split("\n").map((line) => line.replace(/ +/g, " "));
  assertEquals(lines, [
    "drwxr-xr-x 0/0 0 1970-01-01 00:00:00 tree/",
    "lrwxrwxrwx 0/0 0 1970-01-01 00:00:00 tree/dangling -> /outside",
    "drwxrwxrwt 0/0 0 1970-01-01 00:00:00 tree/empty/",
    "-rwsr-xr-x 0/0 3 1970-01-01 00:00:00 tree/hard",
    "lrwxrwxrwx 0/0 0 1970-01-01 00:00:00 tree/link -> run",
    "-rwsr-xr-x 0/0 3 1970-01-01 00:00:00 tree/run",
    "-rw------- 0/0 1 1970-01-01 00:00:00 tree/secret",
  ]);
});

Deno.test("build() takes the time from SOURCE_DATE_EPOCH and keeps older ones", async () => {
  using folder = context();
  const tar = `${folder.path}.tar`;
  Deno.utimeSync(folder.at("kernel"), 86_400, 86_400);
  const { code } = await bima(
    ["build", "-t", "t", "-o", `type=tar,dest=${tar}`, "-f", folder.at("Containerfile"), folder.path],
    { env: { SOURCE_DATE_EPOCH: "1000000000" } },
  );
  assertEquals(code, 0);
  using image = await validate(tar);
  await Deno.remove(tar);
  assertEquals(image.config.created, "2001-09-09T01:46:40Z");
  assertStringIncludes(image.listings[0] ?? "", "1970-01-02 00:00:00 kernel");
  assertStringIncludes(image.listings[1] ?? "", "2001-09-09 01:46:40 urunc.json");
});

Deno.test("build() gives the same bytes for the same input, wherever it lies and whoever owns it", async () => {
  const digests = new Set<string>();
  for (const shift of [0, 1, 2]) {
    using folder = context({
      "Containerfile": `FROM scratch\nCOPY kernel /kernel\nCOPY files /files\n${labels}`,
      "files/b": "b".repeat(3_000_000),
      "files/a": "a",
    });
    // Another order of creation, other times, another owner.
    if (shift > 0) folder.write("files/0", "zero");
    else {
      folder.write("files/z", "");
      Deno.removeSync(folder.at("files/z"));
      folder.write("files/0", "zero");
    }
    Deno.utimeSync(folder.at("files/a"), 1_600_000_000 + shift, 1_600_000_000 + shift);
    Deno.chownSync(folder.at("files/a"), shift, shift);
    const { image } = await build(folder);
    digests.add(image.digest);
    image[Symbol.dispose]();
  }
  assertEquals(digests.size, 1);
});

Deno.test("build() gives a tar of the same bytes every time, and leaves itself out of the context", async () => {
  using folder = context({ "Containerfile": `FROM scratch\nCOPY . /\n${labels}` });
  const args = ["build", "-t", "self:1", "--tar", "."];
  const first = await bima(args, { cwd: folder.path });
  const bytes = Deno.readFileSync(folder.at("self:1"));
  const second = await bima(args, { cwd: folder.path });
  assertEquals([first.code, second.code, second.stdout], [0, 0, first.stdout]);
  assertEquals(Deno.readFileSync(folder.at("self:1")), bytes);
  assertEquals(folder.names(), ["Containerfile", "kernel", "self:1"]);
});

Deno.test("build() gives another digest for another input", async () => {
  using folder = context();
  const { image: one } = await build(folder);
  using _one = one;
  Deno.chmodSync(folder.at("kernel"), 0o755);
  const { image: two } = await build(folder);
  using _two = two;
  assertNotEquals(one.digest, two.digest);
});

/** What each real binary is, in Go's words. */
const platforms: Partial<Record<FixtureName, string>> = {
  "amd64-bzImage": "amd64",
  "arm64-Image": "arm64",
  "arm64-u-boot.elf": "arm64",
  "riscv64-u-boot.elf": "riscv64",
  "riscv64-opensbi.elf": "riscv64",
  "libc-i386.so": "amd64",
  "libc-armhf.so": "arm/v7",
  "libc-ppc64el.so": "ppc64le",
  "libc-s390x.so": "s390x",
  "libc-mips64el.so": "mips64le",
};

for (const [name, platform] of Object.entries(platforms)) {
  Deno.test(`build() makes an image for ${platform} of ${name}`, async () => {
    using folder = context({ kernel: Deno.readFileSync(realFile(name as FixtureName)) });
    const { image } = await build(folder);
    using _ = image;
    const { architecture, variant } = image.config;
    assertEquals(variant === undefined ? architecture : `${architecture}/${variant}`, platform);
    assertEquals(
      Deno.readFileSync(`${await image.rootfs()}/kernel`),
      Deno.readFileSync(realFile(name as FixtureName)),
    );
  });
}

Deno.test("build() follows --platform and warns when the binary says something else", async () => {
  using folder = context();
  const { image, stderr } = await build(folder, "--platform", "linux/arm64");
  using _ = image;
  assertEquals(image.config.architecture, "arm64");
  assertStringIncludes(
    stderr,
    'warning[BIMA166]: the platform is set to linux/arm64, and "/kernel" is for linux/amd64',
  );
  const same = await build(folder, "--platform", "linux/x86_64");
  using _same = same.image;
  assertEquals(same.stderr, "");
});

Deno.test("build() takes the platform of FROM, unless --platform names another one", async () => {
  using folder = context({ "Containerfile": containerfile.replace("FROM", "FROM --platform=linux/riscv64") });
  const { image } = await build(folder);
  using _ = image;
  assertEquals(image.config.architecture, "riscv64");
  const other = await build(folder, "--platform", "linux/amd64");
  using _other = other.image;
  assertEquals([other.image.config.architecture, other.stderr], ["amd64", ""]);
});

Deno.test("build() takes a binary that it does not know when --platform names the machine", async () => {
  using folder = context({ kernel: "no format of this world" });
  const { image, stderr } = await build(folder, "--platform", "linux/arm/v6");
  using _ = image;
  assertEquals([image.config.architecture, image.config.variant], ["arm", "v6"]);
  assertStringIncludes(stderr, "BIMA166");
});

Deno.test("build() gives an image several names", async () => {
  using folder = context();
  const { image } = await build(folder, "-t", "registry.example:5000/team/app");
  using _ = image;
  assertEquals(image.names, ["docker.io/library/test:1", "registry.example:5000/team/app:latest"]);
});

Deno.test("build() adds labels and annotations of the command line", async () => {
  using folder = context();
  const { image } = await build(
    folder,
    "--label",
    "com.urunc.unikernel.cmdline=other line",
    "--annotation",
    "org.example=a=b",
  );
  using _ = image;
  assertEquals(image.config.config.Cmd, ["other", "line"]);
  assertEquals(image.config.config.Labels?.["org.example"], undefined);
  assertEquals(image.manifest.annotations?.["org.example"], "a=b");
});

Deno.test("build() writes the tar to stdout with dest=-, and the digest to stderr", async () => {
  using folder = context();
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: [
      "-c",
      `"$0" build -t a -o type=tar,dest=- -f "$1/Containerfile" "$1" > "$1.tar"`,
      `${root}/scripts/bima`,
      folder.path,
    ],
  }).output();
  const text = new TextDecoder();
  assertEquals([code, text.decode(stdout)], [0, ""]);
  using image = await validate(`${folder.path}.tar`);
  await Deno.remove(`${folder.path}.tar`);
  assertEquals(text.decode(stderr), `${image.digest}\n`);
});

Deno.test("build() names the tar after the tag, in the working directory", async () => {
  using folder = context();
  using out = new Folder();
  const { code } = await bima([
    "build",
    "--tar",
    "--tag",
    "a.b/c/image:tag",
    "-f",
    folder.at("Containerfile"),
    folder.path,
  ], { cwd: out.path });
  assertEquals([code, out.names()], [0, ["image:tag"]]);
});

Deno.test("build() finds Containerfile, then Dockerfile, here and then in the context", async () => {
  using folder = new Folder({ kernel: helloKernel(), Dockerfile: containerfile });
  using out = new Folder();
  const here = await bima(["build", "--tar", "-t", "a", "."], { cwd: folder.path });
  assertEquals([here.code, here.stderr], [0, ""]);
  const there = await bima(["build", "--tar", "-t", "a", folder.path], { cwd: out.path });
  assertEquals([there.code, there.stdout], [0, here.stdout]);
  const instead = await bima(["build", "--tar", "-t", "a", "-f", "nowhere", "."], { cwd: folder.path });
  assertEquals([instead.code, instead.stdout], [0, here.stdout]);
  assert(instead.stderr.includes('"nowhere"') && instead.stderr.includes("Dockerfile"), instead.stderr);
});

Deno.test("BIMA_LOG=info tells each step on stderr", async () => {
  using folder = context();
  const { code, stdout, stderr } = await bima(["build", "--tar", "-t", "a", "."], {
    cwd: folder.path,
    env: { BIMA_LOG: "info" },
  });
  assertEquals(code, 0);
  assertMatch(stdout, /^sha256:[0-9a-f]{64}\n$/);
  assertMatch(stderr, /\[1\/2\] COPY kernel \/kernel .* sha256:/);
  assertMatch(stderr, /docker\.io\/library\/a:latest for linux\/amd64, .* is in a\n$/);
});
