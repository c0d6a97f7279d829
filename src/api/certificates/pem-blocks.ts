/** One block of PEM. */
export interface PemBlock {
  readonly type: string;
  readonly der: Uint8Array;
}

/** The blocks of a text that is nothing but PEM; a sentence that says what is wrong otherwise. */
export function pemBlocks(text: string): readonly PemBlock[] | string {
  const blocks: PemBlock[] = [];
  let rest = text.trim();
  while (rest !== "") {
    const [whole = "", type = "", body = ""] = /^-----BEGIN ([A-Z0-9 ]+)-----\r?\n([\s\S]*?)-----END \1-----(?:\s+|$)/.exec(rest) ?? [];
    if (whole === "") return rest.startsWith("-----BEGIN ") ? "a PEM block is not complete" : "there is text outside of PEM blocks";
    if (body.includes(":")) return "PEM blocks must not have headers";
    try {
      blocks.push({ type, der: Uint8Array.from(atob(body.replaceAll(/\s/g, "")), (character) => character.charCodeAt(0)) });
    } catch {
      return "a PEM block is not base64";
    }
    rest = rest.slice(whole.length);
  }
  return blocks;
}

/** A PEM text of one block. */
export function pemOf(type: string, der: Uint8Array): string {
  const base64 = btoa(Array.from(der, (byte) => String.fromCharCode(byte)).join(""));
  return `-----BEGIN ${type}-----\n${(base64.match(/.{1,64}/g) ?? []).join("\n")}\n-----END ${type}-----\n`;
}

/** Whether bytes are one whole DER sequence: what every certificate is on its outside. */
export function isDerSequence(der: Uint8Array): boolean {
  const [tag, first = 0] = der;
  if (tag !== 0x30) return false;
  if (first < 0x80) return der.length === 2 + first;
  const lengthBytes = first & 0x7f;
  if (lengthBytes === 0 || lengthBytes > 3) return false;
  const length = der.slice(2, 2 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
  return der.length === 2 + lengthBytes + length;
}
