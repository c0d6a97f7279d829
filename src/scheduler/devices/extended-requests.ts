import type { Container, ContainerExtendedResourceRequest, Pod } from "../../api/generated/types/core-v1.ts";
import type { DeviceClass, DeviceRequest } from "../../api/generated/types/resource-v1.ts";
import { Quantity } from "../../meta/quantity.ts";

/** What a claim for a pod's extended resources asks for, and which request each container's resource is. */
export interface ExtendedRequests {
  readonly requests: readonly DeviceRequest[];
  readonly mappings: readonly ContainerExtendedResourceRequest[];
}

interface Part {
  readonly name: string;
  readonly count: number;
}

/**
 * One request for each container and resource. Containers that end before others start borrow the devices of those, and
 * what they need beyond is asked for once, as much as the greediest of them needs. @upstream extendeddynamicresources.go createRequestsAndMappings
 */
export function extendedRequests({ spec }: Pod, resources: Iterable<string>, classOf: (resource: string) => DeviceClass | undefined): ExtendedRequests {
  const initCount = spec.initContainers?.length ?? 0;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const isShort = (index: number): boolean => index < initCount && containers[index]?.restartPolicy !== "Always";
  const requests: DeviceRequest[] = [];
  const mappings: ContainerExtendedResourceRequest[] = [];
  for (const resource of [...resources].sort()) {
    const className = classOf(resource)?.metadata.name;
    if (className === undefined) continue;
    const lasting: (Part | undefined)[] = containers.map(() => undefined);
    const borrowed: ContainerExtendedResourceRequest[] = [];
    for (const [index, container] of containers.entries()) {
      const part = isShort(index) ? undefined : partOf(container, index, resource, 0);
      if (part === undefined) continue;
      lasting[index] = part;
      mappings.push({ containerName: container.name, resourceName: resource, requestName: part.name });
    }
    const own = new Set<string>();
    let greatest: Part | undefined;
    for (const [index, container] of containers.entries()) {
      if (!isShort(index)) continue;
      const wanted = amountOf(container, resource);
      let had = 0;
      for (const lender of lasting.slice(index)) {
        if (had >= wanted || lender === undefined) continue;
        had += lender.count;
        borrowed.push({ containerName: container.name, resourceName: resource, requestName: lender.name });
      }
      const part = had >= wanted ? undefined : partOf(container, index, resource, had);
      if (part === undefined) continue;
      own.add(part.name);
      borrowed.push({ containerName: container.name, resourceName: resource, requestName: part.name });
      if (greatest === undefined || greatest.count < part.count) greatest = part;
    }
    for (const each of borrowed) mappings.push(greatest !== undefined && own.has(each.requestName) ? { ...each, requestName: greatest.name } : each);
    for (const part of [greatest, ...lasting])
      if (part !== undefined) requests.push({ name: part.name, exactly: { deviceClassName: className, allocationMode: "ExactCount", count: part.count } });
  }
  return { requests: requests.sort((a, b) => (a.name < b.name ? -1 : 1)), mappings };
}

function amountOf({ resources }: Container, resource: string): number {
  const text = resources?.requests?.[resource];
  return text === undefined ? 0 : Quantity.parse(text).value();
}

function partOf(container: Container, index: number, resource: string, had: number): Part | undefined {
  const wanted = amountOf(container, resource);
  if (wanted === 0) return undefined;
  const place = Object.keys(container.resources?.requests ?? {})
    .sort()
    .indexOf(resource);
  return { name: `container-${index}-request-${place}`, count: wanted - had };
}
