/**
 * Image names, normalised as Docker and containerd do it (github.com/distribution/reference, `ParseNormalizedNamed`):
 * `redis` is `docker.io/library/redis:latest`, `bima/test:1` is `docker.io/bima/test:1`.
 *
 * @module
 */
import { UsageError } from "./errors.ts";

/** A parsed, normalised image name with a tag. */
export interface Reference {
  /** The registry's host, with its port: `docker.io`, `localhost:5000`. */
  readonly domain: string;
  /** The repository below the host: `library/redis`. */
  readonly path: string;
  /** The tag. */
  readonly tag: string;
  /** The whole name: `docker.io/library/redis:latest`. */
  readonly name: string;
}

const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const host =
  /^(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*)(?::[0-9]+)?$/;
/** What Docker takes for the identifier of an image, never for its name. */
const identifier = /^[a-f0-9]{64}$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/**
 * Reads an image name.
 *
 * @param text a name as a user writes it; the tag is `latest` when there is none
 * @returns the normalised name
 * @throws {UsageError} that says which part is wrong
 */
export function parseReference(text: string): Reference {
  const refuse = (
    why: string,
    hint = "for example unikernel:latest or registry.example/team/unikernel:v1",
  ): never => {
    throw new UsageError(`Cannot use image name "${text}": ${why}`, { hint });
  };
  if (text === "") refuse("it is empty");
  if (text.includes("@")) {
    refuse("it has a digest; only a tag can be given to a new image", "leave out everything from the @ on");
  }
  if (identifier.test(text)) {
    refuse("64 hexadecimal digits are the identifier of an image, not a name", "add a word to it");
  }
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  // What stands before the first slash is a host if it looks like one, as Docker decides it.
  const isHost = first === "localhost" || /[.:]/.test(first) || first !== first.toLowerCase();
  let domain = isHost ? first : "docker.io";
  let rest = isHost ? text.slice(slash + 1) : text;
  if (domain === "index.docker.io") domain = "docker.io";
  const colon = rest.lastIndexOf(":");
  const tag = colon > rest.lastIndexOf("/") ? rest.slice(colon + 1) : "latest";
  if (colon > rest.lastIndexOf("/")) rest = rest.slice(0, colon);
  if (!host.test(domain)) refuse(`"${domain}" is not a host name`);
  if (rest === "") refuse("the part before the tag is missing");
  if (rest !== rest.toLowerCase()) {
    refuse("a repository name must be lower case", `write ${rest.toLowerCase()}`);
  }
  const bad = rest.split("/").find((part) => !component.test(part));
  if (bad !== undefined) {
    refuse(
      bad === "" ? "it has an empty path element" : `"${bad}" is not a valid path element`,
      "path elements are lower-case letters and digits, separated by single . or _, by __ or by dashes",
    );
  }
  if (!tagPattern.test(tag)) {
    refuse(
      `"${tag}" is not a valid tag`,
      "a tag has up to 128 letters, digits, _ . - and does not start with . or -",
    );
  }
  const path = domain === "docker.io" && !rest.includes("/") ? `library/${rest}` : rest;
  const name = `${domain}/${path}:${tag}`;
  if (`${domain}/${path}`.length > 255) {
    refuse(`the repository name has ${`${domain}/${path}`.length} characters, at most 255 are allowed`);
  }
  return { domain, path, tag, name };
}

/**
 * The name as Docker shows it: without `docker.io/` and `library/` where it means the same without them, always with
 * the tag.
 *
 * @returns a name that {@linkcode parseReference} reads as this one
 */
export function familiarName({ domain, path, tag, name }: Reference): string {
  if (domain !== "docker.io") return name;
  // What stands below `docker.io/` can look like a host, and what stands below `library/` like an organisation.
  const candidates = [path.replace(/^library\//, ""), path].map((rest) => `${rest}:${tag}`);
  return candidates.find((text) => means(text, name)) ?? name;
}

function means(text: string, name: string): boolean {
  try {
    return parseReference(text).name === name;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

/** @returns the last path element with the tag as the user wrote it: what a tar is called by default */
export function fileNameOf(text: string): string {
  return text.slice(text.lastIndexOf("/") + 1);
}
