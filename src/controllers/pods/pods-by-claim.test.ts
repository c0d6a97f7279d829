import { expect, it } from "vitest";
import { samplePod } from "../sample-objects.ts";
import { claimsOf } from "./pods-by-claim.ts";

it("names the claims of a pod, with those of its ephemeral volumes", () => {
  const volumes = [
    { name: "a", persistentVolumeClaim: { claimName: "data" } },
    { name: "b", ephemeral: {} },
    { name: "c", emptyDir: {} },
  ];
  expect(claimsOf(samplePod("p", { spec: { volumes } }))).toEqual(["ns/data", "ns/p-b"]);
});

it("names none where there are none", () => {
  expect(claimsOf(samplePod("p"))).toEqual([]);
  expect(claimsOf(samplePod("p", { spec: { volumes: [{ name: "c", emptyDir: {} }] } }))).toEqual([]);
});
