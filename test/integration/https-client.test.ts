import { afterEach, beforeEach, expect, it } from "vitest";
import { configMaps } from "../../src/api/generated/resources.ts";
import { silentLogger } from "../../src/base/log.ts";
import { createInformerFactory, remoteInformers } from "../../src/client/informer-factory.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import { systemClock } from "../../src/platform/node/clock.ts";
import { systemRandom } from "../../src/platform/node/random.ts";
import { type ServedHttps, serveHttps } from "./served-https.ts";
import { admin, serveMemory } from "./served-memory.ts";

let server: Awaited<ReturnType<typeof serveMemory>>;
let served: ServedHttps;
const place = { namespace: "default" };

beforeEach(async () => {
  server = await serveMemory();
  served = await serveHttps(server.api);
});
afterEach(async () => {
  await served.close();
  await server.stop();
});

it("carries more watches than one connection can, and requests beside them", async () => {
  const { client } = served;
  const stop = new AbortController();
  const { metadata } = await client.list(configMaps, place);
  const watches = Array.from({ length: 600 }, () =>
    client.watch(configMaps, { ...place, resourceVersion: metadata.resourceVersion ?? "", signal: stop.signal })[Symbol.asyncIterator](),
  );
  const first = watches.map((watch) => watch.next());
  await client.create(configMaps, { metadata: { name: "a", ...place } });
  const seen = await Promise.all(first);
  expect(new Set(seen.map((next) => (next.done === true ? "ended" : next.value.map(({ type, object }) => `${type} ${object.metadata.name ?? ""}`).join())))).toEqual(
    new Set(["ADDED a"]),
  );
  stop.abort();
  expect((await Promise.all(watches.map((watch) => watch.next()))).every(({ done }) => done === true)).toBe(true);
});

it("lets informers go on where they were when the server was away", async () => {
  const direct = inProcessClient(server.api.handle, admin);
  const stop = new AbortController();
  const hurried = { now: () => systemClock.now(), after: (delayMs: number, callback: () => void) => systemClock.after(delayMs / 100, callback) };
  const informers = createInformerFactory(remoteInformers, { client: served.client, clock: hurried, random: systemRandom, log: silentLogger });
  const seen: string[] = [];
  let heard = (): void => {};
  const informer = informers.informer(configMaps);
  informer.subscribe({
    added: ({ metadata }) => {
      seen.push(`+${metadata.name ?? ""}`);
      heard();
    },
    deleted: ({ metadata }) => seen.push(`-${metadata.name ?? ""}`),
  });
  await direct.create(configMaps, { metadata: { name: "a", ...place } });
  const running = informers.run(stop.signal);
  await informers.waitForSync(stop.signal);
  // Only the listener goes: what the watch has seen is still known to the server.
  const { port, client } = served;
  const whenBack = new Promise<void>((resolve) => {
    heard = () => {
      if (seen.includes("+c")) resolve();
    };
  });
  await served.closeListener();
  await direct.create(configMaps, { metadata: { name: "b", ...place } });
  await direct.delete(configMaps, "a", place);
  served = { ...(await serveHttps(server.api, { port })), client };
  await direct.create(configMaps, { metadata: { name: "c", ...place } });
  await whenBack;
  expect(seen).toEqual(["+a", "+b", "-a", "+c"]);
  stop.abort();
  await running;
});
