import { invariant } from "../../base/invariant.ts";
import { type Field, type Messages, tables } from "./generated/messages.ts";

type Fields = Readonly<Record<string, unknown>>;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Every property that is there is written, zero or not: members of a oneof need that. */
export function encodeMessage<Name extends keyof Messages>(name: Name, message: Messages[Name]): Buffer {
  const parts: Uint8Array[] = [];
  const length = write(tables[name], message as Fields, parts);
  return Buffer.concat(parts, length);
}

/** Absent fields stay absent; byte fields are views of `bytes`; fields that are not known are skipped. */
export function decodeMessage<Name extends keyof Messages>(name: Name, bytes: Uint8Array): Messages[Name] {
  return read(tables[name], new Reader(bytes, 0, bytes.length)) as Messages[Name];
}

function write(fields: readonly Field[], message: Fields, parts: Uint8Array[]): number {
  let length = 0;
  for (const [id, name, code, repeated] of fields) {
    const value = message[name];
    if (value === undefined) continue;
    for (const item of repeated ? (value as readonly unknown[]) : [value]) length += writeField(id, code, item, parts);
  }
  return length;
}

function writeField(id: number, code: string, value: unknown, parts: Uint8Array[]): number {
  if (code === "i" || code === "e" || code === "u" || code === "o") {
    const head = Buffer.concat([varint(id * 8 + VARINT), typeof value === "bigint" ? bigVarint(value) : varint(Number(value))]);
    parts.push(head);
    return head.length;
  }
  const at = parts.length;
  parts.push(new Uint8Array(0));
  let length: number;
  if (code.startsWith("#")) length = write(tables[code.slice(1) as keyof Messages], value as Fields, parts);
  else {
    const bytes = code === "s" ? Buffer.from(value as string) : (value as Uint8Array);
    parts.push(bytes);
    length = bytes.length;
  }
  const head = Buffer.concat([varint(id * 8 + BYTES), varint(length)]);
  parts[at] = head;
  return head.length + length;
}

function read(fields: readonly Field[], reader: Reader): Fields {
  const message: Record<string, unknown> = {};
  while (!reader.done) {
    const tag = reader.varint();
    const id = Math.floor(tag / 8);
    const wire = tag % 8;
    const field = fields.find((each) => each[0] === id);
    if (field === undefined) {
      reader.skip(wire);
      continue;
    }
    const [, name, code, repeated] = field;
    if (!repeated) message[name] = readField(code, wire, reader);
    else if (wire === BYTES && !code.startsWith("#") && code !== "b" && code !== "s") {
      const packed = reader.nested();
      while (!packed.done) append(message, name, readField(code, VARINT, packed));
    } else append(message, name, readField(code, wire, reader));
  }
  return message;
}

function append(message: Record<string, unknown>, name: string, value: unknown): void {
  const list = message[name] as unknown[] | undefined;
  if (list === undefined) message[name] = [value];
  else list.push(value);
}

function readField(code: string, wire: number, reader: Reader): unknown {
  if (code === "i" || code === "e") return expectWire(wire, VARINT) && reader.varint();
  if (code === "u") return expectWire(wire, VARINT) && reader.bigVarint();
  if (code === "o") return expectWire(wire, VARINT) && reader.varint() !== 0;
  expectWire(wire, BYTES);
  if (code.startsWith("#")) return read(tables[code.slice(1) as keyof Messages], reader.nested());
  const bytes = reader.bytes();
  return code === "s" ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8") : bytes;
}

function expectWire(wire: number, expected: number): true {
  if (wire !== expected) throw new ProtobufError(`wire type ${wire} where ${expected} belongs`);
  return true;
}

/** What a peer sent is not protobuf, or not the message that was asked for. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

function varint(value: number): Uint8Array {
  invariant(Number.isSafeInteger(value) && value >= 0, "only numbers from 0 to 2^53 are sent");
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function bigVarint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** Exact up to 2^53; negative int64 come out near 2^64, which no field that is read uses. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count += 1, scale *= 0x80) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new ProtobufError("a number has more than ten bytes");
  }

  bigVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtobufError("a number has more than ten bytes");
  }

  bytes(): Uint8Array {
    const start = this.#advance(this.varint());
    return this.#bytes.subarray(start, this.#at);
  }

  nested(): Reader {
    const start = this.#advance(this.varint());
    return new Reader(this.#bytes, start, this.#at);
  }

  skip(wire: number): void {
    if (wire === VARINT) this.bigVarint();
    else if (wire === FIXED64) this.#advance(8);
    else if (wire === BYTES) this.#advance(this.varint());
    else if (wire === FIXED32) this.#advance(4);
    else throw new ProtobufError(`unknown wire type ${wire}`);
  }

  #byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at] : undefined;
    if (byte === undefined) throw new ProtobufError("the message ends too early");
    this.#at += 1;
    return byte;
  }

  /** Returns where it was. */
  #advance(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) throw new ProtobufError("the message ends too early");
    this.#at += length;
    return start;
  }
}
