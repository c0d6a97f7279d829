import type { Container, EphemeralContainer, Pod } from "../../../api/generated/types/core-v1.ts";
import type { ResourceClaim } from "../../../api/generated/types/resource-v1.ts";
import { claimNamesOf, parentRequest } from "../../../api/resource/pod-claims.ts";
import type { Logger } from "../../../base/log.ts";
import type { Client } from "../../../client/client.ts";
import { errorText } from "../../rpc-error-text.ts";
import { ClaimLocks } from "./claim-locks.ts";
import { claimNames, claimsToPrepare } from "./claims-to-prepare.ts";
import type { DraClaim, DraResponse } from "./dra-api.ts";
import type { Driver, Drivers } from "./drivers.ts";
import type { ClaimRecord, PreparedClaims, PreparedDevice } from "./prepared-claims.ts";

export interface PodDevicesDeps {
  readonly client: Client;
  readonly drivers: Drivers;
  readonly prepared: PreparedClaims;
  readonly log: Logger;
}

/**
 * Has drivers prepare pods' claims before their containers start, and take them back when the last pod has ended.
 * @upstream pkg/kubelet/cm/dra/manager.go
 */
export class PodDevices {
  readonly #deps: PodDevicesDeps;
  readonly #locks = new ClaimLocks();

  constructor(_options: object, deps: PodDevicesDeps) {
    this.#deps = deps;
  }

  /** With `afresh` drivers must have been asked since this kubelet started; otherwise it is enough that an earlier one did. Throws with the reason. */
  async prepare(pod: Pod, { afresh, signal }: { readonly afresh: boolean; readonly signal?: AbortSignal }): Promise<void> {
    if (!usesClaims(pod)) return;
    try {
      const names = claimNames(pod).map(({ name }) => name);
      if (!afresh && names.every((name) => this.#record(pod, name)?.pods.includes(uidOf(pod)) === true)) return;
      await this.#locks.with(
        names.map((name) => lockOf(pod, name)),
        () => this.#prepare(pod, signal),
      );
    } catch (error) {
      throw new Error(`prepare dynamic resources: ${errorText(error)}`, { cause: error });
    }
  }

  /** Nothing of the pod runs any more. Throws with the reason why a driver could not take back a claim. */
  async unprepare(pod: Pod): Promise<void> {
    if (this.#deps.prepared.usedBy(uidOf(pod)).length > 0) await this.#unprepare(uidOf(pod));
  }

  /** Names of the devices that a container gets. Throws when its claims are not prepared. */
  cdiDevices(pod: Pod, container: Container | EphemeralContainer): readonly string[] {
    const asked = [...requestsOf(pod, container)];
    const names = asked.flatMap(({ claim, request }) => {
      const record = this.#record(pod, claim);
      if (record === undefined) throw new Error(`internal error: unable to get claim info for ResourceClaim ${claim} in namespace ${pod.metadata.namespace}`);
      return Object.values(record.devices).flatMap((devices) => devices.filter((device) => isFor(device, request)).flatMap(({ cdiDeviceIds }) => cdiDeviceIds));
    });
    return [...new Set(names)];
  }

  /** Takes back the claims of pods that went away without their end having been seen through. */
  async reconcile(isActive: (podUid: string) => boolean): Promise<void> {
    const pods = new Set([...this.#deps.prepared.all()].flatMap((claim) => claim.pods));
    for (const uid of pods) {
      if (isActive(uid)) continue;
      try {
        await this.#unprepare(uid);
      } catch (error) {
        this.#deps.log.warn("devices of a pod that is gone are not given back yet", { uid, error: errorText(error) });
      }
    }
  }

  async #prepare(pod: Pod, signal: AbortSignal | undefined): Promise<void> {
    const { client, drivers, prepared } = this.#deps;
    // Whatever may fail without a trace comes first: of a pod that never got as far nothing needs to be taken back.
    const claims = await claimsToPrepare(pod, { client, ...(signal === undefined ? {} : { signal }) });
    const driverOf = new Map<string, Driver>();
    for (const claim of claims) for (const name of driversOf(claim)) driverOf.set(name, drivers.get(name));
    const todo: ClaimRecord[] = [];
    for (const claim of claims) {
      const { namespace = "", name = "", uid = "" } = claim.metadata;
      const known = prepared.get(namespace, name);
      if (known !== undefined && known.uid !== uid)
        throw new Error(`old ResourceClaim with same name ${name} and different UID ${known.uid} still exists (previous pod force-deleted?!)`);
      const devices = Object.fromEntries(driversOf(claim).map((driver) => [driver, []]));
      const before: ClaimRecord = known ?? { namespace, name, uid, pods: [], devices, prepared: false };
      const record = { ...before, pods: [...new Set([...before.pods, uidOf(pod)])] };
      prepared.set(record);
      if (!record.prepared) todo.push(record);
    }
    await prepared.save();
    if (todo.length === 0) return;

    const results = new Map<string, Map<string, readonly PreparedDevice[]>>(todo.map(({ uid }) => [uid, new Map()]));
    for (const [name, driver] of driverOf) {
      const batch = batchOf(todo, name);
      if (batch.length === 0) continue;
      const response = await driver.prepare({ claims: batch });
      checkResponse("NodePrepareResources", batch, response);
      for (const { uid } of batch) {
        const devices = (response.claims?.[uid]?.devices ?? []).map(
          ({ requestNames = [], poolName = "", deviceName = "", cdiDeviceIds = [] }): PreparedDevice => ({ requestNames, poolName, deviceName, cdiDeviceIds }),
        );
        results.get(uid)?.set(name, devices);
      }
    }
    for (const record of todo) prepared.set({ ...record, prepared: true, devices: Object.fromEntries(results.get(record.uid) ?? []) });
    await prepared.save();
  }

  async #unprepare(podUid: string): Promise<void> {
    const { prepared } = this.#deps;
    const locks = prepared.usedBy(podUid).map(({ namespace, name }) => `${namespace}/${name}`);
    try {
      await this.#locks.with(locks, () => this.#unprepareLocked(podUid));
    } catch (error) {
      throw new Error(`unprepare dynamic resources: ${errorText(error)}`, { cause: error });
    }
  }

  async #unprepareLocked(podUid: string): Promise<void> {
    const { prepared, drivers } = this.#deps;
    const used = prepared.usedBy(podUid);
    const todo = used.filter(({ pods }) => pods.length === 1);
    for (const name of new Set(todo.flatMap(({ devices }) => Object.keys(devices)))) {
      const batch = batchOf(todo, name);
      checkResponse("NodeUnprepareResources", batch, await drivers.get(name).unprepare({ claims: batch }));
    }
    for (const record of used) {
      if (record.pods.length === 1) prepared.delete(record);
      else prepared.set({ ...record, pods: record.pods.filter((uid) => uid !== podUid) });
    }
    await prepared.save();
  }

  #record(pod: Pod, claim: string): ClaimRecord | undefined {
    return this.#deps.prepared.get(pod.metadata.namespace ?? "", claim);
  }
}

const uidOf = (pod: Pod): string => pod.metadata.uid ?? "";
const lockOf = (pod: Pod, claim: string): string => `${pod.metadata.namespace}/${claim}`;

function usesClaims(pod: Pod): boolean {
  return (pod.spec.resourceClaims?.length ?? 0) > 0 || pod.status?.extendedResourceClaimStatus !== undefined;
}

function driversOf(claim: ResourceClaim): readonly string[] {
  return [...new Set((claim.status?.allocation?.devices?.results ?? []).map(({ driver }) => driver))];
}

function batchOf(records: readonly ClaimRecord[], driver: string): readonly DraClaim[] {
  return records.filter(({ devices }) => Object.hasOwn(devices, driver)).map(({ namespace, uid, name }) => ({ namespace, uid, name }));
}

/** Throws unless each claim was done, and no other. */
function checkResponse(method: string, batch: readonly DraClaim[], { claims = {} }: DraResponse): void {
  for (const [uid, result] of Object.entries(claims)) {
    const claim = batch.find((asked) => asked.uid === uid);
    if (claim === undefined) throw new Error(`${method} returned result for unknown claim UID ${uid}`);
    if (result?.error !== undefined && result.error !== "") throw new Error(`${method} failed for ResourceClaim ${claim.name}: ${result.error}`);
  }
  const skipped = batch.length - Object.keys(claims).length;
  if (skipped !== 0) throw new Error(`${method} skipped ${skipped} ResourceClaims`);
}

/** The claims, and in them the requests, whose devices are the container's. */
function* requestsOf(pod: Pod, container: Container | EphemeralContainer): Iterable<{ readonly claim: string; readonly request: string }> {
  const asked = container.resources?.claims ?? [];
  if (asked.length > 0) {
    for (const { podClaim, named } of claimNamesOf(pod)) {
      if (named === "none" || podClaim === "") continue;
      for (const { name, request = "" } of asked) {
        if (name !== podClaim) continue;
        if ("missing" in named) throw new Error(named.missing);
        yield { claim: named.name, request };
      }
    }
  }
  const extended = pod.status?.extendedResourceClaimStatus;
  for (const { containerName, requestName } of extended?.requestMappings ?? []) {
    if (containerName === container.name && extended !== undefined) yield { claim: extended.resourceClaimName, request: requestName };
  }
}

/** A request with alternatives is named without the one that was chosen. */
function isFor({ requestNames }: PreparedDevice, request: string): boolean {
  return request === "" || requestNames.length === 0 || requestNames.some((name) => name === request || parentRequest(name) === request);
}
