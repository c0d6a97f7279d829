import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dnsSubdomainErrors, invalidEach, ipErrors, parseIp, qualifiedNameErrors, rangeErrors, validateImmutable } from "../../meta/validation.ts";
import type { Container, ContainerStatus, LinuxContainerUser, Pod, PodResourceClaimStatus, PodSpec, PodStatus } from "../generated/types/core-v1.ts";
import type { Unchecked } from "../unchecked.ts";
import { isSidecar } from "./pod-resources.ts";
import { validatePodAnnotationUpdate } from "./validate-pod-annotations.ts";

const status = new FieldPath("status");
const systemConditions = ["PodScheduled", "Ready", "Initialized"];

/** @upstream pkg/apis/core/validation/validation.go ValidatePodStatusUpdate */
export function validatePodStatusUpdate(next: Pod, previous: Pod): FieldError[] {
  const now: PodStatus = next.status ?? {};
  const before: PodStatus = previous.status ?? {};
  const errors = validatePodAnnotationUpdate(next.metadata.annotations, previous.metadata.annotations, new FieldPath("metadata.annotations"));
  for (const [index, { type = "" }] of (now.conditions ?? []).entries())
    if (!systemConditions.includes(type)) errors.push(...invalidEach(new FieldPath("metadata.conditions").index(index).child("Type"), type, qualifiedNameErrors(type)));
  const { nominatedNodeName = "" } = now;
  if (nominatedNodeName !== "" && nominatedNodeName !== before.nominatedNodeName)
    errors.push(...invalidEach(status.child("nominatedNodeName"), nominatedNodeName, dnsSubdomainErrors(nominatedNodeName)));
  errors.push(...validateImmutable(now.qosClass ?? "", before.qosClass ?? "", status.child("qosClass")));

  const { restartPolicy } = previous.spec;
  const restarts = restartable(previous.spec);
  errors.push(
    ...validateTransitions(now.containerStatuses, before.containerStatuses, restartPolicy, restarts, status.child("containerStatuses")),
    ...validateTransitions(now.initContainerStatuses, before.initContainerStatuses, restartPolicy, restarts, status.child("initContainerStatuses")),
    ...validateTransitions(now.ephemeralContainerStatuses, before.ephemeralContainerStatuses, "Never", new Set(), status.child("ephemeralContainerStatuses")),
    ...validateClaimStatuses(now.resourceClaimStatuses ?? [], next.spec, status.child("resourceClaimStatuses")),
    ...validateAddresses(now.podIPs ?? [], status.child("podIPs")),
  );
  const hostIPs = now.hostIPs ?? [];
  if (hostIPs.length > 0) {
    const first = hostIPs[0]?.ip ?? "";
    if (now.hostIP !== first) errors.push(status.child("hostIPs").index(0).child("ip").invalid(first, "must be equal to `hostIP`"));
    errors.push(...validateAddresses(hostIPs, status.child("hostIPs")));
  }
  const windows = next.spec.os?.name === "windows";
  for (const [list, containers] of [
    ["containerStatuses", next.spec.containers],
    ["initContainerStatuses", next.spec.initContainers],
    ["ephemeralContainerStatuses", undefined],
  ] as const)
    for (const [index, container] of (now[list] ?? []).entries())
      errors.push(...validateUser(container.user?.linux, windows, status.child(list).index(index)), ...validateAllocated(container, containers, status.child(list).index(index)));
  return errors;
}

/** Containers that may run again although their pod does not restart: sidecars and those with a policy of their own. */
function restartable({ containers = [], initContainers = [] }: Unchecked<PodSpec>): ReadonlySet<string> {
  const own = containers.filter(({ restartPolicy }) => restartPolicy !== undefined && restartPolicy !== "Never");
  const ruled = [...containers, ...initContainers].filter(({ restartPolicyRules = [] }) => restartPolicyRules.length > 0);
  return new Set([...initContainers.filter(isSidecar), ...own, ...ruled].map(({ name }) => name));
}

/** What has ended for good stays ended. @upstream ValidateContainerStateTransition */
function validateTransitions(
  next: readonly ContainerStatus[] = [],
  previous: readonly ContainerStatus[] = [],
  restartPolicy: string | undefined,
  exempt: ReadonlySet<string>,
  path: FieldPath,
): FieldError[] {
  if (restartPolicy === "Always") return [];
  return previous.flatMap(({ name, state }, index) => {
    const ended = state?.terminated;
    if (ended === undefined || exempt.has(name) || (ended.exitCode !== 0 && restartPolicy === "OnFailure")) return [];
    const revived = next.filter((now) => now.name === name && now.state?.terminated === undefined);
    return revived.map(() => path.index(index).child("state").forbidden("may not be transitioned to non-terminated state"));
  });
}

function validateClaimStatuses(statuses: readonly PodResourceClaimStatus[], { resourceClaims = [] }: PodSpec, path: FieldPath): FieldError[] {
  const names = new Set<string>();
  return statuses.flatMap(({ name, resourceClaimName }, index) => {
    const place = path.index(index).child("name");
    const known = resourceClaims.some((claim) => claim.name === name);
    const errors = known ? [] : [place.invalid(name, "must match the name of an entry in `spec.resourceClaims`")];
    if (names.has(name)) errors.push(place.duplicate(name));
    names.add(name);
    if (resourceClaimName !== undefined) errors.push(...invalidEach(place, resourceClaimName, dnsSubdomainErrors(resourceClaimName)));
    return errors;
  });
}

/** At most one address of each family. @upstream validatePodIPs, validateHostIPs */
function validateAddresses(addresses: readonly { readonly ip: string }[], path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { ip }] of addresses.entries()) {
    errors.push(...invalidEach(path.index(index), ip, ipErrors(ip)));
    if (seen.has(ip)) errors.push(path.index(index).duplicate({ ip }));
    seen.add(ip);
  }
  const families = new Set(addresses.map(({ ip }) => parseIp(ip)?.family));
  if (addresses.length > 1 && (families.size < 2 || addresses.length > 2)) errors.push(path.invalid(addresses, "may specify no more than one IP for each IP family"));
  return errors;
}

function validateUser(user: LinuxContainerUser | undefined, windows: boolean, path: FieldPath): FieldError[] {
  if (user === undefined) return [];
  const place = path.child("linux");
  if (windows) return [place.forbidden("cannot be set for a windows pod")];
  const check = (id: number, where: FieldPath): FieldError[] => invalidEach(where, id, rangeErrors(id, 0, 2 ** 31 - 1));
  return [
    ...check(user.uid ?? 0, place.child("uid")),
    ...check(user.gid ?? 0, place.child("gid")),
    ...(user.supplementalGroups ?? []).flatMap((group, index) => check(group, place.child("supplementalGroups").index(index))),
  ];
}

const healths = ["Healthy", "Unhealthy", "Unknown"];

/** Devices are those that the container asked for. @upstream validateContainerStatusAllocatedResourcesStatus */
function validateAllocated({ name, allocatedResourcesStatus = [] }: ContainerStatus, containers: readonly Container[] | undefined, path: FieldPath): FieldError[] {
  if (allocatedResourcesStatus.length === 0) return [];
  if (containers === undefined) return [path.child("allocatedResourcesStatus").forbidden("must not be specified in container status")];
  const resources = containers.find((container) => container.name === name)?.resources;
  return allocatedResourcesStatus.flatMap((allocated, index) => {
    const place = path.child("allocatedResourcesStatus").index(index);
    const errors: FieldError[] = [];
    if (containers.some((container) => container.name === name)) {
      const isClaim = allocated.name.startsWith("claim:");
      const claims = (resources?.claims ?? []).map((claim) => `claim:${claim.name}${claim.request === undefined || claim.request === "" ? "" : `/${claim.request}`}`);
      const known = isClaim ? claims.includes(allocated.name) : resources?.requests?.[allocated.name] !== undefined;
      if (!known)
        errors.push(
          place
            .child("name")
            .invalid(
              allocated.name,
              isClaim
                ? "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty"
                : "must match one of the container's resource requests",
            ),
        );
    }
    const ids = new Set<string>();
    for (const [at, { health = "", resourceID }] of (allocated.resources ?? []).entries()) {
      if (!healths.includes(health)) errors.push(place.child("resources").index(at).child("health").notSupported(health, healths));
      if (ids.has(resourceID)) errors.push(place.child("resources").index(at).child("resourceID").duplicate(resourceID));
      ids.add(resourceID);
    }
    return errors;
  });
}
