import type { DeviceClass } from "../../api/generated/types/resource-v1.ts";

/** Every class can be asked for under this, with its name behind. @upstream ResourceDeviceClassPrefix */
const IMPLICIT_PREFIX = "deviceclass.resource.kubernetes.io/";

/** Which extended resources are devices of a class. @upstream dynamicresources/extended/cache.go */
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
}

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
