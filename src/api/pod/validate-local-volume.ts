import type { FieldPath } from "../../meta/field-path.ts";
import { Quantity } from "../../meta/quantity.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { append, validateAnnotations, validateLabels } from "../../meta/validation.ts";
import type { DownwardAPIVolumeFile, KeyToPath, PersistentVolumeClaimTemplate, Volume } from "../generated/types/core-v1.ts";
import type { Unchecked } from "../unchecked.ts";
import { validateClaimSpec } from "../core/persistent-volume-claim-validation.ts";
import { isBlank, validateChoice } from "./choice.ts";
import { validateFilePath, validateNoBacksteps } from "./relative-path.ts";
import { validateFieldRef, validateResourceFieldRef } from "./validate-env.ts";
import { validateProjected } from "./validate-projected-volume.ts";
import { validateFileMode } from "./file-mode.ts";

const hostPathTypes = ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
const fileFields = ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

/** Volumes that the node itself fills, from its disk, from objects of the API or from an image. */
export function validateLocalVolume(volume: Volume, context: { readonly metadata?: object | undefined }, path: FieldPath): FieldError[] {
  const { emptyDir, hostPath, gitRepo, secret, configMap, downwardAPI, projected, persistentVolumeClaim, ephemeral, image } = volume;
  if (emptyDir?.sizeLimit !== undefined && Quantity.parse(emptyDir.sizeLimit).sign < 0)
    return [path.child("emptyDir", "sizeLimit").forbidden("SizeLimit field must be a valid resource quantity")];
  if (hostPath !== undefined) {
    const place = path.child("hostPath");
    if (isBlank(hostPath.path)) return [place.child("path").required()];
    const { type = "" } = hostPath;
    const wrongType = hostPathTypes.includes(type) ? [] : [place.child("type").notSupported(type, hostPathTypes)];
    return [...validateNoBacksteps(hostPath.path, place.child("path")), ...wrongType];
  }
  if (gitRepo !== undefined) {
    const place = path.child("gitRepo");
    const errors = isBlank(gitRepo.repository) ? [place.child("repository").required()] : [];
    const { directory = "" } = gitRepo;
    if (directory.startsWith("/")) errors.push(place.child("directory").invalid(directory, "must be a relative path"));
    return [...errors, ...validateNoBacksteps(directory, place.child("directory"))];
  }
  if (secret !== undefined) return validateKeyed(secret.secretName, "secretName", secret, path.child("secret"));
  if (configMap !== undefined) return validateKeyed(configMap.name, "name", configMap, path.child("configMap"));
  if (downwardAPI !== undefined) {
    const place = path.child("downwardAPI");
    return [...validateFileMode(downwardAPI.defaultMode, place.child("defaultMode")), ...(downwardAPI.items ?? []).flatMap((file) => validateDownwardFile(file, place))];
  }
  if (projected !== undefined) return validateProjected(projected, fileChecks, path.child("projected"));
  if (persistentVolumeClaim !== undefined) return isBlank(persistentVolumeClaim.claimName) ? [path.child("persistentVolumeClaim", "claimName").required()] : [];
  if (ephemeral !== undefined) {
    const place = path.child("ephemeral", "volumeClaimTemplate");
    return ephemeral.volumeClaimTemplate === undefined ? [place.required()] : validateClaimTemplate(ephemeral.volumeClaimTemplate, place);
  }
  if (image !== undefined) {
    const errors = context.metadata !== undefined && isBlank(image.reference) ? [path.child("image", "reference").required()] : [];
    return [...errors, ...validateChoice(image.pullPolicy, ["Always", "IfNotPresent", "Never"], path.child("image", "pullPolicy"))];
  }
  return [];
}

const fileChecks = { validateDownwardFile, validateItem };

function validateKeyed(
  name: string | undefined,
  nameField: string,
  { defaultMode, items }: { readonly defaultMode?: number | undefined; readonly items?: readonly KeyToPath[] | undefined },
  path: FieldPath,
): FieldError[] {
  const errors = isBlank(name) ? [path.child(nameField).required()] : [];
  append(errors, validateFileMode(defaultMode, path.child("defaultMode")));
  for (const [index, item] of (items ?? []).entries()) append(errors, validateItem(item, path.child("items").index(index)));
  return errors;
}

function validateItem({ key, path: file = "", mode }: Unchecked<KeyToPath>, path: FieldPath): FieldError[] {
  const errors = isBlank(key) ? [path.child("key").required()] : [];
  if (file === "") errors.push(path.child("path").required());
  append(errors, validateFilePath(file, path.child("path")), validateFileMode(mode, path.child("mode")));
  return errors;
}

/** @upstream validateDownwardAPIVolumeFile */
function validateDownwardFile({ path: file = "", fieldRef, resourceFieldRef, mode }: Unchecked<DownwardAPIVolumeFile>, path: FieldPath): FieldError[] {
  const errors = file === "" ? [path.child("path").required()] : [];
  append(errors, validateFilePath(file, path.child("path")));
  if (fieldRef !== undefined) {
    append(errors, validateFieldRef(fieldRef, fileFields, path.child("fieldRef")));
    if (resourceFieldRef !== undefined) errors.push(path.invalid("resource", "fieldRef and resourceFieldRef can not be specified simultaneously"));
  } else if (resourceFieldRef !== undefined) errors.push(...validateResourceFieldRef(resourceFieldRef, path.child("resourceFieldRef"), { inVolume: true }));
  else errors.push(path.required("one of fieldRef and resourceFieldRef is required"));
  append(errors, validateFileMode(mode, path.child("mode")));
  return errors;
}

/** Only labels and annotations mean something in a template's metadata. @upstream ValidatePersistentVolumeClaimTemplate */
function validateClaimTemplate({ metadata = {}, spec = {} }: Unchecked<PersistentVolumeClaimTemplate>, path: FieldPath): FieldError[] {
  const place = path.child("metadata");
  const others = Object.entries(metadata).filter(([field, value]) => field !== "labels" && field !== "annotations" && value !== undefined);
  return [
    ...validateAnnotations(metadata.annotations, place.child("annotations")),
    ...validateLabels(metadata.labels, place.child("labels")),
    ...others.map(([field]) => place.child(field).forbidden("cannot be set")),
    ...validateClaimSpec(path.child("spec"), spec),
  ];
}
