import type { KubeObject } from "../object.ts";
import type { Schema } from "../schema.ts";
import { compareObjects, withoutIgnored } from "./compare.ts";
import type { FieldSet } from "./field-set.ts";
import { withoutMeta } from "./managed-fields.ts";
import { fits, skeletonOf, type Skeleton } from "./skeleton.ts";

interface Known {
  readonly skeleton: Skeleton;
  readonly fields: FieldSet;
}
/** Different skeletons that are kept for a kind. */
const MOST_KNOWN = 8;

const known = new WeakMap<Schema, WeakMap<FieldSet, Known[]>>();

function knownOf(schema: Schema, ignored: FieldSet): Known[] {
  let bySchema = known.get(schema);
  if (bySchema === undefined) {
    bySchema = new WeakMap();
    known.set(schema, bySchema);
  }
  let list = bySchema.get(ignored);
  if (list === undefined) {
    list = [];
    bySchema.set(ignored, list);
  }
  return list;
}

/**
 * What the creator of an object manages: all that it has but what nobody manages. PERF: most objects of a kind, the pods
 * of a ReplicaSet say, have the same fields; the last few answers are kept, with their encoding, for whatever fits the same skeleton.
 */
export function fieldsOfNewObject(object: KubeObject, schema: Schema, ignored: FieldSet): FieldSet {
  const list = knownOf(schema, ignored);
  for (const [index, one] of list.entries()) {
    if (!fits(one.skeleton, object)) continue;
    if (index > 0) {
      list.splice(index, 1);
      list.unshift(one);
    }
    return one.fields;
  }
  const before = { apiVersion: object.apiVersion, kind: object.kind, metadata: {} };
  const { added, modified } = withoutIgnored(compareObjects(before, object, schema), ignored);
  const fields = withoutMeta(modified.union(added));
  const skeleton = skeletonOf(object, schema);
  if (skeleton === undefined) return fields;
  list.unshift({ skeleton, fields });
  if (list.length > MOST_KNOWN) list.pop();
  return fields;
}
