/**
 * The ports that EXPOSE names.
 *
 * @module
 */

/**
 * Reads one port or range by Docker's rules: `80`, `80/tcp`, `8000-8010/udp`. What stands before a colon is the
 * host's side and is left out, as in Docker.
 *
 * @returns the ports as `port/protocol`, or why the text is none
 */
export function parsePorts(text: string): string[] | string {
  const container = text.slice(text.lastIndexOf(":") + 1);
  const slash = container.indexOf("/");
  const range = slash < 0 ? container : container.slice(0, slash);
  const protocol = slash < 0 ? "tcp" : container.slice(slash + 1).toLowerCase() || "tcp";
  if (!["tcp", "udp", "sctp"].includes(protocol)) {
    return `unknown protocol "${protocol}", expected tcp, udp or sctp`;
  }
  const [, first = "", last = first] = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(range) ?? [];
  if (first === "") return `"${range}" is no port`;
  const [from, to] = [Number(first), Number(last)];
  if (from > 65535 || to > 65535) return `port ${Math.max(from, to)} is above 65535`;
  if (to < from) return `the range ends before it begins`;
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol}`);
}
