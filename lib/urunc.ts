/**
 * What the urunc runtime reads from an image: labels below `com.urunc.unikernel.`, their rules, and `/urunc.json`.
 *
 * @module
 */
import { finding } from "./codes.ts";
import type { Diagnostic, Span } from "./diagnostic.ts";
import { nearest } from "./nearest.ts";
import type { FileNode, FileTree } from "./tree.ts";
import { cleanPath, follow, LinkError } from "./tree.ts";

/** What all keys begin with. */
export const prefix = "com.urunc.unikernel.";

/** The file in the image that carries the labels for urunc up to 0.5. */
export const jsonPath = "urunc.json";

/** Labels without which urunc does not take the image for a unikernel. */
const required = ["unikernelType", "hypervisor", "binary", "cmdline"] as const;

/** The ones of them that may not be empty; to urunc they would be missing. That of a path is said by its check. */
const filled: readonly string[] = ["unikernelType", "hypervisor"];

/** Labels that name a file of the image. */
const files = ["binary", "initrd", "block"] as const;

/** All labels that may stand in an image. */
const known = [
  ...required,
  "unikernelVersion",
  "initrd",
  "block",
  "blkMntPoint",
  "mountRootfs",
  "useDMBlock",
  "solo5NetDev",
  "solo5BlkDev",
] as const;

/** Labels that only mean something at run time. */
const runtimeOnly: readonly string[] = ["vAccel", "RPCAddress", "bootKernel", "bootInitrd"];

/** Which types of unikernel each hypervisor boots in urunc. */
const pairs: ReadonlyMap<string, readonly string[]> = new Map([
  ["hvt", ["rumprun", "mirage"]],
  ["spt", ["rumprun", "mirage"]],
  ["qemu", ["mewz", "mirage", "unikraft", "linux", "hermit", "freebsd"]],
  ["firecracker", ["linux", "unikraft", "freebsd"]],
  ["cloud-hypervisor", ["linux"]],
  ["hyperlight-unikraft", ["unikraft"]],
  // Known to urunc 0.5 only; it says nothing about the types.
  ["hedge", []],
]);

/** Directories of the image that urunc's own mounts hide. */
const hidden = ["/tmp", "/dev", "/lib", "/lib64", "/usr/lib", "/usr/share/qemu", "/usr/share/seabios"];

/** containerd refuses a label whose key and value have more bytes together. */
const maxLabel = 4096;

/** Go's `strconv.ParseBool`. */
const booleans = ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"];

/** What {@linkcode checkLabels} needs. */
export interface LabelCheck {
  /** All labels of the image. */
  readonly labels: Readonly<Record<string, string>>;
  /** Where each was given its value, if it stands in the Containerfile. */
  readonly spans: ReadonlyMap<string, Span>;
  /** The whole image, urunc.json left out. */
  readonly rootfs: FileTree;
  /** Whether CMD or ENTRYPOINT give the command line. */
  readonly hasCommand: boolean;
  /** Takes what is wrong. */
  readonly report: (diagnostic: Diagnostic) => void;
}

/**
 * Checks the labels as urunc would at run time. Everything that is wrong is reported, not only the first thing.
 *
 * @param check labels and image
 * @returns the unikernel's binary, when it is there
 */
export function checkLabels(check: LabelCheck): FileNode | undefined {
  const { labels, spans, report } = check;
  const value = (name: string): string | undefined => labels[prefix + name];
  const missing = required.filter((name) =>
    value(name) === undefined && !(name === "cmdline" && check.hasCommand)
  );
  for (const name of missing) report(missingLabel(name, labels));
  for (const name of filled.filter((name) => value(name) === "")) {
    report(finding("BIMA114", `${prefix}${name} is empty, urunc needs it`, spans.get(prefix + name)));
  }
  const renamed = labels[`${prefix}mountRootfs`] !== undefined;
  for (const [key, text] of Object.entries(labels)) {
    for (const found of checkLabel([key, text], spans.get(key), renamed)) report(found);
  }
  for (const found of checkPair(value("hypervisor"), value("unikernelType"), spans)) report(found);
  if (value("unikernelType") === "linux" && !hasRootFileSystem(value)) {
    report(finding(
      "BIMA164",
      `type linux without initrd and block: urunc cannot mount the image as root file system on overlayfs`,
      spans.get(`${prefix}unikernelType`),
      `set ${prefix}mountRootfs="false", or name an initrd or a block device`,
    ));
  }
  checkMountPoint(value("blkMntPoint"), check);
  const nodes = files.map((name) => checkFile(name, value(name), check));
  return nodes[0];
}

/**
 * The labels as `/urunc.json` holds them.
 *
 * @param labels all labels of the image
 * @returns a JSON object, keys sorted, every value in padded base64 of its UTF-8 bytes
 */
export function uruncJson(labels: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const entries = Object.entries(labels)
    .filter(([key]) => key.startsWith(prefix))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => [key, encoder.encode(value).toBase64()]);
  return encoder.encode(`${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`);
}

/** A command line and the label that goes with it. */
export interface CommandLine {
  /** For `config.Cmd`; absent when CMD or ENTRYPOINT give it. */
  readonly cmd?: readonly string[];
  /** The value of the cmdline label. */
  readonly cmdline: string;
}

/**
 * Makes the arguments and the cmdline label say the same.
 *
 * @param cmdline the label's value, if there is one
 * @param args ENTRYPOINT and CMD, if there are any
 * @returns both; the label is split at white space as Go's `strings.Fields` does it, quotes are kept as characters
 */
export function commandLine(cmdline: string | undefined, args: readonly string[]): CommandLine {
  if (args.length > 0) return { cmdline: cmdline ?? args.join(" ") };
  const words = (cmdline ?? "").split(
    /[\t\n\v\f\r \u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]+/,
  )
    .filter((word) => word !== "");
  // containerd refuses a container without any argument; an empty one gives the guest an empty line.
  return { cmd: words.length === 0 ? [""] : words, cmdline: cmdline ?? "" };
}

function missingLabel(name: string, labels: Readonly<Record<string, string>>): Diagnostic {
  const key = prefix + name;
  const near = misspelled(name, Object.keys(labels));
  const examples: Readonly<Record<string, string>> = {
    unikernelType: "unikraft",
    hypervisor: "qemu",
    binary: "/unikernel/kernel",
    cmdline: "arguments of the unikernel",
  };
  const hint = near === undefined ? `add LABEL ${key}="${examples[name] ?? ""}"` : `"${near}" looks like it`;
  return finding("BIMA110", `the label ${key} is missing, urunc needs it`, undefined, hint);
}

/** @returns a label that was probably meant: a slip in the name, or the right name below something else */
function misspelled(name: string, keys: readonly string[]): string | undefined {
  const names = keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  const taken: readonly string[] = [...known, ...runtimeOnly];
  const near = nearest(name, names.filter((other) => !taken.includes(other)));
  if (near !== undefined) return prefix + near;
  return keys.find((key) => !key.startsWith(prefix) && key.slice(key.lastIndexOf(".") + 1) === name);
}

/** Checks one label. `renamed` says that the new name of a label with two names is there too. */
function* checkLabel(
  [key, value]: readonly [key: string, value: string],
  span: Span | undefined,
  renamed: boolean,
): Generator<Diagnostic> {
  const size = new TextEncoder().encode(key + value).byteLength;
  if (size > maxLabel) {
    yield finding(
      "BIMA115",
      `label ${key} has ${size} bytes with its key, containerd takes at most ${maxLabel}`,
      span,
    );
  }
  if (!key.startsWith(prefix)) return;
  const name = key.slice(prefix.length);
  if (runtimeOnly.includes(name)) {
    yield finding(
      "BIMA116",
      `${key} is for the run time only, an image must not have it`,
      span,
      "leave it out",
    );
  } else if (!(known as readonly string[]).includes(name)) {
    const near = nearest(name, known);
    yield finding(
      "BIMA165",
      `urunc has no label ${key}`,
      span,
      near === undefined ? undefined : `did you mean ${prefix}${near}?`,
    );
  }
  // What may be left out may be empty as well: urunc sees no difference.
  if (value !== "" && (name === "mountRootfs" || name === "useDMBlock") && !booleans.includes(value)) {
    yield finding("BIMA114", `${key} is "${value}", expected true or false`, span);
  }
  if (name === "useDMBlock" && !renamed) {
    yield finding("BIMA163", `${key} is the old name of ${prefix}mountRootfs`, span);
  }
  if ((name === "solo5NetDev" || name === "solo5BlkDev") && !/^[A-Za-z0-9]{0,67}$/.test(value)) {
    yield finding("BIMA114", `${key} is "${value}", expected 1 to 67 letters and digits`, span);
  }
}

function* checkPair(
  hypervisor: string | undefined,
  type: string | undefined,
  spans: ReadonlyMap<string, Span>,
): Generator<Diagnostic> {
  const types = [...new Set([...pairs.values()].flat())];
  const typeSpan = spans.get(`${prefix}unikernelType`);
  const hypervisorSpan = spans.get(`${prefix}hypervisor`);
  // What is missing or empty has been said.
  const knownType = !type || types.includes(type);
  if (!knownType) {
    yield finding("BIMA160", `urunc knows no type "${type}"; it knows ${types.sort().join(", ")}`, typeSpan);
  }
  if (!hypervisor) return;
  const boots = pairs.get(hypervisor);
  if (boots === undefined) {
    yield finding(
      "BIMA161",
      `urunc knows no hypervisor "${hypervisor}"; it knows ${[...pairs.keys()].sort().join(", ")}`,
      hypervisorSpan,
    );
  } else if (type && knownType && boots.length > 0 && !boots.includes(type)) {
    yield finding(
      "BIMA162",
      `urunc does not boot ${type} with ${hypervisor}; it boots ${boots.join(", ")}`,
      hypervisorSpan,
    );
  }
}

function hasRootFileSystem(value: (name: string) => string | undefined): boolean {
  const mount = value("mountRootfs") || value("useDMBlock") || "";
  return /^(?:0|f|false)$/i.test(mount) || Boolean(value("initrd")) || Boolean(value("block"));
}

/** Where the guest mounts the block device; no file of the image, so it may be the root too. */
function checkMountPoint(path: string | undefined, { spans, report }: LabelCheck): void {
  if (!path || path === "/") return;
  const key = `${prefix}blkMntPoint`;
  const refused = checkPath(path);
  if (refused !== undefined) report(finding("BIMA111", `${key} is "${path}": ${refused}`, spans.get(key)));
}

function checkFile(name: string, path: string | undefined, check: LabelCheck): FileNode | undefined {
  if (path === undefined || (path === "" && name !== "binary")) return undefined;
  const { rootfs, report } = check;
  const key = prefix + name;
  const span = check.spans.get(key);
  const refused = checkPath(path) ?? checkMounts(path);
  if (refused !== undefined) {
    report(finding("BIMA111", `${key} is "${path}": ${refused}`, span));
    return undefined;
  }
  const node = rootfs.node(cleanPath(path));
  if (node?.kind === "file") return node;
  if (node === undefined) {
    const real = realPath(rootfs, path);
    const hint = real === undefined ? nearbyFile(rootfs, path) : `its real path is "/${real}"`;
    report(finding("BIMA112", `${key} is "${path}", and there is no such file in the image`, span, hint));
  } else {
    const what = node.kind === "symlink" ? `a symbolic link to "${node.target}"` : `a ${node.kind}`;
    report(finding("BIMA113", `${key} is "${path}", ${what} in the image; urunc wants a regular file`, span));
  }
  return undefined;
}

/** urunc refuses the path for this reason, or not. */
function checkPath(path: string): string | undefined {
  if (path === "") return "it is empty, expected a path in the image";
  if (!/^[A-Za-z0-9._/-]+$/.test(path)) return "only letters, digits and . _ / - are allowed";
  if (path.startsWith("-")) return "it begins with a dash";
  // Even as the beginning of a name.
  if (path.startsWith("..")) return "it begins with two dots";
  if (path.length > 4096) return `it has ${path.length} bytes, at most 4096 are allowed`;
  if (path === "/") return "it is the root directory, expected a file";
  const elements = path.replace(/^\//, "").split("/");
  if (elements.some((element) => element === "" || element === "." || element === "..")) {
    return `it is not clean, write "/${cleanPath(path)}"`;
  }
  return undefined;
}

/** urunc cannot see the path for this reason, or it can. */
function checkMounts(path: string): string | undefined {
  const absolute = `/${cleanPath(path)}`;
  const mount = hidden.find((directory) => absolute === directory || absolute.startsWith(`${directory}/`));
  return mount === undefined
    ? undefined
    : `urunc mounts its own files on ${mount}, use another directory such as /unikernel`;
}

/** Where a path leads through links; nowhere when they lead in a circle. */
function realPath(rootfs: FileTree, path: string): string | undefined {
  try {
    return follow(rootfs, cleanPath(path))?.path;
  } catch (error) {
    if (error instanceof LinkError) return undefined;
    throw error;
  }
}

/** Where a file of that name is instead, looked up near the path only. */
function nearbyFile(rootfs: FileTree, path: string): string {
  const clean = cleanPath(path);
  const slash = clean.lastIndexOf("/");
  const directory = clean.slice(0, Math.max(slash, 0));
  const near = nearest(clean.slice(slash + 1), rootfs.names(directory));
  if (near !== undefined) return `there is "/${directory === "" ? near : `${directory}/${near}`}"`;
  return `COPY the file to "${path}", or correct the label`;
}
