import type { FieldPath } from "../../meta/field-path.ts";
import type { ObjectMeta } from "../../meta/generated/meta-v1.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { append, dnsLabelErrors, dnsSubdomainErrors, invalidEach } from "../../meta/validation.ts";
import type { Volume } from "../generated/types/core-v1.ts";
import { validateNetworkVolume } from "./validate-network-volume.ts";
import { validateLocalVolume } from "./validate-local-volume.ts";

/** Whether the spec stands in a Pod, where names are final and defaults have been taken, or in a template. */
export interface PodContext {
  /** Absent in a template. */
  readonly metadata?: ObjectMeta | undefined;
}

/**
 * The sources in the order in which upstream looks at them: the first that is set counts, each further one is refused.
 * Some are named differently where they are refused; those are upstream's slips, kept. @upstream validateVolumeSource
 */
const sources: readonly (readonly [source: Exclude<keyof Volume, "name">, refusedAs?: string])[] = [
  ["emptyDir"],
  ["hostPath"],
  ["gitRepo"],
  ["gcePersistentDisk"],
  ["awsElasticBlockStore"],
  ["secret"],
  ["nfs"],
  ["iscsi"],
  ["glusterfs"],
  ["flocker"],
  ["persistentVolumeClaim"],
  ["rbd"],
  ["cinder"],
  ["cephfs", "cephFS"],
  ["quobyte"],
  ["downwardAPI", "downwarAPI"],
  ["fc"],
  ["flexVolume"],
  ["configMap"],
  ["azureFile"],
  ["vsphereVolume"],
  ["photonPersistentDisk"],
  ["portworxVolume"],
  ["azureDisk"],
  ["storageos"],
  ["projected"],
  ["scaleIO"],
  ["csi"],
  ["ephemeral"],
  ["image"],
];

/** The volumes that are valid, by name, and what is wrong with the others. @upstream ValidateVolumes */
export function validateVolumes(
  volumes: readonly Volume[],
  context: PodContext,
  path: FieldPath,
): { readonly byName: ReadonlyMap<string, Volume>; readonly errors: readonly FieldError[] } {
  const errors: FieldError[] = [];
  const byName = new Map<string, Volume>();
  const podName = context.metadata?.name ?? "";
  const isCreated = (claim: string): boolean => podName !== "" && volumes.some(({ ephemeral, name }) => ephemeral !== undefined && claim === `${podName}-${name}`);
  for (const [index, volume] of volumes.entries()) {
    const place = path.index(index);
    const name = volume.name ?? "";
    const own = validateSource(volume, context, place);
    if (name === "") own.push(place.child("name").required());
    else append(own, invalidEach(place.child("name"), name, dnsLabelErrors(name)));
    if (byName.has(name)) own.push(place.child("name").duplicate(name));
    if (own.length === 0) byName.set(name, volume);
    append(errors, own);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim !== undefined && isCreated(claim))
      errors.push(place.child("persistentVolumeClaim", "claimName").invalid(claim, "must not reference a PVC that gets created for an ephemeral volume"));
  }
  return { byName, errors };
}

function validateSource(volume: Volume, context: PodContext, path: FieldPath): FieldError[] {
  const set = sources.filter(([source]) => volume[source] !== undefined);
  const [first] = set;
  if (first === undefined) return [path.required("must specify a volume type")];
  const only = set.length === 1 ? volume : ({ name: volume.name, [first[0]]: volume[first[0]] } as Volume);
  const errors = validateLocalVolume(only, context, path);
  append(errors, validateNetworkVolume(only, path));
  if (only.ephemeral !== undefined) append(errors, validateClaimName(volume.name, context, path));
  for (const [source, refusedAs = source] of set.slice(1)) errors.push(path.child(refusedAs).forbidden("may not specify more than 1 volume type"));
  return errors;
}

/** The claim of an ephemeral volume is named after the pod and the volume. */
function validateClaimName(volumeName: string, { metadata }: PodContext, path: FieldPath): FieldError[] {
  if (metadata?.name === undefined || metadata.name === "" || volumeName === "") return [];
  const claim = `${metadata.name}-${volumeName}`;
  return dnsSubdomainErrors(claim).map((message) => path.child("name").invalid(volumeName, `PVC name ${JSON.stringify(claim)}: ${message}`));
}
