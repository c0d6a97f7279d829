import { Quantity } from "../../meta/quantity.ts";

/** `{ cpu: "500m", memory: "1Gi" }` as objects hold it. */
export interface ResourceList {
  readonly [name: string]: string;
}

/** Amounts by resource name, for arithmetic. */
export type Resources = ReadonlyMap<string, Quantity>;

/** Throws QuantityError when an amount is no quantity; what was decoded has been checked. */
export function parseResources(list: ResourceList | undefined): Map<string, Quantity> {
  const resources = new Map<string, Quantity>();
  for (const name in list) resources.set(name, Quantity.parse(list[name] ?? "0"));
  return resources;
}

export function addResources(into: Map<string, Quantity>, more: Resources): void {
  for (const [name, quantity] of more) into.set(name, into.get(name)?.add(quantity) ?? quantity);
}

/** Raises each amount to at least what `least` has. */
export function raiseResources(into: Map<string, Quantity>, least: Resources): void {
  for (const [name, quantity] of least) {
    const present = into.get(name);
    if (present === undefined || present.compare(quantity) < 0) into.set(name, quantity);
  }
}

export function formatResources(resources: Resources): Record<string, string> {
  return Object.fromEntries([...resources].map(([name, quantity]) => [name, quantity.toString()]));
}
