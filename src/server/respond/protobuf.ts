import { definitionNameOf } from "../../api/schemas.ts";
import { sealEnvelope } from "../../api/wire/envelope.ts";
import { envelopeOfList, envelopeOfMember, memberBytes } from "../../api/wire/joined.ts";
import { wireMessage } from "../../api/wire/tables.ts";
import { invariant } from "../../base/invariant.ts";
import { parseApiVersion } from "../../meta/resource.ts";
import { failure } from "../../meta/status-error.ts";
import type { CacheEntry } from "../cache/cache-entry.ts";
import { type ServedResource, viewOf } from "../resources/served-resource.ts";
import type { Form, Offer } from "./negotiate.ts";

const META = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const PARTIAL = `${META}PartialObjectMetadata`;
const partialType = { apiVersion: "meta.k8s.io/v1", kind: "PartialObjectMetadata" };
/** Kinds that every group has, and that no definition lists under one. */
const metaKinds = new Set(["Status", "APIVersions", "APIGroup", "APIGroupList", "APIResourceList", "PartialObjectMetadata", "PartialObjectMetadataList"]);

const OBJECT_OFFER: Offer = { table: true, metadata: true, medias: ["json", "yaml", "protobuf"] };
const TEXT_OFFER: Offer = { table: true, metadata: true, medias: ["json", "yaml"] };

/** What a stored resource can be had in: custom objects have no protobuf, only their metadata has. */
export function offerOf(served: ServedResource): Offer {
  return isProtobuf(served) ? OBJECT_OFFER : TEXT_OFFER;
}

/** Whether objects of this resource have a protobuf message. */
export function isProtobuf({ schema: { name }, prune }: ServedResource): boolean {
  return prune === undefined && name !== undefined && wireMessage(name) !== undefined;
}

/** Any object, list or Status in its envelope; 406 for what has no message. */
export function sealed(value: unknown): readonly Uint8Array[] {
  const { apiVersion = "v1", kind = "" } = value as { readonly apiVersion?: string; readonly kind?: string };
  const definition = metaKinds.has(kind) ? META + kind : definitionNameOf({ ...parseApiVersion(apiVersion), kind });
  const bytes = definition === undefined ? undefined : sealEnvelope(definition, { ...(value as object), apiVersion, kind });
  if (bytes === undefined) throw failure("NotAcceptable", `${kind} cannot be encoded to a protobuf message`);
  return [bytes];
}

/** PERF: made once per entry and form, for reads, lists and watches alike. */
function memberOf(served: ServedResource, entry: CacheEntry, { as }: Form): Uint8Array {
  const isMetadata = as === "metadata";
  return entry.encoded(isMetadata ? "protobuf metadata" : `protobuf ${served.apiVersion}`, () => {
    const bytes = memberBytes(isMetadata ? PARTIAL : (served.schema.name ?? ""), viewOf(served, entry));
    invariant(bytes, `${served.resource.kind} has no protobuf message`);
    return bytes;
  });
}

/** One cached object, or its metadata alone, in its envelope. */
export function envelopeOf(served: ServedResource, entry: CacheEntry, form: Form): readonly Uint8Array[] {
  const type = form.as === "metadata" ? partialType : { apiVersion: served.apiVersion, kind: served.resource.kind };
  return envelopeOfMember(type, memberOf(served, entry, form));
}

/** A list of cached objects, or of their metadata alone, in its envelope. */
export function listEnvelope(served: ServedResource, metadata: unknown, entries: readonly CacheEntry[], form: Form): readonly Uint8Array[] {
  const type = form.as === "metadata" ? partialType : { apiVersion: served.apiVersion, kind: served.resource.kind };
  return envelopeOfList(
    { ...type, kind: `${type.kind}List` },
    metadata,
    entries.map((entry) => memberOf(served, entry, form)),
  );
}
