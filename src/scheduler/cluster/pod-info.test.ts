import { describe, expect, it } from "vitest";
import type { Pod, PodStatus } from "../../api/generated/types/core-v1.ts";
import { aPod, type PodWishes } from "../sample-objects.ts";
import { podInfo } from "./pod-info.ts";

const version = (generation: number | undefined, wishes: PodWishes = {}, uid = "u"): Pod => {
  const made = aPod("p", { requests: { cpu: "1" }, ...wishes });
  return { ...made, metadata: { ...made.metadata, uid, ...(generation === undefined ? {} : { generation }) } };
};
const resizing: PodStatus = { containerStatuses: [{ name: "main", image: "web:1", imageID: "", ready: true, restartCount: 0, resources: { requests: { cpu: "3" } } }] };
const waiting: PodStatus = { conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }], nominatedNodeName: "n" };

describe("what is known of an earlier version of a pod", () => {
  it("stands while only its status changes, and when it is bound", () => {
    const first = version(1);
    const before = podInfo(first);
    const { template } = before;
    const second = version(1, { status: waiting });
    const patched = podInfo(second, first);
    expect(patched.requests).toBe(before.requests);
    expect(patched.hostPorts).toBe(before.hostPorts);
    expect(patched.template).toBe(template);
    expect(patched.pod).toBe(second);
    const bound = podInfo(version(1, { spec: { nodeName: "n" } }), second);
    expect(bound.requests).toBe(before.requests);
    // The template names the node.
    expect(bound.template).toBe(podInfo(version(1, { spec: { nodeName: "n" } })).template);
    expect(bound.template).not.toBe(template);
  });

  it("stands as to whom it wants near, unless that goes by its own labels", () => {
    const far = (matchLabelKeys?: string[]) => ({
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { topologyKey: "zone", labelSelector: { matchLabels: { app: "a" } }, ...(matchLabelKeys === undefined ? {} : { matchLabelKeys }) },
          ],
        },
      },
    });
    const first = version(1, { spec: far(), labels: { app: "a" } });
    const { terms } = podInfo(first);
    expect(podInfo(version(1, { spec: far(), labels: { app: "a", zone: "z" } }), first).terms).toBe(terms);
    const keyed = version(1, { spec: far(["hash"]), labels: { app: "a" } });
    const before = podInfo(keyed).terms.requiredAntiAffinity[0];
    const after = podInfo(version(1, { spec: far(["hash"]), labels: { app: "a", hash: "1" } }), keyed).terms.requiredAntiAffinity[0];
    expect(before?.selector.matches({ app: "a", hash: "2" })).toBe(true);
    expect(after?.selector.matches({ app: "a", hash: "2" })).toBe(false);
  });

  it.each<[string, Pod, Pod, number]>([
    ["the spec changed", version(1), version(2, { requests: { cpu: "2" } }), 2000],
    ["it is another pod of that name", version(1), version(1, { requests: { cpu: "2" } }, "other"), 2000],
    ["nobody counted its changes", version(undefined), version(undefined, { requests: { cpu: "2" } }), 2000],
    ["its status says what it takes now", version(1), version(1, { status: resizing }), 3000],
    ["its status said what it took", version(1, { status: resizing }), version(1), 1000],
  ])("is not used when %s", (_what, first, second, milliCpu) => {
    expect(podInfo(first).requests.milliCpu).toBeGreaterThan(0);
    expect(podInfo(second, first).requests.milliCpu).toBe(milliCpu);
  });
});
