import type { ObjectMeta, OwnerReference } from "../../meta/generated/meta-v1.ts";
import type { KubeObject } from "../../meta/object.ts";
import { apiVersionOf, type Resource } from "../../meta/resource.ts";

export const orphanFinalizer = "orphan";
export const foregroundFinalizer = "foregroundDeletion";

/** Which object a node stands for. `resource` is unknown for an owner that was only heard of. */
export interface Identity {
  readonly uid: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly resource: Resource<KubeObject> | undefined;
}

/**
 * One object and the edges to it. A virtual node is an owner that some reference names and no watch has shown: it may
 * be on its way, or gone for good.
 */
export interface GraphNode {
  identity: Identity;
  owners: readonly OwnerReference[];
  /** PERF: made with the first, since most objects own nothing. */
  dependents: ReadonlySet<GraphNode>;
  virtual: boolean;
  beingDeleted: boolean;
  /** Deleted in the foreground: waits for its dependents. */
  deletingDependents: boolean;
  /** Of a virtual node: the identities under which it was not found. */
  tried: Set<string> | undefined;
}

const none: ReadonlySet<GraphNode> = new Set();
const noOwners: readonly OwnerReference[] = [];

/** What the graph wants looked at after a change: nodes by uid. */
export interface Attention {
  /** May have to be deleted, or have lost an owner. */
  delete(uid: string): void;
  /** Its dependents must be let go of. */
  orphan(uid: string): void;
  /** A reference names an owner in another namespace, which is no owner at all. */
  strayOwner(dependent: GraphNode, owner: Identity): void;
}

/**
 * Who owns whom, by uid: `{"d1" => {dependents: [r1]}, "r1" => {owners: [d1], dependents: [p1, p2]}}`. Fed with every
 * change of every object that can be deleted. @upstream pkg/controller/garbagecollector/graph_builder.go
 */
export class DependencyGraph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #attention: Attention;

  constructor(attention: Attention) {
    this.#attention = attention;
  }

  get size(): number {
    return this.#nodes.size;
  }

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  /** An object as a watch shows it now. */
  observe(resource: Resource<KubeObject>, metadata: ObjectMeta): void {
    const uid = metadata.uid ?? "";
    const known = this.#nodes.get(uid);
    const owners = metadata.ownerReferences ?? noOwners;
    const deleted = metadata.deletionTimestamp !== undefined;
    // PERF: most news is of something else.
    if (known !== undefined && known.owners === owners && known.identity.resource === resource && !known.virtual && !known.beingDeleted && !deleted) return;
    const identity = identityOf(resource, metadata);
    const node = known ?? nodeOf(identity, { virtual: false });
    if (known === undefined) this.#nodes.set(uid, node);
    const wasVirtual = node.virtual;
    node.virtual = false;
    node.identity = identity;
    if (wasVirtual) this.#recheckStray(node);
    const before = node.owners;
    node.owners = owners;
    this.#link(node, before);
    const started = deleted && !node.beingDeleted;
    node.beingDeleted = deleted;
    const waiting = deleted && hasFinalizer(metadata, foregroundFinalizer);
    if (started && hasFinalizer(metadata, orphanFinalizer)) this.#attention.orphan(uid);
    if (waiting && !node.deletingDependents) {
      node.deletingDependents = true;
      for (const dependent of node.dependents) this.#attention.delete(dependent.identity.uid);
      this.#attention.delete(uid);
    } else if (!waiting) node.deletingDependents = false;
  }

  /**
   * A live look found nothing under the node's identity. References that agree on a uid can name it differently, by
   * mistake or in another namespace: a virtual node then takes the next identity, and only those dependents are looked
   * at that named it like this.
   */
  notFound(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    if (!node.virtual) {
      this.forget(uid);
      return;
    }
    const tried = (node.tried ??= new Set());
    tried.add(textOf(node.identity));
    for (const dependent of node.dependents) {
      const named = dependent.owners.find((owner) => owner.uid === uid);
      if (named === undefined) continue;
      const identity = virtualIdentity(named, dependent);
      if (tried.has(textOf(identity))) continue;
      for (const wrong of node.dependents)
        if (wrong !== dependent && wrong.owners.some((owner) => owner.uid === uid && tried.has(textOf(virtualIdentity(owner, wrong))))) this.#attention.delete(wrong.identity.uid);
      node.identity = identity;
      this.#attention.delete(uid);
      return;
    }
    this.forget(uid);
  }

  /** An object that a watch found gone. Its dependents have lost an owner. */
  forget(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    this.#nodes.delete(uid);
    for (const { uid: ownerUid } of node.owners) {
      const owner = this.#nodes.get(ownerUid);
      if (owner === undefined) continue;
      removeDependent(owner, node);
      if (owner.deletingDependents) this.#attention.delete(ownerUid);
      if (owner.virtual && owner.dependents.size === 0) this.#nodes.delete(ownerUid);
    }
    for (const dependent of node.dependents) this.#attention.delete(dependent.identity.uid);
  }

  #link(node: GraphNode, before: readonly OwnerReference[]): void {
    for (const owner of node.owners) {
      if (before.some((old) => old.uid === owner.uid)) continue;
      let ownerNode = this.#nodes.get(owner.uid);
      if (ownerNode === undefined) {
        ownerNode = nodeOf(virtualIdentity(owner, node), { virtual: true });
        this.#nodes.set(owner.uid, ownerNode);
        this.#attention.delete(owner.uid);
      } else if (!ownerNode.virtual && isStray(node, ownerNode)) {
        this.#attention.strayOwner(node, ownerNode.identity);
        this.#attention.delete(node.identity.uid);
      }
      addDependent(ownerNode, node);
      if (ownerNode.deletingDependents) this.#attention.delete(node.identity.uid);
    }
    for (const old of before) {
      const now = node.owners.find((owner) => owner.uid === old.uid);
      const ownerNode = this.#nodes.get(old.uid);
      if (ownerNode === undefined) continue;
      if (now === undefined) {
        removeDependent(ownerNode, node);
        if (ownerNode.virtual && ownerNode.dependents.size === 0) this.#nodes.delete(old.uid);
      }
      // An owner that waits has one blocker less.
      const unblocked = old.blockOwnerDeletion === true && now?.blockOwnerDeletion !== true;
      if (unblocked && ownerNode.deletingDependents) this.#attention.delete(old.uid);
    }
  }

  #recheckStray(owner: GraphNode): void {
    for (const dependent of owner.dependents) {
      if (!isStray(dependent, owner)) continue;
      this.#attention.strayOwner(dependent, owner.identity);
      this.#attention.delete(dependent.identity.uid);
    }
  }
}

/** Dependents that hold their owner back while it is deleted in the foreground. */
export function blockingDependents(node: GraphNode): readonly GraphNode[] {
  const { uid } = node.identity;
  return [...node.dependents].filter((dependent) => dependent.owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true));
}

export function hasFinalizer(metadata: ObjectMeta, name: string): boolean {
  return metadata.finalizers?.includes(name) === true;
}

function identityOf(resource: Resource<KubeObject>, { uid = "", namespace = "", name = "" }: ObjectMeta): Identity {
  return { uid, apiVersion: apiVersionOf(resource), kind: resource.kind, namespace, name, resource };
}

function virtualIdentity({ uid, apiVersion, kind, name }: OwnerReference, dependent: GraphNode): Identity {
  return { uid, apiVersion, kind, name, namespace: dependent.identity.namespace, resource: undefined };
}

function textOf({ apiVersion, kind, namespace, name }: Identity): string {
  return `${apiVersion}/${kind}/${namespace}/${name}`;
}

function nodeOf(identity: Identity, { virtual }: { readonly virtual: boolean }): GraphNode {
  return { identity, owners: noOwners, dependents: none, virtual, beingDeleted: false, deletingDependents: false, tried: undefined };
}

function addDependent(owner: GraphNode, dependent: GraphNode): void {
  if (owner.dependents === none) owner.dependents = new Set();
  (owner.dependents as Set<GraphNode>).add(dependent);
}

function removeDependent(owner: GraphNode, dependent: GraphNode): void {
  if (owner.dependents !== none) (owner.dependents as Set<GraphNode>).delete(dependent);
}

function isStray(dependent: GraphNode, { identity: { namespace } }: GraphNode): boolean {
  return namespace !== "" && namespace !== dependent.identity.namespace;
}
