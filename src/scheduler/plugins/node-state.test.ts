import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ContainerPort, Taint, Toleration } from "../../api/generated/types/core-v1.ts";
import { podInfo } from "../cluster/pod-info.ts";
import { aNode, aPod, clusterOf, scores, verdicts } from "../sample-objects.ts";
import { isTolerated, nodeName, nodePorts, nodeUnschedulable, taintToleration } from "./node-state.ts";

const taint = (effect: string, value?: string): Taint => ({ key: "a", effect, ...(value === undefined ? {} : { value }) });
const tolerant = (...tolerations: readonly Toleration[]) => aPod("p", { spec: { tolerations } });

describe("tolerations", () => {
  it.each<[Taint, Toleration, boolean]>([
    [taint("NoSchedule", "b"), { key: "a", operator: "Equal", value: "b", effect: "NoSchedule" }, true],
    [taint("NoSchedule", "b"), { key: "a", value: "b" }, true],
    [taint("NoSchedule", "b"), { key: "a", value: "c" }, false],
    [taint("NoSchedule", "b"), { key: "b", value: "b" }, false],
    [taint("NoSchedule", "b"), { key: "a", operator: "Exists" }, true],
    [taint("NoSchedule", "b"), { operator: "Exists" }, true],
    [taint("NoSchedule", "b"), { operator: "Exists", effect: "NoExecute" }, false],
    [taint("NoSchedule"), { key: "a" }, true],
    [taint("NoSchedule", "10"), { key: "a", operator: "Gt", value: "5" }, true],
    [taint("NoSchedule", "10"), { key: "a", operator: "Lt", value: "5" }, false],
    [taint("NoSchedule", "x"), { key: "a", operator: "Gt", value: "5" }, false],
  ])("%j by %j: %s", (given, toleration, expected) => {
    expect(isTolerated(given, [toleration])).toBe(expected);
  });
});

describe("TaintToleration", () => {
  it("turns away from what is not tolerated, whoever ends", () => {
    const cluster = clusterOf([
      aNode("free"),
      aNode("hard", { spec: { taints: [taint("NoSchedule", "b")] } }),
      aNode("gone", { spec: { taints: [taint("NoExecute")] } }),
      aNode("soft", { spec: { taints: [taint("PreferNoSchedule")] } }),
    ]);
    const away = "node(s) had untolerated taint(s)!";
    expect(verdicts(aPod("p"), cluster, [taintToleration])).toEqual({ free: "ok", hard: away, gone: away, soft: "ok" });
    expect(verdicts(tolerant({ key: "a", operator: "Exists" }), cluster, [taintToleration])).toEqual({ free: "ok", hard: "ok", gone: "ok", soft: "ok" });
  });

  it("likes nodes the better the fewer taints count against them", () => {
    const wishes = (count: number): Taint[] => Array.from({ length: count }, (_, index) => ({ key: `k${index}`, effect: "PreferNoSchedule" }));
    const cluster = clusterOf([aNode("none"), aNode("one", { spec: { taints: wishes(1) } }), aNode("four", { spec: { taints: wishes(4) } })]);
    expect(scores(aPod("p"), cluster, taintToleration)).toEqual({ none: 100, one: 75, four: 0 });
    expect(scores(tolerant({ key: "k0", operator: "Exists", effect: "PreferNoSchedule" }), cluster, taintToleration)).toEqual({ none: 100, one: 100, four: 0 });
    // A toleration of another effect is no word about wishes.
    expect(scores(tolerant({ key: "k0", operator: "Exists", effect: "NoSchedule" }), cluster, taintToleration)).toEqual({ none: 100, one: 75, four: 0 });
    expect(scores(aPod("p"), clusterOf([aNode("a"), aNode("b")]), taintToleration)).toBeUndefined();
  });

  it("is helped by a taint that goes, not by one that comes", () => {
    const tainted = aNode("n", { spec: { taints: [taint("NoSchedule")] } });
    const help = (previous: typeof tainted | undefined, next: typeof tainted): boolean | undefined =>
      taintToleration.mayHelp?.(podInfo(aPod("p")), { resource: "node", action: previous === undefined ? "add" : "taint", previous, next });
    expect([help(tainted, aNode("n")), help(aNode("n"), tainted), help(undefined, tainted), help(undefined, aNode("n")), help(aNode("n"), aNode("n"))]).toEqual([
      true,
      false,
      false,
      true,
      false,
    ]);
  });
});

describe("NodeUnschedulable and NodeName", () => {
  it("keep to the letter", () => {
    const cluster = clusterOf([aNode("n1"), aNode("n2", { spec: { unschedulable: true } })]);
    expect(verdicts(aPod("p"), cluster, [nodeUnschedulable])).toEqual({ n1: "ok", n2: "node(s) were unschedulable!" });
    expect(verdicts(tolerant({ key: "node.kubernetes.io/unschedulable", operator: "Exists" }), cluster, [nodeUnschedulable])).toEqual({ n1: "ok", n2: "ok" });
    expect(verdicts(aPod("p", { spec: { nodeName: "n2" } }), cluster, [nodeName])).toEqual({ n1: "node(s) didn't match the requested node name!", n2: "ok" });
  });
});

const porty = (name: string, ...ports: readonly ContainerPort[]) => aPod(name, { spec: { containers: [{ name: "main", ports }] } });
const port = (hostPort: number, hostIP = "", protocol = "TCP"): ContainerPort => ({ containerPort: 80, hostPort, ...(hostIP === "" ? {} : { hostIP }), protocol });

describe("NodePorts", () => {
  it.each<[ContainerPort, ContainerPort, boolean]>([
    [port(80), port(80), false],
    [port(80), port(81), true],
    [port(80), port(80, "", "UDP"), true],
    [port(80, "10.0.0.1"), port(80, "10.0.0.2"), true],
    [port(80, "10.0.0.1"), port(80), false],
    [port(80, "0.0.0.0"), port(80, "10.0.0.2"), false],
    [port(0), port(0), true],
  ])("%j beside %j: %s", (taken, wanted, fits) => {
    const cluster = clusterOf([aNode("n")], { n: [porty("other", taken)] });
    expect(verdicts(porty("p", wanted), cluster, [nodePorts])).toEqual({ n: fits ? "ok" : "node(s) didn't have free ports for the requested pod ports" });
  });

  it("counts sidecars, not init containers that end", () => {
    const withInit = (restartPolicy?: string) =>
      aPod("other", { spec: { initContainers: [{ name: "i", ports: [port(80)], ...(restartPolicy === undefined ? {} : { restartPolicy }) }], containers: [{ name: "main" }] } });
    const judged = (other: ReturnType<typeof withInit>) => verdicts(porty("p", port(80)), clusterOf([aNode("n")], { n: [other] }), [nodePorts])["n"];
    expect([judged(withInit()), judged(withInit("Always"))]).toEqual(["ok", "node(s) didn't have free ports for the requested pod ports"]);
  });

  it("says what looking at all pods of the node says", () => {
    const anyPort = fc.record({ hostPort: fc.constantFrom(0, 80, 81), hostIP: fc.constantFrom("", "0.0.0.0", "10.0.0.1", "10.0.0.2"), protocol: fc.constantFrom("TCP", "UDP") });
    fc.assert(
      fc.property(fc.array(anyPort, { maxLength: 3 }), fc.array(fc.array(anyPort, { maxLength: 2 }), { maxLength: 3 }), (wanted, others) => {
        const pods = others.map((ports, index) => porty(`o${index}`, ...ports.map((each) => ({ containerPort: 1, ...each }))));
        const cluster = clusterOf([aNode("n")], { n: pods });
        const any = (ip: string): boolean => ip === "" || ip === "0.0.0.0";
        const clashes = wanted.some((w) =>
          others.flat().some((o) => w.hostPort > 0 && w.hostPort === o.hostPort && w.protocol === o.protocol && (any(w.hostIP) || any(o.hostIP) || w.hostIP === o.hostIP)),
        );
        expect(verdicts(porty("p", ...wanted.map((each) => ({ containerPort: 1, ...each }))), cluster, [nodePorts])["n"] === "ok").toBe(!clashes);
      }),
    );
  });

  it("is helped by the end of a pod that held its port", () => {
    const help = (gone: ReturnType<typeof porty>): boolean | undefined =>
      nodePorts.mayHelp?.(podInfo(porty("p", port(80))), { resource: "pod", action: "delete", previous: gone, next: undefined });
    expect([help(porty("a", port(80))), help(porty("b", port(81))), help(aPod("c"))]).toEqual([true, false, false]);
  });
});

it("taints and tolerations are what comparing each with each says", () => {
  const key = fc.constantFrom("a", "b");
  const value = fc.constantFrom("", "1", "2");
  const effect = fc.constantFrom("NoSchedule", "NoExecute", "PreferNoSchedule");
  const taint = fc.record({ key, value, effect });
  const toleration = fc.record({
    key: fc.constantFrom("", "a", "b"),
    operator: fc.constantFrom("", "Equal", "Exists"),
    value,
    effect: fc.constantFrom("", "NoSchedule", "NoExecute", "PreferNoSchedule"),
  });
  fc.assert(
    fc.property(
      fc.array(fc.array(taint, { maxLength: 3 }), { minLength: 1, maxLength: 3 }),
      fc.array(toleration, { maxLength: 3 }),
      fc.boolean(),
      (nodes, tolerations, isCordoned) => {
        const cluster = clusterOf(nodes.map((taints, index) => aNode(`n${index}`, { spec: { taints, ...(isCordoned ? { unschedulable: true } : {}) } })));
        const pod = aPod("p", { spec: { tolerations } });
        const covers = (each: (typeof tolerations)[number], one: { readonly key: string; readonly value: string; readonly effect: string }): boolean =>
          (each.effect === "" || each.effect === one.effect) && (each.key === "" || each.key === one.key) && (each.operator === "Exists" || each.value === one.value);
        const bad = (taints: (typeof nodes)[number], among: readonly string[], by = tolerations) =>
          taints.filter((one) => among.includes(one.effect) && !by.some((each) => covers(each, one)));
        const cordon = { key: "node.kubernetes.io/unschedulable", value: "", effect: "NoSchedule" };
        const isKeptOff = isCordoned && !tolerations.some((each) => covers(each, cordon));
        expect(verdicts(pod, cluster, [nodeUnschedulable])).toEqual(Object.fromEntries(nodes.map((_, index) => [`n${index}`, isKeptOff ? "node(s) were unschedulable!" : "ok"])));
        expect(verdicts(pod, cluster, [taintToleration])).toEqual(
          Object.fromEntries(nodes.map((taints, index) => [`n${index}`, bad(taints, ["NoSchedule", "NoExecute"]).length > 0 ? "node(s) had untolerated taint(s)!" : "ok"])),
        );
        const wishes = tolerations.filter((each) => each.effect === "" || each.effect === "PreferNoSchedule");
        const counts = nodes.map((taints) => bad(taints, ["PreferNoSchedule"], wishes).length);
        const most = Math.max(...counts);
        const isWished = nodes.some((taints) => taints.some((one) => one.effect === "PreferNoSchedule"));
        const expected = Object.fromEntries(counts.map((count, index) => [`n${index}`, most === 0 ? 100 : 100 - Math.floor((100 * count) / most)]));
        expect(scores(pod, cluster, taintToleration)).toEqual(isWished ? expected : undefined);
      },
    ),
    { numRuns: 500 },
  );
});
