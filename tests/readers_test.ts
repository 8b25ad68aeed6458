import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Digest } from "../lib/digest.ts";
import { bima, context, Folder, helloKernel, labels, root, run } from "./support/bima.ts";
import { Daemon } from "./support/containerd.ts";
import { bootKernel } from "./support/qemu.ts";
import { validate } from "./support/validator.ts";

Deno.test("the example boots out of its image as urunc would start it", async () => {
  const example = `${root}/examples/hello`;
  using out = new Folder();
  const { code, stderr } = await bima(
    [
      "build",
      "-t",
      "hello",
      "-o",
      `type=tar,dest=${out.at("hello.tar")}`,
      "-f",
      `${example}/Containerfile`,
      example,
    ],
  );
  assertEquals([code, stderr], [0, ""]);
  using image = await validate(out.at("hello.tar"));
  const rootfs = await image.rootfs();
  const json = JSON.parse(Deno.readTextFileSync(`${rootfs}/urunc.json`)) as Record<string, string>;
  const value = (name: string): string => atob(json[`com.urunc.unikernel.${name}`] ?? "");
  assertEquals([value("hypervisor"), value("unikernelType")], ["qemu", "unikraft"]);
  const [first, ...rest] = value("cmdline").split(" ");
  const serial = await bootKernel(`${rootfs}${value("binary")}`, `${first} -- ${rest.join(" ")}`);
  assertMatch(serial, /hello from a unikernel.*world/);
});

Deno.test("other tools read the tar", async (t) => {
  using folder = context({
    "Containerfile": `FROM scratch\nCOPY kernel /kernel\nCOPY tree /tree\n${labels}`,
    "tree/file": "text\n",
    "tree/dir/deep": "x",
  });
  Deno.symlinkSync("file", folder.at("tree/link"));
  Deno.chmodSync(folder.at("tree/dir/deep"), 0o751);
  using out = new Folder();
  const tar = out.at("image.tar");
  const { stdout } = await bima([
    "build",
    "-t",
    "docker.io/bima/read:2",
    "-o",
    `type=tar,dest=${tar}`,
    "-f",
    folder.at("Containerfile"),
    folder.path,
  ]);
  const digest = stdout.trim();

  await t.step("skopeo, as OCI archive", async () => {
    const seen = JSON.parse(await run("skopeo", "inspect", `oci-archive:${tar}`));
    assertEquals([seen.Digest, seen.Architecture, seen.Os], [digest, "amd64", "linux"]);
    assertEquals(seen.Labels["com.urunc.unikernel.binary"], "/kernel");
  });
  await t.step("skopeo, as docker archive", async () => {
    const seen = JSON.parse(await run("skopeo", "inspect", "--config", `docker-archive:${tar}:bima/read:2`));
    assertEquals(seen.config.Cmd, ["hello", "world"]);
  });
  await t.step("skopeo copies it into a layout, digest for digest", async () => {
    await run("skopeo", "copy", "--preserve-digests", `oci-archive:${tar}`, `oci:${out.at("copy")}:2`);
    const index = JSON.parse(Deno.readTextFileSync(out.at("copy/index.json")));
    assertEquals(index.manifests[0].digest, digest);
  });
  await t.step("umoci unpacks it to the tree that was copied", async () => {
    out.write("layout/", "");
    await run("tar", "-xf", tar, "-C", out.at("layout"));
    await run("umoci", "unpack", "--image", `${out.at("layout")}:2`, out.at("bundle"));
    const rootfs = out.at("bundle/rootfs");
    assertEquals(await run("diff", "-r", "--no-dereference", folder.at("tree"), `${rootfs}/tree`), "");
    assertEquals((Deno.statSync(`${rootfs}/tree/dir/deep`).mode ?? 0) & 0o7777, 0o751);
    assertEquals(Deno.readLinkSync(`${rootfs}/tree/link`), "file");
    assertEquals(Deno.readFileSync(`${rootfs}/kernel`), helloKernel());
  });
  await t.step("buildah pulls it, as podman would", async () => {
    const store = ["--storage-driver", "vfs", "--root", out.at("store"), "--runroot", out.at("runroot")];
    const id = (await run("buildah", ...store, "pull", "--quiet", `oci-archive:${tar}`)).trim();
    const seen = JSON.parse(await run("buildah", ...store, "inspect", "--type", "image", id));
    assertEquals(seen.OCIv1.config.Labels["com.urunc.unikernel.hypervisor"], "qemu");
    const docker = (await run("buildah", ...store, "pull", "--quiet", `docker-archive:${tar}`)).trim();
    assertEquals(docker, id);
    await run("buildah", ...store, "rmi", "--all", "--force");
  });
  await t.step("containerd imports it, with name and annotations", async () => {
    await using daemon = await Daemon.start();
    await daemon.ctr("images", "import", tar);
    assertEquals(await daemon.images(), new Map([["docker.io/bima/read:2", digest]]));
    assertStringIncludes(await daemon.ctr("images", "check"), "complete");
    const manifest = JSON.parse(new TextDecoder().decode(await daemon.read(digest as Digest)));
    assertEquals(manifest.annotations["com.urunc.unikernel.cmdline"], "hello world");
  });
});
