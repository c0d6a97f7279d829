import type { ComponentStatus } from "../../api/generated/types/core-v1.ts";
import { notFound } from "../../meta/status-error.ts";
import type { SpecialHandler } from "../dispatch.ts";
import { selectionOf } from "../registry/selection.ts";
import { negotiate } from "../respond/negotiate.ts";
import { offerOf } from "../respond/protobuf.ts";
import { metadataOnly, valueResponse } from "../respond/response.ts";
import { includeObjectOf, rowOf, tableOf } from "../respond/table.ts";

/** A part of the control plane, and what is wrong with it: undefined when nothing is. */
export interface ComponentCheck {
  readonly name: string;
  check(): Promise<string | undefined> | string | undefined;
}

/** GET and LIST of componentstatuses: computed when asked for, never stored. @upstream pkg/registry/core/componentstatus/rest.go */
export function componentStatuses(checks: readonly ComponentCheck[]): SpecialHandler {
  return async (parts, { request, query, served, target }) => {
    const form = negotiate(request, query, offerOf(served));
    const nowMs = parts.clock.now();
    if (target.name !== "") {
      const check = checks.find(({ name }) => name === target.name);
      if (check === undefined) throw notFound({ ...served.resource, name: target.name });
      const status = await statusOf(check);
      if (form.as === "table") return valueResponse(200, tableOf(served, [rowOf(served, status, includeObjectOf(query), nowMs)], {}), form);
      return valueResponse(200, form.as === "metadata" ? metadataOnly(status) : status, form);
    }
    const { matches } = selectionOf(served, target, query);
    const items = (await Promise.all(checks.map(statusOf))).filter((status) => matches?.(status) ?? true);
    if (form.as === "table") {
      const include = includeObjectOf(query);
      const rows = items.map((status) => rowOf(served, status, include, nowMs));
      return valueResponse(200, tableOf(served, rows, {}), form);
    }
    if (form.as === "metadata") return valueResponse(200, { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1", metadata: {}, items: items.map(metadataOnly) }, form);
    return valueResponse(200, { kind: "ComponentStatusList", apiVersion: "v1", metadata: {}, items }, form);
  };
}

async function statusOf({ name, check }: ComponentCheck): Promise<ComponentStatus> {
  const problem = await check();
  const condition = problem === undefined ? { type: "Healthy", status: "True", message: "ok" } : { type: "Healthy", status: "False", message: problem };
  return { kind: "ComponentStatus", apiVersion: "v1", metadata: { name }, conditions: [condition] };
}
