import type { Namespace } from "../../api/generated/types/core-v1.ts";
import type { AllocatedDeviceStatus, AllocationResult, ResourceClaim, ResourceClaimTemplate, ResourceSlice } from "../../api/generated/types/resource-v1.ts";
import { type Clock, rfc3339 } from "../../base/clock.ts";
import { deepEqual, type Draft } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { KubeObject } from "../../meta/object.ts";
import { type FieldError, invalid } from "../../meta/status-error.ts";
import type { AuthorizationAttributes, Authorizer } from "../authz/authorizer.ts";
import { forbiddenMessage } from "../authz/forbidden-message.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";

const GROUP = "resource.k8s.io";
const NAMESPACES = "/registry/namespaces/";
const ADMIN_LABEL = "resource.kubernetes.io/admin-access";
const NODE_NAME = "authentication.kubernetes.io/node-name";

/**
 * Who may do what with claims to devices: administrators' access only where the namespace says so; devices given and
 * reserved by those who may bind claims, told of by their drivers. Dates taints. @upstream pkg/registry/resource
 */
export function deviceAccess(deps: { readonly cache: StateCache; readonly authorizer: Authorizer; readonly clock: Clock }): AdmissionPlugin {
  const namespaces = deps.cache.resource(NAMESPACES);
  const allowsAdmins = (namespace: string): boolean => (namespaces.get(NAMESPACES + namespace)?.object as Namespace | undefined)?.metadata.labels?.[ADMIN_LABEL] === "true";
  return {
    name: "DeviceAccess",
    mutate({ served, object }) {
      if (served.resource.group !== GROUP || served.resource.resource !== "resourceslices" || object === undefined) return;
      const now = rfc3339(deps.clock.now());
      for (const device of (object as Draft<KubeObject> as Draft<ResourceSlice>).spec.devices ?? []) for (const taint of device.taints ?? []) taint.timeAdded ??= now;
    },
    validate(request) {
      return request.served.resource.group === GROUP && request.object !== undefined ? check(request) : undefined;
    },
  };

  async function check(request: AdmissionRequest): Promise<void> {
    const { group, resource, kind } = request.served.resource;
    const errors: FieldError[] = [];
    const path = adminPath(request, resource);
    if (path !== undefined && !allowsAdmins(request.namespace))
      errors.push(path.forbidden(`admin access to devices requires the \`${ADMIN_LABEL}: true\` label on the containing namespace`));
    if (resource === "resourceclaims" && request.subresource === "status") errors.push(...(await statusProblems(request, deps.authorizer)));
    if (errors.length > 0) throw invalid({ group, kind, name: request.name }, errors);
  }
}

/** Where access for administrators is asked for, or given, that was not before. */
function adminPath({ operation, subresource, object, previous }: AdmissionRequest, resource: string): FieldPath | undefined {
  if (operation === "CREATE" && (resource === "resourceclaims" || resource === "resourceclaimtemplates")) {
    const made = object as KubeObject;
    const { devices } = resource === "resourceclaims" ? (made as ResourceClaim).spec : (made as ResourceClaimTemplate).spec.spec;
    const index = (devices?.requests ?? []).findIndex(({ exactly }) => exactly?.adminAccess === true);
    const root = resource === "resourceclaims" ? "spec.devices.requests" : "spec.spec.devices.requests";
    return index < 0 ? undefined : new FieldPath(root).index(index).child("adminAccess");
  }
  if (operation !== "UPDATE" || resource !== "resourceclaims" || subresource !== "status") return undefined;
  const given = (claim: KubeObject | undefined): number =>
    ((claim as ResourceClaim | undefined)?.status?.allocation?.devices?.results ?? []).findIndex(({ adminAccess }) => adminAccess === true);
  const index = given(object as KubeObject);
  return index < 0 || given(previous) >= 0 ? undefined : new FieldPath("status.allocation.devices.results").index(index).child("adminAccess");
}

/** @upstream pkg/registry/resource/authorization.go AuthorizedForBinding, AuthorizedForDeviceStatus */
async function statusProblems(request: AdmissionRequest, authorizer: Authorizer): Promise<readonly FieldError[]> {
  const next = (request.object as KubeObject as ResourceClaim).status ?? {};
  const before = (request.previous as ResourceClaim).status ?? {};
  const path = new FieldPath("status");
  const errors: FieldError[] = [];
  const may = (verb: string, subresource: string, name: string, namespace: string): Promise<string | undefined> =>
    whyNot({ user: request.user, verb, group: GROUP, version: "*", resource: "resourceclaims", subresource, namespace, name, path: "", isResource: true }, authorizer);
  if (!deepEqual(next.allocation, before.allocation) || !deepEqual(next.reservedFor ?? [], before.reservedFor ?? [])) {
    const why = await firstAllowed(["update", "patch"].map((verb) => () => may(verb, "binding", "", "")));
    if (why !== undefined)
      errors.push(path.forbidden(`changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="update" permission: ${why}`));
  }
  const isLocal = isOnNodeOf(request, next.allocation);
  const kinds = isLocal ? ["associated-node:", "arbitrary-node:"] : ["arbitrary-node:"];
  for (const driver of changedDrivers(next.devices ?? [], before.devices ?? [])) {
    const why = await firstAllowed(kinds.flatMap((kind) => ["update", "patch"].map((verb) => () => may(`${kind}${verb}`, "driver", driver, request.namespace))));
    const verbs = kinds.map((kind) => `${kind}update`).join(" ");
    if (why !== undefined) errors.push(path.forbidden(`changing status.devices requires resource="resourceclaims/driver", verb="[${verbs}]" permission: ${why}`));
  }
  return errors;
}

/** Undefined: allowed. */
async function whyNot(attributes: AuthorizationAttributes, authorizer: Authorizer): Promise<string | undefined> {
  const { verdict, reason } = await authorizer.authorize(attributes);
  if (verdict === "allow") return undefined;
  const { group, resource, name } = attributes;
  return `${resource}.${group}${name === "" ? "" : ` ${JSON.stringify(name)}`} is forbidden: ${forbiddenMessage(attributes, reason)}`;
}

/** Why none of them is allowed: the first one's reason. */
async function firstAllowed(questions: readonly (() => Promise<string | undefined>)[]): Promise<string | undefined> {
  let first: string | undefined;
  for (const ask of questions) {
    const why = await ask();
    if (why === undefined) return undefined;
    first ??= why;
  }
  return first;
}

function changedDrivers(next: readonly AllocatedDeviceStatus[], before: readonly AllocatedDeviceStatus[]): readonly string[] {
  const keyOf = ({ driver, pool, device, shareID = "" }: AllocatedDeviceStatus): string => `${driver}/${pool}/${device}/${shareID}`;
  const known = new Map(before.map((device) => [keyOf(device), device]));
  const drivers = new Set<string>();
  for (const device of next) {
    if (!deepEqual(known.get(keyOf(device)), device)) drivers.add(device.driver);
    known.delete(keyOf(device));
  }
  for (const { driver } of known.values()) drivers.add(driver);
  return [...drivers].sort();
}

/** A service account whose token is of a pod on the one node that the claim can be used on. */
function isOnNodeOf({ user }: AdmissionRequest, allocation: AllocationResult | undefined): boolean {
  if (!user.name.startsWith("system:serviceaccount:")) return false;
  const [term, ...terms] = allocation?.nodeSelector?.nodeSelectorTerms ?? [];
  const [field, ...fields] = term?.matchFields ?? [];
  if (field === undefined || terms.length > 0 || fields.length > 0 || (term?.matchExpressions ?? []).length > 0) return false;
  const names = user.extra?.[NODE_NAME] ?? [];
  const { key, operator, values = [] } = field;
  return key === "metadata.name" && operator === "In" && values.length === 1 && names.length === 1 && names[0] === values[0];
}
