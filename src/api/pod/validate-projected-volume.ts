import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { append, dnsSubdomainErrors, rangeErrors, validateLabelSelector } from "../../meta/validation.ts";
import type {
  ClusterTrustBundleProjection,
  DownwardAPIVolumeFile,
  KeyToPath,
  PodCertificateProjection,
  ProjectedVolumeSource,
  ServiceAccountTokenProjection,
  VolumeProjection,
} from "../generated/types/core-v1.ts";
import type { Unchecked } from "../unchecked.ts";
import { isBlank, validateChoice } from "./choice.ts";
import { validateFileMode } from "./file-mode.ts";
import { validateFilePath } from "./relative-path.ts";

/** How the files of the other volumes are checked; a projection holds the same. */
export interface FileChecks {
  validateDownwardFile(file: DownwardAPIVolumeFile, path: FieldPath): FieldError[];
  validateItem(item: KeyToPath, path: FieldPath): FieldError[];
}

const keyedSources = ["secret", "configMap"] as const;
const keyTypes = ["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];

/** Several sources in one folder: no two may write the same file. @upstream validateProjectionSources */
export function validateProjected({ defaultMode, sources }: ProjectedVolumeSource, checks: FileChecks, path: FieldPath): FieldError[] {
  const errors = validateFileMode(defaultMode, path.child("defaultMode"));
  const files = new Set<string>();
  const claim = (file: string | undefined, shown: unknown): void => {
    if (isBlank(file)) return;
    if (files.has(file)) errors.push(path.invalid(shown, "conflicting duplicate paths"));
    files.add(file);
  };
  for (const [index, source] of (sources ?? []).entries()) {
    const place = path.child("sources").index(index);
    for (const field of keyedSources) {
      const keyed = source[field];
      if (keyed === undefined) continue;
      if (isBlank(keyed.name)) errors.push(place.child(field, "name").required());
      for (const [at, item] of (keyed.items ?? []).entries()) {
        append(errors, checks.validateItem(item, place.child(field, "items").index(at)));
        claim(item.path, keyed.name);
      }
    }
    for (const file of source.downwardAPI?.items ?? []) {
      append(errors, checks.validateDownwardFile(file, place.child("downwardAPI")));
      claim(file.path, file.path);
    }
    if (source.serviceAccountToken !== undefined) append(errors, validateToken(source.serviceAccountToken, place.child("serviceAccountToken"), path.child("path")));
    if (source.clusterTrustBundle !== undefined) {
      errors.push(...validateTrustBundle(source.clusterTrustBundle, place.child("clusterTrustBundle")));
      claim(source.clusterTrustBundle.path, source.clusterTrustBundle.path);
    }
    if (source.podCertificate !== undefined) {
      errors.push(...validateCertificate(source.podCertificate, place.child("podCertificate")));
      for (const field of certificatePaths) claim(source.podCertificate[field], source.podCertificate[field]);
    }
    if (kinds(source) > 1) errors.push(place.forbidden("may not specify more than 1 volume type per source"));
  }
  return errors;
}

function kinds(source: VolumeProjection): number {
  let count = 0;
  for (const kind in source) if (source[kind as keyof VolumeProjection] !== undefined) count += 1;
  return count;
}

function validateToken({ expirationSeconds = 0, path: file = "" }: Unchecked<ServiceAccountTokenProjection>, path: FieldPath, filePath: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (expirationSeconds < 600) errors.push(path.child("expirationSeconds").invalid(expirationSeconds, "may not specify a duration less than 10 minutes"));
  if (expirationSeconds > 2 ** 32) errors.push(path.child("expirationSeconds").invalid(expirationSeconds, "may not specify a duration larger than 2^32 seconds"));
  append(errors, file === "" ? [filePath.required()] : validateFilePath(file, filePath));
  return errors;
}

function validateTrustBundle(bundle: Unchecked<ClusterTrustBundleProjection>, path: FieldPath): FieldError[] {
  const { name, signerName, labelSelector, path: file = "" } = bundle;
  const errors: FieldError[] = [];
  if (name !== undefined && signerName !== undefined) errors.push(path.invalid(bundle, "only one of name and signerName may be used"));
  else if (name !== undefined) {
    if (name === "") errors.push(path.child("name").required("must be a valid object name"));
    const local = name.slice(name.lastIndexOf(":") + 1);
    errors.push(...dnsSubdomainErrors(local).map((message) => path.child("name").invalid(name, `not a valid clustertrustbundlename: ${message}`)));
    if (labelSelector !== undefined) errors.push(path.child("labelSelector").invalid(labelSelector, "labelSelector must be unset if name is specified"));
  } else if (signerName !== undefined) {
    if (signerName === "") errors.push(path.child("signerName").required("must be a valid signer name"));
    errors.push(...validateSignerName(signerName, path.child("signerName")), ...validateLabelSelector(labelSelector, path.child("labelSelector")));
  } else errors.push(path.required("either name or signerName must be specified"));
  if (file === "") errors.push(path.child("path").required());
  return [...errors, ...validateFilePath(file, path.child("path"))];
}

const certificatePaths = ["credentialBundlePath", "keyPath", "certificateChainPath"] as const;

/** @upstream validatePodCertificateProjection */
function validateCertificate(certificate: Unchecked<PodCertificateProjection>, path: FieldPath): FieldError[] {
  const { signerName = "", keyType, maxExpirationSeconds = 0 } = certificate;
  const errors = validateSignerName(signerName, path.child("signerName"));
  errors.push(...validateChoice(keyType, keyTypes, path.child("keyType")));
  if (rangeErrors(maxExpirationSeconds, 3600, 91 * 86_400).length > 0) {
    const [bound, called] = maxExpirationSeconds < 3600 ? ["at least", "1 hour"] : ["at most", "91 days"];
    errors.push(path.child("maxExpirationSeconds").invalid(maxExpirationSeconds, `if provided, maxExpirationSeconds must be ${bound} ${called}`));
  }
  if (certificatePaths.every((field) => isBlank(certificate[field]))) errors.push(path.required("specify at least one of credentialBundlePath, keyPath, and certificateChainPath"));
  for (const field of certificatePaths) {
    const file = certificate[field];
    if (!isBlank(file)) errors.push(...validateFilePath(file, path.child(field)));
  }
  return errors;
}

/** `example.com/signer`: a domain with a dot, and a path. @upstream ValidateSignerName */
function validateSignerName(signer: string, path: FieldPath): FieldError[] {
  if (signer === "") return [path.required()];
  const [domain = "", ...rest] = signer.split("/");
  if (rest.length !== 1 || rest[0] === "") return [path.invalid(signer, 'must be a fully qualified domain and path of the form "example.com/signer-name"')];
  const errors = dnsSubdomainErrors(domain).map((message) => path.invalid(signer, `validating label ${JSON.stringify(domain)}: ${message}`));
  if (errors.length === 0 && !domain.includes(".")) errors.push(path.invalid(signer, "should be a domain with at least two segments separated by dots"));
  return [...errors, ...dnsSubdomainErrors(rest[0] ?? "").map((message) => path.invalid(signer, `validating label ${JSON.stringify(rest[0])}: ${message}`))];
}
