import { expect, it } from "vitest";
import type { Toleration } from "../../api/generated/types/core-v1.ts";
import { samplePod } from "../sample-objects.ts";
import { tolerationSeconds } from "./plan.ts";

const gone = { key: "node.kubernetes.io/unreachable", effect: "NoExecute" };
const own = { key: "own", value: "x", effect: "NoExecute" };
const exists = (key: string, seconds?: number): Toleration => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: seconds });

it.each([
  ["no NoExecute taint", [], [{ ...own, effect: "NoSchedule" }], "for-ever"],
  ["no toleration", [], [gone], 0],
  ["the default toleration", [exists(gone.key, 300)], [gone], 300],
  ["for ever", [exists(gone.key)], [gone], "for-ever"],
  ["one of two taints", [exists(gone.key)], [gone, own], 0],
  ["the shortest of two", [exists(gone.key, 300), exists("own", 20)], [gone, own], 20],
  ["nothing at all is too much", [{ operator: "Exists" }], [gone, own], "for-ever"],
  ["by value", [{ key: "own", operator: "Equal", value: "x", tolerationSeconds: 5, effect: "NoExecute" }], [own], 5],
  ["by another value", [{ key: "own", operator: "Equal", value: "y", effect: "NoExecute" }], [own], 0],
  ["no time", [exists(gone.key, 0)], [gone], 0],
  ["not asked for", [exists("other", 3), exists(gone.key)], [gone], "for-ever"],
] as const)("%s", (_name, tolerations, taints, seconds) => {
  expect(tolerationSeconds(samplePod("p", { spec: { tolerations } }), taints)).toBe(seconds);
});
