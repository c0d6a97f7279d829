import { roleBindings } from "../generated/resources.ts";
import type { RoleBinding } from "../generated/types/rbac-v1.ts";
import { kind } from "../kind.ts";
import { bindingColumns, defaultBinding, validateBinding, validateBindingUpdate } from "./binding.ts";

/** @upstream pkg/registry/rbac/rolebinding/strategy.go */
export const roleBindingKind = kind<RoleBinding>({
  resource: roleBindings,
  name: "rbac",
  allowUnconditionalUpdate: true,
  allowCreateOnUpdate: true,
  defaults: defaultBinding,
  validate: (binding) => validateBinding(binding, { roleKinds: ["Role", "ClusterRole"], namespaced: true }),
  validateUpdate: validateBindingUpdate,
  columns: bindingColumns,
});
