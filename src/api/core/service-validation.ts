import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateLabels } from "../../meta/validation.ts";
import {
  checkCIDR,
  checkDnsLabel,
  checkDnsSubdomain,
  checkIP,
  checkNonSpecialIP,
  checkOneOf,
  checkPortNumber,
  checkPortNumberOrName,
  checkQualifiedName,
} from "../field-checks.ts";
import type { Service, ServicePort, ServiceSpec } from "../generated/types/core-v1.ts";
import { validateClusterIPs } from "./service-cluster-ips.ts";
import { isExternallyAccessible, isHeadless, needsHealthCheckNodePort } from "./service-traits.ts";

const specPath = new FieldPath("spec");
const protocols = ["TCP", "UDP", "SCTP"];
const hintsAnnotation = "service.kubernetes.io/topology-aware-hints";
const modeAnnotation = "service.kubernetes.io/topology-mode";
const sourceRangesAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges";
const maxClientIPTimeoutSeconds = 86400;

/** @upstream pkg/apis/core/validation/validation.go ValidateService */
export function* validateService(service: Service): Iterable<FieldError> {
  const { spec } = service;
  const annotations = service.metadata.annotations ?? {};
  const hints = annotations[hintsAnnotation];
  const mode = annotations[modeAnnotation];
  if (mode !== undefined && hints !== undefined && mode !== hints) {
    yield new FieldPath("metadata.annotations").key(modeAnnotation).invalid(mode, `must match annotations[${hintsAnnotation}] when both are specified`);
  }
  yield* validateType(spec);
  yield* validatePorts(spec);
  if (spec.selector !== undefined) yield* validateLabels(spec.selector, specPath.child("selector"));
  yield* validateSessionAffinity(spec);
  yield* validateClusterIPs(spec);
  for (const [index, ip] of (spec.externalIPs ?? []).entries()) {
    const path = specPath.child("externalIPs").index(index);
    const errors = [...checkIP(path, ip)];
    yield* errors.length > 0 ? errors : checkNonSpecialIP(path, ip);
  }
  yield* checkOneOf(specPath.child("type"), spec.type, ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]);
  yield* validateUniquePorts(spec);
  yield* validateLoadBalancer(service);
  yield* validateTrafficPolicies(spec);
}

function* validateType(spec: ServiceSpec): Iterable<FieldError> {
  const { type, clusterIPs = [] } = spec;
  if ((spec.ports ?? []).length === 0 && !isHeadless(spec) && type !== "ExternalName") yield specPath.child("ports").required();
  if ((type === "LoadBalancer" || type === "NodePort") && isHeadless(spec)) {
    yield specPath.child("clusterIPs").index(0).invalid(clusterIPs[0], `may not be set to 'None' for ${type} services`);
  }
  if (type !== "ExternalName") return;
  const forbidden = "may not be set for ExternalName services";
  if (clusterIPs.length > 0) yield specPath.child("clusterIPs").forbidden(forbidden);
  if ((spec.ipFamilies ?? []).length > 0) yield specPath.child("ipFamilies").forbidden(forbidden);
  if (spec.ipFamilyPolicy !== undefined) yield specPath.child("ipFamilyPolicy").forbidden(forbidden);
  // The value of a CNAME record may end with a dot.
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  if (name === "") yield specPath.child("externalName").required();
  else yield* checkDnsSubdomain(specPath.child("externalName"), name);
}

function* validatePorts({ ports = [] }: ServiceSpec): Iterable<FieldError> {
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) yield* validatePort(specPath.child("ports").index(index), port, { names, nameRequired: ports.length > 1 });
}

function* validatePort(path: FieldPath, port: ServicePort, { names, nameRequired }: { readonly names: Set<string>; readonly nameRequired: boolean }): Iterable<FieldError> {
  const { name = "" } = port;
  if (name !== "") {
    yield* checkDnsLabel(path.child("name"), name);
    if (names.has(name)) yield path.child("name").duplicate(name);
    names.add(name);
  } else if (nameRequired) yield path.child("name").required();
  yield* checkPortNumber(path.child("port"), port.port);
  yield* checkOneOf(path.child("protocol"), port.protocol, protocols);
  yield* checkPortNumberOrName(path.child("targetPort"), port.targetPort);
  if (port.appProtocol !== undefined) yield* checkQualifiedName(path.child("appProtocol"), port.appProtocol);
}

function* validateSessionAffinity({ sessionAffinity, sessionAffinityConfig: config }: ServiceSpec): Iterable<FieldError> {
  yield* checkOneOf(specPath.child("sessionAffinity"), sessionAffinity, ["ClientIP", "None"]);
  const path = specPath.child("sessionAffinityConfig");
  if (sessionAffinity === "None" && config !== undefined) yield path.forbidden("must not be set when session affinity is None");
  if (sessionAffinity !== "ClientIP") return;
  const text = "when session affinity type is ClientIP";
  if (config === undefined) yield path.required(text);
  else if (config.clientIP === undefined) yield path.child("clientIP").required(text);
  else if (config.clientIP.timeoutSeconds === undefined) yield path.child("clientIP").child("timeoutSeconds").required(text);
  else {
    const { timeoutSeconds } = config.clientIP;
    if (timeoutSeconds <= 0 || timeoutSeconds > maxClientIPTimeoutSeconds) {
      yield path.child("clientIP", "timeoutSeconds").invalid(timeoutSeconds, `must be greater than 0 and less than ${maxClientIPTimeoutSeconds}`);
    }
  }
}

function* validateUniquePorts({ type, ports = [] }: ServiceSpec): Iterable<FieldError> {
  const at = (index: number): FieldPath => specPath.child("ports").index(index);
  if (type === "ClusterIP") {
    for (const [index, { nodePort = 0 }] of ports.entries()) if (nodePort !== 0) yield at(index).child("nodePort").forbidden("may not be used when `type` is 'ClusterIP'");
  }
  const nodePorts = new Set<string>();
  for (const [index, { protocol = "", nodePort = 0 }] of ports.entries()) {
    if (nodePort === 0) continue;
    if (nodePorts.has(`${protocol}/${nodePort}`)) yield at(index).child("nodePort").duplicate(nodePort);
    nodePorts.add(`${protocol}/${nodePort}`);
  }
  const seen = new Set<string>();
  for (const [index, { protocol = "", port }] of ports.entries()) {
    // Upstream shows its internal struct of the two fields that clash.
    if (seen.has(`${protocol}/${port}`)) yield at(index).duplicate({ Name: "", Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 });
    seen.add(`${protocol}/${port}`);
  }
}

function* validateLoadBalancer({ metadata, spec }: Service): Iterable<FieldError> {
  const balanced = spec.type === "LoadBalancer";
  const forbidden = "may only be used when `type` is 'LoadBalancer'";
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const annotated = metadata.annotations?.[sourceRangesAnnotation];
  if (ranges.length > 0) {
    const path = specPath.child("LoadBalancerSourceRanges");
    if (!balanced) yield path.forbidden(forbidden);
    for (const [index, range] of ranges.entries()) yield* checkCIDR(path.index(index), range.trim());
  } else if (annotated !== undefined) {
    const path = new FieldPath("metadata.annotations").key(sourceRangesAnnotation);
    if (!balanced) yield path.forbidden(forbidden);
    if (annotated.trim() !== "") for (const range of annotated.trim().split(",")) yield* checkCIDR(path, range.trim());
  }
  if (!balanced && spec.allocateLoadBalancerNodePorts !== undefined) yield specPath.child("allocateLoadBalancerNodePorts").forbidden(forbidden);
  if (balanced && spec.allocateLoadBalancerNodePorts === undefined) yield new FieldPath("allocateLoadBalancerNodePorts").required();
  if (spec.loadBalancerClass === undefined) return;
  if (balanced) yield* checkQualifiedName(specPath.child("loadBalancerClass"), spec.loadBalancerClass);
  else yield specPath.child("loadBalancerClass").forbidden(forbidden);
}

function* validateTrafficPolicies(spec: ServiceSpec): Iterable<FieldError> {
  const { type, externalTrafficPolicy = "", healthCheckNodePort = 0, internalTrafficPolicy } = spec;
  const policies = ["Cluster", "Local"];
  if (isExternallyAccessible(spec)) yield* checkOneOf(specPath.child("externalTrafficPolicy"), externalTrafficPolicy, policies);
  else if (externalTrafficPolicy !== "") yield specPath.child("externalTrafficPolicy").invalid(externalTrafficPolicy, "may only be set for externally-accessible services");
  // That it is there when needed is the port allocator's duty, which may come after validation.
  if (healthCheckNodePort !== 0) {
    const path = specPath.child("healthCheckNodePort");
    if (needsHealthCheckNodePort(spec)) yield* checkPortNumber(path, healthCheckNodePort);
    else yield path.invalid(healthCheckNodePort, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
  }
  const path = specPath.child("internalTrafficPolicy");
  if (internalTrafficPolicy !== undefined) {
    if (!policies.includes(internalTrafficPolicy)) yield path.notSupported(internalTrafficPolicy, policies);
  } else if (type === "NodePort" || type === "LoadBalancer" || type === "ClusterIP") yield path.required();
  if (spec.trafficDistribution !== undefined) {
    yield* checkOneOf(specPath.child("trafficDistribution"), spec.trafficDistribution, ["PreferClose", "PreferSameNode", "PreferSameZone"], { emptyIsUnsupported: true });
  }
}

/** Fields that have no effect. @upstream pkg/api/service/warnings.go */
export function* serviceWarnings({ metadata, spec }: Service): Iterable<string> {
  if (metadata.annotations?.[hintsAnnotation] !== undefined) yield `annotation ${hintsAnnotation} is deprecated, please use ${modeAnnotation} instead`;
  if (isHeadless(spec)) {
    if ((spec.loadBalancerIP ?? "") !== "") yield "spec.loadBalancerIP is ignored for headless services";
    if ((spec.externalIPs ?? []).length > 0) yield "spec.externalIPs is ignored for headless services";
    if (spec.sessionAffinity !== "None") yield "spec.SessionAffinity is ignored for headless services";
  }
  if (spec.type === "ExternalName") {
    if ((spec.externalIPs ?? []).length > 0) yield 'spec.externalIPs is ignored when spec.type is "ExternalName"';
  } else if ((spec.externalName ?? "") !== "") yield 'spec.externalName is ignored when spec.type is not "ExternalName"';
}
