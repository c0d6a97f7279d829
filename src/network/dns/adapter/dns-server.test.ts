import { createSocket, type Socket } from "node:dgram";
import { createServer, connect, type Server } from "node:net";
import { decode, type DecodedPacket, encode, type Packet } from "dns-packet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { endpointSlices, namespaces, services } from "../../../api/generated/resources.ts";
import { silentLogger } from "../../../base/log.ts";
import { noMetrics } from "../../../base/metrics.ts";
import { VirtualClock } from "../../../base/virtual-clock.ts";
import { fedInformers } from "../../fed-informers.ts";
import { sampleService, sampleSlice } from "../../sample-services.ts";
import { ServiceRecords } from "../records.ts";
import { DnsServer } from "./dns-server.ts";

const informers = fedInformers();
const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
const ending = new AbortController();
let server: DnsServer;
let records: ServiceRecords;
let upstream: { readonly port: number; readonly asked: string[]; heard: (name: string) => void; close(): void };

/** A name server that knows `*.example` and nothing else; `big.example` only over TCP; `silent.example` never answers. */
async function fakeUpstream(): Promise<typeof upstream> {
  const asked: string[] = [];
  const answer = (message: Buffer, transport: string): Buffer | undefined => {
    const query = decode(message);
    const question = query.questions?.[0];
    if (question === undefined) return undefined;
    asked.push(`${transport} ${question.name}`);
    made.heard(question.name);
    if (question.name === "silent.example") return undefined;
    const base: Packet = { type: "response", id: query.id ?? 0, questions: [question] };
    if (question.name === "big.example" && transport === "udp") return encode({ ...base, flags: 0x0200 });
    if (!question.name.endsWith(".example")) return encode({ ...base, flags: 3 });
    return encode({ ...base, answers: [{ type: "A", name: question.name, ttl: 60, data: "192.0.2.1" }] });
  };
  const udp: Socket = createSocket("udp4");
  await new Promise<void>((resolve) => udp.bind(0, "127.0.0.1", resolve));
  const { port } = udp.address();
  udp.on("message", (message, peer) => {
    const reply = answer(message, "udp");
    if (reply !== undefined) udp.send(reply, peer.port, peer.address);
  });
  const tcp: Server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      const reply = answer(chunk.subarray(2), "tcp");
      if (reply !== undefined) socket.end(Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 255]), reply]));
    });
  });
  await new Promise<void>((resolve) => tcp.listen(port, "127.0.0.1", resolve));
  const made = {
    port,
    asked,
    heard: (_: string): void => {},
    close() {
      udp.close();
      tcp.close();
    },
  };
  return made;
}

/** The types of dns-packet leave the code out. */
type Reply = DecodedPacket & { readonly rcode?: string };
type Kind = "A" | "AAAA" | "SRV" | "PTR" | "TXT";
const message = (name: string, type: Kind, id: number): Buffer => encode({ type: "query", id, flags: 0x0100, questions: [{ type, name }] });

function askUdp(name: string, type: Kind = "A", id = 7): Promise<Reply> {
  const socket = createSocket("udp4");
  return new Promise((resolve) => {
    socket.on("message", (reply) => {
      socket.close();
      resolve(decode(reply));
    });
    socket.send(message(name, type, id), server.port, "127.0.0.1");
  });
}

function askTcp(names: readonly string[]): Promise<readonly Reply[]> {
  const socket = connect(server.port, "127.0.0.1");
  const replies: Reply[] = [];
  let received = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        replies.push(decode(received.subarray(2, 2 + received.readUInt16BE(0))));
        received = received.subarray(2 + received.readUInt16BE(0));
      }
      if (replies.length === names.length) {
        socket.destroy();
        resolve(replies);
      }
    });
    for (const [index, name] of names.entries()) {
      const bytes = message(name, "A", index);
      socket.write(Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]));
    }
  });
}

const data = ({ answers }: DecodedPacket): readonly unknown[] => (answers ?? []).map((record) => ("data" in record ? record.data : undefined));

beforeAll(async () => {
  upstream = await fakeUpstream();
  informers.put(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" }, spec: {} });
  informers.put(
    services,
    sampleService("web"),
    sampleService("db", { clusterIP: "None" }),
    sampleService("crowd", { clusterIP: "None" }),
    sampleService("out", { type: "ExternalName", externalName: "www.example" }),
    sampleService("in", { type: "ExternalName", externalName: "web.default.svc.cluster.local" }),
  );
  informers.put(
    endpointSlices,
    sampleSlice("db", ["10.244.0.2", "10.244.0.3", "10.244.0.4"]),
    sampleSlice(
      "crowd",
      Array.from({ length: 60 }, (_, index) => `10.244.1.${index + 1}`),
    ),
  );
  records = new ServiceRecords({ informers: informers.factory });
  void records.run(ending.signal);
  server = new DnsServer(
    { addresses: ["127.0.0.1"], port: 0, clusterDomain: "cluster.local", upstreams: [`127.0.0.1:${upstream.port}`] },
    { records, clock, log: silentLogger, metrics: noMetrics },
  );
  await server.listen();
});

afterAll(async () => {
  ending.abort();
  await server.close();
  upstream.close();
});

describe("DnsServer", () => {
  it("answers for the cluster over UDP and TCP, also several queries of one connection", async () => {
    expect(server.ready).toBe(true);
    const reply = await askUdp("web.default.svc.cluster.local");
    expect(reply).toMatchObject({ id: 7, flag_aa: true, rcode: "NOERROR", answers: [{ ttl: 5, data: "10.96.0.20" }] });
    const names = ["web.default.svc.cluster.local", "no.default.svc.cluster.local", "crowd.default.svc.cluster.local"];
    const replies = [...(await askTcp(names))].sort((a, b) => (a.id ?? 0) - (b.id ?? 0));
    expect(replies.map(({ rcode, answers }) => [rcode, answers?.length])).toEqual([
      ["NOERROR", 1],
      ["NXDOMAIN", 0],
      ["NOERROR", 60],
    ]);
  });

  it("takes turns with the first address, gives every query its own id and forgets when records change", async () => {
    const first = new Set<unknown>();
    for (let id = 1; id <= 6; id += 1) {
      const reply = await askUdp("db.default.svc.cluster.local", "A", id);
      expect(reply.id).toBe(id);
      expect([...data(reply)].sort()).toEqual(["10.244.0.2", "10.244.0.3", "10.244.0.4"]);
      first.add(data(reply)[0]);
    }
    expect(first.size).toBe(3);
    informers.put(endpointSlices, sampleSlice("db", ["10.244.0.9"]));
    expect(data(await askUdp("db.default.svc.cluster.local"))).toEqual(["10.244.0.9"]);
  });

  it("cuts what is too long for UDP", async () => {
    expect(await askUdp("crowd.default.svc.cluster.local")).toMatchObject({ flag_tc: true });
  });

  it("asks upstream for other names, once for as long as the reply lives", async () => {
    for (let round = 0; round < 3; round += 1) expect(data(await askUdp("once.example", "A", round))).toEqual(["192.0.2.1"]);
    expect(upstream.asked.filter((name) => name === "udp once.example")).toHaveLength(1);
    expect((await askUdp("unknown.test")).rcode).toBe("NXDOMAIN");
  });

  it("passes truncation on and goes over TCP for whom does", async () => {
    expect(await askUdp("big.example")).toMatchObject({ flag_tc: true });
    expect((await askTcp(["big.example"])).map(data)).toEqual([["192.0.2.1"]]);
  });

  it("follows aliases into and out of the cluster", async () => {
    expect(data(await askUdp("out.default.svc.cluster.local"))).toEqual(["www.example", "192.0.2.1"]);
    expect(data(await askUdp("in.default.svc.cluster.local"))).toEqual(["web.default.svc.cluster.local", "10.96.0.20"]);
  });

  it("keeps a reply no longer than its records live, and at most 30 s", async () => {
    await askUdp("aging.example");
    await clock.advance(12_000);
    expect((await askUdp("aging.example")).answers).toMatchObject([{ ttl: 48 }]);
    await clock.advance(18_000);
    expect((await askUdp("aging.example")).answers).toMatchObject([{ ttl: 60 }]);
    expect(upstream.asked.filter((name) => name === "udp aging.example")).toHaveLength(2);
  });

  it("fails when nobody upstream answers within two seconds", async () => {
    const heard = new Promise<void>((resolve) => (upstream.heard = () => resolve()));
    const asking = askUdp("silent.example");
    await heard;
    await clock.advance(2_000);
    expect((await asking).rcode).toBe("SERVFAIL");
  });
});
