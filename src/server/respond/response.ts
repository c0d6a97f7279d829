import type { KubeObject } from "../../meta/object.ts";
import type { Status } from "../../meta/generated/meta-v1.ts";
import { panicked, StatusError } from "../../meta/status-error.ts";
import type { ApiResponse } from "../../meta/wire.ts";
import { toYaml } from "../../meta/yaml-codec.ts";
import { sealed } from "./protobuf.ts";
import { contentTypes, type Form } from "./negotiate.ts";

const encoder = new TextEncoder();
const newline = encoder.encode("\n");

/** Any object, list or Status in the wanted form. */
export function valueResponse(status: number, value: unknown, form: Form, headers: ApiResponse["headers"] = {}): ApiResponse {
  switch (form.media) {
    case "value":
      return { status, headers, body: { type: "value", value } };
    case "yaml":
      return { status, headers, body: { type: "bytes", contentType: contentTypes.yaml, chunks: [encoder.encode(toYaml(value))] } };
    case "protobuf":
      return protobufResponse(status, sealed(value), headers);
    default:
      return jsonResponse(status, encoder.encode(form.pretty ? JSON.stringify(value, undefined, 2) : JSON.stringify(value)), headers);
  }
}

/** JSON that is already encoded. */
export function jsonResponse(status: number, json: Uint8Array, headers: ApiResponse["headers"] = {}): ApiResponse {
  return { status, headers, body: { type: "bytes", contentType: contentTypes.json, chunks: [json, newline] } };
}

/** Protobuf that is already in its envelope, in pieces. */
export function protobufResponse(status: number, chunks: readonly Uint8Array[], headers: ApiResponse["headers"] = {}): ApiResponse {
  return { status, headers, body: { type: "bytes", contentType: contentTypes.protobuf, chunks } };
}

export function textResponse(status: number, text: string, contentType = "text/plain; charset=utf-8"): ApiResponse {
  return { status, headers: { "x-content-type-options": "nosniff" }, body: { type: "bytes", contentType, chunks: [encoder.encode(text)] } };
}

/** The Status that a failure becomes; whatever is not a StatusError is our bug and says no more than that. */
export function statusOf(error: unknown): Status {
  return (error instanceof StatusError ? error : panicked()).status;
}

export function errorResponse(error: unknown, form: Form): ApiResponse {
  const status = statusOf(error);
  const retry = status.details?.retryAfterSeconds;
  const headers = retry === undefined ? {} : { "retry-after": String(retry) };
  return valueResponse(status.code ?? 500, status, form, headers);
}

export function successStatus(details?: Status["details"]): Status {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", ...(details === undefined ? {} : { details }) };
}

/** Only what PartialObjectMetadata has. */
export function metadataOnly(object: KubeObject): KubeObject {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}
