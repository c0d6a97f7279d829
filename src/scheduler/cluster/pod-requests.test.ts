import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Container, PodSpec, PodStatus } from "../../api/generated/types/core-v1.ts";
import { aPod } from "../sample-objects.ts";
import { amount, podRequests, resourcesOf, scoredRequests, takingsAsAsked } from "./pod-requests.ts";

const Mi = 1024 * 1024;
const box = (name: string, requests: Readonly<Record<string, string>> = {}, more: Partial<Container> = {}): Container => ({ name, resources: { requests }, ...more });
const sidecar = (name: string, requests: Readonly<Record<string, string>>): Container => box(name, requests, { restartPolicy: "Always" });

interface Case {
  readonly what: string;
  readonly spec: Partial<PodSpec>;
  readonly status?: PodStatus;
  /** Millicores and MiB. */
  readonly takes: readonly [number, number];
  readonly scored?: readonly [number, number];
}

const cases: readonly Case[] = [
  { what: "nothing asked", spec: { containers: [box("a"), box("b")] }, takes: [0, 0], scored: [200, 400] },
  { what: "containers together", spec: { containers: [box("a", { cpu: "100m", memory: "1Mi" }), box("b", { cpu: "1", memory: "2Mi" })] }, takes: [1100, 3], scored: [1100, 3] },
  { what: "one container asks for half", spec: { containers: [box("a", { cpu: "500m" })] }, takes: [500, 0], scored: [500, 200] },
  {
    what: "the largest init container, per resource",
    spec: {
      initContainers: [box("i", { cpu: "2", memory: "1Mi" }), box("j", { cpu: "2", memory: "3Mi" })],
      containers: [box("a", { cpu: "2", memory: "1Mi" }), box("b", { cpu: "1", memory: "1Mi" })],
    },
    takes: [3000, 3],
  },
  { what: "sidecars beside the containers", spec: { initContainers: [sidecar("s", { cpu: "1" })], containers: [box("a", { cpu: "1" })] }, takes: [2000, 0] },
  {
    what: "init containers beside the sidecars before them",
    spec: { initContainers: [sidecar("s", { cpu: "1" }), box("i", { cpu: "3" }), sidecar("t", { cpu: "1" })], containers: [box("a", { cpu: "1" })] },
    takes: [4000, 0],
  },
  { what: "overhead on top", spec: { containers: [box("a", { cpu: "1" })], overhead: { cpu: "250m", memory: "10Mi" } }, takes: [1250, 10] },
  {
    what: "the whole pod's instead of the containers'",
    spec: { containers: [box("a", { cpu: "1" })], resources: { requests: { cpu: "3" } } },
    takes: [3000, 0],
    scored: [3000, 200],
  },
  {
    what: "no filling up where some container asks, when the pod is asked for whole",
    spec: { containers: [box("a", { cpu: "1" }), box("b")], resources: { requests: { memory: "5Mi" } } },
    takes: [1000, 5],
    scored: [1000, 5],
  },
  {
    what: "a container that shrinks, until it has",
    spec: { containers: [box("a", { cpu: "1" })] },
    status: {
      containerStatuses: [{ name: "a", image: "", imageID: "", ready: true, restartCount: 0, resources: { requests: { cpu: "2" } }, allocatedResources: { cpu: "1500m" } }],
    },
    takes: [2000, 0],
  },
  {
    what: "what it has, when it cannot get more",
    spec: { containers: [box("a", { cpu: "9" })] },
    status: {
      conditions: [{ type: "PodResizePending", status: "True", reason: "Infeasible" }],
      containerStatuses: [{ name: "a", image: "", imageID: "", ready: true, restartCount: 0, resources: { requests: { cpu: "2" } } }],
    },
    takes: [2000, 0],
  },
  {
    what: "a pod that shrinks as a whole, until it has",
    spec: { containers: [box("a", { cpu: "1" })], resources: { requests: { cpu: "2", memory: "5Mi" } } },
    status: { resources: { requests: { cpu: "3" } }, allocatedResources: { cpu: "2500m", memory: "6Mi" } },
    takes: [3000, 6],
  },
  {
    what: "what a pod has as a whole, when it cannot get more",
    spec: { containers: [box("a", { cpu: "1" })], resources: { requests: { cpu: "9" } } },
    status: { conditions: [{ type: "PodResizePending", status: "True", reason: "Infeasible" }], allocatedResources: { cpu: "2" } },
    takes: [2000, 0],
  },
];

describe("a pod takes", () => {
  it.each(cases)("$what", ({ spec, status, takes, scored }) => {
    const pod = aPod("p", { spec, ...(status === undefined ? {} : { status }) });
    const { milliCpu, memory } = podRequests(pod);
    expect([milliCpu, memory / Mi]).toEqual(takes);
    if (scored !== undefined) expect([scoredRequests(pod).milliCpu, scoredRequests(pod).memory / Mi]).toEqual(scored);
    if (status === undefined) expect(takingsAsAsked(pod)).toEqual({ requests: podRequests(pod), scored: scoredRequests(pod) });
  });

  it("the same whether its containers are added up in one go or step by step", () => {
    const quantity = fc.constantFrom("0", "1", "250m", "1Gi", "3");
    const requests = fc.dictionary(fc.constantFrom("cpu", "memory", "ephemeral-storage", "nvidia.com/gpu", "hugepages-2Mi", "storage"), quantity);
    fc.assert(
      fc.property(fc.array(fc.option(requests, { nil: undefined }), { minLength: 1, maxLength: 4 }), (asked) => {
        const pod = aPod("p", { spec: { containers: asked.map((each, index) => (each === undefined ? { name: `c${index}` } : box(`c${index}`, each))) } });
        expect(takingsAsAsked(pod)).toEqual({ requests: podRequests(pod), scored: scoredRequests(pod) });
      }),
    );
  });

  it("other things by name, and nothing that is no resource of nodes", () => {
    const { ephemeralStorage, scalars } = resourcesOf({ "ephemeral-storage": "1Ki", "hugepages-2Mi": "4Mi", "nvidia.com/gpu": "2", storage: "1Gi" });
    expect([ephemeralStorage, [...scalars]]).toEqual([
      1024,
      [
        ["hugepages-2Mi", 4 * Mi],
        ["nvidia.com/gpu", 2],
      ],
    ]);
  });
});

it("counts cpu in thousandths and rounds up", () => {
  expect([amount("cpu", "1.5"), amount("cpu", "100u"), amount("memory", "1.5"), amount("pods", "110")]).toEqual([1500, 1, 2, 110]);
});
