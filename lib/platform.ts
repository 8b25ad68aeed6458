/**
 * The platform of an image: operating system, architecture and variant in Go's words, as the OCI image index
 * specification wants them.
 *
 * @module
 */
import { UsageError } from "./errors.ts";

/** What a machine must be to run the image. */
export interface Platform {
  /** Go's GOOS; `linux` for unikernels, because containerd only unpacks what it takes for its own. */
  readonly os: string;
  /** Go's GOARCH, such as `amd64`, `arm64`, `riscv64`. */
  readonly architecture: string;
  /** The variant of the architecture, such as `v7` for 32-bit Arm; absent where there is none. */
  readonly variant?: string;
}

/** Go's names of systems: one alone is no platform. */
const systems: readonly string[] = [
  "aix",
  "android",
  "darwin",
  "dragonfly",
  "freebsd",
  "illumos",
  "ios",
  "js",
  "linux",
  "macos",
  "netbsd",
  "openbsd",
  "plan9",
  "solaris",
  "windows",
  "zos",
];

/**
 * Reads a platform as users write it.
 *
 * @param text `os/architecture[/variant]`, or the architecture alone (the system is `linux` then)
 * @returns the platform, with the names that containerd knows turned into Go's (its package `platforms`, `Normalize`)
 * @throws {UsageError} when the text has another form
 */
export function parsePlatform(text: string): Platform {
  const parts = text.trim().toLowerCase().split("/");
  if (parts.length === 1 && !systems.includes(parts[0] ?? "")) parts.unshift("linux");
  const [os = "", name = "", variant] = parts;
  const ok = (parts.length === 2 || parts.length === 3) && parts.every((part) => /^[a-z0-9_.-]+$/.test(part));
  if (!ok) {
    throw new UsageError(`Cannot use platform "${text}": expected os/architecture[/variant]`, {
      hint: "for example linux/amd64, linux/arm64 or linux/arm/v7",
    });
  }
  const [architecture, kept] = normalize(name, variant);
  const system = os === "macos" ? "darwin" : os;
  return { os: system, architecture, ...(kept === undefined ? {} : { variant: kept }) };
}

/** Other names that people and kernels use, and the variants that are taken for granted. */
function normalize(name: string, variant: string | undefined): [architecture: string, variant?: string] {
  switch (name) {
    case "i386":
    case "i686":
      return ["386"];
    case "x86_64":
    case "x86-64":
    case "amd64":
      return variant === undefined || variant === "v1" ? ["amd64"] : ["amd64", variant];
    case "aarch64":
    case "arm64":
      return variant === undefined || /^v?8$/.test(variant) ? ["arm64"] : ["arm64", variant];
    case "armhf":
      return ["arm", "v7"];
    case "armel":
      return ["arm", "v6"];
    case "arm":
      return ["arm", variant === undefined ? "v7" : variant.replace(/^[5-8]$/, "v$&")];
    case "loongarch64":
      return variant === undefined ? ["loong64"] : ["loong64", variant];
    default:
      return variant === undefined ? [name] : [name, variant];
  }
}

/** Writes a platform as users read it. @returns the platform as `os/architecture[/variant]` */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}
