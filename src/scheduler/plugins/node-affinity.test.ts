import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NodeAffinity, NodeSelectorRequirement, NodeSelectorTerm } from "../../api/generated/types/core-v1.ts";
import { podInfo } from "../cluster/pod-info.ts";
import { aNode, aPod, clusterOf, scores, verdicts } from "../sample-objects.ts";
import { matchesTerm, nodeAffinity } from "./node-affinity.ts";

const away = "node(s) didn't match Pod's node affinity/selector!";
const need = (key: string, operator: string, ...values: readonly string[]): NodeSelectorRequirement => ({ key, operator, ...(values.length === 0 ? {} : { values }) });
const requiring = (...nodeSelectorTerms: readonly NodeSelectorTerm[]): NodeAffinity => ({ requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } });
const affine = (affinity: NodeAffinity) => aPod("p", { spec: { affinity: { nodeAffinity: affinity } } });

describe("a node selector term", () => {
  it.each<[NodeSelectorRequirement, boolean, boolean]>([
    // For a node with disk=ssd and cores=8, and for one with neither.
    [need("disk", "In", "ssd", "nvme"), true, false],
    [need("disk", "In", "hdd"), false, false],
    [need("disk", "NotIn", "ssd"), false, true],
    [need("disk", "Exists"), true, false],
    [need("disk", "DoesNotExist"), false, true],
    [need("cores", "Gt", "4"), true, false],
    [need("cores", "Gt", "8"), false, false],
    [need("cores", "Lt", "16"), true, false],
    [need("disk", "Gt", "4"), false, false],
    [need("cores", "Gt", "four"), false, false],
  ])("%j", (requirement, forRich, forPoor) => {
    const term = { matchExpressions: [requirement] };
    expect([matchesTerm(term, { disk: "ssd", cores: "8" }, "rich"), matchesTerm(term, {}, "poor")]).toEqual([forRich, forPoor]);
  });

  it("without requirements matches nothing", () => {
    expect(matchesTerm({}, {}, "n")).toBe(false);
  });

  it("may name nodes", () => {
    expect([matchesTerm({ matchFields: [need("metadata.name", "In", "n")] }, {}, "n"), matchesTerm({ matchFields: [need("metadata.name", "NotIn", "n")] }, {}, "n")]).toEqual([
      true,
      false,
    ]);
  });
});

describe("NodeAffinity", () => {
  const cluster = clusterOf([aNode("a", { labels: { disk: "ssd", zone: "x" } }), aNode("b", { labels: { disk: "hdd", zone: "x" } }), aNode("c")]);
  const plugin = nodeAffinity();

  it("wants the node selector and one of the terms", () => {
    expect(verdicts(aPod("p", { spec: { nodeSelector: { zone: "x" } } }), cluster, [plugin])).toEqual({ a: "ok", b: "ok", c: away });
    expect(verdicts(affine(requiring({ matchExpressions: [need("disk", "In", "ssd")] }, { matchExpressions: [need("disk", "DoesNotExist")] })), cluster, [plugin])).toEqual({
      a: "ok",
      b: away,
      c: "ok",
    });
    const both = aPod("p", { spec: { nodeSelector: { zone: "x" }, affinity: { nodeAffinity: requiring({ matchExpressions: [need("disk", "DoesNotExist")] }) } } });
    expect(verdicts(both, cluster, [plugin])).toEqual({ a: away, b: away, c: away });
  });

  it("knows the only nodes that can do", () => {
    const named = affine(requiring({ matchFields: [need("metadata.name", "In", "a", "b")] }));
    expect(plugin.prefilter?.(podInfo(named), cluster)).toEqual({ state: undefined, only: new Set(["a", "b"]) });
    const alsoOthers = affine(requiring({ matchFields: [need("metadata.name", "In", "a")] }, { matchExpressions: [need("zone", "Exists")] }));
    expect(plugin.prefilter?.(podInfo(alsoOthers), cluster)).toEqual({ state: undefined, only: undefined });
    const torn = affine(requiring({ matchFields: [need("metadata.name", "In", "a"), need("metadata.name", "In", "b")] }));
    expect(plugin.prefilter?.(podInfo(torn), cluster)).toEqual({ rejected: "pod affinity terms conflict" });
    expect(plugin.prefilter?.(podInfo(aPod("p")), cluster)).toBe("skip");
  });

  it("prefers by weight", () => {
    const pod = affine({
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 80, preference: { matchExpressions: [need("disk", "In", "ssd")] } },
        { weight: 20, preference: { matchExpressions: [need("zone", "Exists")] } },
        { weight: 50, preference: {} },
      ],
    });
    expect(scores(pod, cluster, plugin)).toEqual({ a: 100, b: 20, c: 0 });
    expect(scores(aPod("p"), cluster, plugin)).toBeUndefined();
  });

  it("may ask something of all pods besides", () => {
    const strict = nodeAffinity(requiring({ matchExpressions: [need("zone", "Exists")] }));
    expect(verdicts(aPod("p"), cluster, [strict])).toEqual({ a: "ok", b: "ok", c: "node(s) didn't match scheduler-enforced node affinity!" });
  });

  it("is helped by a node that begins to match", () => {
    const pod = podInfo(aPod("p", { spec: { nodeSelector: { disk: "ssd" } } }));
    const [ssd, hdd] = [aNode("n", { labels: { disk: "ssd" } }), aNode("n", { labels: { disk: "hdd" } })];
    const help = (previous: typeof ssd | undefined, next: typeof ssd): boolean | undefined =>
      plugin.mayHelp?.(pod, { resource: "node", action: previous === undefined ? "add" : "label", previous, next });
    expect([help(undefined, ssd), help(undefined, hdd), help(hdd, ssd), help(ssd, ssd), help(ssd, hdd)]).toEqual([true, false, true, false, false]);
  });

  it("says what a plain reading of the API says", () => {
    const label = fc.constantFrom("x", "y", "1", "2");
    const requirement = fc.record({
      key: fc.constantFrom("k", "l"),
      operator: fc.constantFrom("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"),
      values: fc.array(label, { minLength: 1, maxLength: 2 }),
    });
    const naive = ({ key, operator, values }: { key: string; operator: string; values: string[] }, labels: Record<string, string>): boolean => {
      const have = Object.entries(labels).find(([name]) => name === key)?.[1];
      const numbers = [have, values[0]].map((text) => (text !== undefined && /^\d+$/.test(text) ? Number(text) : Number.NaN));
      const [left = Number.NaN, right = Number.NaN] = numbers;
      if (operator === "In") return have !== undefined && values.some((value) => value === have);
      if (operator === "NotIn") return !values.some((value) => value === have);
      if (operator === "Exists" || operator === "DoesNotExist") return (have !== undefined) === (operator === "Exists");
      return operator === "Gt" ? left > right : left < right;
    };
    fc.assert(
      fc.property(fc.array(fc.array(requirement, { maxLength: 2 }), { minLength: 1, maxLength: 3 }), fc.dictionary(fc.constantFrom("k", "l"), label), (terms, labels) => {
        const pod = affine(requiring(...terms.map((matchExpressions) => ({ matchExpressions }))));
        const expected = terms.some((term) => term.length > 0 && term.every((wanted) => naive(wanted, labels)));
        expect(verdicts(pod, clusterOf([aNode("n", { labels })]), [plugin])["n"]).toBe(expected ? "ok" : away);
      }),
    );
  });
});
