import { describe, expect, it } from "vitest";
import type { Node } from "../api/generated/types/core-v1.ts";
import { nodeActions, podActions, storedChange } from "./changes.ts";
import { aNode, aPod } from "./sample-objects.ts";

describe("what changed in a node", () => {
  const before = aNode("n");
  const withStatus = (status: Node["status"]): Node => ({ ...before, status: { ...before.status, ...status } });
  const ready = (status: string, lastHeartbeatTime: string) => withStatus({ conditions: [{ type: "Ready", status, lastHeartbeatTime }] });
  it.each<[string, Node, Node, readonly string[]]>([
    ["a heartbeat is nothing", ready("True", "1"), ready("True", "2"), []],
    ["readiness", ready("False", "1"), ready("True", "2"), ["condition"]],
    ["room", before, withStatus({ allocatable: { cpu: "8" } }), ["allocatable"]],
    ["labels", before, aNode("n", { labels: { a: "b" } }), ["label"]],
    ["taints", before, aNode("n", { spec: { taints: [{ key: "a", effect: "NoSchedule" }] } }), ["taint"]],
    ["uncordoning opens it", aNode("n", { spec: { unschedulable: true } }), before, ["taint"]],
    ["cordoning helps nobody", before, aNode("n", { spec: { unschedulable: true } }), []],
    ["annotations", before, { ...before, metadata: { ...before.metadata, annotations: { a: "b" } } }, ["annotation"]],
  ])("%s", (_what, previous, next, expected) => {
    expect(nodeActions(previous, next)).toEqual(expected);
  });
});

describe("what changed in a pod", () => {
  const asks = (cpu: string, gpu = "0") => aPod("p", { requests: { cpu, "example.com/gpu": gpu } });
  it.each<[string, ReturnType<typeof aPod>, ReturnType<typeof aPod>, readonly string[]]>([
    ["its state is nothing in particular", aPod("p"), aPod("p", { status: { phase: "Running" } }), ["update"]],
    ["labels", aPod("p"), aPod("p", { labels: { a: "b" } }), ["label"]],
    ["less asked for", asks("2"), asks("1"), ["scale-down"]],
    ["more asked for", asks("1"), asks("2"), ["update"]],
    ["fewer of other things", asks("1", "2"), asks("1", "1"), ["scale-down"]],
    ["the last gate", aPod("p", { spec: { schedulingGates: [{ name: "g" }] } }), aPod("p"), ["gates"]],
    ["one of two gates", aPod("p", { spec: { schedulingGates: [{ name: "g" }, { name: "h" }] } }), aPod("p", { spec: { schedulingGates: [{ name: "g" }] } }), ["update"]],
    ["tolerations", aPod("p"), aPod("p", { spec: { tolerations: [{ operator: "Exists" }] } }), ["toleration"]],
  ])("%s", (_what, previous, next, expected) => {
    expect(podActions(previous, next)).toEqual(expected);
  });
});

it("names what happened to other objects", () => {
  const object = aNode("x");
  expect([storedChange("claim", undefined, object).action, storedChange("claim", object, object).action, storedChange("claim", object, undefined).action]).toEqual([
    "add",
    "update",
    "delete",
  ]);
});
