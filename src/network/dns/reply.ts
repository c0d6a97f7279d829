import { parseIp } from "../../meta/ip.ts";
import type { DnsRecord } from "./answer.ts";
import type { DnsQuery } from "./query.ts";

export type ReplyCode = "NOERROR" | "FORMERR" | "SERVFAIL" | "NXDOMAIN" | "NOTIMP" | "REFUSED" | "BADVERS";

const codes: Readonly<Record<ReplyCode, number>> = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 };
const typeNumbers: Readonly<Record<DnsRecord["type"], number>> = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33 };
/** What we offer to take over UDP: fits into every path's packets. */
export const ourUdpSize = 1232;

export interface ReplyParts {
  readonly code: ReplyCode;
  readonly authoritative?: boolean;
  readonly answers?: readonly DnsRecord[];
  readonly authorities?: readonly DnsRecord[];
  readonly additionals?: readonly DnsRecord[];
}

/** Bytes a reply to this query may have over UDP. */
export const udpLimit = (query: DnsQuery): number => Math.min(query.edns?.udpSize ?? 512, 4096);

/**
 * The reply's bytes, at most `limit` of them: answers that do not fit are left out and the truncation bit tells the client
 * to ask over TCP. Names are compressed; the question is repeated exactly as asked.
 */
export function writeReply(message: Uint8Array, query: DnsQuery, parts: ReplyParts, limit: number): Uint8Array {
  const writer = new Writer(message, query, limit - (query.edns === undefined ? 0 : 11));
  const answers = parts.answers ?? [];
  const answered = writer.records(answers);
  const isTruncated = answered < answers.length;
  const authorities = isTruncated ? 0 : writer.records(parts.authorities ?? []);
  const additionals = isTruncated ? 0 : writer.records(parts.additionals ?? []);
  return writer.finish({ ...parts, isTruncated, counts: [answered, authorities, additionals] });
}

/** A reply to something that could not be read as a query: its header with the code. */
export function writeFault(message: Uint8Array, code: ReplyCode): Uint8Array {
  const reply = new Uint8Array(12);
  reply.set(message.subarray(0, 2));
  reply[2] = 0x80 | ((message[2] ?? 0) & 0x79);
  reply[3] = codes[code] & 0x0f;
  return reply;
}

class Writer {
  readonly #query: DnsQuery;
  readonly #limit: number;
  readonly #names: Map<string, number>;
  #bytes: number[];

  constructor(message: Uint8Array, query: DnsQuery, limit: number) {
    this.#query = query;
    this.#limit = limit;
    this.#names = new Map(query.labels.map(({ offset, suffix }) => [suffix, offset]));
    this.#bytes = [...message.subarray(0, query.questionEnd)];
  }

  /** How many of them fitted. */
  records(records: readonly DnsRecord[]): number {
    for (const [index, record] of records.entries()) {
      const before = this.#bytes.length;
      this.#record(record);
      if (this.#bytes.length > this.#limit) {
        this.#bytes.length = before;
        for (const [suffix, offset] of this.#names) if (offset >= before) this.#names.delete(suffix);
        return index;
      }
    }
    return records.length;
  }

  finish({ code, authoritative = false, isTruncated, counts }: ReplyParts & { readonly isTruncated: boolean; readonly counts: readonly number[] }): Uint8Array {
    const { edns, recursionDesired } = this.#query;
    if (edns !== undefined) {
      this.#bytes.push(0);
      this.#uint16(41);
      this.#uint16(ourUdpSize);
      this.#bytes.push(codes[code] >> 4, 0);
      this.#uint16(edns.dnssecOk ? 0x8000 : 0);
      this.#uint16(0);
    }
    const reply = Uint8Array.from(this.#bytes);
    reply[2] = 0x80 | (authoritative ? 0x04 : 0) | (isTruncated ? 0x02 : 0) | (recursionDesired ? 0x01 : 0);
    reply[3] = 0x80 | (codes[code] & 0x0f);
    const [answers = 0, authorities = 0, additionals = 0] = counts;
    for (const [index, count] of [1, answers, authorities, additionals + (edns === undefined ? 0 : 1)].entries()) {
      reply[4 + index * 2] = count >> 8;
      reply[5 + index * 2] = count & 0xff;
    }
    return reply;
  }

  #record(record: DnsRecord): void {
    this.#name(record.name);
    this.#uint16(typeNumbers[record.type]);
    this.#uint16(1);
    this.#uint32(record.ttl);
    const at = this.#bytes.length;
    this.#uint16(0);
    this.#data(record);
    const length = this.#bytes.length - at - 2;
    this.#bytes[at] = length >> 8;
    this.#bytes[at + 1] = length & 0xff;
  }

  #data(record: DnsRecord): void {
    switch (record.type) {
      case "A":
      case "AAAA":
        this.#bytes.push(...(parseIp(record.data)?.bytes ?? []));
        return;
      case "TXT": {
        const text = new TextEncoder().encode(record.data).subarray(0, 255);
        this.#bytes.push(text.length, ...text);
        return;
      }
      case "SRV": {
        const { priority, weight, port, target } = record.data;
        for (const value of [priority, weight, port]) this.#uint16(value);
        // RFC 2782: the target is not compressed.
        this.#name(target, { compress: false });
        return;
      }
      case "SOA": {
        const { mname, rname, serial, refresh, retry, expire, minimum } = record.data;
        this.#name(mname);
        this.#name(rname);
        for (const value of [serial, refresh, retry, expire, minimum]) this.#uint32(value);
        return;
      }
      default:
        this.#name(record.data);
    }
  }

  #name(name: string, { compress = true }: { readonly compress?: boolean } = {}): void {
    let rest = name;
    while (rest !== "") {
      const suffix = rest.toLowerCase();
      const known = this.#names.get(suffix);
      if (compress && known !== undefined) {
        this.#uint16(0xc000 | known);
        return;
      }
      if (known === undefined && this.#bytes.length < 0x4000) this.#names.set(suffix, this.#bytes.length);
      const dot = rest.indexOf(".");
      const label = new TextEncoder().encode(dot < 0 ? rest : rest.slice(0, dot)).subarray(0, 63);
      this.#bytes.push(label.length, ...label);
      rest = dot < 0 ? "" : rest.slice(dot + 1);
    }
    this.#bytes.push(0);
  }

  #uint16(value: number): void {
    this.#bytes.push((value >> 8) & 0xff, value & 0xff);
  }

  #uint32(value: number): void {
    this.#uint16((value >>> 16) & 0xffff);
    this.#uint16(value & 0xffff);
  }
}
