import { describe, expect, it } from "vitest";
import type { Endpoints } from "../../api/generated/types/core-v1.ts";
import { sampleService } from "../sample-objects.ts";
import { planMirror, shouldMirror } from "./plan.ts";

const handmade = (metadata: Partial<Endpoints["metadata"]> = {}): Endpoints => ({
  apiVersion: "v1",
  kind: "Endpoints",
  metadata: { name: "db", namespace: "ns", uid: "u", ...metadata },
  subsets: [{ addresses: [{ ip: "10.1.1.1" }, { ip: "fd00::1" }], notReadyAddresses: [{ ip: "10.1.1.2" }], ports: [{ port: 5432 }] }],
});
const plain = sampleService({ selector: undefined });

describe("shouldMirror", () => {
  it.each([
    ["by hand", handmade(), plain, true],
    ["of a service with a selector", handmade(), sampleService(), false],
    ["without a service", handmade(), undefined, false],
    ["that ask not to be", handmade({ labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } }), plain, false],
    ["of a leader election", handmade({ annotations: { "control-plane.alpha.kubernetes.io/leader": "x" } }), plain, false],
  ])("endpoints %s", (_name, endpoints, service, mirrored) => {
    expect(shouldMirror(endpoints, service)).toBe(mirrored);
  });
});

describe("planMirror", () => {
  it("makes one slice per family, with labels and annotations", () => {
    const { create } = planMirror(handmade({ labels: { a: "b" }, annotations: { note: "x", "kubectl.kubernetes.io/last-applied-configuration": "{}" } }), []);
    expect(create.map((slice) => [slice.addressType, slice.endpoints?.map((endpoint) => [endpoint.addresses[0], endpoint.conditions?.ready])])).toEqual([
      [
        "IPv4",
        [
          ["10.1.1.1", true],
          ["10.1.1.2", false],
        ],
      ],
      ["IPv6", [["fd00::1", true]]],
    ]);
    expect(create[0]?.metadata).toMatchObject({
      labels: { a: "b", "kubernetes.io/service-name": "db", "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io" },
      annotations: { note: "x" },
      ownerReferences: [{ kind: "Endpoints", name: "db" }],
    });
    expect(create[0]?.ports).toEqual([{ name: "", protocol: "TCP", port: 5432 }]);
  });
});
