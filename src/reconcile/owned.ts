import { deepEqual } from "../base/values.ts";
import type { Client } from "../client/client.ts";
import type { Informer, InformerFactory, Lister } from "../client/informer.ts";
import type { OwnerReference } from "../meta/generated/meta-v1.ts";
import { controllerOf, keyOf, type KubeObject } from "../meta/object.ts";
import { parseApiVersion, type Resource } from "../meta/resource.ts";
import { hasReason } from "../meta/status-error.ts";
import type { Enqueue } from "./controller.ts";

/** The reference that makes `owner` the controller of a child. Kind and apiVersion come from `resource`. */
export function controllerReference(owner: KubeObject, resource: Resource<KubeObject>): OwnerReference {
  return {
    apiVersion: resource.group === "" ? resource.version : `${resource.group}/${resource.version}`,
    kind: resource.kind,
    name: owner.metadata.name ?? "",
    uid: owner.metadata.uid ?? "",
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The key of the child's controlling owner when that is of `owner`'s group and kind. Versions may differ. */
export function controllerKey(child: KubeObject, owner: Resource<KubeObject>): string | undefined {
  const reference = controllerOf(child);
  if (reference === undefined || reference.kind !== owner.kind || parseApiVersion(reference.apiVersion).group !== owner.group) return undefined;
  return owner.namespaced ? keyOf({ metadata: { namespace: child.metadata.namespace, name: reference.name } }) : reference.name;
}

export interface OwnedOptions<Owner extends KubeObject, Child extends KubeObject> {
  readonly owner: Resource<Owner>;
  /** With it, an owner that is not known under the reference's uid is not enqueued. */
  readonly owners?: Lister<Owner>;
  /** Keys of owners that may want a child without a controller: those whose selector matches it. */
  readonly forOrphan?: (child: Child) => readonly string[];
  /** Called before the owner's key is enqueued; for expectations. */
  readonly onAdded?: (ownerKey: string, child: Child) => void;
  readonly onUpdated?: (ownerKey: string, previous: Child, child: Child) => void;
  readonly onDeleted?: (ownerKey: string, child: Child) => void;
  /** Whether an update of a child changes anything for its owner; absent: each may. PERF: most updates of a pod tell its owner nothing. */
  readonly isNews?: (previous: Child, child: Child) => boolean;
}

/**
 * Enqueues the controlling owner whenever a child changes: the old and the new one when the reference moved, and those
 * who may adopt an orphan. A child first seen while terminating counts as a deletion.
 * @upstream pkg/controller/replicaset/replica_set.go addPod, updatePod, deletePod
 */
export function enqueueOwners<Owner extends KubeObject, Child extends KubeObject>(
  queue: Pick<Enqueue, "add">,
  children: Informer<Child>,
  options: OwnedOptions<Owner, Child>,
): () => void {
  const ownerKey = (child: Child): string | undefined => {
    const key = controllerKey(child, options.owner);
    if (key === undefined || options.owners === undefined) return key;
    return options.owners.get(key)?.metadata.uid === controllerOf(child)?.uid ? key : undefined;
  };
  const orphan = (child: Child): void => {
    if (controllerOf(child) === undefined) for (const key of options.forOrphan?.(child) ?? []) queue.add(key);
  };
  const deleted = (child: Child): void => {
    const key = ownerKey(child);
    if (key === undefined) return;
    options.onDeleted?.(key, child);
    queue.add(key);
  };
  return children.subscribe({
    added(child) {
      if (child.metadata.deletionTimestamp !== undefined) {
        deleted(child);
        return;
      }
      const key = ownerKey(child);
      if (key === undefined) {
        orphan(child);
        return;
      }
      options.onAdded?.(key, child);
      queue.add(key);
    },
    updated(previous, child) {
      // PERF: what never had an owner is most of the news of some clusters.
      if (previous.metadata.ownerReferences === undefined && child.metadata.ownerReferences === undefined) {
        if (options.forOrphan !== undefined && isRelabelled(previous, child)) orphan(child);
        return;
      }
      const before = ownerKey(previous);
      const after = ownerKey(child);
      const moved = controllerOf(previous)?.uid !== controllerOf(child)?.uid;
      if (moved && before !== undefined) queue.add(before);
      if (after !== undefined) {
        options.onUpdated?.(after, previous, child);
        if (child.metadata.deletionTimestamp !== undefined) options.onDeleted?.(after, child);
        if (moved || options.isNews?.(previous, child) !== false) queue.add(after);
        return;
      }
      if (moved || isRelabelled(previous, child)) orphan(child);
    },
    deleted,
  });
}

function isRelabelled({ metadata: { labels: before } }: KubeObject, { metadata: { labels: after } }: KubeObject): boolean {
  return before !== after && !deepEqual(before, after);
}

const none: readonly string[] = [];

/** Keys of those in the child's namespace that want it. PERF: few do, and nothing is made where none does. */
export function keysWanting<Owner extends KubeObject, Child extends KubeObject>(
  owners: Lister<Owner>,
  child: Child,
  wants: (owner: Owner, child: Child) => boolean,
): readonly string[] {
  let keys: string[] | undefined;
  for (const owner of owners.inNamespace(child.metadata.namespace ?? "")) {
    if (!wants(owner, child)) continue;
    keys ??= [];
    keys.push(keyOf(owner));
  }
  return keys ?? none;
}

const CONTROLLER_INDEX = "controller";
const ownedBy = (uid: string): string => `uid/${uid}`;
/** No namespace has a slash. PERF: most pods of some clusters are orphans, and a text made for each version of them costs. */
const orphansOf = (namespace: string): string => namespace;

/** Files children under their controller's uid, so that an owner's children are found without a scan. Call it from `setup`. */
export function indexByController<Child extends KubeObject>(informers: InformerFactory, children: Informer<Child>): void {
  informers.addIndex(children, CONTROLLER_INDEX, (child) => {
    const controller = controllerOf(child);
    return controller === undefined ? orphansOf(child.metadata.namespace ?? "") : ownedBy(controller.uid);
  });
}

/** The children that `owner` controls. Needs indexByController. */
export function controlledBy<Child extends KubeObject>(children: Lister<Child>, owner: KubeObject): readonly Child[] {
  return children.byIndex(CONTROLLER_INDEX, ownedBy(owner.metadata.uid ?? ""));
}

/** What `owner` controls and what nobody in its namespace controls: the candidates for claimChildren. Needs indexByController. */
export function claimable<Child extends KubeObject>(children: Lister<Child>, owner: KubeObject): readonly Child[] {
  return [...controlledBy(children, owner), ...children.byIndex(CONTROLLER_INDEX, orphansOf(owner.metadata.namespace ?? ""))];
}

export interface ClaimOptions<Owner extends KubeObject, Child extends KubeObject> {
  /** As the lister has it. */
  readonly owner: Owner;
  readonly ownerResource: Resource<Owner>;
  readonly childResource: Resource<Child>;
  /** Whether the owner wants this child: its selector, and any other condition of the kind. */
  readonly matches: (child: Child) => boolean;
  /** Put on when adopting and taken off when releasing. */
  readonly finalizers?: readonly string[];
}

/**
 * The children that belong to `owner`, after adopting orphans that match and releasing own ones that no longer do.
 * Nothing is adopted or released by an owner that is being deleted; before the first adoption the owner is read live,
 * since the cache may show one that was deleted and made anew. A child that vanished meanwhile is left out. All
 * candidates are tried; then the first failure is thrown.
 * @upstream pkg/controller/controller_ref_manager.go
 */
export async function claimChildren<Owner extends KubeObject, Child extends KubeObject>(
  candidates: readonly Child[],
  options: ClaimOptions<Owner, Child>,
  deps: { readonly client: Pick<Client, "get" | "patch">; readonly signal?: AbortSignal },
): Promise<readonly Child[]> {
  const { owner, matches } = options;
  const ownerDeleted = owner.metadata.deletionTimestamp !== undefined;
  const claimed: Child[] = [];
  const failures: unknown[] = [];
  let mayAdopt: Promise<void> | undefined;
  for (const child of candidates) {
    const controller = controllerOf(child);
    try {
      if (controller !== undefined) {
        if (controller.uid !== owner.metadata.uid) continue;
        if (matches(child)) claimed.push(child);
        else if (!ownerDeleted) await release(child, options, deps);
        continue;
      }
      if (ownerDeleted || child.metadata.deletionTimestamp !== undefined || !matches(child)) continue;
      if ((owner.metadata.namespace ?? "") !== "" && owner.metadata.namespace !== child.metadata.namespace) continue;
      mayAdopt ??= checkLive(options, deps);
      await mayAdopt;
      claimed.push(await adopt(child, options, deps));
    } catch (error) {
      if (!hasReason(error, "NotFound")) failures.push(error);
      else if (mayAdopt !== undefined && (await rejected(mayAdopt))) failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return claimed;
}

type ClaimDeps = Parameters<typeof claimChildren>[2];

const rejected = (promise: Promise<void>): Promise<boolean> =>
  promise.then(
    () => false,
    () => true,
  );

const callOptions = (child: KubeObject, { signal }: ClaimDeps) => ({ namespace: child.metadata.namespace, ...(signal === undefined ? {} : { signal }) });

async function checkLive<Owner extends KubeObject>({ owner, ownerResource }: { owner: Owner; ownerResource: Resource<Owner> }, deps: ClaimDeps): Promise<void> {
  const { name = "", uid = "" } = owner.metadata;
  const live = await deps.client.get(ownerResource, name, callOptions(owner, deps));
  const text = `${ownerResource.kind} ${keyOf(owner)}`;
  if (live.metadata.uid !== uid) throw new Error(`original ${text} is gone: got uid ${live.metadata.uid ?? ""}, wanted ${uid}`);
  if (live.metadata.deletionTimestamp !== undefined) throw new Error(`${text} has just been deleted at ${live.metadata.deletionTimestamp}`);
}

// The uid in the patch is a precondition: a child that was made anew under the name is not touched (409).
function adopt<Owner extends KubeObject, Child extends KubeObject>(child: Child, options: ClaimOptions<Owner, Child>, deps: ClaimDeps): Promise<Child> {
  const metadata = {
    ownerReferences: [controllerReference(options.owner, options.ownerResource)],
    uid: child.metadata.uid,
    ...(options.finalizers === undefined ? {} : { finalizers: options.finalizers }),
  };
  return deps.client.patch(options.childResource, child.metadata.name ?? "", { type: "strategic", value: { metadata } }, callOptions(child, deps));
}

async function release<Owner extends KubeObject, Child extends KubeObject>(child: Child, options: ClaimOptions<Owner, Child>, deps: ClaimDeps): Promise<void> {
  const metadata = {
    uid: child.metadata.uid,
    ownerReferences: [{ $patch: "delete", uid: options.owner.metadata.uid }],
    ...(options.finalizers === undefined ? {} : { "$deleteFromPrimitiveList/finalizers": options.finalizers }),
  };
  try {
    await deps.client.patch(options.childResource, child.metadata.name ?? "", { type: "strategic", value: { metadata } }, callOptions(child, deps));
  } catch (error) {
    // Gone, without an owner any more, or another object under the name: nothing left to release.
    if (!hasReason(error, "NotFound") && !hasReason(error, "Invalid")) throw error;
  }
}
