/** The rules of the labels that urunc reads. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Diagnostic, Span } from "../lib/diagnostic.ts";
import { Rootfs } from "../lib/rootfs.ts";
import type { ImageNode } from "../lib/tree.ts";
import { checkLabels, prefix } from "../lib/urunc.ts";

const common = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };
const file: ImageNode = {
  ...common,
  kind: "file",
  size: 1,
  content: { kind: "bytes", bytes: new Uint8Array(1) },
};
const directory: ImageNode = { ...common, kind: "directory" };
const link = (target: string): ImageNode => ({ ...common, kind: "symlink", target });

const image: Readonly<Record<string, ImageNode>> = {
  "kernel": file,
  "initrd.img": file,
  "disk": file,
  "dir": directory,
  "dir/kernel": file,
  "link": link("kernel"),
  "dirlink": link("/dir"),
  "loop": link("loop"),
  "tmp": directory,
  "tmp/kernel": file,
  "lib": directory,
  "lib/kernel": file,
  "lib64": directory,
  "lib64/kernel": file,
  "library": file,
};

/** A set of labels that is all right; names without the prefix. */
const good: Readonly<Record<string, string>> = {
  unikernelType: "unikraft",
  hypervisor: "qemu",
  binary: "/kernel",
  cmdline: "hello",
};

const span: Span = { start: { line: 3, column: 7 }, end: { line: 3, column: 9 } };

interface Checked {
  readonly found: readonly Diagnostic[];
  /** `CODE: message` of each finding. */
  readonly lines: readonly string[];
  readonly binary: ImageNode | undefined;
}

/** Checks the good labels with changes: `undefined` takes one away; a name with a dot in it is a whole key. */
function check(changes: Readonly<Record<string, string | undefined>> = {}, hasCommand = false): Checked {
  const found: Diagnostic[] = [];
  const labels: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...good, ...changes })) {
    if (value !== undefined) labels[name.includes(".") ? name : prefix + name] = value;
  }
  const binary = checkLabels({
    labels,
    hasCommand,
    spans: new Map(Object.keys(labels).map((key) => [key, span])),
    rootfs: new Rootfs("the image", [new Map(Object.entries(image))]),
    report: (diagnostic) => found.push(diagnostic),
  });
  return { found, binary, lines: found.map(({ code, message }) => `${code}: ${message}`) };
}

Deno.test("checkLabels() has nothing to say about good labels and finds the binary", () => {
  const { lines, binary } = check({ "org.opencontainers.image.title": "anything", "my.note": "" });
  assertEquals(lines, []);
  assert(binary === file);
});

Deno.test("checkLabels() requires four labels and names each that is missing", () => {
  for (const name of Object.keys(good)) {
    const { found, lines } = check({ [name]: undefined });
    assertEquals(lines, [`BIMA110: the label ${prefix}${name} is missing, urunc needs it`]);
    assertEquals(found[0]?.severity, "error");
    assertStringIncludes(found[0]?.hint ?? "", `add LABEL ${prefix}${name}=`);
  }
});

Deno.test("checkLabels() does without cmdline when CMD or ENTRYPOINT are there", () => {
  assertEquals(check({ cmdline: undefined }, true).lines, []);
  assertEquals(check({ binary: undefined }, true).lines.length, 1);
});

Deno.test("checkLabels() takes an empty cmdline, and no other empty label that is required", () => {
  assertEquals(check({ cmdline: "" }).lines, []);
  assertEquals(check({ unikernelType: "" }).lines, [
    `BIMA114: ${prefix}unikernelType is empty, urunc needs it`,
  ]);
  assertEquals(check({ hypervisor: "" }).lines, [`BIMA114: ${prefix}hypervisor is empty, urunc needs it`]);
  assertEquals(check({ binary: "" }).lines, [
    `BIMA111: ${prefix}binary is "": it is empty, expected a path in the image`,
  ]);
});

Deno.test("checkLabels() takes optional labels that are empty for ones that are not there", () => {
  const empty = {
    unikernelVersion: "",
    initrd: "",
    block: "",
    blkMntPoint: "",
    mountRootfs: "",
    solo5NetDev: "",
    solo5BlkDev: "",
  };
  assertEquals(check(empty).lines, []);
  assertEquals(check({ ...empty, unikernelType: "linux" }).found.map(({ code }) => code), ["BIMA164"]);
});

Deno.test("checkLabels() points to the label that was probably meant", () => {
  const hint = (name: string, written: string) => {
    return check({ [name]: undefined, [written]: "x" }).found.find(({ code }) => code === "BIMA110")?.hint;
  };
  assertEquals(hint("cmdline", "cmdLine"), `"${prefix}cmdLine" looks like it`);
  assertEquals(hint("hypervisor", "hypervsior"), `"${prefix}hypervsior" looks like it`);
  assertEquals(hint("binary", "com.urunc.binary"), '"com.urunc.binary" looks like it');
  assertEquals(hint("binary", "com.urunc.unikernl.binary"), '"com.urunc.unikernl.binary" looks like it');
  // What merely shares the prefix does not look like it.
  for (const other of ["vAccel", "other", "unikernelVersion", "com.example.note"]) {
    assertStringIncludes(hint("hypervisor", other) ?? "", "add LABEL", other);
  }
});

const pairs: Readonly<Record<string, readonly string[]>> = {
  "hvt": ["rumprun", "mirage"],
  "spt": ["rumprun", "mirage"],
  "qemu": ["mewz", "mirage", "unikraft", "linux", "hermit", "freebsd"],
  "firecracker": ["linux", "unikraft", "freebsd"],
  "cloud-hypervisor": ["linux"],
  "hyperlight-unikraft": ["unikraft"],
};
const types = ["rumprun", "mirage", "mewz", "unikraft", "linux", "hermit", "freebsd"];

Deno.test("checkLabels() knows which hypervisor boots which type", () => {
  for (const [hypervisor, boots] of Object.entries(pairs)) {
    for (const unikernelType of types) {
      const { lines } = check({ hypervisor, unikernelType, mountRootfs: "false" });
      const expected = boots.includes(unikernelType) ? [] : [
        `BIMA162: urunc does not boot ${unikernelType} with ${hypervisor}; it boots ${boots.join(", ")}`,
      ];
      assertEquals(lines, expected);
    }
  }
  // The old hedge says nothing about its types.
  assertEquals(check({ hypervisor: "hedge", unikernelType: "rumprun" }).lines, []);
});

Deno.test("checkLabels() warns of types and hypervisors that urunc does not know", () => {
  const known = "cloud-hypervisor, firecracker, hedge, hvt, hyperlight-unikraft, qemu, spt";
  for (const hypervisor of ["xen", "QEMU", "constructor", "toString", "__proto__"]) {
    const { found, lines } = check({ hypervisor });
    assertEquals(lines, [`BIMA161: urunc knows no hypervisor "${hypervisor}"; it knows ${known}`]);
    assertEquals(found[0]?.severity, "warning");
  }
  for (const unikernelType of ["osv", "Linux", "constructor"]) {
    const { found, lines } = check({ unikernelType });
    assertEquals(lines, [
      `BIMA160: urunc knows no type "${unikernelType}"; it knows ${types.toSorted().join(", ")}`,
    ]);
    assertEquals(found[0]?.severity, "warning");
  }
  assertEquals(check({ unikernelType: "osv", hypervisor: "xen" }).found.map(({ code }) => code), [
    "BIMA160",
    "BIMA161",
  ]);
});

/** Paths that urunc refuses, whatever is in the image. */
const refusedPaths: Readonly<Record<string, string>> = {
  "/ker nel": "only letters, digits and . _ / - are allowed",
  "/kérnel": "only letters, digits and . _ / - are allowed",
  "/kernel\n": "only letters, digits and . _ / - are allowed",
  "/kernel,x": "only letters, digits and . _ / - are allowed",
  "-kernel": "it begins with a dash",
  "../kernel": "it begins with two dots",
  "..kernel": "it begins with two dots",
  "//kernel": 'it is not clean, write "/kernel"',
  "/kernel/": 'it is not clean, write "/kernel"',
  "/./kernel": 'it is not clean, write "/kernel"',
  "./kernel": 'it is not clean, write "/kernel"',
  "/dir/../kernel": 'it is not clean, write "/kernel"',
  "/dir//kernel": 'it is not clean, write "/dir/kernel"',
  "/dir/.": 'it is not clean, write "/dir"',
};

Deno.test("checkLabels() refuses paths that urunc refuses", () => {
  for (const name of ["binary", "initrd", "block", "blkMntPoint"]) {
    for (const [path, why] of Object.entries(refusedPaths)) {
      assertEquals(check({ [name]: path }).lines, [`BIMA111: ${prefix}${name} is "${path}": ${why}`]);
    }
  }
  for (const name of ["binary", "initrd", "block"]) {
    assertEquals(check({ [name]: "/" }).lines, [
      `BIMA111: ${prefix}${name} is "/": it is the root directory, expected a file`,
    ]);
  }
});

Deno.test("checkLabels() takes the root, and what is no file of the image, as a mount point of the guest", () => {
  for (const path of ["/", "/data", "data", "/dev/x", "/tmp"]) {
    assertEquals(check({ block: "/disk", blkMntPoint: path }).lines, [], path);
  }
});

Deno.test("checkLabels() refuses a path of more than 4096 bytes", () => {
  const path = `/${"a/".repeat(2047)}bc`;
  assertEquals(path.length, 4097);
  const { found } = check({ binary: path });
  assertEquals(found.map(({ code }) => code), ["BIMA115", "BIMA111"]);
  assertStringIncludes(found[1]?.message ?? "", "it has 4097 bytes, at most 4096 are allowed");
});

Deno.test("checkLabels() refuses files where urunc mounts its own", () => {
  const mounts = [
    "/tmp",
    "/dev",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/share/qemu",
    "/usr/share/seabios",
  ];
  for (const name of ["binary", "initrd", "block"]) {
    for (const mount of mounts) {
      for (const path of [mount, `${mount}/kernel`, `${mount.slice(1)}/a/b`]) {
        const { found, lines } = check({ [name]: path });
        assertEquals(lines.length, 1, path);
        assertStringIncludes(lines[0] ?? "", `urunc mounts its own files on ${mount}, use another directory`);
        assertEquals(found[0]?.code, "BIMA111");
      }
    }
  }
  // Names that only begin like them are free.
  assertEquals(check({ binary: "/library" }).lines, []);
});

Deno.test("checkLabels() wants a regular file of the image", () => {
  for (const name of ["binary", "initrd", "block"]) {
    for (const path of ["/kernel", "kernel", "/dir/kernel", "dir/kernel", "/initrd.img"]) {
      assertEquals(check({ [name]: path }).lines, [], path);
    }
    const key = `${prefix}${name}`;
    const cases: Readonly<Record<string, readonly [line: string, hint?: string]>> = {
      "/nope": [
        `BIMA112: ${key} is "/nope", and there is no such file in the image`,
        'COPY the file to "/nope", or correct the label',
      ],
      "/kernle": [
        `BIMA112: ${key} is "/kernle", and there is no such file in the image`,
        'there is "/kernel"',
      ],
      "/dir/kernl": [
        `BIMA112: ${key} is "/dir/kernl", and there is no such file in the image`,
        'there is "/dir/kernel"',
      ],
      "/dirlink/kernel": [
        `BIMA112: ${key} is "/dirlink/kernel", and there is no such file in the image`,
        'its real path is "/dir/kernel"',
      ],
      "/loop/kernel": [
        `BIMA112: ${key} is "/loop/kernel", and there is no such file in the image`,
        'COPY the file to "/loop/kernel", or correct the label',
      ],
      "/dir": [`BIMA113: ${key} is "/dir", a directory in the image; urunc wants a regular file`],
      "/link": [
        `BIMA113: ${key} is "/link", a symbolic link to "kernel" in the image; urunc wants a regular file`,
      ],
      "/loop": [
        `BIMA113: ${key} is "/loop", a symbolic link to "loop" in the image; urunc wants a regular file`,
      ],
    };
    for (const [path, [line, hint]] of Object.entries(cases)) {
      const { found, lines, binary } = check({ [name]: path });
      assertEquals([lines, found[0]?.hint, found[0]?.severity], [[line], hint, "error"]);
      assertEquals(binary === undefined, name === "binary");
    }
  }
});

Deno.test("checkLabels() takes the booleans of Go's ParseBool and no others", () => {
  const yes = ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"];
  for (const name of ["mountRootfs", "useDMBlock"]) {
    for (const value of yes) {
      assertEquals(check({ [name]: value }).found.filter(({ severity }) => severity === "error"), []);
    }
    for (const value of ["yes", "no", "tRUE", "on", "2", " true", "true "]) {
      assertEquals(
        check({ [name]: value }).lines[0],
        `BIMA114: ${prefix}${name} is "${value}", expected true or false`,
      );
    }
  }
});

Deno.test("checkLabels() warns of the old name of mountRootfs", () => {
  const { found, lines } = check({ useDMBlock: "true" });
  assertEquals(lines, [`BIMA163: ${prefix}useDMBlock is the old name of ${prefix}mountRootfs`]);
  assertEquals(found[0]?.severity, "warning");
});

Deno.test("checkLabels() takes Solo5 names of 1 to 67 letters and digits", () => {
  for (const name of ["solo5NetDev", "solo5BlkDev"]) {
    for (const value of ["service", "A9", "x".repeat(67)]) assertEquals(check({ [name]: value }).lines, []);
    for (const value of ["x".repeat(68), "net-0", "net 0", "nét"]) {
      assertEquals(check({ [name]: value }).lines, [
        `BIMA114: ${prefix}${name} is "${value}", expected 1 to 67 letters and digits`,
      ]);
    }
  }
});

Deno.test("checkLabels() refuses labels that belong to the run time", () => {
  for (const name of ["vAccel", "RPCAddress", "bootKernel", "bootInitrd"]) {
    const { found, lines } = check({ [name]: "x" });
    assertEquals(lines, [`BIMA116: ${prefix}${name} is for the run time only, an image must not have it`]);
    assertEquals([found[0]?.severity, found[0]?.hint], ["error", "leave it out"]);
  }
});

Deno.test("checkLabels() warns of labels that urunc does not know and names the nearest", () => {
  const typo = check({ initrdd: "/initrd.img" });
  assertEquals(typo.lines, [`BIMA165: urunc has no label ${prefix}initrdd`]);
  assertEquals([typo.found[0]?.severity, typo.found[0]?.hint], ["warning", `did you mean ${prefix}initrd?`]);
  const strange = check({ somethingElse: "1" });
  assertEquals(strange.lines, [`BIMA165: urunc has no label ${prefix}somethingElse`]);
  assertEquals(strange.found[0]?.hint, undefined);
  assertEquals(check({ [`${prefix}`]: "1" }).lines, [`BIMA165: urunc has no label ${prefix}`]);
});

Deno.test("checkLabels() counts the bytes of key and value as containerd does", () => {
  const key = "a.note";
  assertEquals(check({ [key]: "x".repeat(4096 - key.length) }).lines, []);
  assertEquals(check({ [key]: "x".repeat(4097 - key.length) }).lines, [
    "BIMA115: label a.note has 4097 bytes with its key, containerd takes at most 4096",
  ]);
  assertEquals(check({ [key]: "ü".repeat(2045) }).lines, []);
  assertEquals(check({ [key]: "ü".repeat(2046) }).lines, [
    "BIMA115: label a.note has 4098 bytes with its key, containerd takes at most 4096",
  ]);
  assertEquals(check({ cmdline: "x".repeat(4096 - prefix.length - 7) }).lines, []);
  assertEquals(check({ cmdline: "x".repeat(4097 - prefix.length - 7) }).found[0]?.code, "BIMA115");
});

Deno.test("checkLabels() warns of a Linux without a root file system that it could mount", () => {
  const linux = (changes: Readonly<Record<string, string>>) => {
    const { found } = check({ unikernelType: "linux", ...changes });
    return found.filter(({ code }) => code === "BIMA164");
  };
  const [warning] = linux({});
  assertEquals([warning?.severity, warning?.span], ["warning", span]);
  assertStringIncludes(warning?.hint ?? "", `${prefix}mountRootfs="false"`);
  assertEquals(linux({ mountRootfs: "true" }).length, 1);
  assertEquals(linux({ useDMBlock: "1" }).length, 1);
  assertEquals(linux({ mountRootfs: "true", useDMBlock: "false" }).length, 1, "the new name wins");
  for (const off of ["0", "f", "F", "FALSE", "false", "False"]) {
    assertEquals(linux({ mountRootfs: off }), []);
    assertEquals(linux({ useDMBlock: off }), []);
  }
  assertEquals(linux({ initrd: "/initrd.img" }), []);
  assertEquals(linux({ block: "/disk" }), []);
  assertEquals(check({ unikernelType: "unikraft" }).lines, []);
});

Deno.test("checkLabels() reports every problem in one call, with its place", () => {
  const { found } = check({
    unikernelType: undefined,
    hypervisor: "xen",
    binary: "/loop/kernel",
    initrd: "/tmp/initrd",
    block: "/dir",
    blkMntPoint: "/a//b",
    mountRootfs: "maybe",
    solo5NetDev: "-",
    vAccel: "vsock",
    binery: "/kernel",
    "note.long": "x".repeat(5000),
  });
  assertEquals(found.map(({ code }) => code).sort(), [
    "BIMA110",
    "BIMA111",
    "BIMA111",
    "BIMA112",
    "BIMA113",
    "BIMA114",
    "BIMA114",
    "BIMA115",
    "BIMA116",
    "BIMA161",
    "BIMA165",
  ]);
  // What is missing stands nowhere.
  for (const { code, span: where } of found) assertEquals(where, code === "BIMA110" ? undefined : span, code);
});
