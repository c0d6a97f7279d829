import type { CustomResourceDefinition } from "../../api/generated/types/apiextensions-v1.ts";
import type { APIService, APIServiceSpec } from "../../api/generated/types/apiregistration-v1.ts";
import { AGGREGATOR, customPriority, type Priority, registeredPriority } from "../discovery/group-priority.ts";
import { apiServiceName } from "./api-services.ts";

export const MANAGED = "kube-aggregator.kubernetes.io/automanaged";

/** An APIService that registers itself: a built-in one when the server starts, a custom one as long as its definition says so. */
export interface WantedService {
  readonly managed: "onstart" | "true";
  readonly spec: APIServiceSpec;
}

/** What should register itself, by name. Group versions of others are not touched. @upstream pkg/controlplane/apiserver/aggregator.go apiServicesToRegister */
export function wantedServices(
  builtin: Iterable<{ readonly group: string; readonly version: string }>,
  definitions: Iterable<CustomResourceDefinition>,
): ReadonlyMap<string, WantedService> {
  const wanted = new Map<string, WantedService>();
  // A definition that goes is served until its objects are gone, and only then takes its group version with it.
  for (const { spec, status } of definitions) {
    const isEstablished = status?.conditions?.some(({ type, status: state }) => type === "Established" && state === "True") ?? false;
    if (!isEstablished) continue;
    for (const { name, served } of spec.versions) if (served) wanted.set(apiServiceName(spec.group, name), { managed: "true", spec: specOf(spec.group, name, customPriority) });
  }
  for (const { group, version } of builtin) {
    // As upstream's aggregator does not register itself.
    const priority = group === AGGREGATOR ? undefined : (registeredPriority(group, version) ?? customPriority);
    if (priority !== undefined) wanted.set(apiServiceName(group, version), { managed: "onstart", spec: specOf(group, version, priority) });
  }
  return wanted;
}

function specOf(group: string, version: string, priority: Priority): APIServiceSpec {
  return { ...(group === "" ? {} : { group }), version, groupPriorityMinimum: priority.group, versionPriority: priority.version };
}

export type Step = "create" | "update" | "delete" | "nothing";

/**
 * What to do about an APIService of some name. What has no label of ours belongs to somebody else. A built-in one is
 * made right once, when the server starts, and may be changed then; but it comes back when it is deleted: its group
 * version is served all the same. @upstream kube-aggregator/pkg/controllers/autoregister/autoregister_controller.go checkAPIService
 */
export function stepFor(
  current: APIService | undefined,
  wanted: WantedService | undefined,
  { isSettled, isSame }: { /** It was made, or looked at, since the server started. */ readonly isSettled: boolean; readonly isSame: boolean },
): Step {
  if (current === undefined) return wanted === undefined ? "nothing" : "create";
  const managed = current.metadata.labels?.[MANAGED];
  if (managed !== "onstart" && managed !== "true") return "nothing";
  if (managed === "onstart" && isSettled) return "nothing";
  if (wanted === undefined) return "delete";
  return isSame || (wanted.managed === "onstart" && isSettled) ? "nothing" : "update";
}
