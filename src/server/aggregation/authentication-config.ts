import { configMaps } from "../../api/generated/resources.ts";
import type { ConfigMap } from "../../api/generated/types/core-v1.ts";
import { type Clock, sleep } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { deepEqual } from "../../base/values.ts";
import type { Client } from "../../client/client.ts";
import { WorkQueue } from "../../client/work-queue.ts";
import type { StateCache } from "../cache/state-cache.ts";
import { type AuthenticationTrust, authenticationData } from "./authentication-data.ts";
import { workOff } from "./work-off.ts";

const [namespace, name] = ["kube-system", "extension-apiserver-authentication"];
const CONFIG_MAPS = "/registry/configmaps/";
const KEY = `${CONFIG_MAPS}${namespace}/${name}`;
const CHECK_EVERY_MS = 60_000;

export interface AuthenticationConfigDeps {
  readonly cache: StateCache;
  readonly client: Pick<Client, "create" | "update">;
  readonly clock: Clock;
  readonly log: Logger;
  /** When a certificate (PEM) ends, in milliseconds since the epoch; undefined when it is none. */
  notAfterMs(pem: string): number | undefined;
}

/** Keeps the ConfigMap from which servers behind this one learn whom to trust. */
export class AuthenticationConfig {
  readonly #trust: AuthenticationTrust;
  readonly #deps: AuthenticationConfigDeps;

  constructor(trust: AuthenticationTrust, deps: AuthenticationConfigDeps) {
    this.#trust = trust;
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { cache, clock, log } = this.#deps;
    const queue = new WorkQueue({ name: "cluster_authentication_trust_controller", maxDelayMs: CHECK_EVERY_MS }, this.#deps);
    const unsubscribe = cache.resource(CONFIG_MAPS).subscribe({ notify: () => queue.add(name) }, { key: KEY });
    const timer = async (): Promise<void> => {
      while (!signal.aborted) {
        queue.add(name);
        await sleep(clock, CHECK_EVERY_MS, signal).catch(() => {});
      }
    };
    await Promise.all([timer(), workOff(queue, { workers: 1, what: "authentication of other API servers" }, () => this.#reconcile(), { log, signal })]);
    unsubscribe();
  }

  async #reconcile(): Promise<void> {
    const { cache, client, clock, notAfterMs } = this.#deps;
    const current = cache.resource(CONFIG_MAPS).get(KEY)?.object as ConfigMap | undefined;
    const data = authenticationData(current?.data ?? {}, this.#trust, { nowMs: clock.now(), notAfterMs });
    if (current === undefined) await client.create(configMaps, { metadata: { namespace, name }, data }, { namespace });
    else if (!deepEqual(current.data, data)) await client.update(configMaps, { ...current, data }, { namespace });
  }
}
