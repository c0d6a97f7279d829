import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Node, Pod } from "../api/generated/types/core-v1.ts";
import { seededRandom } from "../base/random.ts";
import { chooseNode } from "./choose-node.ts";
import { ClusterState } from "./cluster/cluster-state.ts";
import { type PodInfo, podInfo } from "./cluster/pod-info.ts";
import { Cycle } from "./cycle.ts";
import { FreedRoom, type Standing, standingOf } from "./freed-room.ts";
import { nodeResourcesFit } from "./plugins/node-resources.ts";
import { taintToleration } from "./plugins/node-state.ts";
import { podTopologySpread } from "./plugins/pod-topology-spread.ts";
import { preempt, type Preemption } from "./preemption/preempt.ts";
import { aNode, aPod, type PodWishes } from "./sample-objects.ts";
import { TemplateMemos } from "./template-memo.ts";

const plugins = [taintToleration, nodeResourcesFit(), podTopologySpread({}, () => undefined)];
const spread: PodWishes = {
  labels: { app: "s" },
  spec: {
    topologySpreadConstraints: [{ maxSkew: 1, topologyKey: "kubernetes.io/hostname", whenUnsatisfiable: "DoNotSchedule", labelSelector: { matchLabels: { app: "s" } } }],
  },
};
const podOf = (name: string, cpu: string, priority: number, isSpread = false): PodInfo =>
  podInfo(aPod(name, { ...(isSpread ? spread : {}), requests: { cpu }, spec: { ...(isSpread ? spread.spec : {}), priority } }));

/** One attempt: where it fits now, and whom it would end. */
function attempt(
  cluster: ClusterState,
  pod: PodInfo,
  memos?: TemplateMemos,
): { readonly fits: string | undefined; readonly outcome: Preemption | undefined; readonly cycle: Cycle } {
  const cycle = new Cycle(pod, { cluster, plugins, memos });
  const choice = chooseNode(cycle, { startIndex: 0 }, seededRandom(1));
  if (choice.node !== undefined) return { fits: choice.node.name, outcome: undefined, cycle };
  const search = { budgets: [], nowMs: 0, resolvable: choice.resolvable };
  return { fits: undefined, outcome: preempt(cycle, choice.diagnosis, search, seededRandom(1)), cycle };
}

interface Waiting {
  readonly key: string;
  readonly pod: Pod;
  standing: Standing | undefined;
}

/** Pods that wait, as the scheduler keeps them. */
class Scene {
  readonly cluster = new ClusterState({
    nominationMoved: (key) => {
      const moved = this.waiting.get(key);
      if (moved !== undefined) moved.standing = undefined;
    },
  });
  readonly memos = new TemplateMemos();
  readonly waiting = new Map<string, Waiting>();
  readonly room: FreedRoom;

  constructor(nodes: readonly Node[], pods: Readonly<Record<string, readonly PodInfo[]>> = {}) {
    const { cluster } = this;
    for (const node of nodes) cluster.setNode(node);
    for (const [node, all] of Object.entries(pods)) for (const pod of all) cluster.addPod(pod, node);
    this.room = new FreedRoom({ cluster, cycleOf: (pod) => new Cycle(podInfo(pod), { cluster, plugins, memos: this.memos }), budgets: () => [], now: () => 0 });
  }

  /** Those that may use what the pod, now on a node, was kept elsewhere. */
  try(pod: PodInfo): string[] {
    const { cluster, memos, waiting } = this;
    const { fits, outcome, cycle } = attempt(cluster, pod, memos);
    waiting.delete(pod.key);
    if (fits !== undefined) {
      const nominated = cluster.nominations.nodeOf(pod.key);
      cluster.nominations.delete(pod.key);
      cluster.addPod(pod, fits);
      return nominated === undefined || nominated === fits ? [] : this.#hearing(nominated);
    }
    // One that room is being made for waits for that.
    if (outcome?.candidate !== undefined && cluster.nominations.nodeOf(pod.key) === undefined) cluster.nominations.set(pod, outcome.candidate.node);
    const memo = cycle.wholeMemo();
    waiting.set(pod.key, { key: pod.key, pod: pod.pod, standing: memo === undefined ? undefined : standingOf(memo, cluster.nominations.nodeOf(pod.key) !== undefined) });
    return [];
  }

  /** Those that may use what the pod leaves behind. */
  end(key: string): string[] {
    const node = this.cluster.placeOf(key)?.name;
    if (node === undefined) return [];
    this.cluster.removePod(key);
    return this.#hearing(node);
  }

  #hearing(node: string): string[] {
    const { keptFor, mayUse } = this.room.on(node);
    return [...this.waiting.values()].flatMap(({ key, pod, standing }) => (standing === undefined || keptFor.includes(key) || mayUse(standing, pod) ? [key] : []));
  }
}

describe("of pods that wait for the end of others", () => {
  const full = (...nodes: readonly string[]): Scene =>
    new Scene(
      nodes.map((name) => aNode(name, { allocatable: { cpu: "4", memory: "8Gi", pods: "9" } })),
      Object.fromEntries(nodes.map((name) => [name, [podOf(`on-${name}`, "4", 0)]])),
    );

  it("each hears of its own victim alone", () => {
    const scene = full("n1", "n2", "n3");
    for (const name of ["a", "b", "c"]) scene.try(podOf(name, "4", 10));
    const nominated = new Map(["a", "b", "c"].map((name) => [scene.cluster.nominations.nodeOf(`default/${name}`), `default/${name}`]));
    expect(nominated.size).toBe(3);
    for (const name of ["n1", "n2", "n3"]) expect(scene.end(`default/on-${name}`)).toEqual([nominated.get(name)]);
  });

  it("those that fit beside the one it ended for hear of it too", () => {
    const scene = full("n1");
    scene.try(podOf("vip", "2", 10));
    scene.try(podOf("small", "2", 0));
    scene.try(podOf("big", "3", 0));
    expect(scene.end("default/on-n1").sort()).toEqual(["default/small", "default/vip"]);
  });

  it("those that look beyond one node hear of all", () => {
    const scene = full("n1", "n2");
    scene.try(podOf("s", "4", 0, true));
    scene.try(podOf("t", "4", 0));
    scene.cluster.nominations.set(podOf("vip", "4", 20), "n2");
    expect(scene.end("default/on-n2")).toEqual(["default/s"]);
  });

  it("those whose place another took hear of all, since they may end others again", () => {
    const scene = full("n1", "n2");
    const pod = podOf("a", "4", 10);
    scene.try(pod);
    const place = scene.cluster.nominations.nodeOf(pod.key) ?? "";
    scene.cluster.nominations.delete(pod.key);
    scene.cluster.nominations.set(podOf("vip", "4", 20), place);
    expect(scene.end(`default/on-${place}`)).toEqual([pod.key]);
  });

  it("those that may now end fewer hear of it", () => {
    const scene = new Scene([aNode("n1", { allocatable: { cpu: "4", memory: "8Gi", pods: "9" } })], { n1: [podOf("important", "2", 50), podOf("low", "2", 0)] });
    scene.try(podOf("w", "4", 10));
    expect([scene.end("default/important"), attempt(scene.cluster, podOf("w", "4", 10)).outcome]).toMatchObject([["default/w"], { candidate: { node: "n1" } }]);
  });
});

it("who does not hear of room that became free could not use it", () => {
  let silent = 0;
  const names = ["n0", "n1", "n2"];
  const cpu = fc.constantFrom("1", "2", "3", "4");
  const priority = fc.constantFrom(0, 5, 10);
  fc.assert(
    fc.property(
      fc.array(fc.record({ cpu, priority, on: fc.constantFrom(...names) }), { minLength: 3, maxLength: 9 }),
      fc.array(fc.record({ cpu, priority, isSpread: fc.boolean() }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.nat(8), { maxLength: 8 }),
      (placed, wanting, endings) => {
        const scene = new Scene(names.map((name) => aNode(name, { allocatable: { cpu: "4", memory: "8Gi", pods: "4" } })));
        for (const [index, each] of placed.entries()) scene.cluster.addPod(podOf(`p${index}`, each.cpu, each.priority), each.on);
        for (const [index, each] of wanting.entries()) scene.try(podOf(`w${index}`, each.cpu, each.priority, each.isSpread));
        for (const index of endings) {
          const hearing = new Set(scene.end(`default/p${index}`));
          for (const key of hearing) {
            const pod = scene.waiting.get(key)?.pod;
            hearing.delete(key);
            if (pod !== undefined) for (const other of scene.try(podInfo(pod))) hearing.add(other);
          }
          for (const { key, pod, standing } of scene.waiting.values()) {
            // Those that look beyond one node are woken by more than the end of pods.
            if (standing === undefined) continue;
            silent += 1;
            const { fits, outcome } = attempt(scene.cluster, podInfo(pod));
            expect(fits).toBeUndefined();
            // One that room is being made for elsewhere would wait for that.
            if (scene.cluster.nominations.nodeOf(key) === undefined) expect(outcome?.candidate).toBeUndefined();
          }
        }
      },
    ),
    { numRuns: 400 },
  );
  expect(silent).toBeGreaterThan(300);
});
