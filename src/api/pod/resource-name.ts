import { Quantity } from "../../meta/quantity.ts";

const containerResources = new Set(["cpu", "memory", "ephemeral-storage"]);
const objectCounts = new Set([
  "pods",
  "services",
  "replicationcontrollers",
  "resourcequotas",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
]);
const standardResources = new Set([
  ...containerResources,
  "requests.cpu",
  "requests.memory",
  "requests.ephemeral-storage",
  "limits.cpu",
  "limits.memory",
  "limits.ephemeral-storage",
  "storage",
  "requests.storage",
  ...objectCounts,
]);
const hugePagesPrefix = "hugepages-";

export const isHugePages = (name: string): boolean => name.startsWith(hugePagesPrefix);

/** Known to Kubernetes without a domain: `cpu`, `requests.memory`, `hugepages-2Mi`, `pods`. @upstream pkg/apis/core/helper/helpers.go */
export const isStandardResource = (name: string): boolean => standardResources.has(name) || isHugePages(name) || name.startsWith(`requests.${hugePagesPrefix}`);

/** What a container may ask for without a domain in its name. */
export const isStandardContainerResource = (name: string): boolean => containerResources.has(name) || isHugePages(name);

/** Without a domain, or of Kubernetes' own. */
export const isNativeResource = (name: string): boolean => !name.includes("/") || name.includes("kubernetes.io/");

/** Counted by a device plugin or an extender: `example.com/gpu`. Validity of the name aside. */
export const isExtendedResource = (name: string): boolean => !isNativeResource(name) && !name.startsWith("requests.");

export const isOvercommitAllowed = (name: string): boolean => isNativeResource(name) && !isHugePages(name);

/** Amounts of these are whole numbers. */
export const isIntegerResource = (name: string): boolean => objectCounts.has(name) || isExtendedResource(name);

/** What spec.resources of a pod may name. @upstream component-helpers/resource/helpers.go SupportedPodLevelResources */
export const isPodLevelResource = (name: string): boolean => name === "cpu" || name === "memory" || isHugePages(name);

/** Whether an amount of `hugepages-2Mi` is a positive multiple of 2Mi. */
export function isWholeHugePages(name: string, quantity: Quantity): boolean {
  try {
    const page = Quantity.parse(name.slice(hugePagesPrefix.length)).nanos;
    return page > 0n && quantity.nanos >= 0n && quantity.nanos % page === 0n;
  } catch {
    return false;
  }
}
