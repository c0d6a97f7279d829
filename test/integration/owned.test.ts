import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pods, replicaSets } from "../../src/api/generated/resources.ts";
import type { ReplicaSet } from "../../src/api/generated/types/apps-v1.ts";
import type { Pod } from "../../src/api/generated/types/core-v1.ts";
import { silentLogger } from "../../src/base/log.ts";
import { seededRandom } from "../../src/base/random.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { Client } from "../../src/client/client.ts";
import { createInformerFactory } from "../../src/client/informer-factory.ts";
import type { InformerFactory } from "../../src/client/informer.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import { claimable, claimChildren, controlledBy, controllerReference, enqueueOwners, indexByController } from "../../src/reconcile/owned.ts";
import { admin, serveMemory } from "./served-memory.ts";

const place = { namespace: "default" };
let clock: VirtualClock;
let client: Client;
let informers: InformerFactory;
let dispose: () => Promise<void>;

beforeEach(async () => {
  clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const served = await serveMemory({ clock });
  client = inProcessClient(served.api.handle, admin);
  informers = createInformerFactory({}, { client, clock, random: seededRandom(1), log: silentLogger });
  const stop = new AbortController();
  const running = informers.run(stop.signal);
  dispose = async () => {
    stop.abort();
    await running;
    await served.stop();
  };
});
afterEach(() => dispose());

const makeOwner = (name = "web"): Promise<ReplicaSet> => {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: "main", image: "example.com/i:1" }] } };
  return client.create(replicaSets, { metadata: { name, ...place }, spec: { selector: { matchLabels: labels }, template } });
};
const makePod = (name: string, app: string, owner?: ReplicaSet): Promise<Pod> =>
  client.create(pods, {
    metadata: { name, ...place, labels: { app }, ...(owner === undefined ? {} : { ownerReferences: [controllerReference(owner, replicaSets)] }) },
    spec: { containers: [{ name: "main", image: "example.com/i:1" }] },
  });
const relabel = (name: string, app: string): Promise<Pod> => client.patch(pods, name, { type: "merge", value: { metadata: { labels: { app } } } }, place);
const claim = (owner: ReplicaSet, candidates: readonly Pod[]): Promise<readonly Pod[]> =>
  claimChildren(candidates, { owner, ownerResource: replicaSets, childResource: pods, matches: ({ metadata }) => metadata.labels?.["app"] === owner.metadata.name }, { client });
const namesOf = (objects: readonly { readonly metadata: { readonly name?: string | undefined } }[]): readonly string[] => objects.map(({ metadata }) => metadata.name ?? "");
const ownersOf = async (name: string): Promise<readonly string[]> => (await client.get(pods, name, place)).metadata.ownerReferences?.map(({ uid }) => uid) ?? [];

describe("claiming", () => {
  it("keeps what matches, adopts orphans that match and releases what no longer does", async () => {
    const owner = await makeOwner();
    const other = await makeOwner("other");
    const candidates = [
      await makePod("own", "web", owner),
      await makePod("orphan", "web"),
      await makePod("stranger", "elsewhere"),
      await makePod("relabelled", "elsewhere", owner),
      await makePod("theirs", "web", other),
    ];
    const claimed = await claim(owner, candidates);
    expect(namesOf(claimed)).toEqual(["own", "orphan"]);
    expect(claimed[1]?.metadata.ownerReferences).toEqual([
      { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: owner.metadata.uid, controller: true, blockOwnerDeletion: true },
    ]);
    expect(await ownersOf("orphan")).toEqual([owner.metadata.uid]);
    expect(await ownersOf("stranger")).toEqual([]);
    expect(await ownersOf("relabelled")).toEqual([]);
    expect(await ownersOf("theirs")).toEqual([other.metadata.uid]);
  });

  it("does neither for an owner that is being deleted", async () => {
    const made = await makeOwner();
    const owner = { ...made, metadata: { ...made.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
    const candidates = [await makePod("own", "web", made), await makePod("orphan", "web"), await makePod("relabelled", "elsewhere", made)];
    expect(namesOf(await claim(owner, candidates))).toEqual(["own"]);
    expect(await ownersOf("orphan")).toEqual([]);
    expect(await ownersOf("relabelled")).toEqual([made.metadata.uid]);
  });

  it("does not adopt what is being deleted", async () => {
    const owner = await makeOwner();
    const orphan = await makePod("orphan", "web");
    const ending = { ...orphan, metadata: { ...orphan.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
    expect(await claim(owner, [ending])).toEqual([]);
    expect(await ownersOf("orphan")).toEqual([]);
  });

  it("looks at the owner itself before it adopts: the cache may be behind", async () => {
    const owner = await makeOwner();
    const orphan = await makePod("orphan", "web");
    await client.delete(replicaSets, "web", place);
    await expect(claim(owner, [orphan])).rejects.toThrow("not found");
    const anew = await makeOwner();
    await expect(claim(owner, [orphan])).rejects.toThrow(`original ReplicaSet default/web is gone: got uid ${anew.metadata.uid ?? ""}`);
    expect(await ownersOf("orphan")).toEqual([]);
  });

  it("leaves alone what was made anew under an orphan's name, and forgets what is gone", async () => {
    const owner = await makeOwner();
    const old = await makePod("replaced", "web");
    const gone = await makePod("gone", "web");
    for (const name of ["replaced", "gone"]) await client.delete(pods, name, { ...place, gracePeriodSeconds: 0 });
    await makePod("replaced", "web");
    expect(await claim(owner, [gone])).toEqual([]);
    await expect(claim(owner, [old])).rejects.toThrow();
    expect(await ownersOf("replaced")).toEqual([]);
  });
});

describe("enqueueing", () => {
  it("tells the controlling owner of every change, both owners of a move, and who may adopt an orphan", async () => {
    const owner = await makeOwner();
    const children = informers.informer(pods);
    const owners = informers.informer(replicaSets);
    indexByController(informers, children);
    const heard: string[] = [];
    const note = (text: string): void => void heard.push(text);
    enqueueOwners({ add: note }, children, {
      owner: replicaSets,
      owners: owners.lister,
      forOrphan: ({ metadata }) => [`default/${metadata.labels?.["app"] ?? ""} may adopt`],
      onAdded: (key, { metadata }) => note(`${key} +${metadata.name ?? ""}`),
      onDeleted: (key, { metadata }) => note(`${key} -${metadata.name ?? ""}`),
      isNews: (previous, { metadata }) => previous.metadata.annotations?.["count"] !== metadata.annotations?.["count"],
    });
    await clock.settle();
    const since = async (): Promise<readonly string[]> => {
      await clock.settle();
      return heard.splice(0);
    };
    await makePod("own", "web", owner);
    expect(await since()).toEqual(["default/web +own", "default/web"]);
    const annotate = (value: { readonly [key: string]: string }): Promise<Pod> => client.patch(pods, "own", { type: "merge", value: { metadata: { annotations: value } } }, place);
    await annotate({ other: "1" });
    expect(await since()).toEqual([]);
    await annotate({ count: "1" });
    expect(await since()).toEqual(["default/web"]);
    await makePod("orphan", "web");
    expect(await since()).toEqual(["default/web may adopt"]);
    await relabel("orphan", "elsewhere");
    expect(await since()).toEqual(["default/elsewhere may adopt"]);
    await client.patch(pods, "orphan", { type: "merge", value: { metadata: { annotations: { a: "b" } } } }, place);
    expect(await since()).toEqual([]);
    expect(namesOf(controlledBy(children.lister, owner))).toEqual(["own"]);
    expect(namesOf(claimable(children.lister, owner))).toEqual(["own", "orphan"]);
    await relabel("own", "elsewhere");
    await since();
    await claim(owner, claimable(children.lister, owner));
    expect(await since()).toEqual(["default/web", "default/elsewhere may adopt"]);
    expect(controlledBy(children.lister, owner)).toEqual([]);
    await makePod("second", "web", owner);
    await since();
    await client.delete(pods, "second", { ...place, gracePeriodSeconds: 0 });
    expect(await since()).toEqual(["default/web -second", "default/web"]);
    await makePod("stale", "web", { ...owner, metadata: { ...owner.metadata, uid: "another" } });
    expect(await since()).toEqual([]);
  });
});
