import type { DeviceRequestAllocationResult, DeviceTaint, ResourceClaim, ResourceSlice } from "../../api/generated/types/resource-v1.ts";
import { toleratesDeviceTaint } from "../../api/resource/pod-claims.ts";

export const poolKey = (driver: string, pool: string): string => `${driver}/${pool}`;

export function poolOfSlice({ spec }: ResourceSlice): string {
  return poolKey(spec.driver, spec.pool.name);
}

/** The pools that an allocated claim's devices are of. */
export function poolsOfClaim({ status }: ResourceClaim): readonly string[] {
  return [...new Set((status?.allocation?.devices?.results ?? []).map(({ driver, pool }) => poolKey(driver, pool)))];
}

export function evicts({ effect }: DeviceTaint): boolean {
  return effect === "NoExecute";
}

export function hasEvictingTaint({ spec }: ResourceSlice): boolean {
  return (spec.devices ?? []).some(({ taints = [] }) => taints.some(evicts));
}

/** The NoExecute taints of a device as the newest generation of its pool's slices tells them. */
export function evictingTaints(slices: readonly ResourceSlice[], device: string): readonly DeviceTaint[] {
  const newest = slices.reduce((most, { spec }) => Math.max(most, spec.pool.generation), Number.NEGATIVE_INFINITY);
  const found = slices.filter(({ spec }) => spec.pool.generation === newest).flatMap(({ spec }) => spec.devices?.find(({ name }) => name === device) ?? []);
  return found[0]?.taints?.filter(evicts) ?? [];
}

/**
 * When the pods that use a claim have to go, in milliseconds since the epoch; undefined: they may stay.
 * `slicesOf` knows a pool's slices. @upstream pkg/controller/devicetainteviction/device_taint_eviction.go claimEvictionTime
 */
export function evictionTime({ status }: ResourceClaim, slicesOf: (pool: string) => readonly ResourceSlice[]): number | undefined {
  let earliest: number | undefined;
  for (const result of status?.allocation?.devices?.results ?? []) {
    for (const taint of evictingTaints(slicesOf(poolKey(result.driver, result.pool)), result.device)) {
      const dueMs = dueTime(result, taint);
      if (dueMs !== undefined) earliest = Math.min(earliest ?? dueMs, dueMs);
    }
  }
  return earliest;
}

function dueTime({ tolerations = [] }: DeviceRequestAllocationResult, taint: DeviceTaint): number | undefined {
  const matching = tolerations.filter((toleration) => toleratesDeviceTaint(toleration, taint));
  if (matching.some(({ tolerationSeconds }) => tolerationSeconds === undefined)) return undefined;
  const seconds = matching.map(({ tolerationSeconds = 0 }) => Math.max(0, tolerationSeconds));
  const sinceMs = taint.timeAdded === undefined ? 0 : Date.parse(taint.timeAdded);
  return sinceMs + (seconds.length === 0 ? 0 : Math.min(...seconds) * 1000);
}
