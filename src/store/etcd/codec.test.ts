import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtobufError, decodeMessage, encodeMessage } from "./codec.ts";
import { FrameReader, frame } from "./grpc-frames.ts";
import { keyRange } from "./key-range.ts";

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const hex = (message: Uint8Array): string => Buffer.from(message).toString("hex");
const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

describe("the codec of etcd's messages", () => {
  it.each([
    ["RangeRequest", { key: bytes("a"), range_end: bytes("b"), limit: 300, serializable: true }, "0a0161 120162 18ac02 3801"],
    ["RequestOp", { request_put: { key: bytes("k"), value: new Uint8Array(0) } }, "1205 0a016b 1200"],
    ["RequestOp", { request_delete_range: {} }, "1a00"],
    ["Compare", { result: 0, target: 2, key: bytes("k"), mod_revision: 0 }, "0800 1002 1a016b 3000"],
    ["WatchRequest", { create_request: { key: bytes("k"), start_revision: 2 ** 40 } }, "0a0a 0a016b 18808080808020"],
  ] as const)("writes %s %#", (name, message, expected) => {
    expect(hex(encodeMessage(name, message))).toBe(expected.replaceAll(" ", ""));
  });

  it("reads what etcd sends", () => {
    const response = decodeMessage("RangeResponse", unhex("0a0d 08ffffffffffffffffff01 1805  120c 0a016b 1005 1806 2a0376616c 1801 2001"));
    expect(response.header).toEqual({ cluster_id: 2n ** 64n - 1n, revision: 5 });
    expect(response.kvs?.map((kv) => ({ ...kv, key: hex(kv.key ?? bytes("")), value: hex(kv.value ?? bytes("")) }))).toEqual([
      { key: "6b", create_revision: 5, mod_revision: 6, value: "76616c" },
    ]);
    expect(response).toMatchObject({ more: true, count: 1 });
  });

  it("skips what it does not know", () => {
    expect(decodeMessage("CompactionRequest", unhex("fa3e03 010203  f83e05  fd3e 01020304  f93e 0102030405060708  0807"))).toEqual({ revision: 7 });
  });

  it("reads packed numbers", () => {
    expect(decodeMessage("WatchCreateRequest", unhex("2a02 0001")).filters).toEqual([0, 1]);
    expect(decodeMessage("WatchCreateRequest", unhex("2800 2801")).filters).toEqual([0, 1]);
  });

  it.each(["0a05 61", "08", "08ffffffffffffffffffff01", "0b", "0a0161 0d"])("refuses %s", (text) => {
    expect(() => decodeMessage("RangeRequest", unhex(text))).toThrow(ProtobufError);
  });

  it("gives back what it was given", () => {
    const blob = fc.uint8Array({ maxLength: 300 });
    const request = fc.record(
      {
        compare: fc.array(fc.record({ key: blob, mod_revision: fc.maxSafeNat(), target: fc.constantFrom(0, 1, 2, 3, 4) }), { minLength: 1, maxLength: 3 }),
        success: fc.array(fc.record({ request_put: fc.record({ key: blob, value: blob }) }), { minLength: 1, maxLength: 3 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(request, (message) => {
        expect(decodeMessage("TxnRequest", new Uint8Array(encodeMessage("TxnRequest", message as never)))).toEqual(message);
      }),
    );
  });
});

describe("gRPC frames", () => {
  it("come out whole however they were cut", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (messages, cuts) => {
        const whole = Buffer.concat(messages.map((message) => frame(message)));
        const reader = new FrameReader();
        const out: Buffer[] = [];
        for (let at = 0, cut = 0; at < whole.length; cut += 1) {
          const length = cuts[cut % cuts.length] ?? 1;
          out.push(...reader.push(whole.subarray(at, at + length)));
          at += length;
        }
        expect(out.map(hex)).toEqual(messages.map(hex));
      }),
    );
  });

  it("are not read when compressed", () => {
    expect(() => new FrameReader().push(Buffer.from("0100000000", "hex"))).toThrow("compressed");
  });
});

describe("etcd's key ranges", () => {
  it.each([
    ["/a/", undefined, "2f612f", "2f6130"],
    ["", undefined, "00", "00"],
    ["", "/b", "2f62", "00"],
    ["/a/", "/a/1\0", "2f612f3100", "2f6130"],
  ])("%j from %j", (prefix, from, key, end) => {
    const range = keyRange(prefix, from);
    expect([hex(range.key), hex(range.range_end)]).toEqual([key, end]);
  });
});
