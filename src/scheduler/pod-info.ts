import type { Container, Pod } from "../api/generated/types/core-v1.ts";
import { Quantity } from "../meta/quantity.ts";

/** Amounts by resource: cpu in millicores, the others in their own unit (bytes, pieces). */
export type Amounts = ReadonlyMap<string, number>;

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

/** A pod with what scheduling asks of it again and again, worked out once. */
export interface PodInfo {
  readonly pod: Pod;
  readonly key: string;
  readonly requests: Amounts;
  /** Requests as scoring sees them: a container without any counts a little. */
  readonly scoredRequests: Amounts;
  readonly hostPorts: readonly HostPort[];
  readonly priority: number;
}

const known = new WeakMap<Pod, PodInfo>();
/** @upstream pkg/scheduler/util/pod_resources.go */
const DEFAULT_MILLI_CPU = 100;
const DEFAULT_MEMORY = 200 * 1024 * 1024;

export function podInfo(pod: Pod): PodInfo {
  const cached = known.get(pod);
  if (cached !== undefined) return cached;
  const { namespace = "", name = "" } = pod.metadata;
  const info: PodInfo = {
    pod,
    key: `${namespace}/${name}`,
    requests: podRequests(pod, requestsOf),
    scoredRequests: podRequests(pod, scoredRequestsOf),
    hostPorts: hostPortsOf(pod),
    priority: pod.spec.priority ?? 0,
  };
  known.set(pod, info);
  return info;
}

/** A quantity as the number scheduling counts in. */
export function amount(resource: string, quantity: string): number {
  const parsed = Quantity.parse(quantity);
  return resource === "cpu" ? parsed.milliValue() : parsed.value();
}

function requestsOf({ resources }: Container): Map<string, number> {
  return new Map(Object.entries(resources?.requests ?? {}).map(([name, quantity]) => [name, amount(name, quantity)]));
}

function scoredRequestsOf(container: Container): Map<string, number> {
  const requests = requestsOf(container);
  if (!requests.has("cpu")) requests.set("cpu", DEFAULT_MILLI_CPU);
  if (!requests.has("memory")) requests.set("memory", DEFAULT_MEMORY);
  return requests;
}

/**
 * The sum of the containers and sidecars, or the largest init container with the sidecars started before it, whichever
 * is more; then the overhead. @upstream component-helpers/resource/helpers.go PodRequests
 */
function podRequests({ spec }: Pod, of: (container: Container) => Map<string, number>): Amounts {
  const total = new Map<string, number>();
  for (const container of spec.containers) addTo(total, of(container));
  const sidecars = new Map<string, number>();
  const largest = new Map<string, number>();
  for (const container of spec.initContainers ?? []) {
    const own = of(container);
    if (container.restartPolicy === "Always") {
      addTo(total, own);
      addTo(sidecars, own);
      maxTo(largest, sidecars);
    } else {
      addTo(own, sidecars);
      maxTo(largest, own);
    }
  }
  maxTo(total, largest);
  for (const [name, quantity] of Object.entries(spec.resources?.requests ?? {})) total.set(name, amount(name, quantity));
  for (const [name, quantity] of Object.entries(spec.overhead ?? {})) total.set(name, (total.get(name) ?? 0) + amount(name, quantity));
  return total;
}

function addTo(target: Map<string, number>, other: Amounts): void {
  for (const [name, value] of other) target.set(name, (target.get(name) ?? 0) + value);
}

function maxTo(target: Map<string, number>, other: Amounts): void {
  for (const [name, value] of other) target.set(name, Math.max(target.get(name) ?? 0, value));
}

function hostPortsOf({ spec }: Pod): readonly HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...spec.containers, ...sidecars].flatMap(({ ports = [] }) =>
    ports
      .filter(({ hostPort = 0 }) => hostPort > 0)
      .map(({ hostIP = "", protocol = "TCP", hostPort = 0 }) => ({ ip: hostIP === "" ? "0.0.0.0" : hostIP, protocol, port: hostPort })),
  );
}
