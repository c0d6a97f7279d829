import type { Device, DeviceClaim, DeviceClass, DeviceClassSpec, DeviceRequest, ExactDeviceRequest, ResourceClaim, ResourceSlice } from "../../api/generated/types/resource-v1.ts";
import { AllocatedDevices } from "./allocated-state.ts";
import { Allocator, type AllocatorDeps } from "./allocate.ts";
import { SliceIndex } from "./pools.ts";
import { SelectorMatches } from "./selector-matches.ts";

// For tests: the least of an object that the allocator can look at.

export const DRIVER = "gpu.example.com";

export function aClass(name: string, spec: DeviceClassSpec = {}): DeviceClass {
  return { apiVersion: "resource.k8s.io/v1", kind: "DeviceClass", metadata: { name }, spec };
}

export interface SliceWishes extends Partial<Omit<ResourceSlice["spec"], "pool" | "devices">> {
  readonly pool?: string;
  readonly generation?: number;
  readonly count?: number;
}

/** Of the node `n1` unless it says otherwise. */
export function aSlice(name: string, devices: readonly Device[], { pool = "pool", generation = 1, count = 1, driver = DRIVER, ...spec }: SliceWishes = {}): ResourceSlice {
  const isPlaced = spec.nodeName !== undefined || spec.nodeSelector !== undefined || spec.allNodes === true || spec.perDeviceNodeSelection === true;
  return {
    apiVersion: "resource.k8s.io/v1",
    kind: "ResourceSlice",
    metadata: { name },
    spec: { driver, pool: { name: pool, generation, resourceSliceCount: count }, ...(isPlaced ? {} : { nodeName: "n1" }), ...spec, ...(devices.length === 0 ? {} : { devices }) },
  };
}

export function aRequest(name: string, exactly: Partial<ExactDeviceRequest> = {}): DeviceRequest {
  return { name, exactly: { deviceClassName: "gpus", allocationMode: "ExactCount", ...(exactly.allocationMode === "All" ? {} : { count: 1 }), ...exactly } };
}

export function aClaim(name: string, devices: DeviceClaim, status: ResourceClaim["status"] = {}): ResourceClaim {
  return {
    apiVersion: "resource.k8s.io/v1",
    kind: "ResourceClaim",
    metadata: { name, namespace: "default", uid: `uid-${name}`, resourceVersion: "1" },
    spec: { devices },
    status,
  };
}

/** A claim that has devices of the pool `pool`. */
export function heldClaim(name: string, ...devices: readonly string[]): ResourceClaim {
  const results = devices.map((device) => ({ request: "r", driver: DRIVER, pool: "pool", device }));
  return aClaim(name, {}, { allocation: { devices: { results } } });
}

export interface Offer extends Partial<Omit<AllocatorDeps, "slices" | "allocated">> {
  readonly slices: readonly ResourceSlice[];
  readonly classes?: readonly DeviceClass[];
  readonly held?: readonly ResourceClaim[];
}

export function anAllocator({ slices, classes = [aClass("gpus")], held = [], ...deps }: Offer): Allocator {
  const allocated = new AllocatedDevices();
  for (const claim of held) allocated.add(claim);
  let shares = 0;
  return new Allocator({
    slices: new SliceIndex(slices),
    allocated,
    matches: new SelectorMatches(),
    classOf: (name) => classes.find(({ metadata }) => metadata.name === name),
    newShareId: () => `share-${(shares += 1)}`,
    isExpired: () => false,
    ...deps,
  });
}

/** Device names by claim, `request=device`; or why there are none. */
export function devicesOf(allocator: Allocator, node: Parameters<Allocator["allocate"]>[0], claims: readonly ResourceClaim[]): readonly string[][] | string {
  const found = allocator.allocate(node, claims);
  if ("reason" in found) return found.reason;
  return found.results.map(({ devices }) => (devices?.results ?? []).map(({ request, device }) => `${request}=${device}`));
}
