import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { PodDisruptionBudget } from "../../api/generated/types/policy-v1.ts";
import { podInfo } from "../cluster/pod-info.ts";
import { Cycle } from "../cycle.ts";
import { nodeResourcesFit } from "../plugins/node-resources.ts";
import { aNode, aPod, clusterOf } from "../sample-objects.ts";
import { TemplateMemos } from "../template-memo.ts";
import { bestRemembered, findCandidates } from "./find-candidates.ts";
import { pickCandidate } from "./pick-candidate.ts";

const plugins = [nodeResourcesFit()];
const nowMs = 10_000;
const COUNT = 6;
const names = Array.from({ length: COUNT }, (_, index) => `n${index}`);

const aVictim = fc.record({
  cpu: fc.constantFrom("1", "2", "4"),
  priority: fc.constantFrom(0, 1, 5, 20),
  // In seconds; some begin after now, some not at all.
  startedS: fc.option(fc.nat(15), { nil: undefined }),
  app: fc.constantFrom("a", "b", "c"),
});
const aStep = fc.oneof(
  fc.record({ do: fc.constant("add" as const), on: fc.constantFrom(...names), pod: aVictim }),
  fc.record({ do: fc.constant("remove" as const), index: fc.nat(10) }),
  fc.record({
    do: fc.constant("budgets" as const),
    guards: fc.uniqueArray(fc.record({ app: fc.constantFrom("a", "b"), allowed: fc.nat(1) }), { maxLength: 2, selector: ({ app }) => app }),
  }),
  fc.record({ do: fc.constant("news" as const), index: fc.nat(10), app: fc.constantFrom("a", "c"), startedS: fc.nat(15) }),
  fc.record({ do: fc.constant("find" as const), cpu: fc.constantFrom("2", "4"), offset: fc.nat(COUNT - 1), enough: fc.integer({ min: 1, max: COUNT }) }),
);

const budgetsOf = (guards: readonly { readonly app: string; readonly allowed: number }[]): readonly PodDisruptionBudget[] =>
  guards.map(({ app, allowed: disruptionsAllowed }, index) => ({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: `b${index}`, namespace: "default" },
    spec: { selector: { matchLabels: { app } } },
    status: { disruptionsAllowed },
  }));

it("what is remembered of candidates picks the one that looking at each afresh picks", () => {
  let found = 0;
  fc.assert(
    fc.property(fc.array(aStep, { minLength: 5, maxLength: 40 }), (steps) => {
      const cluster = clusterOf(names.map((name) => aNode(name)));
      const memos = new TemplateMemos();
      let budgets = budgetsOf([]);
      let added = 0;
      for (const next of steps) {
        if (next.do === "add") {
          const { cpu, priority, startedS, app } = next.pod;
          const status = startedS === undefined ? {} : { startTime: new Date(startedS * 1000).toISOString() };
          cluster.addPod(podInfo(aPod(`p${added}`, { labels: { app }, requests: { cpu }, spec: { priority }, status })), next.on);
          added += 1;
        } else if (next.do === "remove") cluster.removePod(`default/p${next.index}`);
        else if (next.do === "news") {
          const place = cluster.placeOf(`default/p${next.index}`);
          const pod = cluster.pod(`default/p${next.index}`)?.pod;
          if (place === undefined || pod === undefined) continue;
          const status = { startTime: new Date(next.startedS * 1000).toISOString() };
          cluster.addPod(podInfo({ ...pod, metadata: { ...pod.metadata, labels: { app: next.app } }, status }), place.name);
        } else if (next.do === "budgets") budgets = budgetsOf(next.guards);
        else {
          const pod = podInfo(aPod("vip", { requests: { cpu: next.cpu }, spec: { priority: 10 } }));
          const range = { nodes: cluster.nodes, offset: next.offset, enough: next.enough };
          // As they are, then the same budgets when they allow nothing, and much.
          for (const allowed of [undefined, 0, 2]) {
            if (allowed !== undefined) budgets = budgets.map((budget) => ({ ...budget, status: { disruptionsAllowed: allowed } }));
            const search = { budgets, nowMs };
            const afresh = pickCandidate(findCandidates(new Cycle(pod, { cluster, plugins }), range, search).candidates, nowMs);
            expect(bestRemembered(new Cycle(pod, { cluster, plugins, memos }), range, search)).toEqual(afresh);
            if (afresh !== undefined) found += 1;
          }
        }
      }
    }),
    { numRuns: 300 },
  );
  expect(found).toBeGreaterThan(100);
});
