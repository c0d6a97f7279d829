import { failure } from "../../meta/status-error.ts";
import type { ApiRequest } from "../../meta/wire.ts";

/** How an answer is written. `value` is for callers in the same process. */
export interface Form {
  readonly media: "json" | "yaml" | "protobuf" | "value";
  /** The object itself, a Table of it, or only its metadata. */
  readonly as: "object" | "table" | "metadata";
  readonly pretty: boolean;
}

export const contentTypes = { json: "application/json", yaml: "application/yaml", protobuf: "application/vnd.kubernetes.protobuf" } as const;
type Media = keyof typeof contentTypes;

const medias: { readonly [type: string]: Media | undefined } = {
  "application/json": "json",
  "application/yaml": "yaml",
  "application/x-yaml": "yaml",
  "text/yaml": "yaml",
  "application/vnd.kubernetes.protobuf": "protobuf",
};

const JSON_FORM: Form = { media: "json", as: "object", pretty: false };
const PRETTY_FORM: Form = { ...JSON_FORM, pretty: true };
const VALUE_FORM: Form = { ...JSON_FORM, media: "value" };

export interface Offer {
  readonly table?: boolean;
  /** Only the metadata: in protobuf too, whatever the object itself can be had in. */
  readonly metadata?: boolean;
  readonly medias: readonly Media[];
}

interface Clause {
  readonly type: string;
  readonly params: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** The form that the caller prefers among those offered; 406 when none fits. @upstream apiserver/pkg/endpoints/handlers/negotiation/negotiate.go */
export function negotiate(request: ApiRequest, query: URLSearchParams, offer: Offer): Form {
  if (request.caller.type === "local") return VALUE_FORM;
  const accept = request.headers["accept"];
  if (accept === undefined || accept === "" || accept === "*/*" || accept === "application/json") return isPretty(request, query) ? PRETTY_FORM : JSON_FORM;
  const clauses = accept.split(",").slice(0, 64).map(parseClause);
  clauses.sort((a, b) => b.quality - a.quality);
  for (const { type, params } of clauses) {
    const media = type === "*/*" || type === "application/*" ? "json" : medias[type];
    if (media === undefined) continue;
    const as = params.get("as");
    const isMetadata = offer.metadata === true && (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList");
    if (!offer.medias.includes(media) && !(isMetadata && media === "protobuf")) continue;
    if (as === undefined) return { media, as: "object", pretty: media === "json" && isPretty(request, query) };
    if (params.get("g") !== "meta.k8s.io" || (params.get("v") !== "v1" && params.get("v") !== "v1beta1")) continue;
    if (as === "Table" && offer.table === true && media !== "protobuf") return { media, as: "table", pretty: false };
    if (isMetadata) return { media, as: "metadata", pretty: false };
  }
  const offered: string[] = offer.medias.map((media) => contentTypes[media]);
  if (offer.table === true) offered.push("application/json;as=Table;v=v1;g=meta.k8s.io");
  throw failure("NotAcceptable", `only the following media types are accepted: ${offered.join(", ")}`);
}

const ERROR_OFFER: Offer = { medias: ["json", "yaml", "protobuf"] };

/** The form of a Status: the caller's choice when there is one, JSON in doubt. */
export function errorForm(request: ApiRequest): Form {
  try {
    return negotiate(request, new URLSearchParams(), ERROR_OFFER);
  } catch {
    return JSON_FORM;
  }
}

/** The media types that the caller accepts, the dearest first; all when it does not say. */
export function acceptedTypes(request: ApiRequest): readonly string[] {
  const accept = request.headers["accept"];
  if (accept === undefined || accept === "") return ["*/*"];
  const clauses = accept.split(",").slice(0, 64).map(parseClause);
  return clauses
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ type }) => type);
}

function parseClause(text: string): Clause {
  const [type = "", ...rest] = text.split(";").map((part) => part.trim());
  const params = new Map<string, string>();
  for (const part of rest) {
    const equals = part.indexOf("=");
    if (equals > 0) params.set(part.slice(0, equals), part.slice(equals + 1));
  }
  const quality = Number(params.get("q") ?? "1");
  return { type: type.toLowerCase(), params, quality: Number.isNaN(quality) ? 0 : quality };
}

/** Asked for with `?pretty=`, or by a person's browser or curl. */
function isPretty(request: ApiRequest, query: URLSearchParams): boolean {
  const asked = query.get("pretty");
  if (asked !== null) return asked !== "0" && asked !== "false";
  const agent = request.headers["user-agent"] ?? "";
  return agent.startsWith("curl") || agent.startsWith("Wget") || agent.startsWith("Mozilla/5.0");
}
