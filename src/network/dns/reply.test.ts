import { decode, encode } from "dns-packet";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DnsRecord } from "./answer.ts";
import { readQuery } from "./query.ts";
import { udpLimit, writeReply } from "./reply.ts";

type Asked = Parameters<typeof encode>[0];
const query = (name: string, extra: Asked = {}) => {
  const message = new Uint8Array(encode({ type: "query", id: 77, flags: 0x0100, questions: [{ type: "A", name }], ...extra }));
  const read = readQuery(message);
  if (typeof read === "string") throw new Error(read);
  return { message, read };
};
const withEdns = (udpPayloadSize: number, ednsVersion = 0): Asked => ({
  additionals: [{ type: "OPT", name: ".", udpPayloadSize, extendedRcode: 0, ednsVersion, flags: 0x8000, flag_do: true, options: [] }],
});
const addresses = (count: number, name: string): readonly DnsRecord[] =>
  Array.from({ length: count }, (_, index) => ({ type: "A", name, ttl: 5, data: `10.0.${index >> 8}.${index & 255}` }));

describe("readQuery", () => {
  it("reads the question and EDNS", () => {
    expect(query("Web.default.SVC.cluster.local", withEdns(1400)).read).toMatchObject({
      id: 77,
      recursionDesired: true,
      name: "Web.default.SVC.cluster.local",
      type: "A",
      edns: { udpSize: 1400, version: 0, dnssecOk: true },
    });
    expect(query("a.b").read.edns).toBeUndefined();
  });

  it.each<[string, Uint8Array, string]>([
    ["replies", new Uint8Array(encode({ type: "response", id: 1, questions: [{ type: "A", name: "a" }] })), "ignore"],
    ["scraps", new Uint8Array(5), "ignore"],
    ["no question", new Uint8Array(12), "FORMERR"],
    ["other operations", Uint8Array.from([0, 1, 0x28, 0, 0, 1, 0, 0, 0, 0, 0, 0]), "NOTIMP"],
    ["other classes", new Uint8Array(encode({ type: "query", questions: [{ type: "TXT", name: "version.bind", class: "CH" }] })), "REFUSED"],
    ["a name that does not end", Uint8Array.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 5, 97]), "FORMERR"],
  ])("refuses %s", (_, message, wanted) => expect(readQuery(message)).toBe(wanted));

  it("takes any bytes without failing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        bytes[2] = 1;
        bytes[5] = 1;
        const read = readQuery(bytes);
        if (typeof read !== "string") writeReply(bytes, read, { code: "NXDOMAIN" }, 512);
      }),
      { numRuns: 500 },
    );
  });
});

describe("writeReply", () => {
  it("says the same to dns-packet, for every type of record", () => {
    const { message, read } = query("Web.default.svc.cluster.local", withEdns(4096));
    const answers: readonly DnsRecord[] = [
      { type: "A", name: "Web.default.svc.cluster.local", ttl: 5, data: "10.96.0.1" },
      { type: "AAAA", name: "web.default.svc.cluster.local", ttl: 5, data: "fd00::2" },
      { type: "CNAME", name: "x.y", ttl: 1, data: "svc.cluster.local" },
      { type: "PTR", name: "1.in-addr.arpa", ttl: 1, data: "x.y" },
      { type: "TXT", name: "x.y", ttl: 1, data: "1.1.0" },
      { type: "SRV", name: "x.y", ttl: 1, data: { priority: 0, weight: 100, port: 443, target: "web.default.svc.cluster.local" } },
    ];
    const soa: DnsRecord = {
      type: "SOA",
      name: "cluster.local",
      ttl: 5,
      data: { mname: "ns.dns.cluster.local", rname: "hostmaster.cluster.local", serial: 1, refresh: 7200, retry: 1800, expire: 86400, minimum: 5 },
    };
    const reply = decode(Buffer.from(writeReply(message, read, { code: "NOERROR", authoritative: true, answers, authorities: [soa] }, 4096)));
    expect(reply).toMatchObject({ id: 77, type: "response", flag_aa: true, flag_rd: true, flag_ra: true, flag_tc: false, questions: [{ name: "Web.default.svc.cluster.local" }] });
    const told = (reply.answers ?? []).map((record) => ({
      type: record.type,
      name: record.name.toLowerCase(),
      data: record.type === "TXT" ? String(record.data) : "data" in record ? record.data : undefined,
    }));
    expect(told).toEqual(answers.map(({ type, name, data }) => ({ type, name: name.toLowerCase(), data })));
    expect(reply.authorities).toMatchObject([{ type: "SOA", data: soa.data }]);
    expect(reply.additionals).toMatchObject([{ type: "OPT", udpPayloadSize: 1232, flag_do: true }]);
  });

  it("leaves out what does not fit and says so", () => {
    const { message, read } = query("db.default.svc.cluster.local");
    expect(udpLimit(read)).toBe(512);
    const bytes = writeReply(message, read, { code: "NOERROR", answers: addresses(100, "db.default.svc.cluster.local") }, 512);
    const reply = decode(Buffer.from(bytes));
    expect(bytes.length).toBeLessThanOrEqual(512);
    expect(reply.flag_tc).toBe(true);
    expect(reply.answers).toHaveLength(29);
    expect(decode(Buffer.from(writeReply(message, read, { code: "NOERROR", answers: addresses(100, "db.default.svc.cluster.local") }, 65_535))).answers).toHaveLength(100);
  });
});
