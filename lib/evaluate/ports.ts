/**
 * The ports that EXPOSE names.
 *
 * @module
 */

const protocols = ["tcp", "udp", "sctp"] as const;

/** A transport protocol that a port belongs to. */
export type Protocol = typeof protocols[number];

/** Neighbouring ports of one protocol. */
export interface PortRange {
  readonly protocol: Protocol;
  /** 0 to 65535. */
  readonly first: number;
  /** At least {@linkcode PortRange.first}, at most 65535. */
  readonly last: number;
}

/**
 * Reads one port or range by Docker's rules: `80`, `80/tcp`, `8000-8010/udp`. What stands before a colon is the
 * host's side and is left out, as in Docker.
 *
 * @returns the range, or why the text is none
 */
export function parsePorts(text: string): PortRange | string {
  const [range = "", name = "", ...more] = text.slice(text.lastIndexOf(":") + 1).split("/");
  const protocol = protocols.find((known) => known === (name.toLowerCase() || "tcp"));
  if (protocol === undefined || more.length > 0) {
    return `"${[name, ...more].join("/")}" is no protocol, expected tcp, udp or sctp`;
  }
  const [, from, to = from] = /^([0-9]+)(?:-([0-9]+))?$/.exec(range) ?? [];
  if (from === undefined) return `"${range}" is no port`;
  const [first, last] = [Number(from), Number(to)];
  if (Math.max(first, last) > 65535) return `port ${first > 65535 ? from : to} is above 65535`;
  if (last < first) return "the range ends before it begins";
  return { protocol, first, last };
}

/** A set of ports. Adding takes the same time for a port and for all of them. */
export class PortSet {
  readonly #ranges: PortRange[];
  /** The ports one by one, when they were asked for and nothing was added since. */
  #list: readonly string[] | undefined;

  /** @param ranges what the set contains at first */
  constructor(ranges: Iterable<PortRange> = []) {
    this.#ranges = [...ranges];
  }

  /** The number of ranges that were added. */
  get size(): number {
    return this.#ranges.length;
  }

  /** Adds a range; what is in the set already stays. */
  add(range: PortRange): void {
    this.#ranges.push(range);
    this.#list = undefined;
  }

  /** @returns an independent set with the same ports */
  clone(): PortSet {
    const copy = new PortSet(this.#ranges);
    copy.#list = this.#list;
    return copy;
  }

  /** @returns `port/protocol` of each port, tcp first, ascending */
  list(): readonly string[] {
    this.#list ??= this.#expand();
    return this.#list;
  }

  #expand(): string[] {
    const ranges = this.#ranges.toSorted((a, b) => a.first - b.first);
    return protocols.flatMap((protocol) => {
      const list: string[] = [];
      let next = 0;
      for (const { first, last } of ranges.filter((range) => range.protocol === protocol)) {
        for (next = Math.max(next, first); next <= last; next++) list.push(`${next}/${protocol}`);
      }
      return list;
    });
  }
}
