import { HeaderPacker, HeaderUnpacker, type SpdyHeaders } from "./spdy-headers.ts";

/** What goes over a SPDY/3.1 connection. `fin`: the sender says no more on this stream. */
export type SpdyFrame =
  | { readonly type: "data"; readonly streamId: number; readonly fin: boolean; readonly bytes: Uint8Array }
  | {
      readonly type: "syn-stream";
      readonly streamId: number;
      readonly associatedId: number;
      /** 0 (first) to 7. */
      readonly priority: number;
      readonly fin: boolean;
      /** The opener alone speaks. */
      readonly unidirectional: boolean;
      readonly headers: SpdyHeaders;
    }
  | { readonly type: "syn-reply"; readonly streamId: number; readonly fin: boolean; readonly headers: SpdyHeaders }
  | { readonly type: "headers"; readonly streamId: number; readonly fin: boolean; readonly headers: SpdyHeaders }
  | { readonly type: "rst-stream"; readonly streamId: number; readonly status: number }
  | { readonly type: "settings"; readonly settings: readonly SpdySetting[] }
  | { readonly type: "ping"; readonly id: number }
  | { readonly type: "goaway"; readonly lastStreamId: number; readonly status: number }
  | { readonly type: "window-update"; readonly streamId: number; readonly delta: number };

export interface SpdySetting {
  readonly flags: number;
  readonly id: number;
  readonly value: number;
}

/** Why a stream is reset. */
export const resetStatus = { protocolError: 1, invalidStream: 2, refusedStream: 3, cancel: 5, internalError: 6 } as const;

const headBytes = 8;
const mostControlBytes = 65_536;
export const mostDataBytes = 0xff_ff_ff;
const types = { "syn-stream": 1, "syn-reply": 2, "rst-stream": 3, settings: 4, ping: 6, goaway: 7, headers: 8, "window-update": 9 } as const;
const finFlag = 1;
const unidirectionalFlag = 2;

/** One direction's frames as bytes, in the order of the calls. */
export class SpdyEncoder {
  readonly #packer = new HeaderPacker();

  encode(frame: SpdyFrame): Uint8Array {
    switch (frame.type) {
      case "data": {
        if (frame.bytes.length > mostDataBytes) throw new RangeError(`${frame.bytes.length} bytes in one frame`);
        const whole = head(frame.streamId & 0x7f_ff_ff_ff, frame.fin ? finFlag : 0, frame.bytes.length);
        whole.set(frame.bytes, headBytes);
        return whole;
      }
      case "syn-stream": {
        const flags = (frame.fin ? finFlag : 0) | (frame.unidirectional ? unidirectionalFlag : 0);
        return control(frame.type, { flags, numbers: [frame.streamId, frame.associatedId], rest: concat(Uint8Array.of(frame.priority << 5, 0), this.#packer.pack(frame.headers)) });
      }
      case "syn-reply":
      case "headers":
        return control(frame.type, { flags: frame.fin ? finFlag : 0, numbers: [frame.streamId], rest: this.#packer.pack(frame.headers) });
      case "rst-stream":
        return control(frame.type, { numbers: [frame.streamId, frame.status] });
      case "settings":
        return control(frame.type, { numbers: [frame.settings.length, ...frame.settings.flatMap(({ flags, id, value }) => [flags * 0x1_00_00_00 + id, value])] });
      case "ping":
        return control(frame.type, { numbers: [frame.id] });
      case "goaway":
        return control(frame.type, { numbers: [frame.lastStreamId, frame.status] });
      case "window-update":
        return control(frame.type, { numbers: [frame.streamId, frame.delta] });
      default:
        return unreachable(frame);
    }
  }
}

function unreachable(frame: never): never {
  throw new Error(`no such frame: ${JSON.stringify(frame)}`);
}

function head(first: number, flags: number, length: number): Uint8Array {
  const whole = new Uint8Array(headBytes + length);
  const view = new DataView(whole.buffer);
  view.setUint32(0, first);
  view.setUint32(4, flags * 0x1_00_00_00 + length);
  return whole;
}

interface ControlParts {
  readonly flags?: number;
  readonly numbers: readonly number[];
  readonly rest?: Uint8Array;
}

function control(type: keyof typeof types, { flags = 0, numbers, rest = new Uint8Array() }: ControlParts): Uint8Array {
  const whole = head(0x80_03_00_00 + types[type], flags, numbers.length * 4 + rest.length);
  const view = new DataView(whole.buffer);
  for (const [index, number] of numbers.entries()) view.setUint32(headBytes + index * 4, number);
  whole.set(rest, headBytes + numbers.length * 4);
  return whole;
}

/**
 * Bytes as they arrive into frames. A data frame comes in as many parts as its bytes do, so that nothing has to be held
 * back: `fin` is with the last. Control frames of kinds unknown are left out.
 */
export class SpdyDecoder {
  readonly #unpacker = new HeaderUnpacker();
  #rest: Uint8Array = new Uint8Array();
  /** The data frame whose bytes are arriving. */
  #data: { readonly streamId: number; readonly fin: boolean; left: number } | undefined;

  /** Throws when the bytes are not SPDY/3 or a control frame is too big; nothing can be read after that. */
  *feed(bytes: Uint8Array): Generator<SpdyFrame> {
    let unread = this.#rest.length === 0 ? bytes : concat(this.#rest, bytes);
    for (;;) {
      const data = this.#data;
      if (data !== undefined) {
        const taken = unread.subarray(0, data.left);
        if (taken.length === 0 && data.left > 0) break;
        data.left -= taken.length;
        if (data.left === 0) this.#data = undefined;
        unread = unread.subarray(taken.length);
        yield { type: "data", streamId: data.streamId, fin: data.fin && data.left === 0, bytes: taken };
        continue;
      }
      if (unread.length < headBytes) break;
      const view = new DataView(unread.buffer, unread.byteOffset, unread.length);
      const first = view.getUint32(0);
      const flags = view.getUint8(4);
      const length = view.getUint32(4) & mostDataBytes;
      if (first < 0x80_00_00_00) {
        this.#data = { streamId: first, fin: (flags & finFlag) !== 0, left: length };
        unread = unread.subarray(headBytes);
        continue;
      }
      if (first >>> 16 !== 0x80_03) throw new Error("not SPDY/3");
      if (length > mostControlBytes) throw new Error(`a control frame of ${length} bytes`);
      if (unread.length < headBytes + length) break;
      const frame = this.#control(first & 0xffff, flags, unread.subarray(headBytes, headBytes + length));
      unread = unread.subarray(headBytes + length);
      if (frame !== undefined) yield frame;
    }
    // A copy: the reader's buffer may be used again.
    this.#rest = unread.slice();
  }

  #control(type: number, flags: number, body: Uint8Array): SpdyFrame | undefined {
    const view = new DataView(body.buffer, body.byteOffset, body.length);
    const id = (at: number): number => view.getUint32(at) & 0x7f_ff_ff_ff;
    const fin = (flags & finFlag) !== 0;
    switch (type) {
      case types["syn-stream"]:
        return {
          type: "syn-stream",
          streamId: id(0),
          associatedId: id(4),
          priority: view.getUint8(8) >> 5,
          fin,
          unidirectional: (flags & unidirectionalFlag) !== 0,
          headers: this.#unpacker.unpack(body.subarray(10)),
        };
      case types["syn-reply"]:
        return { type: "syn-reply", streamId: id(0), fin, headers: this.#unpacker.unpack(body.subarray(4)) };
      case types.headers:
        return { type: "headers", streamId: id(0), fin, headers: this.#unpacker.unpack(body.subarray(4)) };
      case types["rst-stream"]:
        return { type: "rst-stream", streamId: id(0), status: view.getUint32(4) };
      case types.settings:
        return {
          type: "settings",
          settings: Array.from({ length: view.getUint32(0) }, (_, index) => {
            const first = view.getUint32(4 + index * 8);
            return { flags: first >>> 24, id: first & 0xff_ff_ff, value: view.getUint32(8 + index * 8) };
          }),
        };
      case types.ping:
        return { type: "ping", id: view.getUint32(0) };
      case types.goaway:
        return { type: "goaway", lastStreamId: id(0), status: view.getUint32(4) };
      case types["window-update"]:
        return { type: "window-update", streamId: id(0), delta: id(4) };
      default:
        return undefined;
    }
  }
}

function concat(one: Uint8Array, other: Uint8Array): Uint8Array {
  const whole = new Uint8Array(one.length + other.length);
  whole.set(one);
  whole.set(other, one.length);
  return whole;
}
