import { describe, expect, it } from "vitest";
import { rowOf, tryCreate, tryUpdate } from "../kind-trial.ts";
import { clusterRoleBindingKind } from "./cluster-role-binding.ts";
import { clusterRoleKind } from "./cluster-role.ts";
import { roleBindingKind } from "./role-binding.ts";
import { roleKind } from "./role.ts";

const head = (kind: string): string => `apiVersion: rbac.authorization.k8s.io/v1\nkind: ${kind}\nmetadata: { name: 'system:x', namespace: default }\n`;
const group = "rbac.authorization.k8s.io";

describe("rules", () => {
  it.each([
    ["{ apiGroups: [''], resources: [pods], verbs: [get] }", [], []],
    ["{ apiGroups: [''], resources: [pods] }", ["rules[0].verbs: Required value: verbs must contain at least one value"], "same"],
    ["{ verbs: [get], resources: [pods] }", ["rules[0].apiGroups: Required value: resource rules must supply at least one api group"], "same"],
    ["{ verbs: [get], apiGroups: [''] }", ["rules[0].resources: Required value: resource rules must supply at least one resource"], "same"],
    ["{ verbs: [get], nonResourceURLs: [/x] }", ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'], []],
    [
      "{ verbs: [get], nonResourceURLs: [/x], resources: [pods] }",
      [
        'rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
        'rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs',
      ],
      ['rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs'],
    ],
  ])("%s", (rule, ofRole, ofClusterRole) => {
    expect(tryCreate(roleKind, `${head("Role")}rules: [${rule}]`).errors).toEqual(ofRole);
    expect(tryCreate(clusterRoleKind, `${head("ClusterRole")}rules: [${rule}]`).errors).toEqual(ofClusterRole === "same" ? ofRole : ofClusterRole);
  });

  it("of an aggregate come from selectors", () => {
    const { errors } = tryCreate(clusterRoleKind, `${head("ClusterRole")}aggregationRule: {}`);
    expect(errors).toEqual(["aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil"]);
  });
});

describe("bindings", () => {
  const sound = "roleRef: { kind: ClusterRole, name: view }\nsubjects: [{ kind: User, name: u }, { kind: Group, name: g }, { kind: ServiceAccount, name: s, namespace: ns }]";

  it("get the group of RBAC where it is left out", () => {
    const { object, errors } = tryCreate(roleBindingKind, head("RoleBinding") + sound);
    expect(errors).toEqual([]);
    expect(object.roleRef.apiGroup).toBe(group);
    expect(object.subjects?.map(({ apiGroup }) => apiGroup)).toEqual([group, group, undefined]);
  });

  it.each([
    ["roleRef: { kind: Role, name: r }", [], ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"']],
    ["roleRef: { kind: ClusterRole, name: '' }", ["roleRef.name: Required value"], "same"],
    ["roleRef: { kind: ClusterRole, name: a/b }", ["roleRef.name: Invalid value: \"a/b\": may not contain '/'"], "same"],
    ["roleRef: { kind: ClusterRole, name: v, apiGroup: x }", [`roleRef.apiGroup: Unsupported value: "x": supported values: "${group}"`], "same"],
    [
      "roleRef: { kind: ClusterRole, name: v }\nsubjects: [{ kind: Pod, name: p }]",
      ['subjects[0].kind: Unsupported value: "Pod": supported values: "Group", "ServiceAccount", "User"'],
      "same",
    ],
    [
      "roleRef: { kind: ClusterRole, name: v }\nsubjects: [{ kind: User, name: '', apiGroup: x }]",
      ["subjects[0].name: Required value", `subjects[0].apiGroup: Unsupported value: "x": supported values: "${group}"`],
      "same",
    ],
    ["roleRef: { kind: ClusterRole, name: v }\nsubjects: [{ kind: ServiceAccount, name: s }]", [], ["subjects[0].namespace: Required value"]],
    [
      "roleRef: { kind: ClusterRole, name: v }\nsubjects: [{ kind: ServiceAccount, name: s, namespace: ns, apiGroup: x }]",
      ['subjects[0].apiGroup: Unsupported value: "x": supported values: ""'],
      "same",
    ],
  ])("%s", (text, ofBinding, ofClusterBinding) => {
    expect(tryCreate(roleBindingKind, head("RoleBinding") + text).errors).toEqual(ofBinding);
    expect(tryCreate(clusterRoleBindingKind, head("ClusterRoleBinding") + text).errors).toEqual(ofClusterBinding === "same" ? ofBinding : ofClusterBinding);
  });

  it("keep their role", () => {
    const { object } = tryCreate(roleBindingKind, head("RoleBinding") + sound);
    const { errors } = tryUpdate(roleBindingKind, object, (draft) => {
      draft.roleRef.name = "edit";
    });
    expect(errors).toEqual([`roleRef: Invalid value: {"kind":"ClusterRole","name":"edit","apiGroup":"${group}"}: cannot change roleRef`]);
  });

  it("show whom they bind", () => {
    const { object } = tryCreate(clusterRoleBindingKind, head("ClusterRoleBinding") + sound);
    expect(rowOf(clusterRoleBindingKind, object, 0)).toEqual({ Name: "system:x", Role: "ClusterRole/view", Age: "<unknown>", Users: "u", Groups: "g", ServiceAccounts: "ns/s" });
  });
});
