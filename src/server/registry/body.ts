import type { Draft } from "../../base/values.ts";
import { readEnvelope } from "../../api/wire/envelope.ts";
import { ProtobufError } from "../../api/wire/reader.ts";
import { cannotHandle, decode, type DecodeOptions, strictDecodingError } from "../../meta/decode.ts";
import { duplicateFields, parseJson } from "../../meta/json-codec.ts";
import type { KubeObject } from "../../meta/object.ts";
import { parseApiVersion } from "../../meta/resource.ts";
import { badRequest, failure, StatusError } from "../../meta/status-error.ts";
import type { ApiRequest, RequestBody } from "../../meta/wire.ts";
import { parseYaml } from "../../meta/yaml-codec.ts";
import type { ServedResource } from "../resources/served-resource.ts";
import { Drafts } from "./drafts.ts";
import type { FieldValidation } from "./options.ts";

const PROTOBUF = "application/vnd.kubernetes.protobuf";
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The body as a value, with what a strict decoder objects to in its text. */
export interface RawBody {
  readonly value: unknown;
  readonly problems: readonly string[];
  readonly present: boolean;
}

const JSON_TYPE = "application/json";

function mediaTypeOf(contentType: string): string {
  return contentType === JSON_TYPE ? JSON_TYPE : (contentType.split(";")[0]?.trim().toLowerCase() ?? "");
}

export async function readText(request: ApiRequest): Promise<string> {
  if (request.body.type !== "bytes") return "";
  return decodeText(await request.body.read());
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw badRequest("the body is not valid UTF-8");
    throw error;
  }
}

export interface BodyOptions {
  /** Also look for duplicate fields. */
  readonly checkText: boolean;
  /** What a protobuf body holds. */
  readonly definition?: string | undefined;
  /** Named where the text cannot be read. */
  readonly kind?: string | undefined;
}

const noProblems: readonly string[] = [];
const absent: RawBody = { value: undefined, problems: noProblems, present: false };

/** Reads JSON, YAML or protobuf by content type; at once where the body is a value. */
export function readBody(request: ApiRequest, options: BodyOptions): RawBody | Promise<RawBody> {
  const { body } = request;
  if (body.type === "value") return { value: body.value, problems: noProblems, present: body.value !== undefined };
  return body.type === "none" ? absent : readBytes(request, body, options);
}

async function readBytes(request: ApiRequest, source: Extract<RequestBody, { type: "bytes" }>, { checkText, definition, kind }: BodyOptions): Promise<RawBody> {
  const type = mediaTypeOf(request.headers["content-type"] ?? JSON_TYPE);
  if (type === PROTOBUF) {
    const body = await source.read();
    if (body.length === 0) return absent;
    if (definition === undefined) throw unknownFormat();
    try {
      return { value: readEnvelope(definition, body), problems: noProblems, present: true };
    } catch (error) {
      if (error instanceof ProtobufError) throw badRequest(`cannot decode protobuf: ${error.message}`);
      throw error;
    }
  }
  if (type !== "" && type !== JSON_TYPE && type !== "application/yaml" && type !== "application/x-yaml" && type !== "text/yaml") {
    throw unknownFormat();
  }
  const text = decodeText(await source.read());
  if (text === "") return absent;
  try {
    if (type.endsWith("yaml")) {
      const { value, problems } = parseYaml(text);
      return { value, problems, present: true };
    }
    return { value: parseJson(text), problems: checkText ? duplicateFields(text) : noProblems, present: true };
  } catch (error) {
    if (kind === undefined || !(error instanceof StatusError)) throw error;
    throw unrecognized(type.endsWith("yaml") ? error.message : `couldn't get version/kind; json parse error: ${error.message}`, { kind, text });
  }
}

/** @upstream apiserver/pkg/endpoints/handlers/rest.go transformDecodeError */
function unrecognized(problem: string, { kind, text }: { readonly kind: string; readonly text: string }): StatusError {
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${problem} (${summary(text)})`);
}

/** The first 30 bytes, as text when they look like JSON. */
function summary(text: string): string {
  if (text === "") return "<empty>";
  const bytes = new TextEncoder().encode(text);
  const first = bytes.subarray(0, 30);
  const shown = text.startsWith("{") ? new TextDecoder().decode(first) : Array.from(first, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return bytes.length > first.length ? `${shown} ...` : shown;
}

function unknownFormat(): StatusError {
  return failure(
    "UnsupportedMediaType",
    "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
  );
}

/** The body as an object of the served kind: decoded by its schema, unknown fields dropped and told. */
export function readObject(request: ApiRequest, served: ServedResource, validation: FieldValidation, warnings: string[]): Draft<KubeObject> | Promise<Draft<KubeObject>> {
  const raw = readRaw(request, served, validation);
  return raw instanceof Promise ? raw.then((read) => decodeObject(read, served, validation, warnings)) : decodeObject(raw, served, validation, warnings);
}

/** The same, as often as a write is tried; `shape` completes each draft, or refuses it. At once where the body is a value. */
export function readDrafts(
  request: ApiRequest,
  served: ServedResource,
  { validation, warnings }: { readonly validation: FieldValidation; readonly warnings: string[] },
  shape: (draft: Draft<KubeObject>) => void,
): Drafts | Promise<Drafts> {
  const draftsOf = (raw: RawBody): Drafts => {
    const make = (told: string[], strictness: FieldValidation): Draft<KubeObject> => {
      const draft = decodeObject(raw, served, strictness, told);
      shape(draft);
      return draft;
    };
    return new Drafts(make(warnings, validation), () => make([], "Ignore"));
  };
  const raw = readRaw(request, served, validation);
  return raw instanceof Promise ? raw.then(draftsOf) : draftsOf(raw);
}

function readRaw(request: ApiRequest, served: ServedResource, validation: FieldValidation): RawBody | Promise<RawBody> {
  const { kind } = served.resource;
  const raw = readBody(request, { checkText: validation !== "Ignore", definition: served.schema.name, kind });
  return raw instanceof Promise ? raw.then((read) => required(read, kind)) : required(raw, kind);
}

function required(raw: RawBody, kind: string): RawBody {
  if (!raw.present) throw unrecognized("couldn't get version/kind; json parse error: unexpected end of JSON input", { kind, text: "" });
  return raw;
}

export interface ExpectedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export function decodeObject(
  raw: { readonly value: unknown; readonly problems: readonly string[] },
  served: Pick<ServedResource, "schema" | "apiVersion" | "prune"> & { readonly resource: ExpectedKind },
  validation: FieldValidation,
  warnings: string[],
  options: Pick<DecodeOptions, "refuse"> = {},
): Draft<KubeObject> {
  const { value } = raw;
  const { kind, version } = served.resource;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw badRequest(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${Array.isArray(value) ? "array" : typeof value} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    );
  }
  const given = value as Record<string, unknown>;
  checkKind(given, served);
  // PERF: decoding copies anyway; pruning does not.
  const isWhole = served.prune === undefined && given["apiVersion"] === served.apiVersion && given["kind"] === kind;
  const whole = isWhole ? given : { ...given, apiVersion: served.apiVersion, kind };
  const { value: object, problems } = served.prune?.(whole) ?? decode(served.schema, whole, { ...options, gvk: { version, kind } });
  if (problems.length > 0 || raw.problems.length > 0) {
    const all = [...problems, ...raw.problems];
    if (validation === "Strict") throw strictDecodingError(all, { ...options, gvk: { version, kind } });
    if (validation === "Warn") warnings.push(...all);
  }
  const draft = object as Record<string, unknown>;
  draft["metadata"] ??= {};
  if (served.prune !== undefined) return draft as Draft<KubeObject>;
  // As Go writes structs: present even when empty.
  if (served.schema.fields?.["spec"]?.type === "object") draft["spec"] ??= {};
  if (served.schema.fields?.["status"]?.type === "object") draft["status"] ??= {};
  return draft as Draft<KubeObject>;
}

function checkKind(given: Record<string, unknown>, served: { readonly apiVersion: string; readonly resource: ExpectedKind }): void {
  const { apiVersion = served.apiVersion, kind = served.resource.kind } = given;
  if (typeof apiVersion !== "string" || typeof kind !== "string") throw badRequest("couldn't get version/kind; json parse error: apiVersion and kind must be text");
  if (apiVersion !== served.apiVersion && apiVersion !== "") {
    throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${served.apiVersion})`);
  }
  if (kind !== served.resource.kind && kind !== "") {
    const { version } = parseApiVersion(served.apiVersion);
    throw cannotHandle(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(served.apiVersion)} in the resource's scheme`, {
      gvk: { version, kind },
      into: served.resource.kind,
    });
  }
}
