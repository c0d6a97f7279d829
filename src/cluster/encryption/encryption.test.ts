import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { fromJSON, type ServiceDefinition } from "@grpc/proto-loader";
import { afterEach, expect, it } from "vitest";
import { silentLogger } from "../../base/log.ts";
import { noMetrics } from "../../base/metrics.ts";
import { seededRandom } from "../../base/random.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { nodeCiphers } from "../../platform/node/ciphers.ts";
import { EncryptedStore } from "../../store/encrypted/encrypted-store.ts";
import { MemoryStore } from "../../store/memory/memory-store.ts";
import { Encryption } from "./encryption.ts";
import { kmsDescriptor } from "./kms-plugin.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

interface Plugin {
  readonly socket: string;
  readonly uids: string[];
  keyId: string;
  healthz: string;
}

/** A plug-in that keeps one AES key and answers over gRPC on a unix socket, as real ones do. */
async function startPlugin(folder: string): Promise<Plugin> {
  const key = randomBytes(32);
  const plugin: Plugin = { socket: join(folder, "kms.sock"), uids: [], keyId: "one", healthz: "ok" };
  const definition = fromJSON(JSON.parse(kmsDescriptor) as Parameters<typeof fromJSON>[0], { defaults: true })["v2.KeyManagementService"] as ServiceDefinition;
  const server = new Server();
  type Call = { readonly request: Readonly<Record<string, unknown>> };
  type Reply = (error: Error | null, answer?: object) => void;
  server.addService(definition, {
    Status: (_call: Call, reply: Reply) => reply(null, { version: "v2", healthz: plugin.healthz, key_id: plugin.keyId }),
    Encrypt({ request }: Call, reply: Reply) {
      plugin.uids.push(String(request["uid"]));
      const iv = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", key, iv);
      const ciphertext = Buffer.concat([iv, cipher.update(request["plaintext"] as Buffer), cipher.final(), cipher.getAuthTag()]);
      reply(null, { ciphertext, key_id: plugin.keyId, annotations: { "kek.example.com": Buffer.from(plugin.keyId) } });
    },
    Decrypt({ request }: Call, reply: Reply) {
      plugin.uids.push(String(request["uid"]));
      const sealed = request["ciphertext"] as Buffer;
      const annotations = request["annotations"] as Readonly<Record<string, Buffer>>;
      if (annotations["kek.example.com"]?.toString() !== request["key_id"]) return reply(new Error("the annotation does not fit the key"));
      const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12));
      decipher.setAuthTag(sealed.subarray(-16));
      reply(null, { plaintext: Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]) });
    },
  });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${plugin.socket}`, ServerCredentials.createInsecure(), (error) => (error === null ? resolve() : reject(error)));
  });
  cleanups.push(() => server.forceShutdown());
  return plugin;
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "keles-kms-"));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
const config = (...providers: readonly unknown[]): string =>
  JSON.stringify({
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "EncryptionConfiguration",
    resources: [{ resources: ["secrets"], providers: [...providers, { identity: {} }] }],
  });
const kms = ({ socket }: Plugin): unknown => ({ kms: { apiVersion: "v2", name: "vault", endpoint: `unix://${socket}`, timeout: "20s" } });
const aesgcm = { aesgcm: { keys: [{ name: "key1", secret: Buffer.alloc(32, 1).toString("base64") }] } };
/** Files and sockets are real here: each turn of the clock gives them time. */
const clockOf = (): VirtualClock => new VirtualClock({ turn: () => new Promise((resolve) => setTimeout(resolve, 1)) });
const at = "/registry/secrets/default/s";

async function opened(path: string, inner: MemoryStore) {
  const clock = clockOf();
  const encryption = await Encryption.open({ path }, { ciphers: nodeCiphers, clock, random: seededRandom(3), log: silentLogger, metrics: noMetrics });
  const store = new EncryptedStore({ transformerFor: encryption.transformerFor }, { store: inner });
  return { encryption, store, clock };
}
const put = (store: EncryptedStore, value: string): Promise<number> => store.commit([{ type: "put", key: at, value: new TextEncoder().encode(value) }]);
const read = async (store: EncryptedStore | MemoryStore): Promise<string> => Buffer.from((await store.range(at)).entries[0]?.value ?? []).toString("latin1");

it("seals with a plug-in on a unix socket, and opens again after a new start", async () => {
  const place = folder();
  const plugin = await startPlugin(place);
  const path = join(place, "encryption.yaml");
  writeFileSync(path, config(kms(plugin)));
  const inner = new MemoryStore();
  const first = await opened(path, inner);
  await put(first.store, "plain");
  const raw = await read(inner);
  expect(raw).toMatch(/^k8s:enc:kms:v2:vault:/);
  expect(raw).not.toContain("plain");
  const second = await opened(path, inner);
  expect(await read(second.store)).toBe("plain");
  expect(plugin.uids).toHaveLength(3);
  expect(new Set(plugin.uids.map((uid) => /^[0-9a-f-]{36}$/.test(uid)))).toEqual(new Set([true]));
  for (const { encryption, store } of [first, second]) await encryption.run(store, AbortSignal.abort());
});

/** Waits for what comes over a real socket: the plug-in's answer turns the store. */
async function changed(inner: MemoryStore, clock: VirtualClock, wanted: RegExp): Promise<string> {
  const { signal } = new AbortController();
  const since = await inner.revision();
  const seen = inner.watch(at, { since, signal })[Symbol.asyncIterator]();
  const answer: { seen?: true } = {};
  const next = seen.next().then(() => {
    answer.seen = true;
  });
  while (answer.seen === undefined) await clock.advance(1000);
  await next;
  await seen.return?.();
  const raw = await read(inner);
  expect(raw).toMatch(wanted);
  return raw;
}

it("follows the file: from a key of its own to a plug-in's, and back; what is wrong changes nothing", async () => {
  const place = folder();
  const plugin = await startPlugin(place);
  const path = join(place, "encryption.yaml");
  writeFileSync(path, config(aesgcm));
  const inner = new MemoryStore();
  const { encryption, store, clock } = await opened(path, inner);
  await put(store, "plain");
  const stop = new AbortController();
  const running = encryption.run(store, stop.signal);
  await clock.settle();

  writeFileSync(path, config(kms(plugin), aesgcm));
  await changed(inner, clock, /^k8s:enc:kms:v2:vault:/);
  expect(await read(store)).toBe("plain");
  expect(encryption.problem()).toBeUndefined();

  writeFileSync(path, "kind: nonsense");
  await clock.advance(30_000);
  await put(store, "still sealed");
  expect(await read(inner)).toMatch(/^k8s:enc:kms:v2:vault:/);

  writeFileSync(path, config(aesgcm, kms(plugin)));
  await changed(inner, clock, /^k8s:enc:aesgcm:v1:key1:/);
  expect(await read(store)).toBe("still sealed");
  stop.abort();
  await running;
});

it("says what is wrong before the cluster starts", async () => {
  const path = join(folder(), "encryption.yaml");
  const options = { ciphers: nodeCiphers, clock: clockOf(), random: seededRandom(3), log: silentLogger, metrics: noMetrics };
  await expect(Encryption.open({ path }, options)).rejects.toThrow(`cannot read the encryption configuration ${path}`);
  writeFileSync(path, config({ kms: { name: "old", endpoint: "unix:///x" } }));
  await expect(Encryption.open({ path }, options)).rejects.toThrow("version v1 of the KMS API is deprecated and not served");
  writeFileSync(path, config({ kms: { apiVersion: "v2", name: "vault", endpoint: "unix:///nowhere/kms.sock", timeout: "50ms" } }));
  await expect(Encryption.open({ path }, options)).rejects.toThrow("kms provider vault: nothing answers at /nowhere/kms.sock");
});
