import { rfc3339, type Clock } from "../../base/clock.ts";
import { nameSuffix, type Random, uuid } from "../../base/random.ts";
import { clone, deepEqual, type Draft } from "../../base/values.ts";
import type { ObjectMeta } from "../../meta/generated/meta-v1.ts";
import type { KubeObject } from "../../meta/object.ts";
import { badRequest, conflict } from "../../meta/status-error.ts";
import type { ServedResource } from "../resources/served-resource.ts";

/** Generated names are cut so that the suffix fits. @upstream apiserver/pkg/storage/names/generate.go */
const GENERATED_BASE = 63 - 5;

/** Checks that body and path name the same place, and fills the namespace in. */
export function placeObject(draft: Draft<KubeObject>, served: ServedResource, namespace: string): void {
  const { metadata } = draft;
  if (!served.resource.namespaced) {
    delete metadata.namespace;
    return;
  }
  if (metadata.namespace === undefined || metadata.namespace === "") metadata.namespace = namespace;
  else if (metadata.namespace !== namespace) throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
}

/** What nobody may set on a new object. */
const givenByServer = ["resourceVersion", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"] as const;

/** PERF: `delete` is slow even for what is not there, and what it is used on is slow from then on. */
function drop(metadata: Draft<ObjectMeta>, field: keyof ObjectMeta): void {
  if (field in metadata) delete metadata[field];
}

const mayBeEmpty = ["labels", "annotations", "finalizers", "ownerReferences"] as const;

/** What the server sets on every new object. */
export function stampCreate(draft: Draft<KubeObject>, served: ServedResource, { clock, random }: { readonly clock: Clock; readonly random: Random }): void {
  const { metadata } = draft;
  if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== "") throw badRequest("resourceVersion should not be set on objects to be created");
  for (const field of givenByServer) drop(metadata, field);
  metadata.uid = uuid(random);
  metadata.creationTimestamp = rfc3339(clock.now());
  if (generationRule(served) === "none") drop(metadata, "generation");
  else metadata.generation = 1;
}

/** Nothing is kept of lists and maps without anything in them. @upstream omitempty of ObjectMeta */
export function dropEmptyMetadata({ metadata }: Draft<KubeObject>): void {
  for (const name of mayBeEmpty) {
    const value = metadata[name];
    if (value !== undefined && isEmpty(value)) delete metadata[name];
  }
}

function isEmpty(value: object): boolean {
  for (const _ in value) return false;
  return true;
}

export function generateName(draft: Draft<KubeObject>, random: Random): void {
  const { metadata } = draft;
  metadata.name = (metadata.generateName ?? "").slice(0, GENERATED_BASE) + nameSuffix(random);
}

function generationRule(served: ServedResource): NonNullable<ServedResource["definition"]["generation"]> {
  if (served.definition.generation !== undefined) return served.definition.generation;
  return served.hasStatus && served.schema.fields?.["spec"] !== undefined ? "spec" : "none";
}

/** What an updater cannot change: carried over from what stands. */
export function carryMetadata(draft: Draft<KubeObject>, previous: KubeObject, subject: { readonly group: string; readonly resource: string; readonly name: string }): void {
  const { metadata } = draft;
  const old = previous.metadata;
  if (metadata.uid !== undefined && metadata.uid !== "" && metadata.uid !== old.uid) {
    throw conflict(subject, `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${old.uid}`);
  }
  drop(metadata, "selfLink");
  keep(metadata, "uid", old.uid);
  keep(metadata, "creationTimestamp", old.creationTimestamp);
  keep(metadata, "deletionTimestamp", old.deletionTimestamp);
  keep(metadata, "deletionGracePeriodSeconds", old.deletionGracePeriodSeconds);
  keep(metadata, "generation", old.generation);
  keep(metadata, "generateName", metadata.generateName ?? old.generateName);
}

function keep<Key extends string, Value>(target: { [key in Key]?: Value | undefined }, key: Key, value: Value | undefined): void {
  if (value !== undefined) target[key] = value;
  else if (key in target) delete target[key];
}

/** Raises metadata.generation when what the user wants has changed. */
export function bumpGeneration(draft: Draft<KubeObject>, previous: KubeObject, served: ServedResource): void {
  const rule = generationRule(served);
  if (rule === "none") return;
  const next = draft as unknown as Record<string, unknown>;
  const old = previous as unknown as Record<string, unknown>;
  const annotated = rule === "spec-and-annotations" && !deepEqual(draft.metadata.annotations, previous.metadata.annotations);
  const changed =
    annotated ||
    (rule !== "all-but-metadata"
      ? !deepEqual(next["spec"], old["spec"])
      : Object.keys({ ...next, ...old }).some((key) => key !== "metadata" && key !== "status" && !deepEqual(next[key], old[key])));
  if (changed) draft.metadata.generation = (previous.metadata.generation ?? 0) + 1;
}

/** For a write to the object itself where status has a subresource: the status that stands. */
export function carryStatus(draft: Draft<KubeObject>, previous: KubeObject): void {
  const target = draft as unknown as Record<string, unknown>;
  const { status } = previous as KubeObject & { readonly status?: unknown };
  if (status === undefined) delete target["status"];
  else target["status"] = clone(status);
}

/**
 * For a write to /status: everything that stands but the status, and of the metadata what a status writer may set. PERF: what stands is
 * frozen, and shared; it is no business of whoever looks at a status on its way.
 */
export function carryAllButStatus(draft: Draft<KubeObject>, previous: KubeObject, served: ServedResource): void {
  const target = draft as unknown as Record<string, unknown>;
  const old = previous as unknown as Record<string, unknown>;
  for (const key of Object.keys({ ...target, ...old })) {
    if (key === "status" || key === "metadata") continue;
    if (old[key] === undefined) delete target[key];
    else target[key] = old[key];
  }
  if (served.prune !== undefined) {
    // Of a custom object, a status writer changes the status alone. @upstream customresource statusStrategy
    for (const field of ["labels", "annotations", "finalizers", "ownerReferences", "generateName"] as const) {
      if (previous.metadata[field] === undefined) delete draft.metadata[field];
      else Object.assign(draft.metadata, { [field]: clone(previous.metadata[field]) });
    }
    return;
  }
  // Pods and nodes are labelled by those who report their status. @upstream podStatusStrategy, nodeStatusStrategy
  const { resource } = served.resource;
  if (resource !== "pods" && resource !== "nodes") keep(draft.metadata, "labels", clone(previous.metadata.labels) as { [key: string]: string } | undefined);
  keep(draft.metadata, "ownerReferences", clone(previous.metadata.ownerReferences));
}
