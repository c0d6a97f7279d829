import { deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { cidrErrors, configMapKeyErrors, dnsLabelErrors, dnsSubdomainErrors, invalidEach, labelValueErrors, parseCidr, validateLabelName } from "../../meta/validation.ts";
import type { Node, NodeConfigSource, Taint } from "../generated/types/core-v1.ts";
import { unchecked } from "../unchecked.ts";
import { isBlank } from "../pod/choice.ts";
import { validateResourceQuantity } from "../pod/validate-resources.ts";
import { validateTaintEffect } from "../pod/validate-scheduling.ts";

const spec = new FieldPath("spec");
const status = new FieldPath("status");
const taints = new FieldPath("metadata.taints");
const cidrs = spec.child("podCIDRs");

/** @upstream pkg/apis/core/validation/validation.go ValidateNode */
export function validateNode(node: Node): FieldError[] {
  const errors = validateTaints(node.spec.taints ?? []);
  for (const list of ["capacity", "allocatable"] as const)
    for (const [name, amount] of Object.entries(node.status?.[list] ?? {})) errors.push(...validateResourceQuantity(name, amount, status.child(list, name)));
  return [...errors, ...validatePodCidrs(node.spec.podCIDRs ?? [])];
}

/** The path lacks `spec`, as upstream's does. */
function validateTaints(list: readonly Taint[]): FieldError[] {
  const seen = new Set<string>();
  return list.flatMap((taint, index) => {
    const place = taints.index(index);
    const { key = "", value = "", effect = "" } = unchecked(taint);
    const errors = validateLabelName(key, place.child("key"));
    const wrong = labelValueErrors(value);
    if (wrong.length > 0) errors.push(place.child("value").invalid(value, wrong.join(";")));
    errors.push(...validateTaintEffect(effect, place.child("effect")));
    const pair = `${effect}/${key}`;
    if (seen.has(pair)) errors.push({ ...place.duplicate(taint), detail: "taints must be unique by key and effect pair" });
    seen.add(pair);
    return errors;
  });
}

/** At most one of each family. */
function validatePodCidrs(list: readonly string[]): FieldError[] {
  const errors = list.flatMap((cidr, index) => invalidEach(cidrs.index(index), cidr, cidrErrors(cidr, { strict: false })));
  if (list.length < 2) return errors;
  const families = new Set(list.map((cidr) => parseCidr(cidr)?.address.family));
  if (families.size < 2 || list.length > 2) errors.push(cidrs.invalid(list, "may specify no more than one CIDR for each IP family"));
  for (const [index, cidr] of list.entries()) if (list.indexOf(cidr) < index) errors.push(cidrs.index(index).duplicate(cidr));
  return errors;
}

/** @upstream ValidateNodeUpdate */
export function validateNodeUpdate(next: Node, previous: Node): FieldError[] {
  const errors: FieldError[] = [];
  const addresses = next.status?.addresses ?? [];
  for (const [index, address] of addresses.entries())
    if (addresses.slice(0, index).some((earlier) => deepEqual(earlier, address))) errors.push(status.child("addresses").index(index).duplicate(address));
  const before = previous.spec.podCIDRs ?? [];
  if (before.length > 0 && !deepEqual(before, next.spec.podCIDRs ?? [])) errors.push(cidrs.forbidden('node updates may not change podCIDR except from "" to valid'));
  if (!isBlank(previous.spec.providerID) && previous.spec.providerID !== next.spec.providerID)
    errors.push(spec.child("providerID").forbidden('node updates may not change providerID except from "" to valid'));
  if (next.spec.configSource !== undefined) errors.push(...validateConfigSource(next.spec.configSource, "spec", spec.child("configSource")));
  for (const field of ["assigned", "active", "lastKnownGood"] as const) {
    const source = next.status?.config?.[field];
    if (source !== undefined) errors.push(...validateConfigSource(source, "status", status.child("config", field)));
  }
  if ((next.spec.externalID ?? "") !== (previous.spec.externalID ?? "")) errors.push(spec.child("externalID").forbidden("may not be updated"));
  return errors;
}

/** A field that no kubelet reads any more; what is written is checked as it always was. */
function validateConfigSource(source: NodeConfigSource, part: "spec" | "status", path: FieldPath): FieldError[] {
  const { configMap } = source;
  if (configMap === undefined) return [path.invalid(source, "exactly one reference subfield must be non-nil")];
  const place = path.child("configMap");
  const errors: FieldError[] = [];
  for (const field of ["uid", "resourceVersion"] as const) {
    if (part === "spec" && !isBlank(configMap[field])) errors.push(place.child(field).forbidden(`${field} must not be set in spec`));
    if (part === "status" && isBlank(configMap[field])) errors.push(place.child(field).required(`${field} must be set in status`));
  }
  for (const [field, check] of [
    ["namespace", dnsLabelErrors],
    ["name", dnsSubdomainErrors],
    ["kubeletConfigKey", configMapKeyErrors],
  ] as const) {
    const value = configMap[field];
    errors.push(...(isBlank(value) ? [place.child(field).required(`${field} must be set`)] : invalidEach(place.child(field), value, check(value))));
  }
  return errors;
}
