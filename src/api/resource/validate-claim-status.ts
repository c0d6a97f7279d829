import { deepEqual } from "../../base/values.ts";
import type { FieldPath } from "../../meta/field-path.ts";
import { formatIp, parseCidr } from "../../meta/ip.ts";
import type { Condition } from "../../meta/generated/meta-v1.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { invalidEach, qualifiedNameErrors, validateImmutable } from "../../meta/validation.ts";
import { validateNodeSelector } from "../pod/validate-affinity.ts";
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaimConsumerReference,
  ResourceClaimStatus,
} from "../generated/types/resource-v1.ts";
import { unchecked } from "../unchecked.ts";
import { checkBindingParameters } from "./binding-parameters.ts";
import { checkDeviceName, checkDriver, checkPoolName, checkUid } from "./device-names.ts";
import { checkOpaque, checkRawObject, checkRequestNames, checkRequestReference, type RequestNames } from "./device-requests.ts";
import { checkList, checkSet } from "./lists.ts";
import { MAX_CONSUMERS } from "./pod-claims.ts";

const maxResults = 32;
const maxConfigs = 64;
const maxConditions = 8;
const maxDataBytes = 10 * 1024;

export interface StatusChange {
  readonly previous: ResourceClaimStatus;
  readonly isDeleting: boolean;
  readonly names: RequestNames;
}

/** @upstream pkg/apis/resource/validation/validation.go validateResourceClaimStatusUpdate */
export function* validateClaimStatus(path: FieldPath, { allocation, reservedFor = [], devices = [] }: ResourceClaimStatus, change: StatusChange): Iterable<FieldError> {
  const { previous, isDeleting, names } = change;
  const reservedPath = path.child("reservedFor");
  yield* checkSet(reservedPath, reservedFor, MAX_CONSUMERS, checkConsumer, ({ uid }) => uid);
  const allocated = new Set((allocation?.devices?.results ?? []).map(shareOf));
  yield* checkSet(path.child("devices"), devices, Number.POSITIVE_INFINITY, (at, device) => checkDeviceStatus(at, device, allocated), shareOf);
  if (reservedFor.length > 0) {
    const isKnown = (consumer: ResourceClaimConsumerReference): boolean => (previous.reservedFor ?? []).some((known) => deepEqual(known, consumer));
    if (allocation === undefined) yield reservedPath.forbidden("may not be specified when `allocated` is not set");
    else if (isDeleting && !reservedFor.every(isKnown)) yield reservedPath.forbidden("new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set");
  }
  const at = path.child("allocation");
  if (previous.allocation !== undefined && allocation !== undefined) yield* validateImmutable(allocation, previous.allocation, at);
  else if (allocation !== undefined) yield* checkAllocation(at, allocation, names);
}

/** A device, or one share of it. */
function shareOf({ driver, pool, device, shareID }: Pick<AllocatedDeviceStatus, "driver" | "pool" | "device" | "shareID">): string {
  return `${driver}/${pool}/${device}${shareID === undefined ? "" : `/${shareID}`}`;
}

function* checkConsumer(path: FieldPath, consumer: ResourceClaimConsumerReference): Iterable<FieldError> {
  const { resource = "", name = "", uid = "" } = unchecked(consumer);
  if (resource === "") yield path.child("resource").required();
  if (name === "") yield path.child("name").required();
  if (uid === "") yield path.child("uid").required();
}

function* checkAllocation(path: FieldPath, { devices = {}, nodeSelector }: AllocationResult, names: RequestNames): Iterable<FieldError> {
  const at = path.child("devices");
  yield* checkList(at.child("results"), devices.results ?? [], maxResults, (place, result) => checkResult(place, result, names));
  yield* checkList(at.child("config"), devices.config ?? [], maxConfigs, (place, config) => checkConfig(place, config, names));
  if (nodeSelector !== undefined) yield* validateNodeSelector(nodeSelector, path.child("nodeSelector"));
}

function* checkResult(path: FieldPath, result: DeviceRequestAllocationResult, names: RequestNames): Iterable<FieldError> {
  const { request = "", driver, pool, device, shareID } = unchecked(result);
  yield* checkRequestReference(path.child("request"), request, names);
  yield* checkDriver(path.child("driver"), driver);
  yield* checkPoolName(path.child("pool"), pool);
  yield* checkDeviceName(path.child("device"), device);
  yield* checkBindingParameters(path, result);
  if (shareID !== undefined) yield* checkUid(path.child("shareID"), shareID);
}

function* checkConfig(path: FieldPath, config: DeviceAllocationConfiguration, names: RequestNames): Iterable<FieldError> {
  const { source = "", requests = [], opaque } = unchecked(config);
  if (source === "") yield path.child("source").required();
  else if (source !== "FromClaim" && source !== "FromClass") yield path.child("source").notSupported(source, ["FromClaim", "FromClass"]);
  yield* checkRequestNames(path.child("requests"), requests, names);
  yield* checkOpaque(path, opaque);
}

function* checkDeviceStatus(path: FieldPath, status: AllocatedDeviceStatus, allocated: ReadonlySet<string>): Iterable<FieldError> {
  const { driver, pool, device, shareID, conditions = [], data, networkData } = status;
  yield* checkDriver(path.child("driver"), driver);
  yield* checkPoolName(path.child("pool"), pool);
  yield* checkDeviceName(path.child("device"), device);
  if (shareID !== undefined) yield* checkUid(path.child("shareID"), shareID);
  if (!allocated.has(shareOf(status))) yield path.invalid(shareOf(status), "must be an allocated device in the claim");
  if (conditions.length > maxConditions) yield path.child("conditions").tooMany(conditions.length, maxConditions);
  yield* checkConditions(path.child("conditions"), conditions);
  if (data !== undefined) yield* checkRawObject(path.child("data"), data, maxDataBytes);
  if (networkData !== undefined) yield* checkNetwork(path.child("networkData"), networkData);
}

/** @upstream apimachinery/pkg/apis/meta/v1/validation ValidateConditions */
function* checkConditions(path: FieldPath, conditions: readonly Condition[]): Iterable<FieldError> {
  const types = new Set<string>();
  for (const [index, condition] of conditions.entries()) {
    const at = path.index(index);
    const { type = "", status = "", observedGeneration = 0, lastTransitionTime, reason = "", message = "" } = unchecked(condition);
    if (types.has(type)) yield at.child("type").duplicate(type);
    types.add(type);
    yield* invalidEach(at.child("type"), type, qualifiedNameErrors(type));
    if (!["True", "False", "Unknown"].includes(status)) yield at.child("status").notSupported(status, ["False", "True", "Unknown"]);
    if (observedGeneration < 0) yield at.child("observedGeneration").invalid(observedGeneration, "must be greater than or equal to zero");
    if (lastTransitionTime === undefined) yield at.child("lastTransitionTime").required("must be set");
    if (reason === "") yield at.child("reason").required("must be set");
    else if (!/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/.test(reason))
      yield at
        .child("reason")
        .invalid(
          reason,
          "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')",
        );
    if (reason.length > 1024) yield at.child("reason").tooLong(1024);
    if (message.length > 32768) yield at.child("message").tooLong(32768);
  }
}

function* checkNetwork(path: FieldPath, { interfaceName = "", hardwareAddress = "", ips = [] }: NetworkDeviceData): Iterable<FieldError> {
  if (interfaceName.length > 256) yield path.child("interfaceName").tooLong(256);
  if (hardwareAddress.length > 128) yield path.child("hardwareAddress").tooLong(128);
  yield* checkSet(
    path.child("ips"),
    ips,
    16,
    function* (at, ip) {
      const cidr = parseCidr(ip);
      if (cidr === undefined) yield at.invalid(ip, "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)");
      else {
        const canonical = `${formatIp(cidr.address)}/${cidr.prefixLength}`;
        if (canonical !== ip) yield at.invalid(ip, `must be in canonical form (${JSON.stringify(canonical)})`);
      }
    },
    (ip) => ip,
  );
}
