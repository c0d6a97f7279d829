import { randomBytes } from "node:crypto";
import { Duplex } from "node:stream";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameCutter, frameByFrame } from "./websocket-frames.ts";

function frame(payload: Buffer, masked: boolean): Buffer {
  const { length } = payload;
  const head = length < 126 ? Buffer.from([0x82, length]) : length < 65_536 ? Buffer.from([0x82, 126, 0, 0]) : Buffer.concat([Buffer.from([0x82, 127]), Buffer.alloc(8)]);
  if (length >= 65_536) head.writeBigUInt64BE(BigInt(length), 2);
  else if (length >= 126) head.writeUInt16BE(length, 2);
  if (masked) head[1] = (head[1] ?? 0) | 0x80;
  return Buffer.concat([head, masked ? randomBytes(4) : Buffer.alloc(0), payload]);
}

describe("FrameCutter", () => {
  it("cuts where frames end, whatever the chunks are", () => {
    const length = fc.oneof(fc.integer({ min: 0, max: 130 }), fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(length, fc.boolean()), { minLength: 1, maxLength: 6 }),
        fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 90_000 }))),
        (shapes, sizes) => {
          const frames = shapes.map(([bytes, masked]) => frame(Buffer.alloc(bytes, 7), masked));
          const all = Buffer.concat(frames);
          const ends = new Set<number>();
          for (let end = 0, index = 0; index < frames.length; index += 1) ends.add((end += frames[index]?.length ?? 0));
          const cutter = new FrameCutter();
          const pieces: Buffer[] = [];
          for (let at = 0, turn = 0; at < all.length; turn += 1) {
            const size = sizes[turn] ?? all.length;
            pieces.push(...cutter.cut(all.subarray(at, at + size)));
            at += size;
          }
          expect(cutter.rest()).toHaveLength(0);
          expect(Buffer.concat(pieces).equals(all)).toBe(true);
          let at = 0;
          for (const piece of pieces) {
            const inside = [...ends].filter((end) => end > at && end < at + piece.length);
            expect(inside).toEqual([]);
            at += piece.length;
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("frameByFrame", () => {
  it("hands on one frame when the one before it is out, then the end", async () => {
    const out: { readonly chunk: Buffer; readonly done: () => void }[] = [];
    let ended = false;
    const socket = new Duplex({
      read() {},
      write: (chunk: Buffer, _encoding, done) => void out.push({ chunk, done }),
      final(done) {
        ended = true;
        done();
      },
    });
    const [one, two] = [frame(Buffer.from("one"), false), frame(Buffer.from("two"), false)];
    const sink = frameByFrame(socket);
    sink.write(Buffer.concat([one, two]));
    sink.end(Buffer.from([0x88]));
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    await turn();
    for (const expected of [one, two, Buffer.from([0x88])]) {
      expect([out.length, ended]).toEqual([1, false]);
      const next = out.pop();
      expect(next?.chunk.equals(expected)).toBe(true);
      next?.done();
      await turn();
    }
    expect([out.length, ended]).toEqual([0, true]);
    socket.destroy();
  });

  it("ends the socket of somebody who has left, and nothing else", async () => {
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(new Error("write EPIPE")) });
    socket.on("error", () => {});
    const sink = frameByFrame(socket);
    sink.write(frame(Buffer.from("one"), false));
    sink.write(frame(Buffer.from("two"), false));
    await new Promise<void>((resolve) => socket.once("close", resolve));
    expect([socket.destroyed, sink.destroyed]).toEqual([true, true]);
  });
});
