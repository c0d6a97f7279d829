import type { Endpoint, EndpointPort, EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import { deepEqual } from "../../base/values.ts";
import type { NewObject } from "../../client/client.ts";
import type { OwnerReference } from "../../meta/generated/meta-v1.ts";
import { canonicalJson } from "../template-hash.ts";
import { triggerTimeAnnotation } from "./pod-endpoint.ts";

type Texts = { readonly [key: string]: string };

/** All endpoints that share one list of ports. */
export interface EndpointGroup {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export interface SliceState {
  readonly addressType: string;
  /** The slices there are of this address type. */
  readonly existing: readonly EndpointSlice[];
  readonly desired: readonly EndpointGroup[];
  readonly maxPerSlice: number;
  readonly namespace: string;
  readonly generateName: string;
  readonly owner: OwnerReference;
  readonly labels: Texts;
  readonly annotations?: Texts | undefined;
  readonly triggerTime: string | undefined;
  /** Keep one slice without endpoints rather than none. */
  readonly placeholder: boolean;
}

export interface SlicePlan {
  readonly create: readonly NewObject<EndpointSlice>[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

/** Fresh content for one slice; `from` is the slice it replaces. */
interface Content {
  readonly from: EndpointSlice | undefined;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: Endpoint[];
}

/**
 * Brings slices to the desired endpoints while touching few of them: what stands in a slice stays there, changed slices
 * are filled up first, then the fullest untouched one that takes all the rest; only then new ones are made.
 * @upstream endpointslice/reconciler.go reconcileByPortMapping
 */
export function planSlices(state: SliceState): SlicePlan {
  const byPorts = new Map<string, EndpointSlice[]>();
  for (const slice of state.existing) {
    const key = portsKey(slice.ports ?? []);
    byPorts.set(key, [...(byPorts.get(key) ?? []), slice]);
  }
  const changed: Content[] = [];
  const remove: EndpointSlice[] = [];
  for (const group of mergeGroups(state.desired)) {
    const key = portsKey(group.ports);
    fillGroup(state, group, byPorts.get(key) ?? [], changed, remove);
    byPorts.delete(key);
  }
  for (const slices of byPorts.values()) remove.push(...slices);
  if (state.placeholder && remove.length === state.existing.length && changed.every((content) => content.from !== undefined) && changed.length === 0) {
    const empty = remove.findIndex((slice) => isPlaceholder(slice, state));
    if (empty >= 0) remove.splice(empty, 1);
    else changed.push({ from: undefined, ports: [], endpoints: [] });
  }
  return assemble(state, changed, remove);
}

function fillGroup(state: SliceState, group: EndpointGroup, slices: readonly EndpointSlice[], changed: Content[], remove: EndpointSlice[]): void {
  const pending = new Map(group.endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
  const open: Content[] = [];
  const untouched: EndpointSlice[] = [];
  for (const slice of slices) {
    const before = slice.endpoints ?? [];
    const kept: Endpoint[] = [];
    let same = sameLabels(state, slice);
    for (const endpoint of before) {
      const key = endpointKey(endpoint);
      const wanted = pending.get(key);
      if (wanted === undefined) continue;
      pending.delete(key);
      same &&= deepEqual(wanted, endpoint);
      kept.push(wanted);
    }
    if (kept.length === 0) remove.push(slice);
    else if (same && kept.length === before.length) untouched.push(slice);
    else open.push({ from: slice, ports: group.ports, endpoints: kept });
  }
  const rest = [...pending.values()];
  for (const content of [...open].sort((a, b) => b.endpoints.length - a.endpoints.length)) {
    content.endpoints.push(...rest.splice(0, Math.max(0, state.maxPerSlice - content.endpoints.length)));
  }
  while (rest.length > 0) {
    const roomy = rest.length < state.maxPerSlice ? fullestWithRoom(untouched, rest.length, state.maxPerSlice) : undefined;
    if (roomy !== undefined) untouched.splice(untouched.indexOf(roomy), 1);
    const endpoints = [...(roomy?.endpoints ?? [])];
    endpoints.push(...rest.splice(0, state.maxPerSlice - endpoints.length));
    open.push({ from: roomy, ports: group.ports, endpoints });
  }
  changed.push(...open);
}

function fullestWithRoom(slices: readonly EndpointSlice[], count: number, max: number): EndpointSlice | undefined {
  let best: EndpointSlice | undefined;
  for (const slice of slices) {
    const size = slice.endpoints?.length ?? 0;
    if (size + count <= max && size > (best?.endpoints?.length ?? -1)) best = slice;
  }
  return best;
}

/** New content takes over the name of a slice that would go: an update instead of a deletion and a creation. */
function assemble(state: SliceState, changed: readonly Content[], doomed: readonly EndpointSlice[]): SlicePlan {
  const reusable = [...doomed];
  const create: NewObject<EndpointSlice>[] = [];
  const update: EndpointSlice[] = [];
  for (const { from, ports, endpoints } of changed) {
    const base = from ?? reusable.shift();
    if (base === undefined) create.push(newSlice(state, ports, endpoints));
    else update.push({ ...base, metadata: { ...base.metadata, labels: state.labels, annotations: annotationsFor(state, base.metadata.annotations) }, ports, endpoints });
  }
  return { create, update, remove: reusable };
}

function newSlice(state: SliceState, ports: readonly EndpointPort[], endpoints: readonly Endpoint[]): NewObject<EndpointSlice> {
  const annotations = annotationsFor(state, undefined);
  return {
    metadata: {
      generateName: state.generateName,
      namespace: state.namespace,
      labels: state.labels,
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [state.owner],
    },
    addressType: state.addressType,
    endpoints,
    ports,
  };
}

function annotationsFor(state: SliceState, before: Texts | undefined): Texts | undefined {
  const { [triggerTimeAnnotation]: _old, ...kept } = { ...before, ...state.annotations };
  const next = state.triggerTime === undefined ? kept : { ...kept, [triggerTimeAnnotation]: state.triggerTime };
  return Object.keys(next).length === 0 ? undefined : next;
}

function sameLabels(state: SliceState, slice: EndpointSlice): boolean {
  return deepEqual(state.labels, slice.metadata.labels ?? {}) && Object.entries(state.annotations ?? {}).every(([key, value]) => slice.metadata.annotations?.[key] === value);
}

function isPlaceholder(slice: EndpointSlice, state: SliceState): boolean {
  return (slice.endpoints ?? []).length === 0 && (slice.ports ?? []).length === 0 && sameLabels(state, slice);
}

function mergeGroups(groups: readonly EndpointGroup[]): readonly EndpointGroup[] {
  const merged = new Map<string, { ports: readonly EndpointPort[]; endpoints: Endpoint[] }>();
  for (const { ports, endpoints } of groups) {
    const key = portsKey(ports);
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { ports, endpoints: [...endpoints] });
    else known.endpoints.push(...endpoints);
  }
  return [...merged.values()];
}

function portsKey(ports: readonly EndpointPort[]): string {
  return ports
    .map((port) => canonicalJson({ ...port, name: port.name ?? "" }))
    .sort()
    .join();
}

/** What makes two endpoints the same one in two states. */
function endpointKey({ addresses, hostname, targetRef }: Endpoint): string {
  return [addresses.join(), hostname ?? "", targetRef?.namespace ?? "", targetRef?.name ?? "", targetRef?.uid ?? ""].join("|");
}
