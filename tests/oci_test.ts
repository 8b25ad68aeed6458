/** The documents of an image: exact bytes. */
import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { type Digest, digestOf } from "../lib/digest.ts";
import {
  composeImage,
  type Descriptor,
  type ImageSpec,
  indexOf,
  jsonDocument,
  type Layer,
  mediaTypes,
} from "../lib/oci.ts";

const digest = (digit: string): Digest => `sha256:${digit.repeat(64)}`;

function layer(digit: string, size: number): Layer {
  const descriptor = { mediaType: mediaTypes.layerGzip, digest: digest(digit), size };
  return { descriptor, diffId: digest(digit) };
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const full: ImageSpec = {
  platform: { variant: "v7", architecture: "arm", os: "linux" },
  config: {
    stopSignal: "SIGTERM",
    labels: { b: "2", a: 'ünï \u2028 "q" \\', "": "" },
    workingDir: "/w",
    volumes: ["/v2", "/v1"],
    cmd: [""],
    entrypoint: ["/e", "x y"],
    env: ["B=2", "A=1"],
    exposedPorts: ["80/tcp", "53/udp"],
    user: "1:2",
  },
  layers: [layer("1", 10), layer("2", 20)],
  history: [
    { createdBy: "COPY a /", emptyLayer: false },
    { createdBy: "ENV B=2", emptyLayer: true },
    { createdBy: "COPY b /", emptyLayer: false },
  ],
  annotations: { z: "1", y: "2" },
  created: new Date("2021-02-03T04:05:06.789Z"),
  author: "somebody",
};

const fullConfig =
  '{"created":"2021-02-03T04:05:06Z","author":"somebody","architecture":"arm","variant":"v7",' +
  '"os":"linux","config":{"User":"1:2","ExposedPorts":{"53/udp":{},"80/tcp":{}},"Env":["B=2","A=1"],' +
  '"Entrypoint":["/e","x y"],"Cmd":[""],"Volumes":{"/v1":{},"/v2":{}},"WorkingDir":"/w",' +
  '"Labels":{"":"","a":"ünï \u2028 \\"q\\" \\\\","b":"2"},"StopSignal":"SIGTERM"},' +
  `"rootfs":{"type":"layers","diff_ids":["${digest("1")}","${digest("2")}"]},` +
  '"history":[{"created":"2021-02-03T04:05:06Z","created_by":"COPY a /"},' +
  '{"created":"2021-02-03T04:05:06Z","created_by":"ENV B=2","empty_layer":true},' +
  '{"created":"2021-02-03T04:05:06Z","created_by":"COPY b /"}]}';

Deno.test("composeImage() writes these bytes for a spec with everything", async () => {
  const { config, manifest, layers, platform } = await composeImage(full);
  assertEquals(text(config.bytes), fullConfig);
  assertEquals(
    text(manifest.bytes),
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",' +
      `"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"${config.descriptor.digest}",` +
      `"size":${config.bytes.byteLength}},` +
      `"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"${
        digest("1")
      }","size":10},` +
      `{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"${digest("2")}","size":20}],` +
      '"annotations":{"y":"2","z":"1"}}',
  );
  assertEquals(
    manifest.descriptor.digest,
    "sha256:a9059bc2bdb441190fabe9cb4ea9d7a558dc00d19aec3a14eaf159859d058919",
    "the digest of an image must never change by itself",
  );
  assertEquals([layers, platform], [full.layers, full.platform]);
});

const bare: ImageSpec = {
  platform: { os: "linux", architecture: "amd64" },
  config: {},
  layers: [],
  history: [],
  annotations: {},
  created: new Date(0),
};

const bareConfig = '{"created":"1970-01-01T00:00:00Z","architecture":"amd64","os":"linux","config":{},' +
  '"rootfs":{"type":"layers","diff_ids":[]},"history":[]}';

Deno.test("composeImage() leaves out everything that is empty", async () => {
  const empties: ImageSpec = {
    ...bare,
    author: "",
    config: {
      user: "",
      exposedPorts: [],
      env: [],
      entrypoint: [],
      cmd: [],
      volumes: [],
      workingDir: "",
      labels: {},
      stopSignal: "",
    },
  };
  for (const spec of [bare, empties]) {
    const { config, manifest } = await composeImage(spec);
    assertEquals(text(config.bytes), bareConfig);
    assertEquals(
      text(manifest.bytes),
      '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",' +
        `"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"${config.descriptor.digest}",` +
        `"size":${bareConfig.length}},"layers":[]}`,
    );
  }
});

Deno.test("composeImage() describes its documents by their bytes", async () => {
  const { config, manifest } = await composeImage(full);
  assertEquals(config.descriptor, {
    mediaType: mediaTypes.config,
    digest: await digestOf(config.bytes),
    size: config.bytes.byteLength,
  });
  assertEquals(manifest.descriptor, {
    mediaType: mediaTypes.manifest,
    digest: await digestOf(manifest.bytes),
    size: manifest.bytes.byteLength,
  });
});

Deno.test("composeImage() writes times as whole seconds in UTC", async () => {
  const created = async (date: Date): Promise<unknown> => {
    return JSON.parse(text((await composeImage({ ...bare, created: date })).config.bytes)).created;
  };
  assertEquals(await created(new Date(0)), "1970-01-01T00:00:00Z");
  assertEquals(await created(new Date(1_700_000_000_999)), "2023-11-14T22:13:20Z");
  assertEquals(await created(new Date(253_402_300_799_000)), "9999-12-31T23:59:59Z");
});

Deno.test("composeImage() keeps keys that JavaScript objects treat in a special way", async () => {
  const labels = Object.fromEntries([["__proto__", "p"], ["constructor", "c"], ["toJSON", "j"]]);
  const { config, manifest } = await composeImage({ ...bare, config: { labels }, annotations: labels });
  const expected = '{"__proto__":"p","constructor":"c","toJSON":"j"}';
  assertEquals(text(config.bytes).includes(`"Labels":${expected}`), true);
  assertEquals(text(manifest.bytes).includes(`"annotations":${expected}`), true);
});

Deno.test("composeImage() does not depend on who made a layer's descriptor", async () => {
  const mine: Descriptor = { mediaType: mediaTypes.layerGzip, digest: digest("1"), size: 10 };
  const other = { urls: [], size: 10, digest: digest("1"), mediaType: mediaTypes.layerGzip };
  const [one, two] = await Promise.all(
    [mine, other].map((descriptor) =>
      composeImage({ ...bare, layers: [{ descriptor, diffId: digest("3") }] })
    ),
  );
  assertEquals(one?.manifest, two?.manifest);
});

Deno.test("composeImage() gives the same bytes for maps in any order", async () => {
  const record = fc.dictionary(fc.string({ unit: "binary", maxLength: 4 }), fc.string(), { maxKeys: 8 });
  const names = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 6 });
  const turned = (map: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(map).reverse());
  await fc.assert(
    fc.asyncProperty(record, record, names, names, async (labels, annotations, ports, volumes) => {
      const spec = { ...full, annotations, config: { ...full.config, labels, exposedPorts: ports, volumes } };
      const other: ImageSpec = {
        created: spec.created,
        author: "somebody",
        annotations: turned(annotations),
        history: spec.history.map(({ createdBy, emptyLayer }) => ({ emptyLayer, createdBy })),
        layers: spec.layers,
        platform: { os: "linux", architecture: "arm", variant: "v7" },
        config: {
          ...Object.fromEntries(Object.entries(full.config).reverse()),
          labels: turned(labels),
          exposedPorts: ports.toReversed(),
          volumes: volumes.toReversed(),
        },
      };
      const [one, two] = await Promise.all([composeImage(spec), composeImage(other)]);
      assertEquals(text(two.config.bytes), text(one.config.bytes));
      assertEquals(text(two.manifest.bytes), text(one.manifest.bytes));
      assertEquals(JSON.parse(text(one.manifest.bytes)).annotations ?? {}, { ...annotations });
    }),
  );
});

Deno.test("composeImage() keeps the order of lists: it means something", async () => {
  const env = async (...values: string[]) =>
    (await composeImage({ ...bare, config: { env: values } })).config;
  assertNotEquals(await env("A=1", "B=2"), await env("B=2", "A=1"));
});

Deno.test("composeImage() does not change what it is given", async () => {
  const before = structuredClone(full);
  await composeImage(full);
  assertEquals(full, before);
});

Deno.test("composeImage() refuses a time that is none", async () => {
  await assertRejects(() => composeImage({ ...bare, created: new Date(NaN) }), RangeError);
});

Deno.test("indexOf() lists manifests, their fields in one order", async () => {
  const manifest = {
    platform: { variant: "v7", os: "linux", architecture: "arm" },
    annotations: { b: "2", a: "1" },
    size: 3,
    digest: digest("a"),
    mediaType: mediaTypes.manifest,
  };
  const { bytes } = await jsonDocument(mediaTypes.index, indexOf([manifest]));
  assertEquals(
    text(bytes),
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[' +
      `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"${digest("a")}","size":3,` +
      '"annotations":{"a":"1","b":"2"},"platform":{"architecture":"arm","variant":"v7","os":"linux"}}]}',
  );
});

Deno.test("jsonDocument() describes compact JSON in UTF-8", async () => {
  const { bytes, descriptor } = await jsonDocument("text/x", { a: ["ü", 1] });
  assertEquals(text(bytes), '{"a":["ü",1]}');
  assertEquals(descriptor, { mediaType: "text/x", digest: await digestOf(bytes), size: 14 });
});
