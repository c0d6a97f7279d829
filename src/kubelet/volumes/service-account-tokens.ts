import type { TokenRequest } from "../../api/generated/types/authentication-v1.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { serviceAccounts } from "../../api/generated/resources.ts";
import type { Clock } from "../../base/clock.ts";
import type { Client } from "../../client/client.ts";

interface Known {
  readonly token: string;
  readonly expiresMs: number;
  readonly refreshMs: number;
}

const longestUseMs = 24 * 3_600_000;

/** Tokens bound to pods; a new one is asked for after 80 % of the lifetime, at the latest after a day. @upstream pkg/kubelet/token/token_manager.go */
export class ServiceAccountTokens {
  readonly #client: Pick<Client, "createSubresource">;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(deps: { readonly client: Pick<Client, "createSubresource">; readonly clock: Clock }) {
    this.#client = deps.client;
    this.#clock = deps.clock;
  }

  async get(pod: Pod, request: { readonly audience: string | undefined; readonly expirationSeconds: number }): Promise<{ readonly token: string; readonly refreshMs: number }> {
    const key = `${pod.metadata.uid}|${pod.spec.serviceAccountName}|${request.audience ?? ""}|${request.expirationSeconds}`;
    const known = this.#known.get(key);
    if (known !== undefined && this.#clock.now() < known.refreshMs) return known;
    try {
      const fresh = await this.#request(pod, request);
      this.#known.set(key, fresh);
      return fresh;
    } catch (error) {
      // An old token is better than none while it lasts; the next try comes with the next sync.
      if (known !== undefined && this.#clock.now() < known.expiresMs) return { token: known.token, refreshMs: this.#clock.now() + 60_000 };
      throw error;
    }
  }

  forget(uid: string): void {
    for (const key of this.#known.keys()) if (key.startsWith(`${uid}|`)) this.#known.delete(key);
  }

  async #request(pod: Pod, { audience, expirationSeconds }: { readonly audience: string | undefined; readonly expirationSeconds: number }): Promise<Known> {
    const { name = "", namespace = "", uid = "" } = pod.metadata;
    const body = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      metadata: {},
      spec: {
        audiences: audience === undefined || audience === "" ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
      },
    };
    const account = pod.spec.serviceAccountName ?? "default";
    const askedMs = this.#clock.now();
    const answer = await this.#client.createSubresource<TokenRequest>(serviceAccounts, account, "token", body, { namespace });
    const { token = "", expirationTimestamp } = answer.status ?? {};
    const expiresMs = expirationTimestamp === undefined ? askedMs + expirationSeconds * 1000 : Date.parse(expirationTimestamp);
    const lifetimeMs = expiresMs - askedMs;
    return { token, expiresMs, refreshMs: askedMs + Math.min(lifetimeMs * 0.8, longestUseMs) };
  }
}
