import type { Clock } from "../../base/clock.ts";
import { silentLogger } from "../../base/log.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { Store } from "../../store/contract.ts";
import { encodeForStore } from "../cache/cache-entry.ts";
import { StateCache } from "../cache/state-cache.ts";
import { API_SERVICES } from "./api-services.ts";
import { SERVICES } from "./resolve-service.ts";
import { SLICES } from "./slices-of-service.ts";

const prefixes: { readonly [kind: string]: string | undefined } = {
  Service: SERVICES,
  Endpoints: "/registry/services/endpoints/",
  EndpointSlice: SLICES,
  APIService: API_SERVICES,
};

/** For tests: objects as they stand in the state, without a server. */
export async function trialState(objects: readonly unknown[], { store, clock }: { readonly store: Store; readonly clock: Clock }): Promise<StateCache> {
  for (const value of objects) {
    const object = value as KubeObject;
    await store.commit([{ type: "put", key: keyOf(object), value: encodeForStore(object) }]);
  }
  const cache = new StateCache({ store, clock, log: silentLogger });
  for (const prefix of Object.values(prefixes)) if (prefix !== undefined) cache.resource(prefix);
  await cache.load();
  return cache;
}

export function keyOf({ kind, metadata: { namespace = "", name = "" } }: KubeObject): string {
  return `${prefixes[kind] ?? ""}${namespace === "" ? "" : `${namespace}/`}${name}`;
}
