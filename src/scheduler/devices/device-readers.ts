import type { DeviceClass, ResourceSlice } from "../../api/generated/types/resource-v1.ts";
import type { Lister } from "../../client/informer.ts";
import type { ClaimLedger } from "./claim-ledger.ts";
import { SliceIndex } from "./pools.ts";
import type { ResourceClasses } from "../../api/resource/resource-classes.ts";
import { SelectorMatches } from "./selector-matches.ts";

/** What the scheduler knows of devices and of those who want them. */
export class DeviceReaders {
  readonly claims: ClaimLedger;
  readonly classes: Lister<DeviceClass>;
  readonly resources: ResourceClasses;
  readonly matches = new SelectorMatches();
  readonly #slices: Lister<ResourceSlice>;
  #index: SliceIndex | undefined;

  constructor(deps: { readonly claims: ClaimLedger; readonly classes: Lister<DeviceClass>; readonly slices: Lister<ResourceSlice>; readonly resources: ResourceClasses }) {
    this.claims = deps.claims;
    this.classes = deps.classes;
    this.resources = deps.resources;
    this.#slices = deps.slices;
  }

  get slices(): SliceIndex {
    this.#index ??= new SliceIndex(this.#slices.list());
    return this.#index;
  }

  slicesChanged(): void {
    this.#index = undefined;
  }
}
