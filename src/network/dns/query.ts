/** What a client's message asks, as far as we need to know. */
export interface DnsQuery {
  readonly id: number;
  readonly recursionDesired: boolean;
  readonly name: string;
  /** `A`, `ANY`, `TYPE65` */
  readonly type: string;
  /** Where the question ends in the message; it begins at 12. */
  readonly questionEnd: number;
  /** Offsets of the name's labels, for names in the answer to point at. */
  readonly labels: readonly { readonly offset: number; readonly suffix: string }[];
  /** Undefined when the client does not speak EDNS. */
  readonly edns: { readonly udpSize: number; readonly version: number; readonly dnssecOk: boolean } | undefined;
}

export type QueryFault = "ignore" | "FORMERR" | "NOTIMP" | "REFUSED";

const typeNames: ReadonlyMap<number, string> = new Map([
  [1, "A"],
  [2, "NS"],
  [5, "CNAME"],
  [6, "SOA"],
  [12, "PTR"],
  [16, "TXT"],
  [28, "AAAA"],
  [33, "SRV"],
  [255, "ANY"],
]);
const optType = 41;

/** Reads a query; a text says why it is none. */
export function readQuery(message: Uint8Array): DnsQuery | QueryFault {
  if (message.length < 12) return "ignore";
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const flags = view.getUint16(2);
  if ((flags & 0x8000) !== 0) return "ignore";
  if ((flags & 0x7800) !== 0) return "NOTIMP";
  if (view.getUint16(4) !== 1) return "FORMERR";
  const labels: { offset: number; text: string }[] = [];
  let offset = 12;
  for (;;) {
    const length = message[offset];
    if (length === undefined || length > 63) return "FORMERR";
    if (length === 0) break;
    if (offset + 1 + length >= message.length || offset - 12 > 254) return "FORMERR";
    labels.push({ offset, text: labelText(message, offset + 1, length) });
    offset += 1 + length;
  }
  offset += 1;
  if (offset + 4 > message.length) return "FORMERR";
  const type = view.getUint16(offset);
  const klass = view.getUint16(offset + 2);
  if (klass !== 1 && klass !== 255) return "REFUSED";
  const questionEnd = offset + 4;
  const edns = readEdns(message, view, questionEnd);
  if (edns === "FORMERR") return edns;
  return {
    id: view.getUint16(0),
    recursionDesired: (flags & 0x0100) !== 0,
    name: labels.map(({ text }) => text).join("."),
    type: typeNames.get(type) ?? `TYPE${type}`,
    questionEnd,
    labels: labels.map((label, index) => ({
      offset: label.offset,
      suffix: labels
        .slice(index)
        .map(({ text }) => text)
        .join(".")
        .toLowerCase(),
    })),
    edns,
  };
}

/** A dot or backslash inside a label is escaped, so that no name of ours matches it. */
function labelText(message: Uint8Array, start: number, length: number): string {
  let text = "";
  for (let index = start; index < start + length; index += 1) {
    const code = message[index] ?? 0;
    text += code === 0x2e || code === 0x5c ? `\\${String.fromCharCode(code)}` : String.fromCharCode(code);
  }
  return text;
}

/** The OPT record among those after the question. */
function readEdns(message: Uint8Array, view: DataView, start: number): DnsQuery["edns"] | "FORMERR" {
  const count = view.getUint16(6) + view.getUint16(8) + view.getUint16(10);
  let offset = start;
  for (let index = 0; index < count; index += 1) {
    offset = skipName(message, offset);
    if (offset + 10 > message.length) return "FORMERR";
    if (view.getUint16(offset) === optType)
      return { udpSize: Math.max(512, view.getUint16(offset + 2)), version: view.getUint8(offset + 5), dnssecOk: (view.getUint16(offset + 6) & 0x8000) !== 0 };
    offset += 10 + view.getUint16(offset + 8);
  }
  return undefined;
}

/** The offset behind the name that begins here, or beyond the message when it does not end. */
export function skipName(message: Uint8Array, start: number): number {
  let offset = start;
  for (;;) {
    const length = message[offset];
    if (length === undefined) return message.length + 1;
    if (length === 0) return offset + 1;
    if (length >= 0xc0) return offset + 2;
    offset += 1 + length;
  }
}
