import type { CustomResourceDefinition, CustomResourceDefinitionNames } from "../../api/generated/types/apiextensions-v1.ts";
import { deepEqual } from "../../base/values.ts";

/** What other resources of the group are called. */
export interface TakenNames {
  /** Plural, singular and short. */
  readonly resources: ReadonlySet<string>;
  /** Of objects and of lists. */
  readonly kinds: ReadonlySet<string>;
}

export interface Acceptance {
  /** What was accepted before, with what can be accepted now. */
  readonly names: CustomResourceDefinitionNames;
  readonly conflict: { readonly reason: string; readonly message: string } | undefined;
}

/** Which of the wanted names a definition gets. Pure. @upstream apiextensions-apiserver/pkg/controller/status/naming_controller.go calculateNamesAndConditions */
export function acceptNames({ spec: { names: wanted }, status }: CustomResourceDefinition, taken: TakenNames): Acceptance {
  const accepted: Partial<CustomResourceDefinitionNames> = status?.acceptedNames ?? {};
  let conflict: Acceptance["conflict"];
  const inUse = (name: string): string => `${JSON.stringify(name)} is already in use`;
  const take = (field: "plural" | "singular" | "kind" | "listKind", others: ReadonlySet<string>, reason: string): string => {
    const [before, after] = [accepted[field] ?? "", wanted[field] ?? ""];
    if (before === after || !others.has(after)) return after;
    conflict = { reason, message: inUse(after) };
    return before;
  };
  const plural = take("plural", taken.resources, "PluralConflict");
  const singular = take("singular", taken.resources, "SingularConflict");
  let { shortNames } = wanted;
  if (!deepEqual(shortNames, accepted.shortNames)) {
    const clashes = (shortNames ?? []).filter((name) => accepted.shortNames?.includes(name) !== true && taken.resources.has(name)).map(inUse);
    if (clashes.length > 0) {
      ({ shortNames } = accepted);
      conflict = { reason: "ShortNamesConflict", message: clashes.length === 1 ? (clashes[0] ?? "") : `[${clashes.join(", ")}]` };
    }
  }
  const kind = take("kind", taken.kinds, "KindConflict");
  const listKind = take("listKind", taken.kinds, "ListKindConflict");
  return {
    names: { plural, singular, ...(shortNames === undefined ? {} : { shortNames }), kind, listKind, ...(wanted.categories === undefined ? {} : { categories: wanted.categories }) },
    conflict,
  };
}
