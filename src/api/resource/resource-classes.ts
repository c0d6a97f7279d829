import type { DeviceClass } from "../generated/types/resource-v1.ts";
import { isExtendedResource } from "../pod/resource-name.ts";

/** Every class can be asked for under this, with its name behind. @upstream ResourceDeviceClassPrefix */
export const IMPLICIT_PREFIX = "deviceclass.resource.kubernetes.io/";

/** Which extended resources are devices of a class. @upstream deviceclass/extendedresourcecache/extendedresourcecache.go */
export class ResourceClasses {
  readonly #list: () => readonly DeviceClass[];
  #byResource: ReadonlyMap<string, DeviceClass> | undefined;

  constructor(list: () => readonly DeviceClass[]) {
    this.#list = list;
  }

  /** A class has changed. */
  changed(): void {
    this.#byResource = undefined;
  }

  of(resource: string): DeviceClass | undefined {
    this.#byResource ??= byResource(this.#list());
    return this.#byResource.get(resource);
  }

  /** The extended resource that the class of that name says it is, whether or not a newer class has taken it over. */
  resourceOf(className: string): string | undefined {
    return this.of(`${IMPLICIT_PREFIX}${className}`)?.spec.extendedResourceName;
  }
}

/** Whether devices may stand for the resource at all. @upstream pkg/scheduler/util/utils.go IsDRAExtendedResourceName */
export const mayBeDevices = (resource: string): boolean => isExtendedResource(resource) || resource.startsWith(IMPLICIT_PREFIX);

/** Whether pods that ask for the resource may be given devices of the class. */
export function isResourceOf(resource: string, { metadata, spec }: DeviceClass): boolean {
  return resource === `${IMPLICIT_PREFIX}${metadata.name ?? ""}` || resource === spec.extendedResourceName;
}

/** Of several classes for one resource the newest counts, then the first by name. */
function byResource(classes: readonly DeviceClass[]): ReadonlyMap<string, DeviceClass> {
  const sorted = [...classes].sort((a, b) => {
    const [left = "", right = ""] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
    if (left !== right) return left < right ? 1 : -1;
    return (a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1;
  });
  const found = new Map<string, DeviceClass>();
  for (const each of sorted) {
    found.set(`${IMPLICIT_PREFIX}${each.metadata.name ?? ""}`, each);
    const { extendedResourceName } = each.spec;
    if (extendedResourceName !== undefined && !found.has(extendedResourceName)) found.set(extendedResourceName, each);
  }
  return found;
}
