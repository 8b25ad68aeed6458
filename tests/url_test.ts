/** bima from a web server, with nothing on this machine but Deno: no configuration, no cache. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/posix";
import { bima, context, Folder, type Outcome, root } from "./support/bima.ts";
import { Daemon } from "./support/containerd.ts";
import { serveFiles } from "./support/http.ts";
import { make } from "./support/release.ts";

/** Runs Deno with a cache of its own, in an empty folder outside of the project. */
async function deno(cwd: string, args: readonly string[]): Promise<Outcome> {
  const env: Record<string, string> = {
    DENO_DIR: join(cwd, "deno"),
    DENO_NO_UPDATE_CHECK: "1",
    NO_COLOR: "1",
  };
  for (const name of ["PATH", "HOME", "HTTPS_PROXY", "https_proxy", "NPM_CONFIG_REGISTRY"]) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  env["DENO_TLS_CA_STORE"] = Deno.env.get("DENO_TLS_CA_STORE") ?? "system,mozilla";
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...args],
    cwd,
    clearEnv: true,
    env,
  });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** What a build into a tar takes, and with it the version and the help. */
const permissions = ["--allow-read", "--allow-write", "--allow-env"];

/** The digest of an image of this folder, built from source. */
async function digestOf(path: string): Promise<string> {
  const { code, stdout, stderr } = await bima(["build", "--tar", "-t", "expected", "."], { cwd: path });
  assertEquals(code, 0, stderr);
  return stdout;
}

Deno.test("bima.js runs from a URL: one file, one request", async () => {
  await make("dist/bima.js");
  await using server = serveFiles(join(root, "dist"));
  using folder = context();
  const url = `${server.url}/bima.js`;
  const version = await deno(folder.path, [...permissions, url, "version"]);
  assertMatch(version.stdout, /^bima version \S+ \(deno \S+, \S+, containerd over gRPC\)\n$/, version.stderr);
  const built = await deno(folder.path, [...permissions, url, "build", "--tar", "-t", "url", "."]);
  assertEquals([built.code, built.stdout], [0, await digestOf(folder.path)], built.stderr);
  assertEquals(server.requests, ["/bima.js"]);
});

Deno.test("bima.js talks to containerd from a URL, with the permission for its socket alone", async () => {
  await make("dist/bima.js");
  await using daemon = await Daemon.start();
  await using server = serveFiles(join(root, "dist"));
  using folder = context();
  const build = [`${server.url}/bima.js`, "build", "-a", daemon.address, "-t", "bima/url", "."];
  const refused = await deno(folder.path, [...permissions, ...build]);
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.stderr, `at "${daemon.address}": Deno does not allow it`);
  assertStringIncludes(refused.stderr, `hint: run it with --allow-net=unix:${daemon.address}`);
  const built = await deno(folder.path, [...permissions, `--allow-net=unix:${daemon.address}`, ...build]);
  assertEquals([built.code, built.stdout], [0, await digestOf(folder.path)], built.stderr);
  assertEquals(
    [...await daemon.images()].flat().join(" ") + "\n",
    `docker.io/bima/url:latest ${built.stdout}`,
  );
  assertEquals(await daemon.leftovers(), []);
});

Deno.test("cli.ts runs from a URL with the source tree's own import map", async () => {
  await using server = serveFiles(root);
  using folder = context();
  const source = [`--import-map=${server.url}/deno.json`, ...permissions, `${server.url}/cli.ts`];
  const version = await deno(folder.path, [...source, "version"]);
  assertMatch(version.stdout, /^bima version \d+\.\d+\.\d+ \(deno /, version.stderr);
  const built = await deno(folder.path, [...source, "build", "--tar", "-t", "url", "."]);
  assertEquals([built.code, built.stdout], [0, await digestOf(folder.path)], built.stderr);
});

Deno.test("bima says which permission is missing", async () => {
  await make("dist/bima.js");
  using folder = new Folder();
  const build = [join(root, "dist/bima.js"), "build", "--tar", "-t", "a", "."];
  const cases = {
    "Requires env access": ["--allow-read", "--allow-write"],
    "Requires read access": ["--allow-env", "--allow-write"],
  };
  for (const [text, allowed] of Object.entries(cases)) {
    const { code, stderr } = await deno(folder.path, [...allowed, ...build]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, text);
    assertEquals(/^ +at |this is a bug/m.test(stderr), false, stderr);
  }
});
