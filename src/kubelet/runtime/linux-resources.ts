import type { Container, Pod } from "../../api/generated/types/core-v1.ts";
import type { LinuxContainerResources } from "../../cri/generated/cri-v1.ts";
import { Quantity } from "../../meta/quantity.ts";
import { isSidecar } from "../pods/pod-containers.ts";
import { qosClassOf } from "../pods/pod-qos.ts";

const minShares = 2;
const maxShares = 262_144;
const sharesPerCpu = 1024;
/** Microseconds. */
const quotaPeriod = 100_000;
const minQuota = 1000;

const milliOf = (text: string | undefined): number => (text === undefined ? 0 : Quantity.parse(text).milliValue());
const bytesOf = (text: string | undefined): number => (text === undefined ? 0 : Quantity.parse(text).value());

export function cpuShares(milliCpu: number): number {
  return milliCpu === 0 ? minShares : Math.min(maxShares, Math.max(minShares, Math.floor((milliCpu * sharesPerCpu) / 1000)));
}

/** 0 stands for no quota. */
export function cpuQuota(milliCpu: number): number {
  return milliCpu === 0 ? 0 : Math.max(minQuota, Math.floor((milliCpu * quotaPeriod) / 1000));
}

const systemNodeCriticalPriority = 2_000_001_000;

/** How willingly the kernel kills it when memory runs out: -997 (hardly) to 1000. @upstream pkg/kubelet/qos/policy.go */
export function oomScoreAdjust(pod: Pod, container: Container, memoryCapacityBytes: number): number {
  if ((pod.spec.priority ?? 0) >= systemNodeCriticalPriority) return -997;
  const qos = qosClassOf(pod);
  if (qos === "Guaranteed") return -997;
  if (qos === "BestEffort") return 1000;
  const scoreOf = (requestBytes: number): number => Math.floor(1000 - (1000 * requestBytes) / Math.max(1, memoryCapacityBytes));
  let score = scoreOf(bytesOf(container.resources?.requests?.["memory"]));
  // A sidecar shall not be killed before the containers it serves.
  if (isSidecar(container)) {
    const largest = Math.max(0, ...pod.spec.containers.map(({ resources }) => bytesOf(resources?.requests?.["memory"])));
    score = Math.min(score, scoreOf(largest));
  }
  if (score < 3) return 3;
  return score === 1000 ? 999 : score;
}

/** A container's requests and limits in the kernel's terms. @upstream pkg/kubelet/kuberuntime/kuberuntime_container_linux.go */
export function linuxResources(pod: Pod, container: Container, machine: { readonly memoryBytes: number; readonly cgroupVersion: 1 | 2 }): LinuxContainerResources {
  const { requests, limits } = container.resources ?? {};
  const podLimits = pod.spec.resources?.limits;
  const cpuLimit = milliOf(limits?.["cpu"] ?? podLimits?.["cpu"]);
  const memoryLimit = bytesOf(limits?.["memory"] ?? podLimits?.["memory"]);
  const cpuRequest = requests?.["cpu"] ?? limits?.["cpu"];
  const huge = Object.entries(limits ?? {}).flatMap(([name, text]) => {
    const size = /^hugepages-(.+)i$/.exec(name);
    return size === null ? [] : [{ pageSize: `${size[1]}B`, limit: bytesOf(text) }];
  });
  return {
    cpuShares: cpuShares(milliOf(cpuRequest)),
    cpuQuota: cpuQuota(cpuLimit),
    cpuPeriod: quotaPeriod,
    ...(memoryLimit === 0 ? {} : { memoryLimitInBytes: memoryLimit }),
    oomScoreAdj: oomScoreAdjust(pod, container, machine.memoryBytes),
    ...(huge.length === 0 ? {} : { hugepageLimits: huge }),
    ...(machine.cgroupVersion === 2 ? { unified: { "memory.oom.group": "1" } } : {}),
  };
}
