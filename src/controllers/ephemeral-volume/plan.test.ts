import { expect, it } from "vitest";
import { samplePod } from "../sample-objects.ts";
import { ephemeralClaims } from "./plan.ts";

it("makes one claim for each ephemeral volume, owned by the pod", () => {
  const volumeClaimTemplate = { metadata: { labels: { a: "b" } }, spec: { accessModes: ["ReadWriteOnce"] } };
  const pod = samplePod("p", {
    spec: {
      volumes: [
        { name: "scratch", ephemeral: { volumeClaimTemplate } },
        { name: "x", emptyDir: {} },
      ],
    },
  });
  expect(ephemeralClaims(pod)).toEqual([
    {
      metadata: {
        name: "p-scratch",
        namespace: "ns",
        labels: { a: "b" },
        ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p", uid: "uid-p", controller: true, blockOwnerDeletion: true }],
      },
      spec: { accessModes: ["ReadWriteOnce"] },
    },
  ]);
});
