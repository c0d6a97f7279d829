import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dnsSubdomainErrors, invalidEach, utf8Length } from "../../meta/validation.ts";
import type { AzureFilePersistentVolumeSource, CSIPersistentVolumeSource, PersistentVolumeSpec, SecretReference, Volume } from "../generated/types/core-v1.ts";
import { validateNoBacksteps } from "../pod/relative-path.ts";
import { validateLocalVolume } from "../pod/validate-local-volume.ts";
import { validateNetworkVolume } from "../pod/validate-network-volume.ts";

const maxDriverBytes = 63;

/** In the order in which upstream looks; `refusedAs` where it names a source otherwise. @upstream pkg/apis/core/validation/validation.go ValidatePersistentVolumeSpec */
const sources = [
  "hostPath",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "glusterfs",
  "flocker",
  "nfs",
  "rbd",
  "quobyte",
  "cephfs",
  "iscsi",
  "cinder",
  "fc",
  "flexVolume",
  "azureFile",
  "vsphereVolume",
  "photonPersistentDisk",
  "portworxVolume",
  "azureDisk",
  "scaleIO",
  "local",
  "storageos",
  "csi",
] as const;
export type VolumeSource = (typeof sources)[number];

/** What a PersistentVolume says of where its bytes are: what may not change. */
export function volumeSourceOf(spec: PersistentVolumeSpec): Pick<PersistentVolumeSpec, VolumeSource> {
  return Object.fromEntries(sources.map((source) => [source, spec[source]]));
}

/** Exactly one source, and that one valid. */
export function* validateVolumeSource(path: FieldPath, spec: PersistentVolumeSpec, volumeName: string): Iterable<FieldError> {
  const [first, ...others] = sources.filter((source) => spec[source] !== undefined);
  if (first === undefined) yield path.required("must specify a volume type");
  else yield* validateSource(path, first, spec, volumeName);
  for (const source of others) yield path.child(source === "cephfs" ? "cephFS" : source).forbidden("may not specify more than 1 volume type");
}

function* validateSource(path: FieldPath, source: VolumeSource, spec: PersistentVolumeSpec, volumeName: string): Iterable<FieldError> {
  if (spec.csi !== undefined && source === "csi") yield* validateCsi(path.child("csi"), spec.csi);
  else if (spec.local !== undefined && source === "local") {
    const { path: directory = "" } = spec.local as { readonly path?: string };
    if (directory === "") yield path.child("local", "path").required();
    else yield* validateNoBacksteps(directory, path.child("local", "path"));
    if (spec.nodeAffinity?.required === undefined) yield path.child("nodeAffinity").required("Local volume requires node affinity");
  } else if (spec.azureFile !== undefined && source === "azureFile") yield* validateAzureFile(path.child("azureFile"), spec.azureFile);
  else {
    // The other sources look like those of a pod's volume.
    const volume = { name: volumeName, [source]: spec[source] } as Volume;
    yield* source === "hostPath" ? validateLocalVolume(volume, {}, path) : validateNetworkVolume(volume, path);
  }
}

/** @upstream validateCSIPersistentVolumeSource */
function* validateCsi(path: FieldPath, csi: Partial<CSIPersistentVolumeSource>): Iterable<FieldError> {
  yield* checkDriverName(path.child("driver"), csi.driver);
  if ((csi.volumeHandle ?? "") === "") yield path.child("volumeHandle").required();
  for (const field of ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef", "nodeStageSecretRef"] as const) {
    const reference = csi[field];
    if (reference !== undefined) yield* validateSecretReference(path.child(field), reference);
  }
}

function* validateSecretReference(path: FieldPath, { name = "", namespace = "" }: SecretReference): Iterable<FieldError> {
  if (name === "") yield path.child("name").required();
  else yield* invalidEach(path.child("name"), name, dnsSubdomainErrors(name));
  if (namespace === "") yield path.child("namespace").required();
  else yield* invalidEach(path.child("namespace"), namespace, dnsSubdomainErrors(namespace));
}

function* validateAzureFile(path: FieldPath, { secretName = "", shareName = "", secretNamespace }: Partial<AzureFilePersistentVolumeSource>): Iterable<FieldError> {
  if (secretName === "") yield path.child("secretName").required();
  if (shareName === "") yield path.child("shareName").required();
  if (secretNamespace === "") yield path.child("secretNamespace").invalid(secretNamespace, 'can not be set to empty string ""');
}

/** A CSI driver's name, wherever it stands. @upstream ValidateCSIDriverName */
export function* checkDriverName(path: FieldPath, driver = ""): Iterable<FieldError> {
  if (driver === "") yield path.required();
  if (utf8Length(driver) > maxDriverBytes) yield path.tooLong(maxDriverBytes);
  yield* invalidEach(path, driver, dnsSubdomainErrors(driver.toLowerCase()));
}
