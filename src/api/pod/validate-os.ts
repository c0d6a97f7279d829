import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import type { Container, EphemeralContainer, PodSpec } from "../generated/types/core-v1.ts";
import { isBlank } from "./choice.ts";

/** Every container of a pod with its path, init containers first. @upstream pkg/apis/core/pods/helpers.go VisitContainersWithPath */
export function containersWithPath(spec: PodSpec, path: FieldPath): (readonly [container: Container | EphemeralContainer, path: FieldPath])[] {
  return (["initContainers", "containers", "ephemeralContainers"] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, index) => [container, path.child(list).index(index)] as const),
  );
}

/** What only one operating system has may not be set for the other. @upstream pkg/apis/core/validation/validation.go validateOS */
export function validateOs(spec: PodSpec, path: FieldPath): FieldError[] {
  if (spec.os === undefined) return [];
  const { name } = spec.os;
  if (isBlank(name)) return [path.child("os", "name").required("cannot be empty")];
  if (name === "windows") return validateWindows(spec, path);
  return name === "linux" ? validateLinux(spec, path) : [path.child("os").notSupported(name, ["linux", "windows"])];
}

function validateLinux(spec: PodSpec, path: FieldPath): FieldError[] {
  const why = "windows options cannot be set for a linux pod";
  const errors = spec.securityContext?.windowsOptions === undefined ? [] : [path.child("securityContext", "windowsOptions").forbidden(why)];
  for (const [container, place] of containersWithPath(spec, path))
    if (container.securityContext?.windowsOptions !== undefined) errors.push(place.child("securityContext", "windowsOptions").forbidden(why));
  return errors;
}

const podContextOnlyLinux = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "fsGroup",
  "fsGroupChangePolicy",
  "sysctls",
  "runAsUser",
  "runAsGroup",
  "supplementalGroups",
  "supplementalGroupsPolicy",
  "seLinuxChangePolicy",
] as const;
const containerContextOnlyLinux = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "capabilities",
  "readOnlyRootFilesystem",
  "privileged",
  "allowPrivilegeEscalation",
  "procMount",
  "runAsUser",
  "runAsGroup",
] as const;

function validateWindows(spec: PodSpec, path: FieldPath): FieldError[] {
  const why = "cannot be set for a windows pod";
  const errors: FieldError[] = [];
  for (const field of ["hostUsers", "shareProcessNamespace"] as const) if (spec[field] !== undefined) errors.push(path.child(field).forbidden(why));
  for (const field of ["hostPID", "hostIPC"] as const) if (spec[field] === true) errors.push(path.child(field).forbidden(why));
  for (const field of podContextOnlyLinux) {
    const value = spec.securityContext?.[field];
    if (value !== undefined && !(field === "sysctls" && Array.isArray(value) && value.length === 0)) errors.push(path.child("securityContext", field).forbidden(why));
  }
  for (const [container, place] of containersWithPath(spec, path))
    for (const field of containerContextOnlyLinux) if (container.securityContext?.[field] !== undefined) errors.push(place.child("securityContext", field).forbidden(why));
  return errors;
}

function hasWindowsOptions(containers: readonly Pick<Container, "securityContext">[] | undefined): boolean {
  return containers?.some(({ securityContext }) => securityContext?.windowsOptions !== undefined) === true;
}

/** HostProcess containers come all together or not at all. @upstream validateWindowsHostProcessPod */
export function validateHostProcess(spec: PodSpec, path: FieldPath): FieldError[] {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  const errors: FieldError[] = [];
  if (ofPod === undefined && !hasWindowsOptions(spec.initContainers) && !hasWindowsOptions(spec.containers) && !hasWindowsOptions(spec.ephemeralContainers)) return errors;
  const containers = containersWithPath(spec, path);
  let hostProcesses = 0;
  for (const [container, place] of containers) {
    const own = container.securityContext?.windowsOptions?.hostProcess;
    if (ofPod !== undefined && own !== undefined && ofPod !== own)
      errors.push(place.child("securityContext", "windowsOptions", "hostProcess").invalid(own, `pod hostProcess value must be identical if both are specified, was ${ofPod}`));
    if (own ?? ofPod ?? false) hostProcesses += 1;
  }
  if (hostProcesses === 0) return errors;
  if (hostProcesses !== containers.length) errors.push(path.invalid("", "If pod contains any hostProcess containers then all containers must be HostProcess containers"));
  if (spec.hostNetwork !== true) errors.push(path.child("hostNetwork").invalid(false, "hostNetwork must be true if pod contains any hostProcess containers"));
  return errors;
}
