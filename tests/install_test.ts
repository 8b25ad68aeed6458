/** install.sh with real downloads from this machine, and with a PATH that has only what a case is about. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Folder, type Outcome, root } from "./support/bima.ts";
import { serveFiles } from "./support/http.ts";

const script = `${root}/install.sh`;
const program = "#!/bin/sh\necho bima $1 of the test\n";

/** What install.sh uses besides the program that downloads. */
const tools = ["sh", "uname", "mktemp", "rm", "mkdir", "mv", "chmod", "dirname", "awk", "cut", "sha256sum"];

async function sha256(text: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
}

/** A release as it lies on a server, and a folder to install into. */
async function release(files: Readonly<Record<string, string>> = {}) {
  const folder = new Folder({
    "release/bima_amd64": program,
    "release/bima_aarch64": program,
    "release/SHA256SUMS": `${await sha256("other")}  bima.js
${await sha256(program)}  bima_aarch64
${await sha256(program)}  bima_amd64
`,
    "bin/": "",
    "prefix/": "",
    ...files,
  });
  const server = serveFiles(folder.at("release"));
  return {
    folder,
    server,
    prefix: folder.at("prefix"),
    /** Puts a program on the PATH of the script. */
    add(name: string, text: string): void {
      // Only a new file: behind a link that is there lies a program of this machine.
      const options = { createNew: true, mode: 0o755 };
      Deno.writeTextFileSync(folder.at(`bin/${name}`), `#!/bin/sh\n${text}\n`, options);
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

type Release = Awaited<ReturnType<typeof release>>;

/** Runs install.sh with these programs only. */
async function install(
  release: Release,
  programs: readonly string[],
  env: Readonly<Record<string, string>> = {},
  shell = "sh",
): Promise<Outcome> {
  const bin = release.folder.at("bin");
  const there = Array.from(Deno.readDirSync(bin), ({ name }) => name);
  for (const name of [...tools, ...programs].filter((name) => !there.includes(name))) {
    const paths = ["/usr/local/bin", "/usr/bin", "/bin"].map((folder) => `${folder}/${name}`);
    const path = shell === "busybox" ? "/bin/busybox" : paths.find((path) => {
      try {
        return Deno.statSync(path).isFile;
      } catch {
        return false;
      }
    });
    Deno.symlinkSync(path ?? `/missing/${name}`, `${bin}/${name}`);
  }
  const { code, stdout, stderr } = await new Deno.Command(`${bin}/sh`, {
    args: [script],
    clearEnv: true,
    env: { PATH: bin, BIMA_BASE_URL: release.server.url, PREFIX: release.prefix, ...env },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** A run that must fail, and leave the prefix as it was. @returns what was said on stderr */
async function refuse(
  release: Release,
  programs: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const before = tree(release.prefix);
  const { code, stderr } = await install(release, programs, env);
  assertEquals(code, 1, stderr);
  assertMatch(stderr, /^install\.sh: /m);
  assertEquals(tree(release.prefix), before);
  return stderr;
}

/** All paths below a folder. */
function tree(path: string): string[] {
  return Array.from(Deno.readDirSync(path)).flatMap(({ name, isDirectory }) => [
    `${path}/${name}`,
    ...(isDirectory ? tree(`${path}/${name}`) : []),
  ]).sort();
}

for (const [downloader, shell] of [["curl", "sh"], ["wget", "sh"], ["wget", "busybox"]] as const) {
  Deno.test(`install.sh installs with ${downloader}${shell === "busybox" ? " of busybox" : ""}`, async () => {
    await using site = await release();
    const { code, stdout, stderr } = await install(site, [downloader], {}, shell);
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, `installed ${site.prefix}/bin/bima: bima version of the test`);
    assertStringIncludes(stdout, `note: ${site.prefix}/bin is not in PATH`);
    assertEquals(tree(site.prefix), [`${site.prefix}/bin`, `${site.prefix}/bin/bima`]);
    assertEquals(Deno.readTextFileSync(`${site.prefix}/bin/bima`), program);
    assertEquals((Deno.statSync(`${site.prefix}/bin/bima`).mode ?? 0) & 0o777, 0o755);
    assertEquals(site.server.requests, ["/SHA256SUMS", "/bima_amd64"]);
  });
}

Deno.test("install.sh replaces the bima that is there, also while it runs", async () => {
  await using site = await release({ "prefix/bin/bima": "old" });
  const before = Deno.statSync(`${site.prefix}/bin/bima`).ino;
  const { code, stdout } = await install(site, ["curl"], { BIMA_BASE_URL: `${site.server.url}/` });
  assertEquals(code, 0);
  assertEquals(Deno.readTextFileSync(`${site.prefix}/bin/bima`), program);
  assert(Deno.statSync(`${site.prefix}/bin/bima`).ino !== before, "another file, not another content");
  assertEquals(stdout.match(/installed/g)?.length, 1);
});

for (
  const [machine, name] of [["aarch64", "bima_aarch64"], ["arm64", "bima_aarch64"], [
    "amd64",
    "bima_amd64",
  ]] as const
) {
  Deno.test(`install.sh takes ${name} on a machine that is called ${machine}`, async () => {
    await using site = await release();
    site.add("uname", `[ "$1" = -s ] && echo Linux || echo ${machine}`);
    const { code, stderr } = await install(site, ["curl"]);
    assertEquals([code, stderr], [0, ""]);
    assertEquals(site.server.requests, ["/SHA256SUMS", `/${name}`]);
  });
}

for (const [system, machine] of [["Linux", "riscv64"], ["Darwin", "arm64"]] as const) {
  Deno.test(`install.sh says that there is no bima for ${system} on ${machine}`, async () => {
    await using site = await release();
    site.add("uname", `[ "$1" = -s ] && echo ${system} || echo ${machine}`);
    const stderr = await refuse(site, ["curl"]);
    assertStringIncludes(
      stderr,
      `there is no bima for ${system} on ${machine}, only for Linux on x86_64 and aarch64`,
    );
    assertStringIncludes(stderr, `deno run ${site.server.url}/bima.js`);
    assertEquals(site.server.requests, []);
  });
}

Deno.test("install.sh refuses a file whose checksum is wrong, and keeps the bima that is there", async () => {
  await using site = await release({ "release/bima_amd64": `${program}#`, "prefix/bin/bima": "old" });
  const stderr = await refuse(site, ["curl"]);
  assertMatch(
    stderr,
    /the checksum of http\S+\/bima_amd64 is wrong: expected [0-9a-f]{64}, found [0-9a-f]{64}\n/,
  );
  assertStringIncludes(stderr, await sha256(program));
  assertStringIncludes(stderr, await sha256(`${program}#`));
  assertEquals(Deno.readTextFileSync(`${site.prefix}/bin/bima`), "old");
});

Deno.test("install.sh refuses a file that arrives in part", async () => {
  await using site = await release();
  site.add(
    "curl",
    `case "$*" in *SHA256SUMS*) exec /usr/bin/curl "$@" ;; esac
    while [ "$1" != -o ]; do shift; done; printf '#!/bin/sh' >"$2"`,
  );
  assertStringIncludes(await refuse(site, []), "the checksum of");
});

Deno.test("install.sh says when there is no checksum, whatever the server answers", async () => {
  for (
    const sums of [
      "",
      "<html>not found</html>",
      `${await sha256(program)}  bima_other\n`,
      "abc  bima_amd64\n",
    ]
  ) {
    await using site = await release({ "release/SHA256SUMS": sums });
    assertStringIncludes(await refuse(site, ["curl"]), "/SHA256SUMS has no checksum of bima_amd64");
    assertEquals(site.server.requests, ["/SHA256SUMS"]);
  }
});

Deno.test("install.sh says what it cannot download", async () => {
  for (const downloader of ["curl", "wget"]) {
    await using site = await release();
    Deno.removeSync(site.folder.at("release/bima_amd64"));
    assertStringIncludes(
      await refuse(site, [downloader]),
      `cannot download ${site.server.url}/bima_amd64\n  hint: `,
    );
    const nowhere = { BIMA_BASE_URL: `${site.server.url}/no/such` };
    assertStringIncludes(await refuse(site, [downloader], nowhere), "/no/such/SHA256SUMS\n");
  }
});

Deno.test("install.sh says when a program that it needs is missing", async () => {
  await using site = await release();
  assertStringIncludes(await refuse(site, []), "needs curl or wget to download bima, and finds neither");
  Deno.removeSync(site.folder.at("bin/sha256sum"));
  Deno.symlinkSync("/missing", site.folder.at("bin/sha256sum"));
  assertStringIncludes(await refuse(site, ["curl"]), "needs sha256sum or shasum to check what it downloads");
  assertEquals(site.server.requests, []);
});

Deno.test("install.sh says when BIMA_BASE_URL is not set", async () => {
  await using site = await release();
  assertStringIncludes(
    await refuse(site, ["curl"], { BIMA_BASE_URL: "" }),
    "BIMA_BASE_URL is not set\n  hint: ",
  );
});

Deno.test("install.sh says before it downloads that it cannot write there", async () => {
  await using site = await release();
  const { folder, server } = site;
  // A file system that is mounted read-only stops root too.
  const mounted = folder.at("mounted");
  Deno.mkdirSync(mounted);
  const mount = async (program: string, ...args: string[]) => {
    const { success } = await new Deno.Command(program, { args }).output();
    assert(success, `${program} ${args.join(" ")}`);
  };
  await mount("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", mounted);
  try {
    const stderr = await refuse(site, ["curl"], { PREFIX: `${mounted}/usr/local` });
    assertStringIncludes(stderr, `cannot write to ${mounted}\n  hint: use sudo, or another PREFIX`);
  } finally {
    await mount("umount", mounted);
  }
  folder.write("file", "");
  assertStringIncludes(await refuse(site, ["curl"], { PREFIX: folder.at("file") }), "cannot write to");
  assertEquals(server.requests, []);
});

Deno.test("install.sh refuses a program that does not run here", async () => {
  const broken = "#!/nowhere/sh\n";
  await using site = await release({
    "release/bima_amd64": broken,
    "release/SHA256SUMS": `${await sha256(broken)}  bima_amd64\n`,
  });
  assertStringIncludes(await refuse(site, ["curl"]), "bima_amd64 does not run on this machine");
});

Deno.test("install.sh does nothing when only a part of it arrives", async () => {
  await using site = await release();
  const text = Deno.readTextFileSync(script);
  for (const part of [0.25, 0.5, 0.75, 0.98]) {
    site.folder.write("part.sh", text.slice(0, text.length * part));
    const { stdout } = await new Deno.Command("sh", {
      args: [site.folder.at("part.sh")],
      env: { BIMA_BASE_URL: site.server.url, PREFIX: site.prefix },
    }).output();
    assertEquals([stdout.byteLength, tree(site.prefix), site.server.requests], [0, [], []]);
  }
});

Deno.test("install.sh and the scripts that make a release pass shellcheck", async () => {
  const scripts = ["install.sh", "scripts/bima", "scripts/bring-deno", "scripts/compile", "scripts/deno"];
  const { success, stdout } = await new Deno.Command("shellcheck", { args: scripts, cwd: root }).output();
  assert(success, new TextDecoder().decode(stdout));
});
