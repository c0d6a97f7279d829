import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dnsLabelErrors, dnsSubdomainErrors, invalidEach, rangeError, utf8Length } from "../../meta/validation.ts";
import type { AzureDiskVolumeSource, CSIVolumeSource, FCVolumeSource, ISCSIVolumeSource, QuobyteVolumeSource, Volume } from "../generated/types/core-v1.ts";
import type { Unchecked } from "../unchecked.ts";
import { isBlank } from "./choice.ts";

/** Volumes that come over a network or from a cloud. PersistentVolumes hold most of these too. @upstream validateVolumeSource and what it calls */
export function validateNetworkVolume(volume: Volume, path: FieldPath): FieldError[] {
  const { gcePersistentDisk, awsElasticBlockStore, nfs, iscsi, flocker, rbd, cephfs, quobyte, fc, flexVolume, azureDisk, storageos, csi, cinder } = volume;
  if (gcePersistentDisk !== undefined)
    return [...need(gcePersistentDisk, ["pdName"], path.child("persistentDisk")), ...validatePartition(gcePersistentDisk.partition, path.child("persistentDisk"))];
  if (awsElasticBlockStore !== undefined)
    return [
      ...need(awsElasticBlockStore, ["volumeID"], path.child("awsElasticBlockStore")),
      ...validatePartition(awsElasticBlockStore.partition, path.child("awsElasticBlockStore")),
    ];
  if (nfs !== undefined) {
    const place = path.child("nfs");
    const relative = (nfs.path ?? "").startsWith("/") ? [] : [place.child("path").invalid(nfs.path ?? "", "must be an absolute path")];
    return [...need(nfs, ["server", "path"], place), ...relative];
  }
  if (iscsi !== undefined) return validateIscsi(iscsi, volume.name, path);
  if (flocker !== undefined) {
    const place = path.child("flocker");
    const { datasetName = "", datasetUUID = "" } = flocker;
    const errors: FieldError[] = [];
    if (datasetName === "" && datasetUUID === "") errors.push(place.required("one of datasetName and datasetUUID is required"));
    if (datasetName !== "" && datasetUUID !== "") errors.push(place.invalid("resource", "datasetName and datasetUUID can not be specified simultaneously"));
    if (datasetName.includes("/")) errors.push(place.child("datasetName").invalid(datasetName, "must not contain '/'"));
    return errors;
  }
  if (rbd !== undefined) return [...needList(rbd.monitors, path.child("rbd", "monitors")), ...need(rbd, ["image"], path.child("rbd"))];
  if (cephfs !== undefined) return needList(cephfs.monitors, path.child("cephfs", "monitors"));
  if (quobyte !== undefined) return validateQuobyte(quobyte, path.child("quobyte"));
  if (fc !== undefined) return validateFc(fc, path.child("fc"));
  if (flexVolume !== undefined) {
    const place = path.child("flexVolume");
    const reserved = Object.keys(flexVolume.options ?? {}).filter((key) => /(?:^|\.)(?:kubernetes|k8s)\.io$/.test((key.split("/", 1)[0] ?? "").toLowerCase()));
    return [...need(flexVolume, ["driver"], place), ...reserved.map((key) => place.child("options").key(key).invalid(key, "kubernetes.io and k8s.io namespaces are reserved"))];
  }
  if (azureDisk !== undefined) return validateAzureDisk(azureDisk, path.child("azureDisk"));
  if (storageos !== undefined) {
    const place = path.child("storageos");
    const { volumeName = "", volumeNamespace = "", secretRef } = storageos;
    const errors = volumeName === "" ? [place.child("volumeName").required()] : invalidEach(place.child("volumeName"), volumeName, dnsLabelErrors(volumeName));
    if (volumeNamespace !== "") errors.push(...invalidEach(place.child("volumeNamespace"), volumeNamespace, dnsLabelErrors(volumeNamespace)));
    if (secretRef !== undefined) errors.push(...need(secretRef, ["name"], place.child("secretRef")));
    return errors;
  }
  if (csi !== undefined) return validateCsi(csi, path.child("csi"));
  if (cinder !== undefined)
    return [...need(cinder, ["volumeID"], path.child("cinder")), ...(cinder.secretRef === undefined ? [] : need(cinder.secretRef, ["name"], path.child("cinder", "secretRef")))];
  return validatePlain(volume, path);
}

/** Those of which only some texts must not be empty. */
function validatePlain({ glusterfs, azureFile, vsphereVolume, photonPersistentDisk, portworxVolume, scaleIO }: Volume, path: FieldPath): FieldError[] {
  if (glusterfs !== undefined) return need(glusterfs, ["endpoints", "path"], path.child("glusterfs"));
  if (azureFile !== undefined) return need(azureFile, ["secretName", "shareName"], path.child("azureFile"));
  if (vsphereVolume !== undefined) return need(vsphereVolume, ["volumePath"], path.child("vsphereVolume"));
  if (photonPersistentDisk !== undefined) return need(photonPersistentDisk, ["pdID"], path.child("photonPersistentDisk"));
  if (portworxVolume !== undefined) return need(portworxVolume, ["volumeID"], path.child("portworxVolume"));
  if (scaleIO !== undefined) return need(scaleIO, ["gateway", "system", "volumeName"], path.child("scaleIO"));
  return [];
}

function need<T extends object>(source: T, fields: readonly (keyof T & string)[], path: FieldPath): FieldError[] {
  return fields.filter((field) => source[field] === undefined || source[field] === "").map((field) => path.child(field).required());
}

const needList = (list: readonly string[] | undefined, path: FieldPath): FieldError[] => (list === undefined || list.length === 0 ? [path.required()] : []);

const validatePartition = (partition: number | undefined, path: FieldPath): FieldError[] =>
  partition !== undefined && (partition < 0 || partition > 255) ? [path.child("partition").invalid(partition, rangeError(1, 255))] : [];

const initiators: readonly (readonly [prefix: string, shape: RegExp])[] = [
  ["iqn", /iqn\.\d{4}-\d{2}\.([A-Za-z0-9\-.]+)(:[^,;*&$|\s]+)$/],
  ["eui", /^eui.[A-Za-z0-9]{16}$/],
  ["naa", /^naa.[A-Za-z0-9]{32}$/],
];

function validateInitiator(value: string, path: FieldPath): FieldError[] {
  const known = initiators.find(([prefix]) => value.startsWith(prefix));
  if (known === undefined) return [path.invalid(value, "must be valid format starting with iqn, eui, or naa")];
  return known[1].test(value) ? [] : [path.invalid(value, "must be valid format")];
}

function validateIscsi(iscsi: Unchecked<ISCSIVolumeSource>, volumeName: string, path: FieldPath): FieldError[] {
  const place = path.child("iscsi");
  const { iqn = "", lun = 0, initiatorName, targetPortal = "" } = iscsi;
  const errors = need(iscsi, ["targetPortal"], place);
  errors.push(...(iqn === "" ? [place.child("iqn").required()] : validateInitiator(iqn, place.child("iqn"))));
  if (lun < 0 || lun > 255) errors.push(place.child("lun").invalid(lun, rangeError(0, 255)));
  if ((iscsi.chapAuthDiscovery === true || iscsi.chapAuthSession === true) && iscsi.secretRef === undefined) errors.push(place.child("secretRef").required());
  if (initiatorName !== undefined) {
    errors.push(...validateInitiator(initiatorName, place.child("initiatorname")));
    if (utf8Length(`${volumeName}:${targetPortal}`) > 64)
      errors.push(path.child("name").invalid(volumeName, "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified."));
  }
  return errors;
}

function validateQuobyte(quobyte: Unchecked<QuobyteVolumeSource>, path: FieldPath): FieldError[] {
  const { registry = "", tenant = "" } = quobyte;
  const shape = "must be a host:port pair or multiple pairs separated by commas";
  const errors: FieldError[] = [];
  if (registry === "") errors.push(path.child("registry").required(shape));
  else if (utf8Length(tenant) >= 65) errors.push(path.child("tenant").required("must be a UUID and may not exceed a length of 64 characters"));
  else for (const pair of registry.split(",")) if (!/^(?:\[[^\]]*\]|[^:]*):[^:]*$/.test(pair)) errors.push(path.child("registry").invalid(registry, shape));
  return [...errors, ...need(quobyte, ["volume"], path)];
}

function validateFc({ targetWWNs = [], wwids = [], lun }: FCVolumeSource, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (targetWWNs.length === 0 && wwids.length === 0) errors.push(path.child("targetWWNs").required("must specify either targetWWNs or wwids, but not both"));
  if (targetWWNs.length > 0 && wwids.length > 0) errors.push(path.child("targetWWNs").invalid(targetWWNs, "targetWWNs and wwids can not be specified simultaneously"));
  if (targetWWNs.length > 0) {
    if (lun === undefined) errors.push(path.child("lun").required("lun is required if targetWWNs is specified"));
    else if (lun < 0 || lun > 255) errors.push(path.child("lun").invalid(lun, rangeError(0, 255)));
  }
  return errors;
}

function validateAzureDisk(disk: Unchecked<AzureDiskVolumeSource>, path: FieldPath): FieldError[] {
  const { cachingMode, kind, diskURI = "" } = disk;
  const modes = ["None", "ReadOnly", "ReadWrite"];
  const diskKinds = ["Dedicated", "Managed", "Shared"];
  const errors = need(disk, ["diskName", "diskURI"], path);
  if (cachingMode !== undefined && !modes.includes(cachingMode)) errors.push(path.child("cachingMode").notSupported(cachingMode, modes));
  if (kind !== undefined && !diskKinds.includes(kind)) errors.push(path.child("kind").notSupported(kind, diskKinds));
  if (kind === "Managed" && !diskURI.startsWith("/subscriptions/"))
    errors.push(path.child("diskURI").notSupported(diskURI, ["/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"]));
  if (kind !== undefined && kind !== "Managed" && !diskURI.startsWith("https://"))
    errors.push(path.child("diskURI").notSupported(diskURI, ["https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"]));
  return errors;
}

function validateCsi({ driver = "", nodePublishSecretRef }: Unchecked<CSIVolumeSource>, path: FieldPath): FieldError[] {
  const place = path.child("driver");
  const errors = driver === "" ? [place.required()] : [];
  if (utf8Length(driver) > 63) errors.push(place.tooLong(63));
  errors.push(...invalidEach(place, driver, dnsSubdomainErrors(driver.toLowerCase())));
  if (nodePublishSecretRef === undefined) return errors;
  const { name } = nodePublishSecretRef;
  return [...errors, ...(isBlank(name) ? [path.child("nodePublishSecretRef", "name").required()] : invalidEach(path.child("name"), name, dnsSubdomainErrors(name)))];
}
