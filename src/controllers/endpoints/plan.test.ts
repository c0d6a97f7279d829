import { describe, expect, it } from "vitest";
import { samplePod, sampleService, type SamplePod } from "../sample-objects.ts";
import { planEndpoints, subsetsOf } from "./plan.ts";

const pod = (name: string, ip: string, sample: SamplePod = {}) => {
  const base = samplePod(name, { readyAt: 1, ...sample });
  return { ...base, status: { ...base.status, podIP: ip, podIPs: [{ ip }] } };
};
const reference = (name: string) => ({ kind: "Pod", namespace: "ns", name, uid: `uid-${name}` });

describe("subsetsOf", () => {
  it("sorts addresses, and parts the ready from the others", () => {
    const starting = { ...pod("c", "10.0.0.3"), status: { podIP: "10.0.0.3", phase: "Running" } };
    expect(subsetsOf(sampleService(), [pod("b", "10.0.0.2"), starting, pod("a", "10.0.0.1"), pod("d", "10.0.0.4", { deleted: true })])).toEqual([
      {
        addresses: [
          { ip: "10.0.0.1", nodeName: "n1", targetRef: reference("a") },
          { ip: "10.0.0.2", nodeName: "n1", targetRef: reference("b") },
        ],
        notReadyAddresses: [{ ip: "10.0.0.3", nodeName: "n1", targetRef: reference("c") }],
        ports: [{ port: 8080, protocol: "TCP" }],
      },
    ]);
  });

  it("groups by what the ports resolve to", () => {
    const service = sampleService({ ports: [{ name: "http", port: 80, targetPort: "web" }] });
    const serving = (port: number): SamplePod => ({ spec: { containers: [{ name: "main", ports: [{ name: "web", containerPort: port }] }] } });
    const subsets = subsetsOf(service, [pod("a", "10.0.0.1", serving(2)), pod("b", "10.0.0.2", serving(1)), pod("none", "10.0.0.3")]);
    expect(subsets.map((subset) => [subset.ports?.[0]?.port, subset.addresses?.map(({ ip }) => ip)])).toEqual([
      [1, ["10.0.0.2"]],
      [2, ["10.0.0.1"]],
    ]);
  });

  it("has addresses without ports for a headless service without any", () => {
    expect(subsetsOf(sampleService({ clusterIP: "None", ports: [] }), [pod("a", "10.0.0.1")])).toEqual([
      { addresses: [{ ip: "10.0.0.1", nodeName: "n1", targetRef: reference("a") }] },
    ]);
  });
});

describe("planEndpoints", () => {
  const state = { service: sampleService({}, { labels: { team: "a" } }), pods: [pod("a", "10.0.0.1")], current: undefined, triggerTime: "2026-01-01T00:00:01Z" };

  it("makes the object, then is content with it", () => {
    const made = planEndpoints(state);
    expect(made?.metadata).toEqual({
      name: "web",
      namespace: "ns",
      labels: { team: "a", "endpoints.kubernetes.io/managed-by": "endpoint-controller" },
      annotations: { "endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:01Z" },
    });
    expect(planEndpoints({ ...state, current: made, triggerTime: undefined })).toBeUndefined();
  });

  it("cuts off beyond a thousand and says so", () => {
    const pods = Array.from({ length: 1001 }, (_, index) => pod(`p${index}`, `10.0.${index >> 8}.${index & 255}`));
    const made = planEndpoints({ ...state, pods });
    expect(made?.subsets?.[0]?.addresses).toHaveLength(1000);
    expect(made?.metadata.annotations?.["endpoints.kubernetes.io/over-capacity"]).toBe("truncated");
    expect(planEndpoints({ ...state, current: made })?.metadata.annotations).not.toHaveProperty(["endpoints.kubernetes.io/over-capacity"]);
  });
});
