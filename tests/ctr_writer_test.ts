import { openCtr } from "../lib/ctr.ts";
import { Daemon } from "./support/containerd.ts";
import { type Destination, writerSuite } from "./writer_suite.ts";

writerSuite("ctr", async (): Promise<Destination> => {
  const daemon = await Daemon.start();
  return {
    open: (signal) => openCtr({ address: daemon.address, ...(signal === undefined ? {} : { signal }) }),
    leftovers: async () => [...await daemon.leftovers(), ...await daemon.orphans()],
    find: async (name) => (await daemon.images()).get(name.name),
    read: async (digest) => await daemon.read(digest),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
});
