import type { Node, NodeSelector } from "../../api/generated/types/core-v1.ts";
import type { CounterSet, Device, ResourceSlice } from "../../api/generated/types/resource-v1.ts";
import { matchesSelector } from "../plugins/node-affinity.ts";
import { type DeviceId, deviceId, poolId } from "./device-id.ts";

/** A device of a pool, with where it was said to be. */
export interface Candidate {
  readonly id: DeviceId;
  readonly driver: string;
  readonly pool: Pool;
  readonly slice: ResourceSlice;
  readonly device: Device;
}

/** What one driver offers under one name, as far as a node can reach it. */
export interface Pool {
  readonly id: string;
  /** Some slices of the newest generation are not there yet. */
  readonly isIncomplete: boolean;
  /** Why nothing can be taken from it. */
  readonly fault: string | undefined;
  /** Empty for a pool that is incomplete or faulty. */
  readonly devices: readonly Candidate[];
  readonly counters: ReadonlyMap<string, CounterSet>;
  /** Every device of the pool that draws on counters, also those that the node cannot reach. */
  readonly drawing: readonly { readonly id: DeviceId; readonly device: Device }[];
}

/** Slices by node and by pool, prepared once for all nodes. */
export class SliceIndex {
  readonly #ofNode = new Map<string, ResourceSlice[]>();
  readonly #shared: ResourceSlice[] = [];
  readonly #ofPool = new Map<string, ResourceSlice[]>();
  /** PERF: a node object stands for its name and labels, which is all that is asked of it. */
  readonly #known = new WeakMap<Node, readonly Pool[]>();

  constructor(slices: readonly ResourceSlice[]) {
    // One order for all, so that the same devices are taken first wherever one looks.
    for (const slice of [...slices].sort((a, b) => compareText(a.metadata.name ?? "", b.metadata.name ?? ""))) {
      const { nodeName = "" } = slice.spec;
      if (nodeName === "") this.#shared.push(slice);
      else file(this.#ofNode, nodeName, slice);
      file(this.#ofPool, poolOf(slice), slice);
    }
  }

  /** Those without conditions that first have to be met come first, then by name. @upstream structured GatherPools */
  poolsFor(node: Node): readonly Pool[] {
    const pools = this.#known.get(node) ?? this.#gather(node);
    this.#known.set(node, pools);
    return pools;
  }

  #gather(node: Node): readonly Pool[] {
    const reachable = new Map<string, ResourceSlice[]>();
    for (const slices of [this.#ofNode.get(node.metadata.name ?? "") ?? [], this.#shared]) for (const slice of slices) if (reaches(slice, node)) addNewest(reachable, slice);
    const pools: Pool[] = [];
    for (const [id, slices] of reachable) {
      const pool = this.#pool(id, slices);
      if (pool !== undefined) pools.push(pool);
    }
    return pools.sort((a, b) => Number(hasConditions(a)) - Number(hasConditions(b)) || compareText(a.id, b.id));
  }

  /** Undefined for a pool that is being replaced by one without anything for the node. */
  #pool(id: string, slices: readonly ResourceSlice[]): Pool | undefined {
    const [first] = slices;
    if (first === undefined) return undefined;
    const { generation, resourceSliceCount } = first.spec.pool;
    const all = this.#ofPool.get(id) ?? [];
    if (all.some(({ spec }) => spec.pool.generation > generation)) return undefined;
    const current = all.filter(({ spec }) => spec.pool.generation === generation);
    const empty = { id, devices: [], counters: new Map<string, CounterSet>(), drawing: [] };
    if (current.length !== resourceSliceCount) return { ...empty, isIncomplete: true, fault: undefined };
    const counters = new Map<string, CounterSet>();
    for (const { spec } of slices)
      for (const set of spec.sharedCounters ?? []) {
        if (counters.has(set.name)) return { ...empty, isIncomplete: false, fault: `duplicate counter set name ${set.name}` };
        counters.set(set.name, set);
      }
    const drawing = current.flatMap(({ spec }) =>
      (spec.devices ?? [])
        .filter(({ consumesCounters = [] }) => consumesCounters.length > 0)
        .map((device) => ({ id: deviceId({ driver: spec.driver, pool: spec.pool.name, device: device.name }), device })),
    );
    const fault = faultOf(slices, counters, drawing);
    if (fault !== undefined) return { ...empty, isIncomplete: false, fault };
    const devices: Candidate[] = [];
    const pool: Pool = { id, isIncomplete: false, fault: undefined, devices, counters, drawing };
    for (const slice of slices) {
      const { driver, pool: named } = slice.spec;
      for (const device of slice.spec.devices ?? []) devices.push({ id: deviceId({ driver, pool: named.name, device: device.name }), driver, pool, slice, device });
    }
    return pool;
  }
}

function faultOf(slices: readonly ResourceSlice[], counters: ReadonlyMap<string, CounterSet>, drawing: Pool["drawing"]): string | undefined {
  const names = new Set<string>();
  for (const { spec } of slices)
    for (const { name } of spec.devices ?? []) {
      if (names.has(name)) return `duplicate device name ${name}`;
      names.add(name);
    }
  for (const { device } of drawing)
    for (const { counterSet, counters: drawn } of device.consumesCounters ?? []) {
      const set = counters.get(counterSet);
      if (set === undefined) return `counter set ${counterSet} not found`;
      for (const name of Object.keys(drawn)) if (!Object.hasOwn(set.counters, name)) return `counter ${name} not found in counter set ${counterSet}`;
    }
  return undefined;
}

/** Whether the device, where slices leave that to their devices, is to be had on the node. */
export function isDeviceOn({ slice, device }: Pick<Candidate, "slice" | "device">, node: Node): boolean {
  return slice.spec.perDeviceNodeSelection !== true || isOn(device, node);
}

function isOn({ nodeName = "", allNodes, nodeSelector }: Where, node: Node): boolean {
  if (nodeName !== "") return nodeName === node.metadata.name;
  if (allNodes === true) return true;
  return nodeSelector !== undefined && matchesSelector(nodeSelector, node);
}

interface Where {
  readonly nodeName?: string | undefined;
  readonly allNodes?: boolean | undefined;
  readonly nodeSelector?: NodeSelector | undefined;
}

function reaches({ spec }: ResourceSlice, node: Node): boolean {
  // Counters are needed to use the pool, whoever can reach them.
  if ((spec.sharedCounters ?? []).length > 0) return true;
  return spec.perDeviceNodeSelection === true ? (spec.devices ?? []).some((device) => isOn(device, node)) : isOn(spec, node);
}

function addNewest(pools: Map<string, ResourceSlice[]>, slice: ResourceSlice): void {
  const id = poolOf(slice);
  const slices = pools.get(id);
  const newest = slices?.[0]?.spec.pool.generation;
  if (slices === undefined || newest === undefined || slice.spec.pool.generation > newest) pools.set(id, [slice]);
  else if (slice.spec.pool.generation === newest) slices.push(slice);
}

const hasConditions = ({ devices }: Pool): boolean => devices.some(({ device }) => (device.bindingConditions ?? []).length > 0);

const poolOf = ({ spec }: ResourceSlice): string => poolId(spec.driver, spec.pool.name);

function file(index: Map<string, ResourceSlice[]>, key: string, slice: ResourceSlice): void {
  const slices = index.get(key);
  if (slices === undefined) index.set(key, [slice]);
  else slices.push(slice);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
