import { expect, it } from "vitest";
import { pods } from "../api/generated/resources.ts";
import type { Pod } from "../api/generated/types/core-v1.ts";
import { silentLogger } from "../base/log.ts";
import { SharedInformer } from "../client/shared-informer.ts";
import { enqueueKeys, enqueueSelf, labelsOf } from "./enqueue.ts";
import { samplePod } from "./sample-objects.ts";

let version = 0;
/** The next version of a pod. */
function next(pod: Pod, labels = pod.metadata.labels): Pod {
  version += 1;
  return { ...pod, metadata: { ...pod.metadata, resourceVersion: `${version}`, ...(labels === undefined ? {} : { labels }) } };
}

function world() {
  const informer = new SharedInformer<Pod>({ resource: pods }, { log: silentLogger });
  const keys: string[] = [];
  return {
    informer,
    queue: { add: (key: string) => keys.push(key) },
    /** What a piece of news enqueues. */
    after(type: "ADDED" | "MODIFIED" | "DELETED", object: Pod): readonly string[] {
      keys.length = 0;
      informer.event({ type, object });
      return [...keys];
    },
  };
}

it("enqueues an object's own key once at each change", () => {
  const { informer, queue, after } = world();
  enqueueSelf(queue, informer);
  const pod = next(samplePod("p"));
  expect(after("ADDED", pod)).toEqual(["ns/p"]);
  expect(after("MODIFIED", next(pod))).toEqual(["ns/p"]);
  expect(after("DELETED", next(pod))).toEqual(["ns/p"]);
});

it("enqueues the keys of the state before and after, asked for once where what they depend on is the same", () => {
  const { informer, queue, after } = world();
  enqueueKeys(queue, informer, ({ metadata }) => [`all ${metadata.labels?.["app"] ?? ""}`]);
  enqueueKeys(queue, informer, ({ metadata }) => [`part ${metadata.labels?.["app"] ?? ""}`], { dependsOn: labelsOf });
  const pod = next(samplePod("p"), { app: "a" });
  expect(after("ADDED", pod)).toEqual(["all a", "part a"]);
  expect(after("MODIFIED", next(pod))).toEqual(["all a", "all a", "part a"]);
  const moved = next(pod, { app: "b" });
  expect(after("MODIFIED", moved)).toEqual(["all a", "all b", "part a", "part b"]);
  expect(after("DELETED", moved)).toEqual(["all b", "part b"]);
});

it("enqueues nothing at an update that is no news to those keys", () => {
  const { informer, queue, after } = world();
  enqueueKeys(queue, informer, ({ metadata }) => [`for ${metadata.labels?.["app"] ?? ""}`], { isNews: (previous, { metadata }) => previous.metadata.labels !== metadata.labels });
  const pod = next(samplePod("p"), { app: "a" });
  expect(after("ADDED", pod)).toEqual(["for a"]);
  expect(after("MODIFIED", next(pod))).toEqual([]);
  expect(after("MODIFIED", next(pod, { app: "b" }))).toEqual(["for a", "for b"]);
  expect(after("DELETED", next(pod, { app: "b" }))).toEqual(["for b"]);
});
