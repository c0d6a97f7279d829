import type { Client } from "../../client/client.ts";
import { LruMap } from "../../client/lru-map.ts";
import type { ObjectMeta, OwnerReference } from "../../meta/generated/meta-v1.ts";
import type { KubeObject } from "../../meta/object.ts";
import { parseApiVersion, type Resource } from "../../meta/resource.ts";
import { hasReason } from "../../meta/status-error.ts";
import { type DependencyGraph, foregroundFinalizer, type GraphNode, hasFinalizer, type Identity, orphanFinalizer } from "./graph.ts";
import { finalizerPatch, judgeOwned, judgeWaiting, type OwnerState, ownersPatch, type Verdict } from "./plan.ts";

/** Uids of owners that were found gone; so many are remembered. */
const maxAbsent = 500;

interface Found {
  readonly resource: Resource<KubeObject>;
  readonly metadata: ObjectMeta;
}

export interface CollectorDeps {
  readonly client: Client;
  readonly graph: DependencyGraph;
  /** How a kind is served; undefined when the server does not know it (yet). */
  readonly resourceFor: (group: string, kind: string) => Resource<KubeObject> | undefined;
  readonly enqueueDelete: (uid: string) => void;
}

/** Carries out what the graph asks for; looks at objects live before it touches them. Throws what is worth another try. */
export class Collector {
  readonly #deps: CollectorDeps;
  readonly #absent = new LruMap<true>(maxAbsent);

  constructor(deps: CollectorDeps) {
    this.#deps = deps;
  }

  /** Absent from this namespace, that is: a reference can name an owner from the wrong one. */
  noteAbsent(uid: string, namespace: string): void {
    this.#absent.set(`${namespace}/${uid}`, true);
  }

  /** Deletes the object when its owners are gone, or helps it wait. Says whether a virtual node must be looked at again. */
  async attemptDelete(uid: string, signal: AbortSignal): Promise<"done" | "again"> {
    const node = this.#deps.graph.get(uid);
    if (node === undefined || (node.beingDeleted && !node.deletingDependents)) return "done";
    const asked = node.identity;
    const found = await this.#live(node, signal);
    if (found === "unresolvable") return "done";
    if (found === undefined) {
      this.noteAbsent(uid, this.#resource(asked).namespaced ? asked.namespace : "");
      this.#deps.graph.notFound(uid);
      return "done";
    }
    const { resource, metadata } = found;
    if (node.virtual) return "again";
    if (node.deletingDependents) await this.#carryOut(judgeWaiting(node), { node, resource, metadata, signal });
    else {
      const states = new Map<string, OwnerState>();
      for (const owner of metadata.ownerReferences ?? []) states.set(owner.uid, await this.#stateOf(owner, metadata, signal));
      const verdict = judgeOwned(node, metadata, (owner) => states.get(owner.uid) ?? "solid");
      await this.#carryOut(verdict, { node, resource, metadata, signal });
    }
    return "done";
  }

  /** Takes the owner's reference from all its dependents, then lets the owner go. */
  async orphan(uid: string, signal: AbortSignal): Promise<void> {
    const node = this.#deps.graph.get(uid);
    if (node === undefined) return;
    await Promise.all([...node.dependents].map((dependent) => this.#dropOwners(dependent, new Set([uid]), signal)));
    const found = await this.#live(node, signal);
    if (found !== undefined && found !== "unresolvable") await this.#removeFinalizer(found, orphanFinalizer, signal);
  }

  async #carryOut(verdict: Verdict, target: Found & { readonly node: GraphNode; readonly signal: AbortSignal }): Promise<void> {
    const { node, resource, metadata, signal } = target;
    const place = { namespace: metadata.namespace, signal };
    const name = metadata.name ?? "";
    if (verdict.type === "remove-finalizer") await this.#removeFinalizer(target, verdict.finalizer, signal);
    else if (verdict.type === "wait") for (const blocker of verdict.blockers) this.#deps.enqueueDelete(blocker.identity.uid);
    else if (verdict.type === "drop-owners") {
      const keep = (metadata.ownerReferences ?? []).filter((owner) => !verdict.uids.has(owner.uid));
      await ignoreGone(this.#deps.client.patch(resource, name, { type: "merge", value: ownersPatch(metadata, keep) }, place));
    } else if (verdict.type === "delete") {
      let resourceVersion = metadata.resourceVersion;
      if (verdict.unblock) {
        const open = (metadata.ownerReferences ?? []).map((owner) => ({ ...owner, blockOwnerDeletion: false }));
        const patched = await this.#deps.client.patch(resource, name, { type: "merge", value: ownersPatch(metadata, open) }, place);
        resourceVersion = patched.metadata.resourceVersion;
      }
      const preconditions = { uid: node.identity.uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
      await ignoreGone(this.#deps.client.delete(resource, name, { ...place, propagationPolicy: verdict.policy, preconditions }));
    }
  }

  async #dropOwners(dependent: GraphNode, uids: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const found = await this.#live(dependent, signal);
    if (found === undefined || found === "unresolvable") return;
    const owners = found.metadata.ownerReferences ?? [];
    const keep = owners.filter((owner) => !uids.has(owner.uid));
    if (keep.length === owners.length) return;
    const value = ownersPatch(found.metadata, keep);
    await ignoreGone(this.#deps.client.patch(found.resource, found.metadata.name ?? "", { type: "merge", value }, { namespace: found.metadata.namespace, signal }));
  }

  async #removeFinalizer({ resource, metadata }: Found, finalizer: string, signal: AbortSignal): Promise<void> {
    if (!hasFinalizer(metadata, finalizer)) return;
    const value = finalizerPatch(metadata, finalizer);
    await ignoreGone(this.#deps.client.patch(resource, metadata.name ?? "", { type: "merge", value }, { namespace: metadata.namespace, signal }));
  }

  #resource({ resource, apiVersion, kind }: Pick<Identity, "resource" | "apiVersion" | "kind">): Resource<KubeObject> {
    const served = resource ?? this.#deps.resourceFor(parseApiVersion(apiVersion).group, kind);
    if (served === undefined) throw new Error(`no resource is served for ${apiVersion} ${kind}`);
    return served;
  }

  /**
   * The object as the server has it; undefined when it is gone or another one has its name. An owner with a namespace
   * that is named by something without one cannot be looked up.
   */
  async #live({ identity }: GraphNode, signal: AbortSignal): Promise<Found | undefined | "unresolvable"> {
    const resource = this.#resource(identity);
    if (resource.namespaced && identity.namespace === "") return "unresolvable";
    const metadata = await this.#read(resource, identity.name, resource.namespaced ? identity.namespace : "", signal);
    return metadata?.uid === identity.uid ? { resource, metadata } : undefined;
  }

  async #stateOf(owner: OwnerReference, dependent: ObjectMeta, signal: AbortSignal): Promise<OwnerState> {
    const resource = this.#resource({ ...owner, resource: undefined });
    // An object without a namespace cannot be owned from within one; nobody may conclude that the owner is gone.
    if (resource.namespaced && (dependent.namespace ?? "") === "") return "solid";
    const namespace = resource.namespaced ? (dependent.namespace ?? "") : "";
    if (this.#absent.get(`${namespace}/${owner.uid}`) === true) return "absent";
    const metadata = await this.#read(resource, owner.name, namespace, signal);
    if (metadata?.uid !== owner.uid) {
      this.noteAbsent(owner.uid, namespace);
      return "absent";
    }
    return metadata.deletionTimestamp !== undefined && hasFinalizer(metadata, foregroundFinalizer) ? "waiting" : "solid";
  }

  async #read(resource: Resource<KubeObject>, name: string, namespace: string, signal: AbortSignal): Promise<ObjectMeta | undefined> {
    try {
      return (await this.#deps.client.get(resource, name, { namespace: namespace === "" ? undefined : namespace, signal })).metadata;
    } catch (error) {
      if (hasReason(error, "NotFound")) return undefined;
      throw error;
    }
  }
}

async function ignoreGone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
}
