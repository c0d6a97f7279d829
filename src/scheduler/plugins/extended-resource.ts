/** Whether a resource is something that nodes were given names for by others than Kubernetes. @upstream pkg/apis/core/v1/helper IsExtendedResourceName */
export function isExtendedResource(name: string): boolean {
  return name.includes("/") && !name.startsWith("kubernetes.io/") && !name.includes(".kubernetes.io/") && !name.startsWith("requests.");
}
