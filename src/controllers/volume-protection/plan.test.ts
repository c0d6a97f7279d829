import { expect, it } from "vitest";
import type { PersistentVolumeClaim } from "../../api/generated/types/core-v1.ts";
import { samplePod } from "../sample-objects.ts";
import { claimFinalizer, finalizerChange, holdsClaims } from "./plan.ts";

const claim = (finalizers: readonly string[], deletionTimestamp?: string): PersistentVolumeClaim => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name: "c", finalizers, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
  spec: {},
});

it.each([
  ["a new claim", claim([]), false, "add"],
  ["a protected one", claim([claimFinalizer]), true, "none"],
  ["a deleted one in use", claim([claimFinalizer], "t"), true, "none"],
  ["a deleted one", claim([claimFinalizer], "t"), false, "remove"],
  ["a deleted one of others", claim(["x"], "t"), false, "none"],
])("%s", (_name, object, inUse, change) => {
  expect(finalizerChange(object, claimFinalizer, inUse)).toBe(change);
});

it("knows whose claims are in use", () => {
  expect(holdsClaims(samplePod("p"))).toBe(true);
  expect(holdsClaims(samplePod("p", { phase: "Succeeded" }))).toBe(true);
  expect(holdsClaims(samplePod("p", { node: "" }))).toBe(false);
  expect(holdsClaims(samplePod("p", { deleted: true, deletionGracePeriodSeconds: 0 }))).toBe(false);
});
