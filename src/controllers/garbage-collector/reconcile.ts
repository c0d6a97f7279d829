import type { KubeObject } from "../../meta/object.ts";
import { apiVersionOf, groupResourceText, type Resource } from "../../meta/resource.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { type DiscoveredResource, discoverResources } from "../discover-resources.ts";
import { LateQueue } from "../enqueue.ts";
import { messageOf } from "../failures.ts";
import { Collector } from "./collect.ts";
import { DependencyGraph, type GraphNode, type Identity } from "./graph.ts";

export interface GarbageCollectorOptions {
  /** How often the server is asked for resources that came or went; 30 s when absent. */
  readonly discoveryPeriodMs?: number;
}

const discoveryKey = "discover";
/** How soon an owner that exists but was not shown yet is looked at again. */
const unseenMs = 1000;
const maxUnseenMs = 300_000;
/** Nothing is collected before all resources are known, or this long has passed. */
const syncTimeoutMs = 30_000;
const ignored = new Set(["events", "events.events.k8s.io"]);

/**
 * Deletes what has lost its owners, and sees foreground and orphaning deletions through. The resources come from
 * discovery, so custom ones take part as soon as they are served. @upstream pkg/controller/garbagecollector/garbagecollector.go
 */
export function garbageCollector(deps: ControllerDeps, options: GarbageCollectorOptions = {}): Controller {
  const { client, informers, clock } = deps;
  const late = new LateQueue();
  /** By resource and version. */
  const watched = new Map<string, Resource<KubeObject>>();
  const byKind = new Map<string, Resource<KubeObject>>();
  /** Owners that exist but were not shown yet: how long the next look waits. */
  const unseen = new Map<string, number>();
  let ready = false;

  const graph = new DependencyGraph({
    delete: (uid) => late.add(`delete/${uid}`),
    orphan: (uid) => late.add(`orphan/${uid}`),
    strayOwner: reportStray,
  });
  const collector = new Collector({
    client,
    graph,
    resourceFor: (group, kind) => byKind.get(`${group}/${kind}`),
    enqueueDelete: (uid) => late.add(`delete/${uid}`),
  });

  function reportStray({ identity }: GraphNode, owner: Identity): void {
    const about = { apiVersion: identity.apiVersion, kind: identity.kind, metadata: { name: identity.name, namespace: identity.namespace, uid: identity.uid } };
    const text = `[${owner.apiVersion}/${owner.kind}, namespace: ${owner.namespace}, name: ${owner.name}, uid: ${owner.uid}]`;
    deps.recorder.event(about, "Warning", "OwnerRefInvalidNamespace", `ownerRef ${text} does not exist in namespace ${JSON.stringify(identity.namespace)}`);
  }

  function watch(resource: DiscoveredResource, signal: AbortSignal): Promise<void> | undefined {
    const key = `${groupResourceText(resource)}/${resource.version}`;
    byKind.set(`${resource.group}/${resource.kind}`, resource);
    const canBeCollected = ["delete", "list", "watch"].every((verb) => resource.verbs.includes(verb));
    if (!canBeCollected || ignored.has(groupResourceText(resource))) return undefined;
    if (watched.has(key)) return undefined;
    const handle: Resource<KubeObject> = resource;
    watched.set(key, handle);
    const informer = informers.informer(handle);
    informer.subscribe({
      added: ({ metadata }) => graph.observe(handle, metadata),
      updated: (_previous, { metadata }) => graph.observe(handle, metadata),
      deleted({ metadata: { uid = "", namespace = "" } }) {
        collector.noteAbsent(uid, namespace);
        graph.forget(uid);
      },
    });
    return informer.synced ? undefined : informer.waitForSync(signal);
  }

  /** What is no longer served, by a group that could be asked, is watched no longer. */
  function forgetAllBut(resources: readonly DiscoveredResource[], failures: ReadonlyMap<string, string>): void {
    const present = new Set(resources.map((resource) => `${groupResourceText(resource)}/${resource.version}`));
    for (const [key, resource] of watched) {
      if (present.has(key) || failures.has(apiVersionOf(resource))) continue;
      watched.delete(key);
      if (byKind.get(`${resource.group}/${resource.kind}`)?.version === resource.version) byKind.delete(`${resource.group}/${resource.kind}`);
      informers.end(resource);
    }
  }

  async function discover(signal: AbortSignal): Promise<void> {
    late.addAfter(discoveryKey, options.discoveryPeriodMs ?? 30_000);
    const { resources, failures } = await discoverResources(client);
    for (const [groupVersion, error] of failures) deps.log.warn("a group's resources could not be discovered", { groupVersion, error });
    forgetAllBut(resources, failures);
    const syncs = resources.map((resource) => watch(resource, signal)).filter((sync) => sync !== undefined);
    if (!ready) {
      await settledOr(Promise.allSettled(syncs), syncTimeoutMs);
      ready = true;
    }
  }

  /** Resolves when the promise does, or after so long. */
  function settledOr(promise: Promise<unknown>, delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(delayMs, resolve);
      promise
        .catch((error: unknown) => deps.log.debug("an informer did not sync", { error: messageOf(error) }))
        .finally(() => {
          cancel();
          resolve();
        });
    });
  }

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    if (key === discoveryKey) {
      await discover(signal);
      return;
    }
    if (!ready) {
      late.addAfter(key, unseenMs);
      return;
    }
    const slash = key.indexOf("/");
    const uid = key.slice(slash + 1);
    if (key.startsWith("orphan/")) await collector.orphan(uid, signal);
    else if ((await collector.attemptDelete(uid, signal)) === "again") {
      const wait = unseen.get(uid) ?? unseenMs;
      unseen.set(uid, Math.min(wait * 2, maxUnseenMs));
      late.addAfter(key, wait);
    } else unseen.delete(uid);
  }

  function setup(queue: Enqueue): void {
    late.bind(queue);
    queue.add(discoveryKey);
  }

  // PERF: upstream has 20 workers; more deletions at once share a write to disk, of which each has to wait for one.
  return { name: "garbage-collector", workers: 64, setup, reconcile };
}
