import { expect, it } from "vitest";
import { pods, replicaSets } from "../api/generated/resources.ts";
import type { Pod } from "../api/generated/types/core-v1.ts";
import { silentLogger } from "../base/log.ts";
import { ObjectCache } from "../client/object-cache.ts";
import { SharedInformer } from "../client/shared-informer.ts";
import type { KubeObject } from "../meta/object.ts";
import { enqueueOwners, keysWanting } from "./owned.ts";

const named = (name: string, namespace = "ns"): KubeObject => ({ apiVersion: "v1", kind: "Thing", metadata: { name, namespace } });

it("finds those of the child's namespace that want it", () => {
  const owners = new ObjectCache<KubeObject>();
  for (const owner of [named("a"), named("b"), named("c"), named("a", "other")]) owners.set(owner);
  const wants = ({ metadata }: KubeObject, child: KubeObject): boolean => child.metadata.name?.includes(metadata.name ?? "") === true;
  expect(keysWanting(owners, named("abba"), wants)).toEqual(["ns/a", "ns/b"]);
  expect(keysWanting(owners, named("abba", "other"), wants)).toEqual(["other/a"]);
  expect(keysWanting(owners, named("dd"), wants)).toEqual([]);
  expect(keysWanting(owners, named("a", "empty"), wants)).toEqual([]);
});

it("asks who may adopt an orphan when it comes and when its labels change, not at other news", () => {
  const children = new SharedInformer<Pod>({ resource: pods }, { log: silentLogger });
  const keys: string[] = [];
  enqueueOwners({ add: (key) => keys.push(key) }, children, { owner: replicaSets, forOrphan: ({ metadata }) => [`for ${metadata.labels?.["app"] ?? ""}`] });
  let version = 0;
  const see = (labels: Readonly<Record<string, string>>, annotations: Readonly<Record<string, string>> = {}): readonly string[] => {
    version += 1;
    keys.length = 0;
    const metadata = { name: "p", namespace: "ns", uid: "p", resourceVersion: `${version}`, labels, annotations };
    children.event({ type: version === 1 ? "ADDED" : "MODIFIED", object: { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [] } } });
    return [...keys];
  };
  const labels = { app: "a" };
  expect(see(labels)).toEqual(["for a"]);
  expect(see(labels, { note: "x" })).toEqual([]);
  expect(see({ ...labels })).toEqual([]);
  expect(see({ app: "b" })).toEqual(["for b"]);
});
