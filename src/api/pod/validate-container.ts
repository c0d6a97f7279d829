import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { append, dnsLabelErrors, invalidEach, portErrors, portNameErrors } from "../../meta/validation.ts";
import type { Container, ContainerPort, ContainerResizePolicy, EphemeralContainer, Volume } from "../generated/types/core-v1.ts";
import { type Unchecked, unchecked } from "../unchecked.ts";
import { isBlank, unsupported, validateChoice } from "./choice.ts";
import { isSidecar } from "./pod-resources.ts";
import { validateContainerRestart } from "./validate-container-restart.ts";
import { validateEnv, validateEnvFrom } from "./validate-env.ts";
import { validateLifecycle, validateProbe } from "./validate-handler.ts";
import { validateContainerResources } from "./validate-resources.ts";
import { validateSecurityContext } from "./validate-security-context.ts";
import { validateVolumeDevices, validateVolumeMounts } from "./validate-volume-mounts.ts";

/** What of the pod its containers are checked against. */
export interface ContainerContext {
  readonly volumes: ReadonlyMap<string, Volume>;
  readonly claimNames: ReadonlySet<string>;
  readonly gracePeriodSeconds: number | undefined;
  readonly restartPolicy: string | undefined;
  /** Runs in the host's user namespace; the default. */
  readonly hostUsers: boolean;
  /** spec.os.name */
  readonly os: string | undefined;
}

const protocols = ["SCTP", "TCP", "UDP"];
const messagePolicies = ["File", "FallbackToLogsOnError"];
const pullPolicies = ["Always", "IfNotPresent", "Never"];
const probes = ["livenessProbe", "readinessProbe", "startupProbe"] as const;

/** The containers proper: at least one, each with a name of its own. @upstream pkg/apis/core/validation/validation.go validateContainers */
export function validateContainers(containers: readonly Container[], context: ContainerContext, path: FieldPath): FieldError[] {
  if (containers.length === 0) return [path.required()];
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const place = path.index(index);
    append(errors, validateCommon(container, context, place));
    if (names.has(container.name)) errors.push(place.child("name").duplicate(container.name));
    names.add(container.name);
    append(errors, validateServing(container, context, place), validateContainerRestart(container, place));
  }
  append(errors, validateHostPorts(containers, path));
  return errors;
}

/** Init containers: only those that stay, the sidecars, have hooks and probes. @upstream validateInitContainers */
export function validateInitContainers(containers: readonly Container[], regular: readonly Container[], context: ContainerContext, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set(regular.map(({ name }) => name));
  for (const [index, container] of containers.entries()) {
    const place = path.index(index);
    append(errors, validateCommon(container, context, place), validateContainerRestart(container, place));
    if (names.has(container.name)) errors.push(place.child("name").duplicate(container.name));
    else if (!isBlank(container.name)) names.add(container.name);
    append(errors, validateHostPorts([container], path));
    if (isSidecar(container)) append(errors, validateServing(container, context, place));
    else
      for (const field of ["lifecycle", ...probes] as const)
        if (container[field] !== undefined) errors.push(place.child(field).forbidden("may not be set for init containers without restartPolicy=Always"));
  }
  return errors;
}

const forbiddenForEphemeral = ["ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resizePolicy", "restartPolicy", "restartPolicyRules"] as const;

/** Containers for debugging hold nothing that the pod relies on. @upstream validateEphemeralContainers */
export function validateEphemeralContainers(containers: readonly EphemeralContainer[], others: readonly Container[], context: ContainerContext, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const targets = new Set(others.map(({ name }) => name));
  const names = new Set(targets);
  for (const [index, container] of containers.entries()) {
    const place = path.index(index);
    append(errors, validateCommon(container, context, place), validateImagePadding(container, place));
    if (names.has(container.name)) errors.push(place.child("name").duplicate(container.name));
    names.add(container.name);
    const { targetContainerName: target, resources = {} } = container;
    if (!isBlank(target) && !targets.has(target)) errors.push(place.child("targetContainerName").notFound(target));
    const set = forbiddenForEphemeral.filter((field) => container[field] !== undefined && !(Array.isArray(container[field]) && container[field].length === 0));
    for (const field of [...set, ...(Object.keys(resources).length > 0 ? ["resources"] : [])])
      errors.push(place.child(field).forbidden("cannot be set for an Ephemeral Container"));
    for (const [at, mount] of (container.volumeMounts ?? []).entries())
      for (const field of ["subPath", "subPathExpr"] as const)
        if (!isBlank(mount[field])) errors.push(place.child("volumeMounts").index(at).child(field).forbidden("cannot be set for an Ephemeral Container"));
  }
  return errors;
}

/** Only a Pod is refused for it; templates have always been let through. @upstream validateContainerOnlyForPod */
export function validateImagePadding({ image = "" }: Pick<Container, "image">, path: FieldPath): FieldError[] {
  return image.trim() === image ? [] : [path.child("image").invalid(image, "must not have leading or trailing whitespace")];
}

/** @upstream validateContainerCommon */
function validateCommon(container: Container | EphemeralContainer, context: ContainerContext, path: FieldPath): FieldError[] {
  const { name = "", image, env, envFrom, ports, resources, resizePolicy, securityContext } = unchecked(container);
  const { volumes, claimNames, restartPolicy, hostUsers } = context;
  const errors = name === "" ? [path.child("name").required()] : invalidEach(path.child("name"), name, dnsLabelErrors(name));
  if (isBlank(image)) errors.push(path.child("image").required());
  append(errors, validateChoice(container.terminationMessagePolicy, messagePolicies, path.child("terminationMessagePolicy")));
  if (ports !== undefined) append(errors, validatePorts(ports, path.child("ports")));
  if (env !== undefined) append(errors, validateEnv(env, volumes, path.child("env")));
  if (envFrom !== undefined) append(errors, validateEnvFrom(envFrom, path.child("envFrom")));
  append(errors, validateVolumeMounts(container, volumes, path.child("volumeMounts")));
  if (container.volumeDevices !== undefined) append(errors, validateVolumeDevices(container, volumes, path.child("volumeDevices")));
  append(errors, validateChoice(container.imagePullPolicy, pullPolicies, path.child("imagePullPolicy")));
  if (resources !== undefined) append(errors, validateContainerResources(resources, claimNames, path.child("resources")));
  if (resizePolicy !== undefined) append(errors, validateResizePolicy(resizePolicy, restartPolicy, path.child("resizePolicy")));
  if (securityContext !== undefined) append(errors, validateSecurityContext(securityContext, hostUsers, path.child("securityContext")));
  return errors;
}

/** What belongs to a container that keeps running. */
function validateServing(container: Container, { gracePeriodSeconds, os }: ContainerContext, path: FieldPath): FieldError[] {
  const errors = container.lifecycle === undefined ? [] : validateLifecycle(container.lifecycle, gracePeriodSeconds, os, path.child("lifecycle"));
  for (const kind of probes) {
    const probe = container[kind];
    if (probe !== undefined) append(errors, validateProbe(probe, kind, gracePeriodSeconds, path.child(kind)));
  }
  return errors;
}

function validatePorts(ports: readonly ContainerPort[], path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, { name = "", containerPort = 0, hostPort = 0, protocol = "" }] of ports.entries()) {
    const place = path.index(index);
    if (name !== "") {
      const wrong = invalidEach(place.child("name"), name, portNameErrors(name));
      if (wrong.length > 0) errors.push(...wrong);
      else if (names.has(name)) errors.push(place.child("name").duplicate(name));
      names.add(name);
    }
    append(errors, containerPort === 0 ? [place.child("containerPort").required()] : invalidEach(place.child("containerPort"), containerPort, portErrors(containerPort)));
    if (hostPort !== 0) append(errors, invalidEach(place.child("hostPort"), hostPort, portErrors(hostPort)));
    if (protocol === "") errors.push(place.child("protocol").required());
    else if (!protocols.includes(protocol)) errors.push(place.child("protocol").notSupported(protocol, protocols));
  }
  return errors;
}

/** No two containers on the same port of the host. @upstream AccumulateUniqueHostPorts */
function validateHostPorts(containers: readonly Container[], path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const taken = new Set<string>();
  for (const [index, { ports = [] }] of containers.entries())
    for (const [at, { hostPort = 0, hostIP = "", protocol = "" }] of ports.entries()) {
      if (hostPort === 0) continue;
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key)) errors.push(path.index(index).child("ports").index(at).child("hostPort").duplicate(key));
      taken.add(key);
    }
  return errors;
}

function validateResizePolicy(policies: readonly Unchecked<ContainerResizePolicy>[], podRestartPolicy: string | undefined, path: FieldPath): FieldError[] {
  const seen = new Set<string>();
  return policies.flatMap(({ resourceName = "", restartPolicy = "" }, index) => {
    const errors = seen.has(resourceName) ? [path.index(index).duplicate(resourceName)] : [];
    seen.add(resourceName);
    if (resourceName === "") errors.push(path.required());
    else if (resourceName !== "cpu" && resourceName !== "memory") errors.push(unsupported(path, resourceName, ["cpu", "memory"]));
    errors.push(...validateChoice(restartPolicy, ["NotRequired", "RestartContainer"], path));
    if (podRestartPolicy === "Never" && restartPolicy !== "NotRequired") errors.push(path.invalid(restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"));
    return errors;
  });
}
