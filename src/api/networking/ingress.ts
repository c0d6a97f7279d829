import { FieldPath } from "../../meta/field-path.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { ingressAddresses } from "../core/service-columns.ts";
import { ingresses } from "../generated/resources.ts";
import type { Ingress, IngressRule } from "../generated/types/networking-v1.ts";
import { kind } from "../kind.ts";
import { validateLoadBalancerStatus } from "../load-balancer-status.ts";
import { validateIngress } from "./ingress-validation.ts";

const classAnnotation = "kubernetes.io/ingress.class";

/** @upstream pkg/registry/networking/ingress/strategy.go */
export const ingressKind = kind<Ingress>({
  resource: ingresses,
  shortNames: ["ing"],
  generation: "spec",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= {};
    draft.status ??= {};
    draft.status.loadBalancer ??= {};
  },
  prepareCreate(draft) {
    draft.status = { loadBalancer: {} };
  },
  validate: validateIngress,
  *validateCreate({ metadata, spec }) {
    const annotation = metadata.annotations?.[classAnnotation];
    if (annotation !== undefined && spec.ingressClassName !== undefined && annotation !== spec.ingressClassName) {
      yield new FieldPath("annotations").child(classAnnotation).invalid(annotation, "must match `ingressClassName` when both are specified");
    }
  },
  validateStatusUpdate: ({ status }) => validateLoadBalancerStatus(new FieldPath("status.loadBalancer"), status?.loadBalancer?.ingress ?? [], { modes: false }),
  *warnings({ metadata }, previous) {
    if (previous === undefined && metadata.annotations?.[classAnnotation] !== undefined) {
      yield `annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`;
    }
  },
  columns: [
    nameColumn,
    { name: "Class", type: "string", value: ({ spec }) => spec.ingressClassName ?? "<none>" },
    { name: "Hosts", type: "string", value: ({ spec }) => hostsText(spec.rules ?? []) },
    { name: "Address", type: "string", value: ({ status }) => ingressAddresses(status?.loadBalancer?.ingress ?? []).join(",") },
    { name: "Ports", type: "string", value: ({ spec }) => ((spec.tls ?? []).length > 0 ? "80, 443" : "80") },
    ageColumn,
  ],
});

const mostHosts = 3;

/** Rules without a host count among the rest, once three are shown. @upstream pkg/printers/internalversion/printers.go formatHosts */
function hostsText(rules: readonly IngressRule[]): string {
  const hosts: string[] = [];
  let more = false;
  for (const { host = "" } of rules) {
    if (hosts.length === mostHosts) more = true;
    else if (host !== "") hosts.push(host);
  }
  if (hosts.length === 0) return "*";
  return more ? `${hosts.join(",")} + ${rules.length - mostHosts} more...` : hosts.join(",");
}
