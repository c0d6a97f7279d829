import { describe, expect, it } from "vitest";
import type { EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import { sampleNode, samplePod, sampleService, type SamplePod } from "../sample-objects.ts";
import { planServiceSlices, type SliceRequest } from "./plan.ts";

const pod = (name: string, sample: SamplePod & { readonly ip?: string } = {}) => {
  const { ip = "10.0.0.1", ...rest } = sample;
  const base = samplePod(name, { readyAt: 1, ...rest });
  return { ...base, status: { ...base.status, podIP: ip, podIPs: ip === "" ? [] : ip.split(",").map((each) => ({ ip: each })) } };
};
const plan = (request: Partial<SliceRequest>) =>
  planServiceSlices({
    service: sampleService(),
    pods: [],
    slices: [],
    node: (name) => (name === "gone" ? undefined : sampleNode(name, { labels: { "topology.kubernetes.io/zone": `zone-${name}` } })),
    triggerTime: undefined,
    maxPerSlice: 100,
    ...request,
  });
/** The created slices as the server would keep them. */
const stored = (made: ReturnType<typeof plan>): readonly EndpointSlice[] =>
  made.create.map(
    (slice, index) => ({ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", ...slice, metadata: { ...slice.metadata, name: `web-${index}` } }) as EndpointSlice,
  );

describe("endpoints", () => {
  it("carry the pod's conditions, node, zone and reference", () => {
    const { create } = plan({ pods: [pod("a")], triggerTime: "2026-01-01T00:00:01Z" });
    expect(create).toEqual([
      {
        metadata: {
          generateName: "web-",
          namespace: "ns",
          labels: { "kubernetes.io/service-name": "web", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io" },
          annotations: { "endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:01Z" },
          ownerReferences: [{ apiVersion: "v1", kind: "Service", name: "web", uid: "uid-web", controller: true, blockOwnerDeletion: true }],
        },
        addressType: "IPv4",
        endpoints: [
          {
            addresses: ["10.0.0.1"],
            conditions: { ready: true, serving: true, terminating: false },
            nodeName: "n1",
            zone: "zone-n1",
            targetRef: { kind: "Pod", namespace: "ns", name: "a", uid: "uid-a" },
          },
        ],
        ports: [{ name: "", port: 8080, protocol: "TCP" }],
      },
    ]);
  });

  const { readyAt: _, ...starting } = pod("a") as ReturnType<typeof pod> & { readyAt?: number };
  it.each([
    ["ready", pod("a"), { ready: true, serving: true, terminating: false }],
    ["not ready", { ...starting, status: { ...starting.status, conditions: [] } }, { ready: false, serving: false, terminating: false }],
    ["terminating", pod("a", { deleted: true }), { ready: false, serving: true, terminating: true }],
  ])("of a %s pod", (_name, one, conditions) => {
    expect(plan({ pods: [one] }).create[0]?.endpoints?.[0]?.conditions).toEqual(conditions);
  });

  it("are ready at once where the service says so", () => {
    const { create } = plan({ service: sampleService({ publishNotReadyAddresses: true }), pods: [pod("a", { deleted: true })] });
    expect(create[0]?.endpoints?.[0]?.conditions?.ready).toBe(true);
  });

  it.each([
    ["without an address", pod("a", { ip: "" })],
    ["that failed", pod("a", { phase: "Failed" })],
    ["that succeeded", pod("a", { phase: "Succeeded" })],
  ])("leave out a pod %s", (_name, one) => {
    expect(plan({ pods: [one] }).create[0]?.endpoints).toEqual([]);
  });

  it("wait for a node that is not known", () => {
    const made = plan({ pods: [pod("a", { node: "gone" })] });
    expect([made.create[0]?.endpoints, made.incomplete]).toEqual([[], true]);
  });

  it("carry the hostname only in the subdomain's service", () => {
    const spec = { hostname: "db-0", subdomain: "web" };
    expect(plan({ pods: [pod("a", { spec })] }).create[0]?.endpoints?.[0]?.hostname).toBe("db-0");
    expect(plan({ pods: [pod("a", { spec: { ...spec, subdomain: "other" } })] }).create[0]?.endpoints?.[0]?.hostname).toBeUndefined();
  });

  it("hint at the zone when traffic should stay close", () => {
    expect(plan({ service: sampleService({ trafficDistribution: "PreferClose" }), pods: [pod("a")] }).create[0]?.endpoints?.[0]?.hints).toEqual({
      forZones: [{ name: "zone-n1" }],
    });
  });
});

describe("slices", () => {
  const many = (count: number, from = 0) => Array.from({ length: count }, (_, index) => pod(`p${from + index}`, { ip: `10.0.${(from + index) >> 8}.${(from + index) & 255}` }));
  const sizes = (slices: readonly { readonly endpoints?: readonly unknown[] | undefined }[]) => slices.map((slice) => slice.endpoints?.length);

  it("hold at most a hundred endpoints", () => {
    expect(sizes(plan({ pods: many(250) }).create)).toEqual([100, 100, 50]);
  });

  it("stay as they are when nothing changed", () => {
    const slices = stored(plan({ pods: many(150) }));
    expect(plan({ pods: many(150), slices })).toMatchObject({ create: [], update: [], remove: [] });
  });

  it("take one more into the fullest slice with room", () => {
    const slices = stored(plan({ pods: many(150) }));
    const made = plan({ pods: many(151), slices });
    expect([made.create.length, sizes(made.update), made.update[0]?.metadata.name]).toEqual([0, [51], "web-1"]);
  });

  it("fill a slice that changes anyway first", () => {
    const slices = stored(plan({ pods: many(150) }));
    const made = plan({ pods: [...many(99, 1), ...many(50, 100), ...many(1, 200)], slices });
    expect(made.update.map((slice) => [slice.metadata.name, slice.endpoints?.length])).toEqual([["web-0", 100]]);
  });

  it("leave a placeholder when the last pod goes, and take its name over again", () => {
    const slices = stored(plan({ pods: many(1) }));
    const empty = plan({ pods: [], slices });
    expect([empty.create, empty.remove, empty.update.map((slice) => [slice.metadata.name, slice.endpoints, slice.ports])]).toEqual([[], [], [["web-0", [], []]]]);
    expect(plan({ pods: [], slices: empty.update })).toMatchObject({ create: [], update: [], remove: [] });
    expect(plan({ pods: many(1), slices: empty.update }).update.map((slice) => slice.metadata.name)).toEqual(["web-0"]);
  });

  it("part pods whose named port differs", () => {
    const service = sampleService({ ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: "web" }] });
    const at = (port: number) => ({ spec: { containers: [{ name: "main", ports: [{ name: "web", containerPort: port, protocol: "TCP" }] }] } });
    const { create } = plan({ service, pods: [pod("a", at(8080)), pod("b", { ...at(9090), ip: "10.0.0.2" }), pod("c", { ip: "10.0.0.3" })] });
    expect(create.map((slice) => [slice.ports?.map(({ port }) => port), slice.endpoints?.map(({ targetRef }) => targetRef?.name)])).toEqual([
      [[8080], ["a"]],
      [[9090], ["b"]],
      [[], ["c"]],
    ]);
  });

  it("come in both families of a dual-stack service, and go with the family", () => {
    const service = sampleService({ ipFamilies: ["IPv4", "IPv6"] });
    const pods = [pod("a", { ip: "10.0.0.1,fd00::1" })];
    const made = plan({ service, pods });
    expect(made.create.map((slice) => [slice.addressType, slice.endpoints?.[0]?.addresses])).toEqual([
      ["IPv4", ["10.0.0.1"]],
      ["IPv6", ["fd00::1"]],
    ]);
    expect(plan({ pods, slices: stored(made) }).remove.map((slice) => slice.addressType)).toEqual(["IPv6"]);
  });

  it("follow the service's labels and say when it is headless", () => {
    const slices = stored(plan({ pods: many(1) }));
    const service = sampleService({ clusterIP: "None" }, { labels: { team: "a" } });
    expect(plan({ service, pods: many(1), slices }).update[0]?.metadata.labels).toMatchObject({
      team: "a",
      "service.kubernetes.io/headless": "",
      "kubernetes.io/service-name": "web",
    });
  });
});
