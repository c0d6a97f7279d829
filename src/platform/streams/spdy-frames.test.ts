import { constants, createInflate, deflateSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spdyDictionary } from "./spdy-dictionary.ts";
import { SpdyDecoder, SpdyEncoder, type SpdyFrame } from "./spdy-frames.ts";
import { HeaderPacker, HeaderUnpacker } from "./spdy-headers.ts";

const streamId = fc.integer({ min: 1, max: 0x7f_ff_ff_ff });
const fin = fc.boolean();
const headers = fc.dictionary(fc.stringMatching(/^[a-z-]{1,12}$/), fc.string({ unit: "binary", maxLength: 40 }), { maxKeys: 5 });
const word = fc.integer({ min: 0, max: 0xff_ff_ff_ff });
const frame: fc.Arbitrary<SpdyFrame> = fc.oneof(
  fc.record({ type: fc.constant("data" as const), streamId, fin, bytes: fc.uint8Array({ maxLength: 200 }) }),
  fc.record({
    type: fc.constant("syn-stream" as const),
    streamId,
    associatedId: fc.constant(0),
    priority: fc.integer({ min: 0, max: 7 }),
    fin,
    unidirectional: fc.boolean(),
    headers,
  }),
  fc.record({ type: fc.constantFrom("syn-reply" as const, "headers" as const), streamId, fin, headers }),
  fc.record({ type: fc.constant("rst-stream" as const), streamId, status: word }),
  fc.record({
    type: fc.constant("settings" as const),
    settings: fc.array(fc.record({ flags: fc.integer({ min: 0, max: 255 }), id: fc.integer({ min: 0, max: 0xff_ff_ff }), value: word }), { maxLength: 3 }),
  }),
  fc.record({ type: fc.constant("ping" as const), id: word }),
  fc.record({ type: fc.constant("goaway" as const), lastStreamId: streamId, status: word }),
  fc.record({ type: fc.constant("window-update" as const), streamId, delta: streamId }),
);

/** Data frames that came in parts, joined again. */
function joined(frames: readonly SpdyFrame[]): SpdyFrame[] {
  const whole: SpdyFrame[] = [];
  for (const next of frames) {
    const last = whole.at(-1);
    if (next.type === "data" && last?.type === "data" && last.streamId === next.streamId && !last.fin)
      whole[whole.length - 1] = { ...next, bytes: Uint8Array.from([...last.bytes, ...next.bytes]) };
    else whole.push(next.type === "data" ? { ...next, bytes: Uint8Array.from(next.bytes) } : next);
  }
  return whole;
}

describe("frames", () => {
  it("come out as they went in, however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.integer({ min: 1, max: 50 }), (frames, cut) => {
        const encoder = new SpdyEncoder();
        const bytes = Buffer.concat(frames.map((one) => encoder.encode(one)));
        const decoder = new SpdyDecoder();
        const found: SpdyFrame[] = [];
        for (let at = 0; at < bytes.length; at += cut) found.push(...decoder.feed(Uint8Array.from(bytes.subarray(at, at + cut))));
        expect(joined(found)).toEqual(joined(frames));
      }),
    );
  });

  it("are laid out as the protocol says", () => {
    const encoder = new SpdyEncoder();
    const hex = (one: SpdyFrame): string => Buffer.from(encoder.encode(one)).toString("hex");
    expect(hex({ type: "ping", id: 7 })).toBe("800300060000000400000007");
    expect(hex({ type: "rst-stream", streamId: 3, status: 5 })).toBe("80030003000000080000000300000005");
    expect(hex({ type: "data", streamId: 5, fin: true, bytes: Buffer.from("hi") })).toBe("00000005010000026869");
    expect(hex({ type: "syn-stream", streamId: 1, associatedId: 0, priority: 2, fin: false, unidirectional: false, headers: { a: "b" } })).toBe(
      "8003000100000024000000010000000040007801000e00f1ff0000000100000001610000000162000000ffff",
    );
  });

  it.each([
    ["another version", "800200060000000400000007"],
    ["a huge control frame", "8003000101ffffff"],
    ["a ping of two bytes", "80030006000000020000"],
  ])("cannot be read: %s", (_name, hex) => {
    expect(() => [...new SpdyDecoder().feed(Buffer.from(hex, "hex"))]).toThrow();
  });

  it("of kinds unknown are left out", () => {
    const bytes = Buffer.from("8003000a000000020000800300060000000400000007", "hex");
    expect([...new SpdyDecoder().feed(bytes)]).toEqual([{ type: "ping", id: 7 }]);
  });
});

describe("header blocks", () => {
  it("can be read by zlib as one stream", async () => {
    const packer = new HeaderPacker();
    const inflate = createInflate({ dictionary: Buffer.from(spdyDictionary), finishFlush: constants.Z_SYNC_FLUSH });
    const out: Buffer[] = [];
    inflate.on("data", (chunk: Buffer) => out.push(chunk));
    for (const streamType of ["error", "stdin"]) inflate.write(packer.pack({ streamType }));
    await new Promise<void>((resolve) => inflate.flush(resolve));
    expect(Buffer.concat(out).toString("latin1")).toBe(["error", "stdin"].map((type) => `\0\0\0\x01\0\0\0\x0astreamtype\0\0\0\x05${type}`).join(""));
    inflate.destroy();
  });

  it("that others compressed with the dictionary are understood, names in lower case", () => {
    const block = Buffer.from("\0\0\0\x02\0\0\0\x0aStreamtype\0\0\0\x05error\0\0\0\x04port\0\0\0\x0280", "latin1");
    const packed = deflateSync(block, { dictionary: Buffer.from(spdyDictionary), finishFlush: constants.Z_SYNC_FLUSH });
    expect(new HeaderUnpacker().unpack(packed)).toEqual({ streamtype: "error", port: "80" });
  });

  it.each([
    ["a count too high", "\0\0\0\x02\0\0\0\x01a\0\0\0\x01b"],
    ["a length too high", "\0\0\0\x01\0\0\0\x05a"],
  ])("that are damaged are refused: %s", (_name, block) => {
    expect(() => new HeaderUnpacker().unpack(deflateSync(Buffer.from(block, "latin1"), { finishFlush: constants.Z_SYNC_FLUSH }))).toThrow();
  });

  it("have a bound", () => {
    expect(() => new HeaderPacker().pack({ a: "x".repeat(70_000) })).toThrow(RangeError);
    expect(() => new HeaderUnpacker().unpack(deflateSync(Buffer.alloc(70_000), { finishFlush: constants.Z_SYNC_FLUSH }))).toThrow("65536");
  });
});
