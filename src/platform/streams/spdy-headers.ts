import { Inflater } from "./inflate.ts";
import { spdyDictionary } from "./spdy-dictionary.ts";

/** Names in lower case. */
export type SpdyHeaders = Readonly<Record<string, string>>;

const mostBytes = 65_536;
const mostStored = 65_535;

/** One direction's header blocks, packed: a zlib stream of stored parts, since the blocks are tiny and any peer must take them. */
export class HeaderPacker {
  #begun = false;

  /** Throws RangeError when the headers take more than 64 KiB. */
  pack(headers: SpdyHeaders): Uint8Array {
    const block = headerBlock(headers);
    if (block.length > mostStored) throw new RangeError(`headers of ${block.length} bytes`);
    const low = block.length & 0xff;
    const high = block.length >> 8;
    // An empty stored part follows: with it peers know that all before it can be handed out.
    const parts = [this.#begun ? [] : [0x78, 0x01], [0, low, high, low ^ 0xff, high ^ 0xff], block, [0, 0, 0, 0xff, 0xff]];
    this.#begun = true;
    return Uint8Array.from(parts.flatMap((part) => [...part]));
  }
}

export class HeaderUnpacker {
  readonly #inflater = new Inflater({ dictionary: spdyDictionary, mostBytes });

  /** Throws when the block is damaged or gives more than 64 KiB. */
  unpack(packed: Uint8Array): SpdyHeaders {
    const block = this.#inflater.inflate(packed);
    const view = new DataView(block.buffer, block.byteOffset, block.length);
    const decoder = new TextDecoder();
    let at = 0;
    const number = (): number => {
      if (at + 4 > block.length) throw new Error("a header block ends too early");
      at += 4;
      return view.getUint32(at - 4);
    };
    const text = (): string => {
      const length = number();
      if (at + length > block.length) throw new Error("a header block ends too early");
      at += length;
      return decoder.decode(block.subarray(at - length, at));
    };
    const headers: [string, string][] = [];
    for (let left = number(); left > 0; left -= 1) headers.push([text().toLowerCase(), text()]);
    return Object.fromEntries(headers);
  }
}

/** How many, then each name and value after its length. */
function headerBlock(headers: SpdyHeaders): Uint8Array {
  const encoder = new TextEncoder();
  const entries = Object.entries(headers).map(([name, value]) => [encoder.encode(name.toLowerCase()), encoder.encode(value)] as const);
  const block = new Uint8Array(entries.reduce((sum, [name, value]) => sum + 8 + name.length + value.length, 4));
  const view = new DataView(block.buffer);
  view.setUint32(0, entries.length);
  let at = 4;
  for (const part of entries.flat()) {
    view.setUint32(at, part.length);
    block.set(part, at + 4);
    at += 4 + part.length;
  }
  return block;
}
