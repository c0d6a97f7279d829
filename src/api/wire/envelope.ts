import { decodeMessage } from "./decode-message.ts";
import { encodeMessage } from "./encode-message.ts";
import { ProtobufError, Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** `k8s\0`: what every Kubernetes protobuf body begins with. @upstream apimachinery/pkg/runtime/serializer/protobuf */
const MAGIC = [0x6b, 0x38, 0x73, 0x00];
const text = new TextDecoder();

/** The body of a request or answer: which kind it says it is, and the message of it. */
export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
  readonly contentType: string;
}

export function openEnvelope(body: Uint8Array): Envelope {
  if (MAGIC.some((byte, index) => body[index] !== byte)) throw new ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  const reader = new Reader(body, MAGIC.length);
  let apiVersion = "";
  let kind = "";
  let raw: Uint8Array = new Uint8Array();
  let contentType = "";
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) {
      const meta = reader.message();
      while (!meta.done) {
        const metaTag = meta.varint();
        if (metaTag === 0x0a) apiVersion = meta.text();
        else if (metaTag === 0x12) kind = meta.text();
        else meta.skip(metaTag % 8);
      }
    } else if (tag === 0x12) raw = reader.bytes();
    else if (tag === 0x22) contentType = text.decode(reader.bytes());
    else reader.skip(tag % 8);
  }
  return { apiVersion, kind, raw, contentType };
}

/** Everything of an envelope before its content: what it is, and of which kind. */
export function envelopeHead({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): Uint8Array {
  const writer = new Writer();
  writer.raw(Uint8Array.from(MAGIC));
  writer.tag(1, 2);
  writer.embedded(() => {
    writer.tag(1, 2);
    writer.text(apiVersion);
    writer.tag(2, 2);
    writer.text(kind);
  });
  return writer.finish();
}

/** Everything after the content: no encoding and no type of it. */
export const envelopeTail: Uint8Array = Uint8Array.of(0x1a, 0, 0x22, 0);

/** An object of the API in its envelope; undefined when its definition has no message. */
export function sealEnvelope(definition: string, object: { readonly apiVersion: string; readonly kind: string }): Uint8Array | undefined {
  const raw = encodeMessage(definition, object);
  if (raw === undefined) return undefined;
  const writer = new Writer();
  writer.raw(envelopeHead(object));
  writer.tag(2, 2);
  writer.bytes(raw);
  writer.raw(envelopeTail);
  return writer.finish();
}

/** A body as the JSON-shaped object it stands for. */
export function readEnvelope(definition: string, body: Uint8Array): Record<string, unknown> {
  const { apiVersion, kind, raw } = openEnvelope(body);
  return { ...(apiVersion === "" ? {} : { apiVersion }), ...(kind === "" ? {} : { kind }), ...decodeMessage(definition, raw) };
}
