import { describe, expect, it } from "vitest";
import { deepFreeze } from "../../base/values.ts";
import type { Node } from "../generated/types/core-v1.ts";
import { rowOf, tryCreate, tryStatusUpdate, tryUpdate } from "../kind-trial.ts";
import { nodeKind } from "./node.ts";

const now = Date.parse("2026-01-31T08:10:00Z");
const node = (spec: string, more = ""): string =>
  `{apiVersion: v1, kind: Node, metadata: {name: n1, creationTimestamp: '2026-01-31T08:00:00Z'${more}}, spec: {${spec}}, status: {capacity: {cpu: 4}}}`;

describe("Node", () => {
  it("registers with a status", () => {
    const { object, errors } = tryCreate(nodeKind, node("podCIDR: 10.1.0.0/24"));
    expect(errors).toEqual([]);
    expect(object).toMatchObject({ spec: { podCIDR: "10.1.0.0/24", podCIDRs: ["10.1.0.0/24"] }, status: { capacity: { cpu: "4" }, allocatable: { cpu: "4" } } });
  });

  it.each<readonly [spec: string, errors: readonly string[]]>([
    [
      "taints: [{key: a, effect: Odd}, {key: b, effect: NoExecute}, {key: b, effect: NoExecute}, {key: c}]",
      [
        'metadata.taints[0].effect: Unsupported value: "Odd": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
        'metadata.taints[2]: Duplicate value: {"key":"b","effect":"NoExecute"}: taints must be unique by key and effect pair',
        "metadata.taints[3].effect: Required value",
      ],
    ],
    [
      "podCIDRs: [10.1.0.0/24, 10.2.0.0/24, x]",
      [
        'spec.podCIDRs[2]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
        'spec.podCIDRs: Invalid value: ["10.1.0.0/24","10.2.0.0/24","x"]: may specify no more than one CIDR for each IP family',
      ],
    ],
  ])("refuses {%s}", (spec, errors) => expect(tryCreate(nodeKind, node(spec)).errors).toEqual(errors));

  it("keeps its range and its provider's id once it has them", () => {
    const bare = deepFreeze(tryCreate(nodeKind, node("")).object);
    expect(tryUpdate(nodeKind, bare, (draft) => Object.assign(draft.spec, { podCIDR: "10.1.0.0/24", providerID: "p" })).errors).toEqual([]);
    const full = deepFreeze(tryCreate(nodeKind, node("podCIDR: 10.1.0.0/24, providerID: p")).object);
    expect(tryUpdate(nodeKind, full, (draft) => Object.assign(draft.spec, { podCIDR: "10.2.0.0/24", providerID: "q" })).errors).toEqual([
      'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
      'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
    ]);
  });

  it("has each address once", () => {
    const bare = deepFreeze(tryCreate(nodeKind, node("")).object);
    const address = { type: "InternalIP", address: "10.0.0.1" };
    expect(tryStatusUpdate(nodeKind, bare, (draft) => Object.assign(draft.status ?? {}, { addresses: [address, address] })).errors).toEqual([
      'status.addresses[1]: Duplicate value: {"type":"InternalIP","address":"10.0.0.1"}',
    ]);
  });

  it.each<readonly [conditions: readonly string[], unschedulable: boolean, text: string]>([
    [["True"], false, "Ready"],
    [["False"], false, "NotReady"],
    [["Unknown"], true, "NotReady,SchedulingDisabled"],
    [[], true, "Unknown,SchedulingDisabled"],
  ])("with Ready %s, cordoned %s, is %s", (conditions, unschedulable, text) => {
    const object: Node = { apiVersion: "v1", kind: "Node", metadata: {}, spec: { unschedulable }, status: { conditions: conditions.map((status) => ({ type: "Ready", status })) } };
    expect(rowOf(nodeKind, object, now)).toMatchObject({ Status: text });
  });

  it("is listed", () => {
    const labels = { "node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": "", "kubernetes.io/role": "edge" };
    const nodeInfo = { kubeletVersion: "v1.36.0", osImage: "Debian", kernelVersion: "6.1", containerRuntimeVersion: "containerd://2.1" } as NonNullable<Node["status"]>["nodeInfo"];
    const object: Node = {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "n1", labels, creationTimestamp: "2026-01-31T08:00:00Z" },
      spec: {},
      status: { nodeInfo, addresses: [{ type: "InternalIP", address: "10.0.0.1" }] },
    };
    expect(rowOf(nodeKind, object, now)).toEqual({
      Name: "n1",
      Status: "Unknown",
      Roles: "control-plane,edge,worker",
      Age: "10m",
      Version: "v1.36.0",
      "Internal-IP": "10.0.0.1",
      "External-IP": "<none>",
      "OS-Image": "Debian",
      "Kernel-Version": "6.1",
      "Container-Runtime": "containerd://2.1",
    });
    expect(rowOf(nodeKind, { ...object, metadata: { name: "n1" }, status: {} }, now)).toMatchObject({ Roles: "<none>", Age: "<unknown>", Version: "", "OS-Image": "<unknown>" });
  });
});
