import { once } from "node:events";
import { Agent, request } from "node:https";
import { afterAll, beforeAll, expect, it } from "vitest";
import { serviceAccounts } from "../../src/api/generated/resources.ts";
import { silentLogger } from "../../src/base/log.ts";
import { seededRandom } from "../../src/base/random.ts";
import { makeAuthority, makeLeaf } from "../../src/cluster/pki/certificates.ts";
import { Listener } from "../../src/server/http/listener.ts";
import type { ApiResponse } from "../../src/meta/wire.ts";
import { serveCluster, type ServedCluster } from "../integration/served-cluster.ts";
import { RequestMaker, type RandomRequest } from "./random-request.ts";

/** `KELES_FUZZ_REQUESTS=4000000 KELES_FUZZ_SEED=42 npx vitest run test/robustness/fuzz-api.test.ts` looks longer. The same seed and number always ask the same. */
const requests = Number(process.env["KELES_FUZZ_REQUESTS"] ?? "40000");
const seed = Number(process.env["KELES_FUZZ_SEED"] ?? "1");
const admin = { commonName: "admin", organizations: ["system:masters"], fingerprint: "ab", notAfter: 1e15 };
let cluster: ServedCluster;
/** Where the server itself saw a fault of its own. */
const bugs: string[] = [];

beforeAll(async () => {
  const hear = (_message: string, fields?: Readonly<Record<string, unknown>>): void => {
    if (fields?.["error"] instanceof Error) bugs.push(fields["error"].stack ?? "");
  };
  // Nobody but the requests writes.
  cluster = await serveCluster({ keepsObjects: false, log: { ...silentLogger, error: hear } });
  await cluster.admin.create(serviceAccounts, { metadata: { name: "default", namespace: "default" } });
});
afterAll(() => cluster.stop());

/** Said with 500 by upstream too: a patch that is none for its kind, a node that has not told its address. */
const byDesign = [
  /unable to find api field in struct /,
  /no preferred addresses found/,
  /unknown patch type: /,
  /map: .* does not contain declared merge key/s,
  /list element types are not identical/,
  /The order in patch list/,
  /cannot merge lists without merge key/,
  /merging lists cannot yet be specified/,
  /failed to create typed patch object/,
];

/** What is wrong with an answer, if something is. */
function complaint(status: number, contentType: string, text: string, method: string): string | undefined {
  const isOurs = status >= 500 && status !== 503 && status !== 504;
  if (isOurs && !byDesign.some((known) => known.test(text.replaceAll(/\s+/g, " ")))) return `status ${status}: ${text.slice(0, 500)}`;
  if (status < 400 || isOurs || method === "HEAD" || !contentType.startsWith("application/json")) return undefined;
  const body = JSON.parse(text) as { readonly kind?: unknown; readonly apiVersion?: unknown; readonly status?: unknown; readonly code?: unknown; readonly message?: unknown };
  const isStatus =
    body.kind === "Status" && body.apiVersion === "v1" && body.status === "Failure" && body.code === status && typeof body.message === "string" && body.message !== "";
  return isStatus ? undefined : `no Status: ${text.slice(0, 500)}`;
}

/** The clock stands until somebody waits for it. */
async function answerOf(pending: Promise<ApiResponse>): Promise<ApiResponse> {
  const waits = Symbol("waits");
  for (let turn = 0; turn < 200; turn += 1) {
    const first = await Promise.race([pending, new Promise<typeof waits>((resolve) => setImmediate(() => resolve(waits)))]);
    if (first !== waits) return first;
  }
  await cluster.clock.advance(61_000);
  return pending;
}

/** What the server itself writes of what it has been told, whenever it gets to it. */
const ownWrites = /^\/registry\/(flowschemas|prioritylevelconfigurations|apiregistration\.k8s\.io|apiextensions\.k8s\.io)\//;

/** Whether anything but the server's own has been written after a revision. */
async function isStoredSince(revision: number): Promise<boolean> {
  const { store } = cluster.api.parts;
  if ((await store.revision()) === revision) return false;
  const stop = new AbortController();
  for await (const { events } of store.watch("/registry/", { since: revision, signal: stop.signal })) {
    stop.abort();
    return events.some(({ key }) => !ownWrites.test(key));
  }
  return false;
}

const shown = ({ method, path, query, headers, body }: RandomRequest): string =>
  `${method} ${path}?${query} ${JSON.stringify(headers)} ${body === undefined ? "" : new TextDecoder().decode(body).slice(0, 1500)}`;

it(
  "answers whatever is asked, stores nothing of what it refuses, and goes on",
  async () => {
    const maker = new RequestMaker(seededRandom(seed));
    const waiter = new AbortController();
    const counts = new Map<number, number>();
    const complaints: string[] = [];
    const known = new Set<string>();
    let asked = 0;
    for (; asked < requests && complaints.length < 10; asked += 1) {
      const next = maker.next();
      const before = await cluster.api.parts.store.revision();
      const response = await answerOf(
        cluster.api.handle(
          {
            method: next.method,
            path: next.path,
            query: next.query,
            headers: next.headers,
            body: next.body === undefined ? { type: "none" } : { type: "bytes", read: () => Promise.resolve(next.body ?? new Uint8Array()) },
            caller: { type: "network", address: "192.0.2.1", upgradable: false, certificate: admin },
          },
          waiter,
        ),
      );
      counts.set(response.status, (counts.get(response.status) ?? 0) + 1);
      const { body } = response;
      const text = body.type === "bytes" ? Buffer.concat(body.chunks).toString() : "";
      const wrong = complaint(response.status, body.type === "bytes" ? body.contentType : "", text, next.method);
      // One fault is told once.
      const place = bugs[0]?.split("\n")[1] ?? wrong ?? "";
      if (wrong !== undefined && !known.has(place)) complaints.push(`request ${asked} of seed ${seed}: ${wrong}\n${bugs.join("\n")}\n  ${shown(next)}`);
      if (wrong !== undefined) known.add(place);
      bugs.length = 0;
      const isRefused = response.status >= 400 || next.method === "GET" || next.method === "HEAD" || next.query.includes("dryRun=All");
      if (isRefused && next.method !== "DELETE" && (await isStoredSince(before))) complaints.push(`request ${asked} of seed ${seed} was stored: ${shown(next)}`);
    }
    expect(complaints).toEqual([]);
    // It means something only if much of it gets through.
    expect(counts.get(200) ?? 0).toBeGreaterThan(asked / 20);
    expect(counts.get(201) ?? 0).toBeGreaterThan(10);
    expect((await cluster.ask("GET", "/api/v1/namespaces/default", { as: { name: "a", groups: ["system:masters"] } })).status).toBe(200);
  },
  60_000 + requests * 5,
);

it(
  "answers the same over TLS",
  async () => {
    const nowMs = Date.now();
    const authority = await makeAuthority("test", { days: 1, nowMs });
    const leaf = await makeLeaf(authority, { commonName: "server", usage: "server", ips: ["127.0.0.1"], days: 1, nowMs });
    const client = await makeLeaf(authority, { commonName: "admin", organizations: ["system:masters"], usage: "client", days: 1, nowMs });
    const listener = new Listener(
      { certificate: leaf.certificate, privateKey: leaf.privateKey, clientCa: authority.certificate },
      { handle: (asked, waiter) => answerOf(cluster.api.handle(asked, waiter)), identities: {}, log: silentLogger },
    );
    const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
    const agent = new Agent({ keepAlive: true, cert: client.certificate, key: client.privateKey, ca: authority.certificate });
    const maker = new RequestMaker(seededRandom(seed + 1));
    const complaints: string[] = [];
    for (let asked = 0; asked < requests / 10 && complaints.length < 10; asked += 1) {
      const next = maker.next();
      if (/watch|log|exec|attach|portforward|proxy/.test(next.path + next.query)) continue;
      if (!next.path.startsWith("/")) continue;
      // oxlint-disable-next-line no-control-regex -- what Node's client itself refuses to send
      if (/[^\x21-\x7e]/.test(next.path) || Object.values(next.headers).some((value) => /[^\x20-\x7e]/.test(value))) continue;
      const { status, contentType, text } = await new Promise<{ status: number; contentType: string; text: string }>((resolve, reject) => {
        const asked = request({ host: "127.0.0.1", port, method: next.method, path: `${next.path}?${next.query}`, headers: next.headers, agent }, (response) => {
          let text = "";
          response.on("data", (chunk: Buffer) => (text += chunk.toString()));
          response.on("end", () => resolve({ status: response.statusCode ?? 0, contentType: response.headers["content-type"] ?? "", text }));
          response.on("error", reject);
        });
        asked.on("error", (cause) => reject(new Error(`${cause.message} after ${shown(next)}`, { cause })));
        asked.end(next.body);
      });
      const wrong = complaint(status, contentType, text, next.method);
      if (wrong !== undefined) complaints.push(`${wrong}\n  ${shown(next)}`);
    }
    expect(complaints).toEqual([]);
    const watching = request({ host: "127.0.0.1", port, path: "/api/v1/namespaces?watch=1", agent });
    watching.on("error", () => {});
    watching.end();
    await once(watching, "response");
    watching.destroy();
    agent.destroy();
    await listener.closeGracefully(1_000);
  },
  60_000 + requests * 5,
);
