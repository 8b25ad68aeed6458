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

/** Other names that people and kernels use for an architecture, and Go's name (and variant) for it. */
const aliases: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  "x86_64": ["amd64"],
  "x86-64": ["amd64"],
  "aarch64": ["arm64"],
  "armhf": ["arm", "v7"],
  "armel": ["arm", "v6"],
  "i386": ["386"],
  "i686": ["386"],
  "loongarch64": ["loong64"],
};

/**
 * @param text `os/architecture[/variant]`, or the architecture alone (the system is `linux` then)
 * @returns the platform, with the aliases that containerd knows turned into Go's names
 * @throws {UsageError} when the text has another form
 */
export function parsePlatform(text: string): Platform {
  const parts = text.trim().toLowerCase().split("/");
  if (parts.length === 1) parts.unshift("linux");
  const [os = "", name = "", variant] = parts;
  const ok = parts.length <= 3 && parts.every((part) => /^[a-z0-9_.-]+$/.test(part));
  if (!ok) {
    throw new UsageError(`Cannot use platform "${text}": expected os/architecture[/variant]`, {
      hint: "for example linux/amd64, linux/arm64 or linux/arm/v7",
    });
  }
  const [architecture, implied] = aliases[name] ?? [name];
  const chosen = variant ?? implied;
  // Go and containerd take v8 for granted on arm64 and leave it out.
  if (chosen === undefined || (architecture === "arm64" && chosen === "v8")) return { os, architecture };
  return { os, architecture, variant: chosen };
}

/** @returns the platform as `os/architecture[/variant]` */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}
