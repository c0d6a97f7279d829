import type { ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import { Quantity } from "../../meta/quantity.ts";
import { type DeviceId, deviceId } from "./device-id.ts";

/** What claims hold of devices already. Access for administrators holds nothing. */
export interface AllocatedState {
  /** Devices that somebody has for himself alone. */
  isTaken(device: DeviceId): boolean;
  /** Whether some have a share of it. */
  isShared(device: DeviceId): boolean;
  /** How much of a capacity all shares together have; undefined: nothing. */
  consumed(device: DeviceId, capacity: string): Quantity | undefined;
}

interface Shares {
  count: number;
  readonly consumed: Map<string, Quantity>;
}

/** Counts what claims hold; each claim is added and later taken off as it was added. @upstream plugins/dynamicresources/allocateddevices.go */
export class AllocatedDevices implements AllocatedState {
  readonly #taken = new Map<DeviceId, number>();
  readonly #shares = new Map<DeviceId, Shares>();

  isTaken(device: DeviceId): boolean {
    return this.#taken.has(device);
  }
  isShared(device: DeviceId): boolean {
    return this.#shares.has(device);
  }
  consumed(device: DeviceId, capacity: string): Quantity | undefined {
    return this.#shares.get(device)?.consumed.get(capacity);
  }

  add(claim: Pick<ResourceClaim, "status">): void {
    this.#count(claim, 1);
  }
  remove(claim: Pick<ResourceClaim, "status">): void {
    this.#count(claim, -1);
  }

  #count({ status }: Pick<ResourceClaim, "status">, by: 1 | -1): void {
    for (const result of status?.allocation?.devices?.results ?? []) {
      if (result.adminAccess === true) continue;
      const id = deviceId(result);
      if (result.shareID === undefined) {
        const holders = (this.#taken.get(id) ?? 0) + by;
        if (holders <= 0) this.#taken.delete(id);
        else this.#taken.set(id, holders);
      } else this.#share(id, result.consumedCapacity ?? {}, by);
    }
  }

  #share(id: DeviceId, capacity: { readonly [name: string]: string }, by: 1 | -1): void {
    const shares = this.#shares.get(id) ?? { count: 0, consumed: new Map<string, Quantity>() };
    shares.count += by;
    if (shares.count <= 0) {
      this.#shares.delete(id);
      return;
    }
    this.#shares.set(id, shares);
    for (const [name, text] of Object.entries(capacity)) {
      const amount = Quantity.parse(text);
      const before = shares.consumed.get(name) ?? Quantity.zero;
      shares.consumed.set(name, by === 1 ? before.add(amount) : before.sub(amount));
    }
  }
}
