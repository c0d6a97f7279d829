import { parseThreshold } from "./threshold.ts";

/** How much of something is left: `{available: 1e9, capacity: 8e9}`. */
export interface Observation {
  readonly available: number;
  readonly capacity: number;
}

export type Observations = Readonly<Record<string, Observation>>;

/** One line that was crossed. */
export interface Crossed {
  /** `memory.available` */
  readonly signal: string;
  readonly hard: boolean;
  readonly observation: Observation;
  readonly threshold: number;
}

export type PressureType = "MemoryPressure" | "DiskPressure" | "PIDPressure";

/** @upstream pkg/kubelet/eviction/helpers.go signalToNodeCondition */
export function pressureOf(signal: string): PressureType {
  if (signal.startsWith("memory.")) return "MemoryPressure";
  return signal.startsWith("pid.") ? "PIDPressure" : "DiskPressure";
}

/** What runs short, as upstream names it in messages. */
export function resourceOf(signal: string): string {
  if (signal.startsWith("memory.")) return "memory";
  if (signal.startsWith("pid.")) return "pids";
  return signal.endsWith("inodesFree") ? "inodes" : "ephemeral-storage";
}

/** The thresholds that are crossed; memory comes first, as its lack kills fastest. */
export function crossedThresholds(thresholds: Readonly<Record<string, string>>, observations: Observations, hard: boolean): readonly Crossed[] {
  const crossed = Object.entries(thresholds).flatMap(([signal, text]): readonly Crossed[] => {
    const observation = observations[signal];
    if (observation === undefined || observation.capacity <= 0) return [];
    const threshold = parseThreshold(text).bytesOf(observation.capacity);
    return observation.available < threshold ? [{ signal, hard, observation, threshold }] : [];
  });
  return crossed.sort((a, b) => Number(b.signal === "memory.available") - Number(a.signal === "memory.available"));
}
