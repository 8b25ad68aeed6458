/**
 * How each instruction is written, and which ones are refused.
 *
 * @module
 */
import type { Code } from "../codes.ts";
import type { FlagTable } from "./flags.ts";
import type { Keyword, RefusedInstruction } from "./instruction.ts";

/** An example of each instruction, for hints. */
export const usage: Readonly<Record<Keyword, string>> = {
  FROM: "FROM scratch",
  RUN: "RUN command",
  CMD: 'CMD ["first", "second"]',
  LABEL: "LABEL key=value",
  MAINTAINER: "MAINTAINER name",
  EXPOSE: "EXPOSE 80/tcp",
  ENV: "ENV name=value",
  ADD: "COPY source destination",
  COPY: "COPY source destination",
  ENTRYPOINT: 'ENTRYPOINT ["first", "second"]',
  VOLUME: "VOLUME /path",
  USER: "USER user:group",
  WORKDIR: "WORKDIR /path",
  ARG: "ARG name=default",
  ONBUILD: "ONBUILD instruction",
  STOPSIGNAL: "STOPSIGNAL SIGTERM",
  HEALTHCHECK: "HEALTHCHECK NONE",
  SHELL: 'SHELL ["/bin/sh", "-c"]',
};

/** The flags of each instruction; ADD's are those of Docker, so that only what it cannot do is refused. */
export const flagTables: Readonly<Partial<Record<Keyword, FlagTable>>> = {
  FROM: { platform: "text" },
  COPY: {
    from: "text",
    chown: "text",
    chmod: "text",
    exclude: "list",
    parents: "switch",
    link: "switch",
  },
  ADD: {
    chown: "text",
    chmod: "text",
    exclude: "list",
    link: "switch",
    unpack: "switch",
    checksum: "text",
    "keep-git-dir": "switch",
  },
};

/** The code and the way out of each instruction that is not carried out. */
export const refusals: Readonly<
  Record<RefusedInstruction["kind"], { readonly code: Code; readonly hint: string }>
> = {
  RUN: {
    code: "BIMA030",
    hint:
      "run the command before the build and COPY its result: nothing is executed while an image is packed",
  },
  ONBUILD: { code: "BIMA031", hint: "leave it out: no later build can start from this image" },
  HEALTHCHECK: { code: "BIMA032", hint: "leave it out: there is no second process in a unikernel to ask" },
  SHELL: { code: "BIMA033", hint: "leave it out and write CMD and ENTRYPOINT in exec form" },
};
