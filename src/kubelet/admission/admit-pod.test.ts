import { describe, expect, it } from "vitest";
import type { Node, Pod, PodSpec } from "../../api/generated/types/core-v1.ts";
import { admitPod, podRequest, tolerates } from "./admit-pod.ts";

const pod = (spec: Partial<PodSpec>): Pod => ({ apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec: { containers: [{ name: "a" }], ...spec } });
const asks = (cpu: string, more: Partial<PodSpec> = {}): Pod => pod({ containers: [{ name: "a", resources: { requests: { cpu } } }], ...more });
const port = (hostPort: number, hostIP?: string, protocol?: string): Pod =>
  pod({ containers: [{ name: "a", ports: [{ containerPort: 1, hostPort, ...(hostIP === undefined ? {} : { hostIP }), ...(protocol === undefined ? {} : { protocol }) }] }] });
const node: Node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "n1", labels: { zone: "a", size: "5" } },
  spec: {
    taints: [
      { key: "gone", effect: "NoExecute" },
      { key: "soft", effect: "NoSchedule" },
    ],
  },
};
const tolerant = { tolerations: [{ operator: "Exists" }] };
const requires = (key: string, operator: string, values: string[] = []): Partial<PodSpec> => ({
  ...tolerant,
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }] } } },
});

describe("admitPod", () => {
  const admit = (one: Pod, others: readonly Pod[] = []): string | undefined =>
    admitPod({ pod: one, others, node, allocatable: { cpu: "2", memory: "1Gi", pods: "3" }, operatingSystem: "linux" })?.reason;
  it.each<readonly [string, Pod, readonly Pod[], string | undefined]>([
    ["fits", asks("1500m", tolerant), [asks("500m")], undefined],
    ["does not fit", asks("1501m", tolerant), [asks("500m")], "OutOfcpu"],
    ["is one pod too many", pod(tolerant), [pod({}), pod({}), pod({})], "OutOfpods"],
    ["wants another system", pod({ os: { name: "windows" } }), [], "PodOSNotSupported"],
    ["selects this node", pod({ ...tolerant, nodeSelector: { zone: "a" } }), [], undefined],
    ["selects another node", pod({ ...tolerant, nodeSelector: { zone: "b" } }), [], "NodeAffinity"],
    ["requires In", pod(requires("zone", "In", ["a", "b"])), [], undefined],
    ["requires NotIn", pod(requires("zone", "NotIn", ["a"])), [], "NodeAffinity"],
    ["requires what is there", pod(requires("none", "Exists")), [], "NodeAffinity"],
    ["requires more", pod(requires("size", "Gt", ["4"])), [], undefined],
    ["takes a taken port", pod({ ...tolerant, ...port(80).spec }), [port(80)], "NodePorts"],
    ["takes a port of another protocol", pod({ ...tolerant, ...port(80, undefined, "UDP").spec }), [port(80)], undefined],
    ["takes a port of another address", pod({ ...tolerant, ...port(80, "1.1.1.1").spec }), [port(80, "2.2.2.2")], undefined],
    ["takes a port of all addresses", pod({ ...tolerant, ...port(80, "0.0.0.0").spec }), [port(80, "2.2.2.2")], "NodePorts"],
    ["does not bear the taint", pod({}), [], "TaintToleration"],
    ["bears the taint", pod({ tolerations: [{ key: "gone", operator: "Exists", effect: "NoExecute" }] }), [], undefined],
  ])("a pod that %s", (_what, one, others, reason) => expect(admit(one, others)).toBe(reason));
});

describe("podRequest", () => {
  it.each<readonly [string, Partial<PodSpec>, number]>([
    ["containers together", { containers: [asks("1").spec.containers[0] ?? { name: "" }, asks("500m").spec.containers[0] ?? { name: "" }] }, 1500],
    ["a large init container alone", { ...asks("1").spec, initContainers: asks("3").spec.containers }, 3000],
    ["a sidecar beside", { ...asks("1").spec, initContainers: asks("500m").spec.containers.map((container) => ({ ...container, restartPolicy: "Always" })) }, 1500],
    ["overhead", { ...asks("1").spec, overhead: { cpu: "250m" } }, 1250],
    ["the pod's own word", { ...asks("1").spec, resources: { requests: { cpu: "4" } } }, 4000],
  ])("counts %s", (_what, spec, milli) => expect(podRequest(pod(spec), "cpu")).toBe(milli));
});

describe("tolerates", () => {
  it.each([
    [{ key: "k", value: "v" }, true],
    [{ key: "k", operator: "Equal", value: "w" }, false],
    [{ key: "k", operator: "Exists" }, true],
    [{ operator: "Exists" }, true],
    [{ operator: "Exists", effect: "NoSchedule" }, false],
    [{ value: "v" }, false],
  ])("%o: %s", (toleration, expected) => expect(tolerates(toleration, { key: "k", value: "v", effect: "NoExecute" })).toBe(expected));
});
