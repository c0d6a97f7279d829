import { expect, it } from "vitest";
import type { ReplicaSet } from "../api/generated/types/apps-v1.ts";
import type { Service } from "../api/generated/types/core-v1.ts";
import { ObjectCache } from "../client/object-cache.ts";
import { defaultSelectorOf, servicePair } from "./default-selector.ts";
import { aPod } from "./sample-objects.ts";

const service = (name: string, selector?: Readonly<Record<string, string>>, namespace = "default"): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace, resourceVersion: "1" },
  spec: selector === undefined ? {} : { selector },
});
const replicaSet: ReplicaSet = {
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: { name: "rs", namespace: "default" },
  spec: { selector: { matchLabels: { hash: "x" }, matchExpressions: [{ key: "tier", operator: "Exists" }] } },
};

it("selects as the pod's services and owner do", () => {
  const services = new ObjectCache<Service>();
  services.addIndex("selector", servicePair);
  for (const each of [
    service("a", { app: "web" }),
    service("b", { app: "web", color: "red" }),
    service("c", { app: "web" }, "other"),
    service("d"),
    service("e", { tier: "front" }),
  ])
    services.set(each);
  const replicaSets = new ObjectCache<ReplicaSet>();
  replicaSets.set(replicaSet);
  const listers = { services, replicaSets, replicationControllers: new ObjectCache<never>(), statefulSets: new ObjectCache<never>() };
  const selector = (labels: Readonly<Record<string, string>>, owner?: { readonly apiVersion: string; readonly kind: string }): string | undefined => {
    const pod = aPod("p", { labels });
    const ownerReferences = owner === undefined ? [] : [{ ...owner, name: "rs", uid: "u", controller: true }];
    return defaultSelectorOf({ ...pod, metadata: { ...pod.metadata, ownerReferences } }, listers)?.selector.toString();
  };
  expect([
    selector({ app: "web", color: "blue" }),
    selector({ app: "web", tier: "front" }),
    selector({ other: "x" }),
    selector({ app: "web" }, { apiVersion: "apps/v1", kind: "ReplicaSet" }),
    selector({}, { apiVersion: "example.com/v1", kind: "ReplicaSet" }),
  ]).toEqual(["app=web", "app=web,tier=front", undefined, "app=web,hash=x,tier", undefined]);
});
