import { describe, expect, it } from "vitest";
import { clone, deepFreeze } from "../../base/values.ts";
import { rowOf, tryCreate, tryStatusUpdate, tryUpdate } from "../kind-trial.ts";
import { namespaceKind, validateNamespaceFinalizers } from "./namespace.ts";

const text = "{apiVersion: v1, kind: Namespace, metadata: {name: team, labels: {a: b}}}";

describe("Namespace", () => {
  it("is labelled with its name, active, and held by its finalizer", () => {
    const { object, errors } = tryCreate(namespaceKind, text);
    expect(errors).toEqual([]);
    expect(object).toMatchObject({ metadata: { labels: { a: "b", "kubernetes.io/metadata.name": "team" } }, spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } });
    expect(rowOf(namespaceKind, object, 0)).toMatchObject({ Name: "team", Status: "Active" });
    expect(namespaceKind.finalizersBeside?.(object)).toEqual(["kubernetes"]);
  });

  it("has no label before it has a name", () =>
    expect(tryCreate(namespaceKind, "{apiVersion: v1, kind: Namespace, metadata: {generateName: t-}}").object.metadata.labels).toBeUndefined());

  it("loses finalizers only through finalize", () => {
    const previous = deepFreeze(tryCreate(namespaceKind, text).object);
    expect(tryUpdate(namespaceKind, previous, (draft) => Object.assign(draft.spec, { finalizers: [] })).object.spec.finalizers).toEqual(["kubernetes"]);
    expect(validateNamespaceFinalizers(["kubernetes", "example.com/x", "odd"]).map(({ detail }) => detail)).toEqual([
      "name is neither a standard finalizer name nor is it fully qualified",
    ]);
  });

  it("terminates when it is deleted and not before", () => {
    const previous = deepFreeze(tryCreate(namespaceKind, text).object);
    expect(tryStatusUpdate(namespaceKind, previous, (draft) => Object.assign(draft.status ?? {}, { phase: "Terminating" })).errors).toEqual([
      "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty",
    ]);
    const draft = clone(previous);
    namespaceKind.markDeleting?.(draft);
    expect(draft.status).toEqual({ phase: "Terminating" });
  });
});
