import { FieldPath } from "../../meta/field-path.ts";
import { roles } from "../generated/resources.ts";
import type { Role } from "../generated/types/rbac-v1.ts";
import { kind } from "../kind.ts";
import { validatePolicyRules } from "./policy-rules.ts";

/** Escalation is checked by the server, which knows the caller. @upstream pkg/registry/rbac/role/strategy.go */
export const roleKind = kind<Role>({
  resource: roles,
  name: "rbac",
  allowUnconditionalUpdate: true,
  allowCreateOnUpdate: true,
  validate: ({ rules }) => validatePolicyRules(new FieldPath("rules"), rules ?? [], { namespaced: true }),
});
