import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { append, invalidEach, rangeErrors, utf8Length } from "../../meta/validation.ts";
import type { AppArmorProfile, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext, Sysctl } from "../generated/types/core-v1.ts";
import { unchecked } from "../unchecked.ts";
import { isBlank, unsupported, validateOptionalChoice } from "./choice.ts";
import { validateDescendingPath } from "./relative-path.ts";
import { validateWindowsOptions } from "./validate-windows-options.ts";

const profileTypes = ["Localhost", "RuntimeDefault", "Unconfined"];
const idErrors = (id: number): string[] => rangeErrors(id, 0, 2 ** 31 - 1);

/** A container's. @upstream pkg/apis/core/validation/validation.go ValidateSecurityContext */
export function validateSecurityContext(context: SecurityContext | undefined, hostUsers: boolean, path: FieldPath): FieldError[] {
  if (context === undefined) return [];
  const { procMount, allowPrivilegeEscalation, privileged, capabilities } = context;
  const errors = validateIds(context, path);
  errors.push(...validateOptionalChoice(procMount, ["Default", "Unmasked"], path.child("procMount")));
  if (hostUsers && procMount === "Unmasked") errors.push(path.child("procMount").invalid(procMount, "`hostUsers` must be false to use `Unmasked`"));
  errors.push(...validateSeccompProfile(context.seccompProfile, path.child("seccompProfile")));
  if (allowPrivilegeEscalation === false) {
    if (privileged === true) errors.push(path.invalid(context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"));
    if (capabilities?.add?.includes("CAP_SYS_ADMIN") === true)
      errors.push(path.invalid(context, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"));
  }
  errors.push(...validateWindowsOptions(context.windowsOptions, path.child("windowsOptions")), ...validateAppArmorProfile(context.appArmorProfile, path.child("appArmorProfile")));
  return errors;
}

/** A pod's. @upstream validatePodSpecSecurityContext */
export function validatePodSecurityContext(spec: PodSpec, path: FieldPath): FieldError[] {
  const context: PodSecurityContext = spec.securityContext ?? {};
  const errors: FieldError[] = [];
  if (context.fsGroup !== undefined) append(errors, invalidEach(path.child("fsGroup"), context.fsGroup, idErrors(context.fsGroup)));
  append(errors, validateIds(context, path));
  for (const [index, group] of (context.supplementalGroups ?? []).entries()) append(errors, invalidEach(path.child("supplementalGroups").index(index), group, idErrors(group)));
  if (spec.shareProcessNamespace === true && spec.hostPID === true)
    errors.push(path.child("shareProcessNamespace").invalid(true, "ShareProcessNamespace and HostPID cannot both be enabled"));
  const { sysctls, fsGroupChangePolicy, supplementalGroupsPolicy, seLinuxChangePolicy } = context;
  if (sysctls !== undefined) append(errors, validateSysctls(sysctls, spec, path.child("sysctls")));
  if (fsGroupChangePolicy !== undefined) append(errors, validateOptionalChoice(fsGroupChangePolicy, ["Always", "OnRootMismatch"], path.child("fsGroupChangePolicy")));
  append(errors, validateProfiles(context, path));
  if (supplementalGroupsPolicy !== undefined) append(errors, validateOptionalChoice(supplementalGroupsPolicy, ["Merge", "Strict"], path.child("supplementalGroupsPolicy")));
  if (seLinuxChangePolicy !== undefined) append(errors, validateOptionalChoice(seLinuxChangePolicy, ["MountOption", "Recursive"], path.child("seLinuxChangePolicy")));
  return errors;
}

function validateProfiles({ seccompProfile, windowsOptions, appArmorProfile }: PodSecurityContext, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (seccompProfile !== undefined) append(errors, validateSeccompProfile(seccompProfile, path.child("seccompProfile")));
  if (windowsOptions !== undefined) append(errors, validateWindowsOptions(windowsOptions, path.child("windowsOptions")));
  if (appArmorProfile !== undefined) append(errors, validateAppArmorProfile(appArmorProfile, path.child("appArmorProfile")));
  return errors;
}

function validateIds({ runAsUser, runAsGroup }: Pick<SecurityContext, "runAsUser" | "runAsGroup">, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (runAsUser !== undefined) append(errors, invalidEach(path.child("runAsUser"), runAsUser, idErrors(runAsUser)));
  if (runAsGroup !== undefined) append(errors, invalidEach(path.child("runAsGroup"), runAsGroup, idErrors(runAsGroup)));
  return errors;
}

/** @upstream validateSeccompProfileField */
function validateSeccompProfile(profile: SeccompProfile | undefined, path: FieldPath): FieldError[] {
  if (profile === undefined) return [];
  const { type, localhostProfile } = profile;
  const errors: FieldError[] = [];
  if (isBlank(type)) errors.push(path.child("type").required("type is required when seccompProfile is set"));
  else if (!profileTypes.includes(type)) errors.push(unsupported(path.child("type"), type, profileTypes));
  const place = path.child("localhostProfile");
  if (type === "Localhost")
    errors.push(...(localhostProfile === undefined ? [place.required("must be set when seccomp type is Localhost")] : validateDescendingPath(localhostProfile, place)));
  else if (localhostProfile !== undefined) errors.push(place.invalid(profile, "can only be set when seccomp type is Localhost"));
  return errors;
}

/** @upstream ValidateAppArmorProfileField */
function validateAppArmorProfile(profile: AppArmorProfile | undefined, path: FieldPath): FieldError[] {
  if (profile === undefined) return [];
  const { type, localhostProfile } = profile;
  const place = path.child("localhostProfile");
  if (isBlank(type)) return [path.child("type").required("type is required when appArmorProfile is set")];
  if (!profileTypes.includes(type)) return [unsupported(path.child("type"), type, profileTypes)];
  if (type !== "Localhost") return localhostProfile === undefined ? [] : [place.invalid(localhostProfile, "can only be set when AppArmor type is Localhost")];
  if (localhostProfile === undefined) return [place.required("must be set when AppArmor type is Localhost")];
  const errors: FieldError[] = [];
  if (localhostProfile.trim() !== localhostProfile) errors.push(place.invalid(localhostProfile, "must not be padded with whitespace"));
  else if (localhostProfile === "") errors.push(place.required("must be set when AppArmor type is Localhost"));
  if (utf8Length(localhostProfile) > 4095) errors.push(place.tooLong(4095));
  return errors;
}

const sysctlSegment = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const sysctlName = `^(${sysctlSegment}[\\./])*${sysctlSegment}$`;
const sysctl = new RegExp(sysctlName);
const networkSysctl = /^net[./]/;
const ipcSysctl = /^(?:kernel[./](?:shm|msg)|fs[./]mqueue[./]|kernel[./]sem$)/;

function validateSysctls(sysctls: readonly Sysctl[], { hostNetwork, hostIPC }: PodSpec, path: FieldPath): FieldError[] {
  const names = new Set<string>();
  return sysctls.map(unchecked).flatMap(({ name = "" }, index) => {
    const place = path.index(index).child("name");
    const errors: FieldError[] = [];
    if (name === "") errors.push(place.required());
    else if (name.length > 253 || !sysctl.test(name)) errors.push(place.invalid(name, `must have at most 253 characters and match regex ${sysctlName}`));
    else if (names.has(name)) errors.push(place.duplicate(name));
    if (hostNetwork === true && networkSysctl.test(name)) errors.push(place.invalid(name, "may not be specified when 'hostNetwork' is true"));
    else if (hostIPC === true && ipcSysctl.test(name)) errors.push(place.invalid(name, "may not be specified when 'hostIPC' is true"));
    names.add(name);
    return errors;
  });
}
