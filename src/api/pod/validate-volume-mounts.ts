import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import type { Container, Volume, VolumeMount } from "../generated/types/core-v1.ts";
import { append } from "../../meta/validation.ts";
import { unchecked } from "../unchecked.ts";
import { validateDescendingPath } from "./relative-path.ts";

type Volumes = ReadonlyMap<string, Volume>;
type Mounted = Pick<Container, "volumeMounts" | "volumeDevices" | "securityContext">;

/** Every mount names a volume and has a place of its own. @upstream pkg/apis/core/validation/validation.go ValidateVolumeMounts */
export function validateVolumeMounts({ volumeMounts = [], volumeDevices = [], securityContext }: Mounted, volumes: Volumes, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const places = new Set<string>();
  for (const [index, mount] of volumeMounts.entries()) {
    const { name = "", mountPath = "", subPath = "", subPathExpr = "", mountPropagation } = unchecked(mount);
    const place = path.index(index);
    if (name === "") errors.push(place.child("name").required());
    if (!volumes.has(name)) errors.push(place.child("name").notFound(name));
    if (mountPath === "") errors.push(place.child("mountPath").required());
    if (places.has(mountPath)) errors.push(place.child("mountPath").invalid(mountPath, "must be unique"));
    places.add(mountPath);
    if (volumeDevices.some((device) => device.name === name)) errors.push(place.child("name").invalid(name, "must not already exist in volumeDevices"));
    if (volumeDevices.some((device) => device.devicePath === mountPath))
      errors.push(place.child("mountPath").invalid(mountPath, "must not already exist as a path in volumeDevices"));
    // The paths below lack the index, as upstream's do.
    if (subPath !== "") append(errors, validateDescendingPath(subPath, path.child("subPath")));
    if (subPathExpr !== "") {
      if (subPath !== "") errors.push(place.child("subPathExpr").invalid(subPathExpr, "subPathExpr and subPath are mutually exclusive"));
      append(errors, validateDescendingPath(subPathExpr, path.child("subPathExpr")));
    }
    if (mountPropagation !== undefined) append(errors, validatePropagation(mountPropagation, securityContext?.privileged === true, path.child("mountPropagation")));
    if (mount.recursiveReadOnly !== undefined) append(errors, validateRecursiveReadOnly(mount, path.child("recursiveReadOnly")));
  }
  return errors;
}

function validatePropagation(mode: string, privileged: boolean, path: FieldPath): FieldError[] {
  const modes = ["Bidirectional", "HostToContainer", "None"];
  if (!modes.includes(mode)) return [path.notSupported(mode, modes)];
  return mode === "Bidirectional" && !privileged ? [path.forbidden("Bidirectional mount propagation is available only to privileged containers")] : [];
}

function validateRecursiveReadOnly({ recursiveReadOnly, readOnly, mountPropagation }: VolumeMount, path: FieldPath): FieldError[] {
  if (recursiveReadOnly === undefined || recursiveReadOnly === "Disabled") return [];
  if (recursiveReadOnly !== "Enabled" && recursiveReadOnly !== "IfPossible") return [path.notSupported(recursiveReadOnly, ["Disabled", "Enabled", "IfPossible"])];
  const errors = readOnly === true ? [] : [path.forbidden("may only be specified when readOnly is true")];
  if (mountPropagation !== undefined && mountPropagation !== "None") errors.push(path.forbidden("may only be specified when mountPropagation is None or not specified"));
  return errors;
}

/** Block devices come from claims only. @upstream ValidateVolumeDevices */
export function validateVolumeDevices({ volumeMounts = [], volumeDevices = [] }: Mounted, volumes: Volumes, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  const places = new Set<string>();
  for (const [index, { name = "", devicePath = "" }] of volumeDevices.entries()) {
    const place = path.index(index);
    const volume = volumes.get(name);
    if (name === "") errors.push(place.child("name").required());
    if (names.has(name)) errors.push(place.child("name").invalid(name, "must be unique"));
    if (volume === undefined) errors.push(place.child("name").notFound(name));
    else if (volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined)
      errors.push(place.child("name").invalid(name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"));
    if (devicePath === "") errors.push(place.child("devicePath").required());
    if (places.has(devicePath)) errors.push(place.child("devicePath").invalid(devicePath, "must be unique"));
    if (devicePath.split("/").includes("..")) errors.push(place.child("devicePath").invalid(devicePath, "can not contain backsteps ('..')"));
    else places.add(devicePath);
    if (volumeMounts.some((mount) => mount.name === name)) errors.push(place.child("name").invalid(name, "must not already exist in volumeMounts"));
    if (volumeMounts.some((mount) => mount.mountPath === devicePath))
      errors.push(place.child("devicePath").invalid(devicePath, "must not already exist as a path in volumeMounts"));
    if (name !== "") names.add(name);
  }
  return errors;
}
