import { encodeMessage } from "./encode-message.ts";
import { envelopeHead, envelopeTail } from "./envelope.ts";
import { Writer } from "./writer.ts";

const LIST_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

/**
 * An object's message as field 2 with its length before it. That is how a list carries its items, and just as well how
 * an envelope carries its content: the same bytes serve both. Undefined when the definition has no message.
 */
export function memberBytes(definition: string, object: unknown): Uint8Array | undefined {
  const raw = encodeMessage(definition, object);
  if (raw === undefined) return undefined;
  const writer = new Writer();
  writer.tag(2, 2);
  writer.bytes(raw);
  return writer.finish();
}

/** The envelope around one member, in pieces: joined, they are what sealEnvelope makes. */
export function envelopeOfMember(type: { readonly apiVersion: string; readonly kind: string }, member: Uint8Array): readonly Uint8Array[] {
  return [envelopeHead(type), member, envelopeTail];
}

/** The envelope around a list of members, in pieces. PERF: no member is encoded or copied again. */
export function envelopeOfList(type: { readonly apiVersion: string; readonly kind: string }, metadata: unknown, members: readonly Uint8Array[]): readonly Uint8Array[] {
  const meta = new Writer();
  meta.tag(1, 2);
  meta.bytes(encodeMessage(LIST_META, metadata) ?? new Uint8Array());
  const first = meta.finish();
  const length = new Writer();
  length.tag(2, 2);
  length.varint(members.reduce((sum, member) => sum + member.length, first.length));
  return [envelopeHead(type), length.finish(), first, ...members, envelopeTail];
}

/**
 * One event of a watch: four bytes of length, then a WatchEvent whose object is an envelope. @upstream
 * apimachinery/pkg/runtime/serializer/protobuf LengthDelimitedFramer
 */
export function watchFrame(type: string, envelope: readonly Uint8Array[]): Uint8Array {
  const size = envelope.reduce((sum, piece) => sum + piece.length, 0);
  const writer = new Writer();
  writer.raw(new Uint8Array(4));
  writer.tag(1, 2);
  writer.text(type);
  writer.tag(2, 2);
  writer.embedded(() => {
    writer.tag(1, 2);
    writer.varint(size);
    for (const piece of envelope) writer.raw(piece);
  });
  const frame = writer.finish();
  new DataView(frame.buffer, frame.byteOffset).setUint32(0, frame.length - 4);
  return frame;
}
