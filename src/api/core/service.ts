import { FieldPath } from "../../meta/field-path.ts";
import { services } from "../generated/resources.ts";
import type { Service } from "../generated/types/core-v1.ts";
import { kind } from "../kind.ts";
import { validateLoadBalancerStatus } from "../load-balancer-status.ts";
import { validateServiceUpdate } from "./service-cluster-ips.ts";
import { serviceColumns } from "./service-columns.ts";
import { defaultService } from "./service-defaults.ts";
import { prepareServiceCreate, prepareServiceUpdate } from "./service-prepare.ts";
import { serviceWarnings, validateService } from "./service-validation.ts";

/** @upstream pkg/registry/core/service/strategy.go */
export const serviceKind = kind<Service>({
  resource: services,
  shortNames: ["svc"],
  categories: ["all"],
  // RelaxedServiceNameValidation is on by default since 1.36.
  name: "dns-label",
  generation: "none",
  allowUnconditionalUpdate: true,
  allowCreateOnUpdate: true,
  defaults: defaultService,
  prepareCreate: prepareServiceCreate,
  prepareUpdate: prepareServiceUpdate,
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  *validateStatusUpdate({ spec, status }) {
    const path = new FieldPath("status.loadBalancer");
    const ingress = status?.loadBalancer?.ingress ?? [];
    if (ingress.length > 0 && spec.type !== "LoadBalancer") yield path.child("ingress").forbidden("may only be used when `spec.type` is 'LoadBalancer'");
    else yield* validateLoadBalancerStatus(path, ingress, { modes: true });
  },
  warnings: serviceWarnings,
  columns: serviceColumns,
  fieldSelectors: { "spec.clusterIP": ({ spec }) => spec.clusterIP ?? "", "spec.type": ({ spec }) => spec.type ?? "" },
});
