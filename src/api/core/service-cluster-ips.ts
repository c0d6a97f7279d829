import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { checkIP } from "../field-checks.ts";
import type { Service, ServiceSpec } from "../generated/types/core-v1.ts";
import { familyOf } from "./service-families.ts";
import { isHeadless, needsHealthCheckNodePort } from "./service-traits.ts";

const clusterIPsPath = new FieldPath("spec.clusterIPs");
const familiesPath = new FieldPath("spec.ipFamilies");
const policyPath = new FieldPath("spec.ipFamilyPolicy");
const families = ["IPv4", "IPv6"];
const unchangeable = "may not change once set";

/** clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy. @upstream pkg/apis/core/validation/validation.go ValidateServiceClusterIPsRelatedFields */
export function* validateClusterIPs(spec: ServiceSpec): Iterable<FieldError> {
  if (spec.type === "ExternalName") return;
  const { clusterIP = "", clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
  if (clusterIP !== "") {
    if (clusterIPs.length === 0) yield clusterIPsPath.required();
    else if (clusterIPs[0] !== clusterIP) yield clusterIPsPath.invalid(clusterIPs, "first value must match `clusterIP`");
  } else if (clusterIPs.length > 0) yield clusterIPsPath.invalid(clusterIPs, "must be empty when `clusterIP` is not specified");

  for (const [index, family] of ipFamilies.entries()) {
    if (!families.includes(family)) yield familiesPath.index(index).notSupported(family, families);
    if (ipFamilies.indexOf(family) < index) yield familiesPath.index(index).duplicate(family);
  }
  const policies = ["SingleStack", "PreferDualStack", "RequireDualStack"];
  if (ipFamilyPolicy !== undefined && !policies.includes(ipFamilyPolicy)) yield policyPath.notSupported(ipFamilyPolicy, policies);

  let malformed = false;
  for (const [index, ip] of clusterIPs.entries()) {
    if (index === 0 && ip === "None") {
      if (clusterIPs.length === 1) continue;
      malformed = true;
      yield clusterIPsPath.invalid(clusterIPs, "'None' must be the first and only value");
      continue;
    }
    for (const error of checkIP(clusterIPsPath.index(index), ip)) {
      malformed = true;
      yield error;
    }
  }
  if (clusterIPs.length > 2) yield clusterIPsPath.invalid(clusterIPs, "may only hold up to 2 values");
  if (malformed) return;
  if (clusterIPs.length > 1 && new Set(clusterIPs.map(familyOf)).size !== clusterIPs.length) {
    yield clusterIPsPath.invalid(clusterIPs, "may specify no more than one IP for each IP family");
  }
  if (isHeadless(spec)) return;
  for (const [index, ip] of clusterIPs.entries()) {
    const family = ipFamilies[index];
    if (family === undefined) break;
    if (families.includes(family) && familyOf(ip) !== family) {
      yield clusterIPsPath.index(index).invalid(ip, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``);
    }
  }
}

/** What an update may not change. @upstream pkg/apis/core/validation/validation.go ValidateServiceUpdate */
export function* validateServiceUpdate({ spec }: Service, { spec: before }: Service): Iterable<FieldError> {
  if (spec.type !== "ExternalName" && before.type !== "ExternalName") {
    const headless = isHeadless(spec);
    if (!headless || !isHeadless(before)) yield* validateClusterIPChange(spec, before);
    if (!headless && !isHeadless(before)) yield* validateFamilyChange(spec, before);
  }
  if (spec.type === "LoadBalancer" && before.type === "LoadBalancer" && spec.loadBalancerClass !== before.loadBalancerClass) {
    yield new FieldPath("spec.loadBalancerClass").invalid(spec.loadBalancerClass, unchangeable);
  }
  if (needsHealthCheckNodePort(spec) && needsHealthCheckNodePort(before) && (spec.healthCheckNodePort ?? 0) !== (before.healthCheckNodePort ?? 0)) {
    yield new FieldPath("spec.healthCheckNodePort").forbidden("field is immutable");
  }
}

/** A second address may come and go; the first stays. */
function* validateClusterIPChange(spec: ServiceSpec, before: ServiceSpec): Iterable<FieldError> {
  const { clusterIPs = [] } = spec;
  const { clusterIPs: previous = [] } = before;
  if (previous.length === clusterIPs.length) {
    for (const [index, ip] of previous.entries()) if (clusterIPs[index] !== ip) yield clusterIPsPath.index(index).invalid(clusterIPs, unchangeable);
    return;
  }
  if (clusterIPs.length === 0) yield clusterIPsPath.index(0).invalid(clusterIPs, "primary clusterIP can not be unset");
  else if (previous.length > 0 && clusterIPs[0] !== previous[0]) yield clusterIPsPath.index(0).invalid(clusterIPs, unchangeable);
  if (previous.length > 1 && clusterIPs.length === 1 && spec.ipFamilyPolicy !== "SingleStack") {
    yield policyPath.invalid(spec.ipFamilyPolicy, "must be set to 'SingleStack' when releasing the secondary clusterIP");
  }
}

function* validateFamilyChange(spec: ServiceSpec, before: ServiceSpec): Iterable<FieldError> {
  const { ipFamilies = [], clusterIPs = [] } = spec;
  const { ipFamilies: previous = [] } = before;
  if (previous.length === ipFamilies.length) {
    for (const [index, family] of previous.entries()) if (ipFamilies[index] !== family) yield familiesPath.index(0).invalid(ipFamilies, unchangeable);
    return;
  }
  const released = previous.length > ipFamilies.length;
  if (released && clusterIPs.length === 0) yield familiesPath.index(0).invalid(ipFamilies, "primary ipFamily can not be unset");
  if (previous.length > 0 && ipFamilies.length > 0 && ipFamilies[0] !== previous[0]) yield familiesPath.index(0).invalid(clusterIPs, unchangeable);
  if (released && ipFamilies.length === 1 && spec.ipFamilyPolicy !== "SingleStack") {
    yield policyPath.invalid(spec.ipFamilyPolicy, "must be set to 'SingleStack' when releasing the secondary ipFamily");
  }
}
