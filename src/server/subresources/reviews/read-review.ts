import { invariant } from "../../../base/invariant.ts";
import { clone, type Draft } from "../../../base/values.ts";
import { rfc3339 } from "../../../base/clock.ts";
import type { KubeObject } from "../../../meta/object.ts";
import { type FieldError, invalid } from "../../../meta/status-error.ts";
import type { ApiResponse } from "../../../meta/wire.ts";
import type { ResourceContext, ServerParts } from "../../context.ts";
import { readObject } from "../../registry/body.ts";
import { fieldValidationOf } from "../../registry/options.ts";
import { negotiate } from "../../respond/negotiate.ts";
import { valueResponse } from "../../respond/response.ts";

/** A review: asked by POST, answered at once, never stored. Throws StatusError when it is not one. */
export async function readReview<T extends KubeObject>({ request, query, served, warnings }: ResourceContext): Promise<Draft<T>> {
  return (await readObject(request, served, fieldValidationOf(query, "CreateOptions"), warnings)) as unknown as Draft<T>;
}

/** The review with its answer, as a created object is answered. */
export function answerReview(parts: ServerParts, context: ResourceContext, review: KubeObject, status: unknown): ApiResponse {
  const form = negotiate(context.request, context.query, { medias: ["json", "yaml", "protobuf"] });
  const { apiVersion, kind, metadata, ...rest } = review as KubeObject & { readonly [field: string]: unknown };
  invariant(apiVersion === context.served.apiVersion, "a review is read in the version it is served in");
  return valueResponse(201, clone({ kind, apiVersion, metadata: { ...metadata, creationTimestamp: rfc3339(parts.clock.now()) }, ...rest, status }), form);
}

/** Reviews carry no metadata; a local one its namespace. */
export function* metadataErrors(review: KubeObject, isLocal: boolean): Generator<FieldError> {
  const { managedFields: _, namespace, ...rest } = review.metadata;
  if (Object.keys(rest).length > 0 || (!isLocal && namespace !== undefined && namespace !== ""))
    yield { type: "FieldValueInvalid", field: "metadata", value: review.metadata, detail: `must be empty${isLocal ? " except for namespace" : ""}` };
}

export function refuseReview({ served }: ResourceContext, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: served.resource.group, kind: served.resource.kind, name: "" }, errors);
}
