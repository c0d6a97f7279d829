import type { Pod } from "../../api/generated/types/core-v1.ts";
import { Quantity } from "../../meta/quantity.ts";
import { isSidecar } from "../pods/pod-containers.ts";
import { qosClassOf } from "../pods/pod-qos.ts";
import { cpuQuota, cpuShares } from "../runtime/linux-resources.ts";

/** What a control group is given; absent: no limit. Example: `{cpuShares: 512, cpuQuota: 50000, memoryBytes: 134217728}`. */
export interface CgroupSettings {
  readonly cpuShares: number;
  /** Microseconds of each 100 000. */
  readonly cpuQuota?: number;
  readonly memoryBytes?: number;
}

/** `/kubepods/burstable/pod<uid>`; guaranteed pods stand at the top. @upstream pkg/kubelet/cm/pod_container_manager_linux.go */
export function podCgroup(pod: Pod, root: string): string {
  const qos = qosClassOf(pod);
  return qos === "Guaranteed" ? `${root}/pod${pod.metadata.uid}` : `${root}/${qos.toLowerCase()}/pod${pod.metadata.uid}`;
}

type Amount = "milli" | "bytes";
const amountOf = (text: string, unit: Amount): number => (unit === "milli" ? Quantity.parse(text).milliValue() : Quantity.parse(text).value());

/** A pod's whole need: containers and sidecars together, or the largest init container with the sidecars before it. */
function total(pod: Pod, resource: string, options: { readonly of: "requests" | "limits"; readonly unit: Amount }): { readonly amount: number; readonly complete: boolean } {
  const podLevel = pod.spec.resources?.[options.of]?.[resource];
  if (podLevel !== undefined) return { amount: amountOf(podLevel, options.unit), complete: true };
  let complete = true;
  const of = (
    resources: { readonly requests?: Readonly<Record<string, string>> | undefined; readonly limits?: Readonly<Record<string, string>> | undefined } | undefined,
  ): number => {
    const text = resources?.[options.of]?.[resource] ?? (options.of === "requests" ? resources?.limits?.[resource] : undefined);
    if (text === undefined) complete = false;
    return text === undefined ? 0 : amountOf(text, options.unit);
  };
  let running = pod.spec.containers.reduce((sum, container) => sum + of(container.resources), 0);
  let sidecars = 0;
  let largestInit = 0;
  for (const container of pod.spec.initContainers ?? []) {
    if (isSidecar(container)) {
      const amount = of(container.resources);
      sidecars += amount;
      running += amount;
      largestInit = Math.max(largestInit, sidecars);
    } else largestInit = Math.max(largestInit, sidecars + of(container.resources));
  }
  const overhead = pod.spec.overhead?.[resource];
  return { amount: Math.max(running, largestInit) + (overhead === undefined ? 0 : amountOf(overhead, options.unit)), complete };
}

/** @upstream pkg/kubelet/cm/helpers_linux.go ResourceConfigForPod */
export function podCgroupSettings(pod: Pod): CgroupSettings {
  const qos = qosClassOf(pod);
  if (qos === "BestEffort") return { cpuShares: 2 };
  const shares = cpuShares(total(pod, "cpu", { of: "requests", unit: "milli" }).amount);
  const cpu = total(pod, "cpu", { of: "limits", unit: "milli" });
  const memory = total(pod, "memory", { of: "limits", unit: "bytes" });
  return {
    cpuShares: shares,
    ...(cpu.complete && cpu.amount > 0 ? { cpuQuota: cpuQuota(cpu.amount) } : {}),
    ...(memory.complete && memory.amount > 0 ? { memoryBytes: memory.amount } : {}),
  };
}

/** The weight of v2 for the shares of v1, as runc reckons it. */
export function cpuWeight(shares: number): number {
  return Math.floor(1 + ((Math.min(262_144, Math.max(2, shares)) - 2) * 9999) / 262_142);
}
