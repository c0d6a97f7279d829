import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import { afterEach, describe, expect, it } from "vitest";
import { ConflictError, type Op, StoreUnavailableError } from "../contract.ts";
import { EtcdStore } from "./etcd-store.ts";
import { LocalEtcd, type LocalEtcdOptions, findEtcd } from "./local-etcd.ts";

const binary = findEtcd();
const put = (key: string, value = "v", condition?: Op["if"]): Op => ({ type: "put", key, value: Buffer.from(value), ...(condition === undefined ? {} : { if: condition }) });
const told = (error: unknown): unknown => error;

describe.skipIf(binary === undefined)(binary === undefined ? "EtcdStore and its members (skipped: no etcd on PATH)" : "EtcdStore and its members", { timeout: 60_000 }, () => {
  const cleanups: (() => Promise<unknown> | void)[] = [];
  const start = async (options: Omit<LocalEtcdOptions, "binary"> = {}): Promise<LocalEtcd> => {
    const etcd = await LocalEtcd.start({ binary: binary ?? "", ...options });
    cleanups.push(() => etcd.stop());
    return etcd;
  };
  const open = async (...args: Parameters<typeof EtcdStore.open>): Promise<EtcdStore> => {
    const store = await EtcdStore.open(...args);
    cleanups.push(() => store.close());
    return store;
  };

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  it("pages through many keys at one revision, and refuses what etcd refuses", async () => {
    const etcd = await start();
    const store = await open({ endpoints: etcd.endpoints });
    for (let page = 0; page < 25; page += 1) await store.commit(Array.from({ length: 100 }, (_, index) => put(`/a/${String(page * 100 + index).padStart(5, "0")}`)));
    const { entries, more, revision } = await store.range("/a/");
    expect([entries.length, more, revision]).toEqual([2_500, false, 26]);
    expect(entries[2_499]?.key).toBe("/a/02499");
    const limited = await store.range("/a/", { limit: 1_500, after: "/a/00099" });
    expect([limited.entries.length, limited.more, limited.entries[0]?.key]).toEqual([1_500, true, "/a/00100"]);
    await expect(store.commit(Array.from({ length: 200 }, (_, index) => put(`/b/${index}`)))).rejects.toThrow(RangeError);
    await expect(store.commit([{ type: "put", key: "/large", value: new Uint8Array(3_000_000) }])).rejects.toThrow(RangeError);
    expect(await store.commit([put("/c")])).toBe(27);
    const chunks: Uint8Array[] = [];
    for await (const chunk of store.nativeSnapshot(new AbortController().signal)) chunks.push(chunk);
    expect(Buffer.concat(chunks).length).toBeGreaterThan(10_000);
  });

  it("goes on when etcd restarts, and its watches miss nothing", async () => {
    const etcd = await start();
    const store = await open({ endpoints: etcd.endpoints, requestTimeoutMs: 15_000 });
    const controller = new AbortController();
    const seen: number[] = [];
    let reached = (): void => {};
    const last = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const following = (async (): Promise<void> => {
      for await (const batch of store.watch("/", { since: 1, signal: controller.signal })) {
        for (const event of batch.events) seen.push(event.revision);
        if (batch.revision >= 21) reached();
      }
    })();
    for (let index = 0; index < 10; index += 1) await store.commit([put("/a", String(index))]);
    await etcd.stopMember(0);
    const during = store.range("/a");
    await etcd.startMember(0);
    expect((await during).entries[0]?.revision).toBe(11);
    for (let index = 0; index < 10; index += 1) await store.commit([put("/a", String(index))]);
    await last;
    controller.abort();
    await following;
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index + 2));
  });

  it("moves on to another member when one dies, and loses no commit that it acknowledged", async () => {
    const etcd = await start({ members: 3 });
    const store = await open({ endpoints: etcd.endpoints, requestTimeoutMs: 20_000 });
    const controller = new AbortController();
    const watched = new Map<string, number>();
    let reached = (): void => {};
    const last = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const following = (async (): Promise<void> => {
      for await (const batch of store.watch("/k/", { since: 1, signal: controller.signal })) {
        for (const event of batch.events) watched.set(event.key, event.revision);
        if (watched.has("/k/end")) reached();
      }
    })();
    const acknowledged = new Map<string, number>();
    let unknown = 0;
    const write = async (writer: number): Promise<void> => {
      for (let index = 0; index < 60; index += 1) {
        const key = `/k/${writer}/${index}`;
        for (;;) {
          try {
            acknowledged.set(key, await store.commit([put(key, "1", "absent")]));
            break;
          } catch (error) {
            // It may have been stored although the answer was lost: then it stands already.
            if (error instanceof ConflictError) {
              acknowledged.set(key, error.current?.revision ?? 0);
              break;
            }
            if (!(error instanceof StoreUnavailableError)) throw error;
            unknown += 1;
          }
        }
        if (writer === 0 && index === 20) await etcd.stopMember(0);
      }
    };
    await Promise.all([0, 1, 2, 3].map(write));
    expect(unknown).toBeLessThan(200);
    const stored = new Map((await store.range("/k/")).entries.map((entry) => [entry.key, entry.revision]));
    expect(stored).toEqual(acknowledged);
    await store.commit([put("/k/end")]);
    await last;
    controller.abort();
    await following;
    watched.delete("/k/end");
    expect(watched).toEqual(acknowledged);
  });

  it("speaks TLS and shows its certificate", async () => {
    const folder = mkdtempSync(join(tmpdir(), "keles-etcd-tls-"));
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
    const pki = await makePki();
    const files = { ca: join(folder, "ca.pem"), cert: join(folder, "server.pem"), key: join(folder, "server.key") };
    writeFileSync(files.ca, pki.ca);
    writeFileSync(files.cert, pki.server.cert);
    writeFileSync(files.key, pki.server.key, { mode: 0o600 });
    const etcd = await start({ tls: files });
    const store = await open({ endpoints: etcd.endpoints, tls: { ca: pki.ca, ...pki.client } });
    expect(await store.commit([put("/a")])).toBe(2);
    const short = { endpoints: etcd.endpoints, requestTimeoutMs: 300 };
    expect(await EtcdStore.open({ ...short, tls: { ca: pki.ca } }).catch(told)).toBeInstanceOf(StoreUnavailableError);
    expect(await EtcdStore.open({ ...short, tls: pki.client }).catch(told)).toBeInstanceOf(StoreUnavailableError);
  });

  it("gives up on what does not answer in time", async () => {
    const silent = createServer();
    const sessions = new Set<ServerHttp2Session>();
    silent.on("session", (session) => sessions.add(session));
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    cleanups.push(() => {
      for (const session of sessions) session.destroy();
      return new Promise((resolve) => silent.close(resolve));
    });
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const began = performance.now();
    expect(await EtcdStore.open({ endpoints: [endpoint], requestTimeoutMs: 200 }).catch(told)).toBeInstanceOf(StoreUnavailableError);
    expect(performance.now() - began).toBeLessThan(15_000);
    const refused = await EtcdStore.open({ endpoints: ["http://127.0.0.1:1"], requestTimeoutMs: 200 }).catch(told);
    expect(String(refused)).toContain("127.0.0.1:1");
    const etcd = await start();
    const store = await open({ endpoints: ["http://127.0.0.1:1", ...etcd.endpoints] });
    expect(await store.commit([put("/a")])).toBe(2);
  });
});

async function makePki(): Promise<{ ca: string; server: { cert: string; key: string }; client: { cert: string; key: string } }> {
  x509.cryptoProvider.set(webcrypto as never);
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
  const newKeys = (): Promise<webcrypto.CryptoKeyPair> => webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const span = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 3_600_000), signingAlgorithm: algorithm };
  const caKeys = await newKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=test ca",
    serialNumber: "01",
    keys: caKeys,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    ...span,
  });
  const issue = async (name: string, serialNumber: string): Promise<{ cert: string; key: string }> => {
    const keys = await newKeys();
    const cert = await x509.X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: ca.subject,
      serialNumber,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      extensions: [
        new x509.SubjectAlternativeNameExtension([
          { type: "ip", value: "127.0.0.1" },
          { type: "dns", value: "localhost" },
        ]),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      ],
      ...span,
    });
    const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey as never)).toString("base64");
    return { cert: cert.toString("pem"), key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n` };
  };
  return { ca: ca.toString("pem"), server: await issue("server", "02"), client: await issue("client", "03") };
}
