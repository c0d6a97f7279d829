import type { Node, NodeSelector, NodeSelectorRequirement } from "../../api/generated/types/core-v1.ts";
import type { AllocationResult, DeviceAllocationConfiguration, DeviceRequestAllocationResult, ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import type { Ask } from "./requests.ts";
import type { Taken } from "./search.ts";

export interface Found {
  readonly taken: readonly Taken[];
  /** What each request came to. */
  readonly chosen: readonly Ask[];
}

/** What is written into the claim's status. @upstream structured Allocate */
export function allocationResult(claim: ResourceClaim, { taken, chosen }: Found, node: Node, newShareId: () => string): AllocationResult {
  const config = configOf(claim, chosen);
  const nodeSelector = nodesOf(taken, node.metadata.name ?? "");
  return {
    devices: { results: taken.map((each) => deviceResult(each, newShareId)), ...(config.length === 0 ? {} : { config }) },
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
  };
}

function deviceResult({ ask, candidate, share }: Taken, newShareId: () => string): DeviceRequestAllocationResult {
  const { driver, device, slice } = candidate;
  const { tolerations } = ask.request;
  const { bindingConditions, bindingFailureConditions } = device;
  return {
    request: ask.name,
    driver,
    pool: slice.spec.pool.name,
    device: device.name,
    ...(ask.isAdmin ? { adminAccess: true } : {}),
    ...(tolerations === undefined ? {} : { tolerations }),
    ...(bindingConditions === undefined ? {} : { bindingConditions }),
    ...(bindingFailureConditions === undefined ? {} : { bindingFailureConditions }),
    ...(share === undefined ? {} : { shareID: newShareId() }),
    ...(share === undefined || share.size === 0 ? {} : { consumedCapacity: Object.fromEntries([...share].map(([name, amount]) => [name, amount.toString()])) }),
  };
}

/** The classes' parameters first, then the claim's own, which may override them. */
function configOf({ spec }: ResourceClaim, chosen: readonly Ask[]): readonly DeviceAllocationConfiguration[] {
  const { requests = [], config = [] } = spec.devices ?? {};
  const everybody = (names: readonly string[]): { readonly requests?: readonly string[] } => (names.length === 0 || names.length === requests.length ? {} : { requests: names });
  const byClass = new Map<string, string[]>();
  for (const {
    name,
    class: { metadata },
  } of chosen) {
    const names = byClass.get(metadata.name ?? "");
    if (names === undefined) byClass.set(metadata.name ?? "", [name]);
    else names.push(name);
  }
  const made: DeviceAllocationConfiguration[] = [];
  for (const [className, names] of byClass) {
    const known = chosen.find((ask) => ask.class.metadata.name === className);
    for (const entry of known?.class.spec.config ?? []) made.push({ source: "FromClass", ...everybody(names), ...entry });
  }
  for (const { requests: wanted = [], ...entry } of config) {
    const isMeant = wanted.length === 0 || requests.some(({ name }, index) => wanted.includes(name) || wanted.includes(chosen[index]?.name ?? ""));
    if (isMeant) made.push({ source: "FromClaim", ...everybody(wanted), ...entry });
  }
  return made;
}

/** Which nodes can reach all of the devices; undefined: every node. */
function nodesOf(taken: readonly Taken[], nodeName: string): NodeSelector | undefined {
  const matchFields: NodeSelectorRequirement[] = [];
  const matchExpressions: NodeSelectorRequirement[] = [];
  for (const { candidate } of taken) {
    const { slice, device } = candidate;
    const where = slice.spec.perDeviceNodeSelection === true ? device : slice.spec;
    if (where.nodeName !== undefined || device.bindsToNode === true)
      return { nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [nodeName] }] }] };
    const [term] = where.nodeSelector?.nodeSelectorTerms ?? [];
    addNew(matchFields, term?.matchFields ?? []);
    addNew(matchExpressions, term?.matchExpressions ?? []);
  }
  if (matchFields.length === 0 && matchExpressions.length === 0) return undefined;
  return { nodeSelectorTerms: [{ ...(matchFields.length === 0 ? {} : { matchFields }), ...(matchExpressions.length === 0 ? {} : { matchExpressions }) }] };
}

function addNew(to: NodeSelectorRequirement[], from: readonly NodeSelectorRequirement[]): void {
  const textOf = ({ key, operator, values = [] }: NodeSelectorRequirement): string => JSON.stringify([key, operator, [...new Set(values)].sort()]);
  const known = new Set(to.map(textOf));
  for (const requirement of from) if (!known.has(textOf(requirement))) to.push(requirement);
}
