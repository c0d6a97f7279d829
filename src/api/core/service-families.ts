import type { Draft } from "../../base/values.ts";
import type { ServiceSpec } from "../generated/types/core-v1.ts";
import { isHeadless } from "./service-traits.ts";

export type IPFamily = "IPv4" | "IPv6";

/**
 * Completes ipFamilies and ipFamilyPolicy from what the user gave and the families the cluster has, its own first.
 * What cannot be satisfied is left to the allocator's errors. @upstream pkg/registry/core/service/storage/alloc.go initIPFamilyFields
 */
export function initServiceFamilies(spec: Draft<ServiceSpec>, clusterFamilies: readonly IPFamily[]): void {
  if (spec.type === "ExternalName") return;
  const primary = clusterFamilies[0] ?? "IPv4";
  const families = [...(spec.ipFamilies ?? [])];
  for (const [index, ip] of (spec.clusterIPs ?? []).entries()) {
    if (ip === "None") break;
    if (index >= families.length) families.push(familyOf(ip));
  }
  const selectorless = Object.keys(spec.selector ?? {}).length === 0;
  if (isHeadless(spec) && selectorless) {
    // Its endpoints are made by hand and may be of both families, whatever the cluster has.
    spec.ipFamilyPolicy ??= "RequireDualStack";
    if (families.length === 0) families.push(primary);
    if (families.length === 1 && spec.ipFamilyPolicy !== "SingleStack") families.push(otherFamily(families[0]));
    spec.ipFamilies = families;
    return;
  }
  spec.ipFamilyPolicy ??= families.length > 1 ? "RequireDualStack" : "SingleStack";
  if (families.length === 0) families.push(primary);
  const missing = otherFamily(families[0]);
  if (families.length === 1 && spec.ipFamilyPolicy !== "SingleStack" && clusterFamilies.includes(missing)) families.push(missing);
  spec.ipFamilies = families;
}

export function familyOf(ip: string): IPFamily {
  return ip.includes(":") ? "IPv6" : "IPv4";
}

function otherFamily(family: string | undefined): IPFamily {
  return family === "IPv6" ? "IPv4" : "IPv6";
}
