import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterEach, expect, it } from "vitest";
import { silentLogger } from "../../base/log.ts";
import { seededRandom } from "../../base/random.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { httpsClient } from "../../client/https-client.ts";
import type { ApiRequest } from "../../meta/wire.ts";
import { systemClock } from "../../platform/node/clock.ts";
import { Listener } from "../../server/http/listener.ts";
import { speakAs } from "../agent/speaker.ts";
import { CertificateKeeper } from "./keeper.ts";
import { ensurePki, type Pki } from "./pki.ts";

const DAY = 86_400_000;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function begun() {
  const directory = mkdtempSync(join(tmpdir(), "keles-keeper-"));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  // PERF: a year has many days. Between two of them the keeper only thinks, and needs no more than promises for it.
  const turn = async (): Promise<void> => {
    for (let step = 0; step < 20; step += 1) await Promise.resolve();
  };
  const clock = new VirtualClock({ startMs: Date.now(), turn });
  const keeper = new CertificateKeeper({ clock, log: silentLogger });
  const pki = await ensurePki({ directory, dnsNames: ["localhost"], ips: ["127.0.0.1"], nowMs: clock.now(), keeper });
  const stop = new AbortController();
  const running = keeper.run(stop.signal);
  cleanups.push(() => (stop.abort(), running));
  /** Lets as much time pass as certificates are left alone for, and a day. Keys are made by the machine, in its own time. */
  const untilRenewed = async (): Promise<void> => {
    const renewed = new Promise<void>((resolve) => keeper.onRenewal(resolve));
    await clock.advance(306 * DAY);
    await renewed;
  };
  return { directory, clock, keeper, pki, untilRenewed };
}

const leaves = ["apiServer", "kubeletClient", "frontProxyClient", "admin"] as const satisfies readonly (keyof Pki)[];
const endOf = (pem: string): number => Date.parse(new X509Certificate(pem).validTo);

it("makes every certificate anew before it ends, while it runs, and year after year", async () => {
  const { directory, clock, pki, untilRenewed } = await begun();
  const start = clock.now();
  for (let year = 1; year <= 2; year += 1) {
    const before = leaves.map((name) => pki[name].certificate);
    await untilRenewed();
    for (const [index, name] of leaves.entries()) {
      const { certificate } = pki[name];
      expect(certificate).not.toBe(before[index]);
      expect(endOf(before[index] ?? "")).toBeGreaterThan(clock.now() + 50 * DAY);
      expect(endOf(certificate)).toBeGreaterThan(clock.now() + 300 * DAY);
      const authority = name === "frontProxyClient" ? pki.frontProxyCa : pki.ca;
      expect(new X509Certificate(certificate).verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
    }
    expect(readFileSync(join(directory, "admin.crt"), "utf8")).toBe(pki.admin.certificate);
  }
  expect(clock.now() - start).toBeGreaterThan(2 * 300 * DAY);
});

it("is heard by the server, and by those who speak to it", async () => {
  const { keeper, pki, untilRenewed } = await begun();
  const seen: string[] = [];
  const listener = new Listener(
    { ...pki.apiServer, clientCa: pki.ca.certificate },
    {
      handle({ caller, path }: ApiRequest) {
        seen.push(`${path} ${caller.type === "network" ? (caller.certificate?.fingerprint ?? "") : ""}`);
        return Promise.resolve({ status: 200, headers: {}, body: { type: "bytes", contentType: "application/json", chunks: [new TextEncoder().encode('{"items":[]}')] } });
      },
      identities: {},
      log: silentLogger,
    },
  );
  const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
  cleanups.push(() => listener.closeGracefully(0));
  // Its validity is in the clock's future, not the machine's: looked at, not verified.
  const presented = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? "");
        socket.destroy();
      });
      socket.on("error", reject);
    });
  const printOf = (pem: string): string => new X509Certificate(pem).fingerprint256;
  expect(await presented()).toBe(printOf(pki.apiServer.certificate));
  keeper.onRenewal(() => listener.presentCertificate(pki.apiServer));

  const speaker = speakAs({ url: `https://127.0.0.1:${port}`, ca: pki.ca.certificate }, { ...pki.admin }, { clock: systemClock, random: seededRandom(1) });
  cleanups.push(() => speaker.transport.close());
  const client = httpsClient(speaker.transport);
  const things = { group: "", version: "v1", resource: "things", kind: "Thing", namespaced: false };
  await client.list(things);
  const first = seen.at(-1);
  expect(first).toContain(printOf(pki.admin.certificate).replaceAll(":", "").toLowerCase());

  const before = await presented();
  await untilRenewed();
  expect(await presented()).toBe(printOf(pki.apiServer.certificate));
  expect(await presented()).not.toBe(before);

  // A speaker goes on with what it has until it is given another, and then makes a new connection.
  await client.list(things).catch(() => {});
  expect(seen.at(-1)).toBe(first);
  const count = seen.length;
  speaker.take({ ...pki.admin });
  // The server's new certificate is not valid yet by the machine's clock; that a connection was made for it is seen here.
  await expect(client.list(things)).rejects.toThrow(/certificate is not yet valid/i);
  expect(seen).toHaveLength(count);
});
