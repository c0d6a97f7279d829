import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { append, dnsLabelErrors, dnsSubdomainErrors, invalidEach, ipErrors, rangeErrors, utf8Length, validateLabelName, validateLabels } from "../../meta/validation.ts";
import type { HostAlias, PodResourceClaim, PodSpec } from "../generated/types/core-v1.ts";
import { type Unchecked, unchecked } from "../unchecked.ts";
import { isBlank, validateChoice } from "./choice.ts";
import { type ContainerContext, validateContainers, validateEphemeralContainers, validateInitContainers } from "./validate-container.ts";
import { validateAffinity } from "./validate-affinity.ts";
import { validatePodDns } from "./validate-pod-dns.ts";
import { validateHostProcess, validateOs } from "./validate-os.ts";
import { validateContainerResources, validatePodLevelResources } from "./validate-resources.ts";
import { validateSchedulingGates, validateTolerations, validateTopologySpread } from "./validate-scheduling.ts";
import { validatePodSecurityContext } from "./validate-security-context.ts";
import { type PodContext, validateVolumes } from "./validate-volumes.ts";

const largestInt32 = 2 ** 31 - 1;
const maxHostname = 64;
const noNames: ReadonlySet<string> = new Set();
const restartPolicies = ["Always", "OnFailure", "Never"];
const dnsPolicies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];

/** The spec of a Pod (with its metadata in the context) or of a template. @upstream pkg/apis/core/validation/validation.go ValidatePodSpec */
export function validatePodSpec(spec: PodSpec, context: PodContext, path: FieldPath): FieldError[] {
  const { containers = [], initContainers = [], ephemeralContainers = [], resourceClaims = [] } = unchecked(spec);
  const errors: FieldError[] = [];
  const gracePeriodSeconds = spec.terminationGracePeriodSeconds;
  if (gracePeriodSeconds === undefined) errors.push(path.child("terminationGracePeriodSeconds").required());
  const volumes = validateVolumes(spec.volumes ?? [], context, path.child("volumes"));
  const claimNames = resourceClaims.length === 0 ? noNames : new Set(resourceClaims.map(({ name }) => name).filter((name) => !isBlank(name)));
  const hostUsers = spec.hostUsers !== false;
  const inside: ContainerContext = { volumes: volumes.byName, claimNames, gracePeriodSeconds, restartPolicy: spec.restartPolicy, hostUsers, os: spec.os?.name };
  append(errors, volumes.errors);
  if (resourceClaims.length > 0) append(errors, validateClaims(resourceClaims, path.child("resourceClaims")));
  append(errors, validateContainers(containers, inside, path.child("containers")));
  if (initContainers.length > 0) append(errors, validateInitContainers(initContainers, containers, inside, path.child("initContainers")));
  if (ephemeralContainers.length > 0)
    append(errors, validateEphemeralContainers(ephemeralContainers, [...containers, ...initContainers], inside, path.child("ephemeralContainers")));
  if (spec.resources !== undefined) append(errors, validatePodLevelResources(spec, claimNames, path.child("resources")));
  if (spec.hostNetwork === true) append(errors, validateHostNetwork(spec, context, path.child("containers")));
  append(errors, validateChoice(spec.restartPolicy, restartPolicies, path.child("restartPolicy")), validateChoice(spec.dnsPolicy, dnsPolicies, path.child("dnsPolicy")));
  if (spec.nodeSelector !== undefined) append(errors, validateLabels(spec.nodeSelector, path.child("nodeSelector")));
  append(errors, validatePodSecurityContext(spec, path.child("securityContext")));
  if (spec.affinity !== undefined) append(errors, validateAffinity(spec.affinity, path.child("affinity")));
  if (spec.dnsConfig !== undefined || spec.dnsPolicy === "None") append(errors, validatePodDns(spec, path.child("dnsConfig")));
  for (const [index, gate] of (spec.readinessGates ?? []).entries())
    append(errors, validateLabelName(unchecked(gate).conditionType ?? "", path.child("readinessGates").index(index).child("conditionType")));
  if (spec.schedulingGates !== undefined) append(errors, validateSchedulingGates(spec.schedulingGates, path.child("schedulingGates")));
  if (spec.topologySpreadConstraints !== undefined) append(errors, validateTopologySpread(spec.topologySpreadConstraints, path.child("topologySpreadConstraints")));
  append(errors, validateHostProcess(spec, path));
  if (!hostUsers) append(errors, validateUserNamespace(spec, path));
  append(errors, validateNames(spec, path));
  if (spec.tolerations !== undefined) append(errors, validateTolerations(spec.tolerations, path.child("tolerations")));
  if (spec.hostAliases !== undefined) append(errors, validateHostAliases(spec.hostAliases, path.child("hostAliases")));
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined) append(errors, invalidEach(path.child("activeDeadlineSeconds"), deadline, rangeErrors(deadline, 1, largestInt32)));
  if (spec.preemptionPolicy !== undefined) append(errors, validateChoice(spec.preemptionPolicy, ["PreemptLowerPriority", "Never"], path.child("preemptionPolicy")));
  if (spec.overhead !== undefined) append(errors, validateContainerResources({ limits: spec.overhead }, noNames, path.child("overhead")));
  append(errors, validateOs(spec, path));
  return errors;
}

const domainNames = ["serviceAccountName", "nodeName", "priorityClassName"] as const;
const labelNames = ["hostname", "subdomain"] as const;

/** Names of other objects, and those the pod goes by. */
function validateNames(spec: PodSpec, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of domainNames) {
    const name = spec[field];
    if (!isBlank(name)) append(errors, invalidEach(path.child(field), name, dnsSubdomainErrors(name)));
  }
  for (const field of labelNames) {
    const name = spec[field];
    if (!isBlank(name)) append(errors, invalidEach(path.child(field), name, dnsLabelErrors(name)));
  }
  if (spec.runtimeClassName !== undefined) errors.push(...invalidEach(path.child("runtimeClassName"), spec.runtimeClassName, dnsSubdomainErrors(spec.runtimeClassName)));
  if (spec.hostnameOverride !== undefined) {
    const place = path.child("hostnameOverride");
    errors.push(...invalidEach(place, spec.hostnameOverride, dnsSubdomainErrors(spec.hostnameOverride)));
    if (utf8Length(spec.hostnameOverride) > maxHostname) errors.push(place.tooLong(maxHostname));
    if (spec.setHostnameAsFQDN === true) errors.push(place.forbidden("may not be specified when `setHostnameAsFQDN` is true"));
    if (spec.hostNetwork === true) errors.push(place.forbidden("may not be specified when `hostNetwork` is true"));
  }
  return errors;
}

/** With the host's network a port of the host is the container's own; a template may leave it open. @upstream validatePodHostNetworkDeps */
function validateHostNetwork({ containers = [] }: Unchecked<PodSpec>, { metadata }: PodContext, path: FieldPath): FieldError[] {
  return containers.flatMap(({ ports }, index) =>
    (ports ?? []).flatMap(({ hostPort = 0, containerPort }, at) =>
      (metadata !== undefined || hostPort !== 0) && hostPort !== containerPort
        ? [path.index(index).child("ports").index(at).child("hostPort").invalid(hostPort, "must match `containerPort` when `hostNetwork` is true")]
        : [],
    ),
  );
}

/** @upstream validateHostUsers */
function validateUserNamespace({ hostNetwork, hostPID, hostIPC }: PodSpec, path: FieldPath): FieldError[] {
  const why = "when `pod.Spec.HostUsers` is false";
  return [
    ...(hostNetwork === true ? [path.child("hostNetwork").forbidden(why)] : []),
    ...(hostPID === true ? [path.child("HostPID").forbidden(why)] : []),
    ...(hostIPC === true ? [path.child("HostIPC").forbidden(why)] : []),
  ];
}

/** @upstream validatePodResourceClaims */
function validateClaims(claims: readonly Unchecked<PodResourceClaim>[], path: FieldPath): FieldError[] {
  const names = new Set<string>();
  return claims.flatMap((claim, index) => {
    const { name = "", resourceClaimName, resourceClaimTemplateName } = claim;
    const place = path.index(index);
    const errors: FieldError[] = [];
    if (name === "") errors.push(place.child("name").required());
    else if (names.has(name)) errors.push(place.child("name").duplicate(name));
    else errors.push(...invalidEach(place.child("name"), name, dnsLabelErrors(name)));
    names.add(name);
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined)
      errors.push(place.invalid(claim, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"));
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined)
      errors.push(place.invalid(claim, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"));
    if (resourceClaimName !== undefined) errors.push(...invalidEach(place.child("resourceClaimName"), resourceClaimName, dnsSubdomainErrors(resourceClaimName)));
    if (resourceClaimTemplateName !== undefined)
      errors.push(...invalidEach(place.child("resourceClaimTemplateName"), resourceClaimTemplateName, dnsSubdomainErrors(resourceClaimTemplateName)));
    return errors;
  });
}

function validateHostAliases(aliases: readonly Unchecked<HostAlias>[], path: FieldPath): FieldError[] {
  return aliases.flatMap(({ ip = "", hostnames }, index) => [
    ...invalidEach(path.index(index).child("ip"), ip, ipErrors(ip)),
    ...(hostnames ?? []).flatMap((hostname, at) => invalidEach(path.index(index).child("hostnames").index(at), hostname, dnsSubdomainErrors(hostname))),
  ]);
}
