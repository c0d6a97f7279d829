import type { FieldPath } from "../../meta/field-path.ts";
import { Quantity } from "../../meta/quantity.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { configMapKeyErrors, dnsSubdomainErrors, envVarNameErrors, invalidEach, nameErrors, qualifiedNameErrors } from "../../meta/validation.ts";
import type { EnvFromSource, EnvVar, FileKeySelector, ObjectFieldSelector, ResourceFieldSelector } from "../generated/types/core-v1.ts";
import type { Unchecked } from "../unchecked.ts";
import { isBlank } from "./choice.ts";
import { validateFilePath } from "./relative-path.ts";

/** Field paths that a variable may show; sorted as messages list them. */
const variableFields = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
/** Everything a field path can be converted from, whether or not it may be used where it stands. */
const knownFields = new Set([...variableFields, "metadata.annotations", "metadata.labels", "spec.restartPolicy", "spec.schedulerName", "status.phase"]);
const resourceFields = ["limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"];

type Names = Pick<ReadonlySet<string>, "has">;

/** `volumes` are the names of the pod's. @upstream pkg/apis/core/validation/validation.go ValidateEnv */
export function validateEnv(variables: readonly EnvVar[], volumes: Names, path: FieldPath): FieldError[] {
  return variables.flatMap((variable, index) => {
    const place = path.index(index);
    const name = variable.name ?? "";
    const errors = name === "" ? [place.child("name").required()] : invalidEach(place.child("name"), name, envVarNameErrors(name));
    return [...errors, ...validateValueFrom(variable, volumes, place.child("valueFrom"))];
  });
}

function validateValueFrom({ value, valueFrom }: EnvVar, volumes: Names, path: FieldPath): FieldError[] {
  if (valueFrom === undefined) return [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
  const errors: FieldError[] = [];
  if (fieldRef !== undefined) errors.push(...validateFieldRef(fieldRef, variableFields, path.child("fieldRef")));
  if (resourceFieldRef !== undefined) errors.push(...validateResourceFieldRef(resourceFieldRef, path.child("resourceFieldRef"), { inVolume: false }));
  if (configMapKeyRef !== undefined) errors.push(...validateKeyRef(configMapKeyRef, path.child("configMapKeyRef")));
  if (secretKeyRef !== undefined) errors.push(...validateKeyRef(secretKeyRef, path.child("secretKeyRef")));
  if (fileKeyRef !== undefined) errors.push(...validateFileKeyRef(fileKeyRef, volumes, path.child("fileKeyRef")));
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter((source) => source !== undefined).length;
  if (sources === 0) errors.push(path.invalid("", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"));
  else if (!isBlank(value)) errors.push(path.invalid("", "may not be specified when `value` is not empty"));
  else if (sources > 1) errors.push(path.invalid("", "may not have more than one field specified at a time"));
  return errors;
}

/** `metadata.labels['app']` to its parts. @upstream pkg/fieldpath/fieldpath.go SplitMaybeSubscriptedPath */
export function splitSubscript(fieldPath: string): { readonly path: string; readonly subscript: string } | undefined {
  const match = /^(.+?)\['(.*)'\]$/s.exec(fieldPath);
  return match === null ? undefined : { path: match[1] ?? "", subscript: match[2] ?? "" };
}

/** `allowed` are the paths without subscript, sorted. @upstream validateObjectFieldSelector */
export function validateFieldRef({ apiVersion, fieldPath }: Unchecked<ObjectFieldSelector>, allowed: readonly string[], path: FieldPath): FieldError[] {
  if (isBlank(apiVersion)) return [path.child("apiVersion").required()];
  if (isBlank(fieldPath)) return [path.child("fieldPath").required()];
  const place = path.child("fieldPath");
  const unknown = (why: string): FieldError[] => [place.invalid(fieldPath, `error converting fieldPath: ${why}`)];
  if (apiVersion !== "v1") return unknown(`unsupported pod version: ${apiVersion}`);
  const split = splitSubscript(fieldPath);
  if (split !== undefined) {
    if (split.path === "metadata.annotations") return invalidEach(path, split.subscript.toLowerCase(), qualifiedNameErrors(split.subscript.toLowerCase()));
    if (split.path === "metadata.labels") return invalidEach(path, split.subscript, qualifiedNameErrors(split.subscript));
    return unknown(`field label does not support subscript: ${fieldPath}`);
  }
  const field = fieldPath === "spec.host" ? "spec.nodeName" : fieldPath;
  if (!knownFields.has(field)) return unknown(`field label not supported: ${fieldPath}`);
  return allowed.includes(field) ? [] : [place.notSupported(field, allowed)];
}

/** @upstream validateContainerResourceFieldSelector */
export function validateResourceFieldRef(
  { containerName, resource = "", divisor }: Unchecked<ResourceFieldSelector>,
  path: FieldPath,
  { inVolume }: { readonly inVolume: boolean },
): FieldError[] {
  const errors: FieldError[] = [];
  const hugePages = /^(?:requests|limits)\.hugepages-/.test(resource);
  if (inVolume && isBlank(containerName)) errors.push(path.child("containerName").required());
  else if (resource === "") errors.push(path.child("resource").required());
  else if (!resourceFields.includes(resource) && !hugePages) errors.push(path.child("resource").notSupported(resource, resourceFields));
  return [...errors, ...validateDivisor(resource, divisor, path.child("divisor"))];
}

const sizes = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

function validateDivisor(resource: string, divisor: string | undefined, path: FieldPath): FieldError[] {
  if (divisor === undefined || Quantity.parse(divisor).isZero) return [];
  const [allowed, called] = resource.endsWith(".cpu")
    ? [["1m", "1"], "cpu"]
    : resource.endsWith(".memory")
      ? [sizes, "memory"]
      : resource.endsWith(".ephemeral-storage")
        ? [sizes, "local ephemeral storage"]
        : /\.hugepages-/.test(resource)
          ? [sizes, "hugepages"]
          : [undefined, ""];
  if (allowed === undefined || allowed.includes(Quantity.parse(divisor).toString())) return [];
  const list = allowed.length === 2 ? allowed.join(" and ") : allowed.join(", ");
  return [path.invalid(resource, `only divisor's values ${list} are supported with the ${called} resource`)];
}

function validateKeyRef({ name = "", key = "" }: { readonly name?: string | undefined; readonly key?: string | undefined }, path: FieldPath): FieldError[] {
  const errors = invalidEach(path.child("name"), name, dnsSubdomainErrors(name));
  if (key === "") return [...errors, path.child("key").required()];
  return [...errors, ...invalidEach(path.child("key"), key, configMapKeyErrors(key))];
}

function validateFileKeyRef({ key = "", path: file = "", volumeName = "" }: Unchecked<FileKeySelector>, volumeNames: Names, path: FieldPath): FieldError[] {
  const errors = key === "" ? [path.child("key").required()] : invalidEach(path.child("key"), key, envVarNameErrors(key));
  if (volumeName === "") errors.push(path.child("volumeName").required());
  else if (!volumeNames.has(volumeName)) errors.push(path.child("volumeName").notFound(volumeName));
  if (file === "") errors.push(path.child("path").required());
  else errors.push(...validateFilePath(file, path.child("path")));
  return errors;
}

/** @upstream ValidateEnvFrom */
export function validateEnvFrom(sources: readonly EnvFromSource[], path: FieldPath): FieldError[] {
  return sources.flatMap(({ prefix = "", configMapRef, secretRef }, index) => {
    const place = path.index(index);
    const errors = prefix === "" ? [] : invalidEach(place.child("prefix"), prefix, envVarNameErrors(prefix));
    if (configMapRef !== undefined) errors.push(...validateSourceName(configMapRef.name, place.child("configMapRef", "name")));
    if (secretRef !== undefined) errors.push(...validateSourceName(secretRef.name, place.child("secretRef", "name")));
    if (configMapRef === undefined && secretRef === undefined) errors.push(path.invalid("", "must specify one of: `configMapRef` or `secretRef`"));
    else if (configMapRef !== undefined && secretRef !== undefined) errors.push(path.invalid("", "may not have more than one field specified at a time"));
    return errors;
  });
}

const validateSourceName = (name: string | undefined, path: FieldPath): FieldError[] =>
  isBlank(name) ? [path.required()] : invalidEach(path, name, nameErrors("dns-subdomain", name, true));
