import { decode, encode } from "dns-packet";
import { describe, expect, it } from "vitest";
import { agedReply, replyLife } from "./reply-life.ts";
import { parseUpstream, upstreamsOf } from "./upstreams.ts";

type Packet = Parameters<typeof encode>[0];
const reply = (packet: Packet): Uint8Array => new Uint8Array(encode({ type: "response", id: 1, questions: [{ type: "A", name: "a.example" }], ...packet }));
const a = (ttl: number) => ({ type: "A" as const, name: "a.example", ttl, data: "1.2.3.4" });
const soa = (ttl: number, minimum: number) => ({
  type: "SOA" as const,
  name: "example",
  ttl,
  data: { mname: "n.example", rname: "h.example", serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
});

describe("replyLife", () => {
  it.each<[string, Packet, number]>([
    ["the shortest of its records", { answers: [a(20), a(7)] }, 7],
    ["at most 30 s", { answers: [a(3600)] }, 30],
    ["an absence as long as its SOA says", { flags: 3, authorities: [soa(25, 9)] }, 9],
    ["an absence without SOA not at all", { flags: 3 }, 0],
    ["a failure not at all", { flags: 2, answers: [a(20)] }, 0],
    ["what was cut off not at all", { flags: 0x0200, answers: [a(20)] }, 0],
  ])("keeps %s", (_, packet, seconds) => expect(replyLife(reply(packet)).seconds).toBe(seconds));

  it("ages", () => {
    const bytes = reply({ answers: [a(20), a(3)] });
    const aged = decode(Buffer.from(agedReply(bytes, replyLife(bytes), { id: 9, agedSeconds: 5 })));
    expect(aged.id).toBe(9);
    expect(aged.answers).toMatchObject([{ ttl: 15 }, { ttl: 0 }]);
  });
});

describe("upstreams", () => {
  it.each([
    ["10.0.0.2", { address: "10.0.0.2", port: 53 }],
    ["10.0.0.2:5353", { address: "10.0.0.2", port: 5353 }],
    ["fd00::2", { address: "fd00::2", port: 53 }],
    ["[fd00::2]:54", { address: "fd00::2", port: 54 }],
    ["example.org", undefined],
  ])("reads %s", (text, wanted) => expect(parseUpstream(text)).toEqual(wanted));

  it("takes resolv.conf's servers but ourselves", () => {
    expect(upstreamsOf("# x\nsearch a\nnameserver 127.0.0.53\n nameserver\t10.96.0.10\nnameserver fe80::1%eth0\n", ["10.96.0.10"]).map(({ address }) => address)).toEqual([
      "127.0.0.53",
      "fe80::1",
    ]);
  });
});
