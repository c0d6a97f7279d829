import { describe, expect, it } from "vitest";
import type { Node, Pod } from "../../api/generated/types/core-v1.ts";
import { podInfo } from "../cluster/pod-info.ts";
import { aNode, aPod, clusterOf, verdicts } from "../sample-objects.ts";
import { nodeDeclaredFeatures } from "./node-features.ts";

const declaring = (name: string, ...declaredFeatures: readonly string[]): Node => ({ ...aNode(name), status: { declaredFeatures } });
const restarting = aPod("p", { spec: { containers: [{ name: "c", restartPolicyRules: [{ action: "RestartAllContainers", exitCodes: { operator: "In", values: [1] } }] }] } });
const separate = aPod("p", { spec: { hostNetwork: true, hostUsers: false } });
const cluster = clusterOf([declaring("n1", "RestartAllContainersOnContainerExits"), declaring("n2", "UserNamespacesHostNetworkSupport", "Other"), aNode("n3")]);
const reason = "node(s) didn't match Pod's required features!";

describe("NodeDeclaredFeatures", () => {
  it.each<[string, Pod, Record<string, string>]>([
    ["restarts all its containers", restarting, { n1: "ok", n2: reason, n3: reason }],
    ["has users of its own on the node's network", separate, { n1: reason, n2: "ok", n3: reason }],
    ["restarts one container", aPod("p", { spec: { containers: [{ name: "c", restartPolicyRules: [{ action: "Restart" }] }] } }), { n1: "ok", n2: "ok", n3: "ok" }],
    ["has users of its own", aPod("p", { spec: { hostUsers: false } }), { n1: "ok", n2: "ok", n3: "ok" }],
    ["asks for nothing", aPod("p"), { n1: "ok", n2: "ok", n3: "ok" }],
  ])("a pod that %s", (_what, pod, expected) => {
    expect(verdicts(pod, cluster, [nodeDeclaredFeatures])).toEqual(expected);
  });

  it("is woken by nodes that are new or declare something else", () => {
    const change = (previous: Node | undefined, next: Node) =>
      nodeDeclaredFeatures.mayHelp?.(podInfo(restarting), { resource: "node", action: previous === undefined ? "add" : "features", previous, next });
    expect([change(undefined, aNode("n")), change(declaring("n"), declaring("n", "A")), change(declaring("n", "A"), declaring("n", "A"))]).toEqual([true, true, false]);
    const update = (previous: Pod, next: Pod) => nodeDeclaredFeatures.mayHelp?.(podInfo(restarting), { resource: "target", action: "update", previous, next });
    expect([update(restarting, aPod("p")), update(restarting, restarting)]).toEqual([true, false]);
  });
});
