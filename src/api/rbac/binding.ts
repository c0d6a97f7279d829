import { deepEqual, type Draft } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { invalidEach, nameErrors, pathSegmentErrors } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import type { RoleRef, Subject } from "../generated/types/rbac-v1.ts";
import type { Column } from "../kind.ts";

// What RoleBinding and ClusterRoleBinding share. @upstream pkg/apis/rbac

export const rbacGroup = "rbac.authorization.k8s.io";

export interface Binding extends KubeObject {
  readonly roleRef: RoleRef;
  readonly subjects?: readonly Subject[] | undefined;
}

export function defaultBinding(draft: Draft<Binding>): void {
  draft.roleRef ??= { kind: "", name: "" };
  draft.roleRef.apiGroup = draft.roleRef.apiGroup === undefined || draft.roleRef.apiGroup === "" ? rbacGroup : draft.roleRef.apiGroup;
  for (const subject of draft.subjects ?? []) {
    if ((subject.apiGroup ?? "") === "" && (subject.kind === "User" || subject.kind === "Group")) subject.apiGroup = rbacGroup;
  }
}

/** `roleKinds`: what the binding may refer to. `namespaced`: a service account may leave its namespace out. @upstream pkg/apis/rbac/validation/validation.go */
export function* validateBinding(
  { roleRef, subjects }: Binding,
  { roleKinds, namespaced }: { readonly roleKinds: readonly string[]; readonly namespaced: boolean },
): Iterable<FieldError> {
  const path = new FieldPath("roleRef");
  const { apiGroup = "", kind = "", name = "" } = roleRef as Partial<RoleRef>;
  if (apiGroup !== rbacGroup) yield path.child("apiGroup").notSupported(apiGroup, [rbacGroup]);
  if (!roleKinds.includes(kind)) yield path.child("kind").notSupported(kind, roleKinds);
  if (name === "") yield path.child("name").required();
  else yield* invalidEach(path.child("name"), name, pathSegmentErrors(name));
  for (const [index, subject] of (subjects ?? []).entries()) yield* validateSubject(new FieldPath("subjects").index(index), subject, namespaced);
}

function* validateSubject(path: FieldPath, subject: Partial<Subject>, namespaced: boolean): Iterable<FieldError> {
  const { name = "", kind = "", apiGroup = "", namespace = "" } = subject;
  if (name === "") yield path.child("name").required();
  if (kind === "ServiceAccount") {
    if (name !== "") yield* invalidEach(path.child("name"), name, nameErrors("dns-subdomain", name));
    if (apiGroup !== "") yield path.child("apiGroup").notSupported(apiGroup, [""]);
    if (!namespaced && namespace === "") yield path.child("namespace").required();
  } else if (kind === "User" || kind === "Group") {
    if (apiGroup !== rbacGroup) yield path.child("apiGroup").notSupported(apiGroup, [rbacGroup]);
  } else yield path.child("kind").notSupported(kind, ["ServiceAccount", "User", "Group"]);
}

export function* validateBindingUpdate({ roleRef }: Binding, previous: Binding): Iterable<FieldError> {
  if (!deepEqual(roleRef, previous.roleRef)) yield new FieldPath("roleRef").invalid(roleRef, "cannot change roleRef");
}

/** @upstream pkg/printers/internalversion/printers.go printRoleBinding */
export const bindingColumns: readonly Column<Binding>[] = [
  nameColumn,
  { name: "Role", type: "string", value: ({ roleRef }) => `${roleRef.kind}/${roleRef.name}` },
  ageColumn,
  { name: "Users", type: "string", priority: 1, value: (binding) => subjectNames(binding, "User") },
  { name: "Groups", type: "string", priority: 1, value: (binding) => subjectNames(binding, "Group") },
  { name: "ServiceAccounts", type: "string", priority: 1, value: (binding) => subjectNames(binding, "ServiceAccount") },
];

function subjectNames({ subjects }: Binding, kind: string): string {
  const named = (subjects ?? []).filter((subject) => subject.kind === kind);
  return named.map(({ name, namespace = "" }) => (kind === "ServiceAccount" ? `${namespace}/${name}` : name)).join(", ");
}
