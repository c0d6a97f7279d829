import { skipName } from "./query.ts";

const soaType = 6;
const optType = 41;
const mostSeconds = 30;

/** Where the lifetimes stand in a reply's bytes, and how long the whole may be kept: at most 30 s. */
export interface ReplyLife {
  readonly ttlOffsets: readonly number[];
  /** 0: not at all. */
  readonly seconds: number;
}

/**
 * How long somebody else's reply may be kept. A reply that says "none" lives as long as its SOA says (RFC 2308); anything
 * but NOERROR and NXDOMAIN, and whatever was cut off, is not kept.
 */
export function replyLife(reply: Uint8Array): ReplyLife {
  const none = { ttlOffsets: [], seconds: 0 };
  if (reply.length < 12) return none;
  const view = new DataView(reply.buffer, reply.byteOffset, reply.byteLength);
  const code = view.getUint8(3) & 0x0f;
  if ((code !== 0 && code !== 3) || (view.getUint8(2) & 0x02) !== 0) return none;
  let offset = 12;
  for (let index = 0; index < view.getUint16(4); index += 1) offset = skipName(reply, offset) + 4;
  const answers = view.getUint16(6);
  const count = answers + view.getUint16(8) + view.getUint16(10);
  const ttlOffsets: number[] = [];
  let seconds = mostSeconds;
  let hasLife = answers > 0;
  for (let index = 0; index < count; index += 1) {
    offset = skipName(reply, offset);
    if (offset + 10 > reply.length) return none;
    const length = view.getUint16(offset + 8);
    const type = view.getUint16(offset);
    if (type !== optType) {
      ttlOffsets.push(offset + 4);
      seconds = Math.min(seconds, view.getUint32(offset + 4));
      if (type === soaType && length >= 20 && offset + 10 + length <= reply.length) {
        hasLife = true;
        if (answers === 0) seconds = Math.min(seconds, view.getUint32(offset + 10 + length - 4));
      }
    }
    offset += 10 + length;
  }
  return hasLife ? { ttlOffsets, seconds } : none;
}

/** A copy with another id and every lifetime shorter by `agedSeconds`. */
export function agedReply(reply: Uint8Array, life: ReplyLife, { id, agedSeconds }: { readonly id: number; readonly agedSeconds: number }): Uint8Array {
  const copy = reply.slice();
  const view = new DataView(copy.buffer);
  view.setUint16(0, id);
  for (const offset of life.ttlOffsets) view.setUint32(offset, Math.max(0, view.getUint32(offset) - agedSeconds));
  return copy;
}
