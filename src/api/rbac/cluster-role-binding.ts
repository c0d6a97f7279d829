import { clusterRoleBindings } from "../generated/resources.ts";
import type { ClusterRoleBinding } from "../generated/types/rbac-v1.ts";
import { kind } from "../kind.ts";
import { bindingColumns, defaultBinding, validateBinding, validateBindingUpdate } from "./binding.ts";

/** @upstream pkg/registry/rbac/clusterrolebinding/strategy.go */
export const clusterRoleBindingKind = kind<ClusterRoleBinding>({
  resource: clusterRoleBindings,
  name: "rbac",
  allowUnconditionalUpdate: true,
  allowCreateOnUpdate: true,
  defaults: defaultBinding,
  validate: (binding) => validateBinding(binding, { roleKinds: ["ClusterRole"], namespaced: false }),
  validateUpdate: validateBindingUpdate,
  columns: bindingColumns,
});
