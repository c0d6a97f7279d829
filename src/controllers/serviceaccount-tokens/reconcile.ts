import { secrets, serviceAccounts } from "../../api/generated/resources.ts";
import type { Secret, ServiceAccount } from "../../api/generated/types/core-v1.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { accountOf, filled, isFor, tokenType } from "./plan.ts";

export interface ServiceAccountTokenOptions {
  /** PEM bundle that signed the API server's certificate. */
  readonly rootCa: string;
  /** A JSON Web Token of these claims. */
  sign(claims: object): string;
}

/** A secret that is gone, and may stand in its account's list. */
const GONE = "gone ";

/** Fills secrets of service accounts and takes them away with their account. @upstream pkg/controller/serviceaccount/tokens_controller.go */
export function serviceAccountTokenController(deps: ControllerDeps, options: ServiceAccountTokenOptions): Controller {
  const accountInformer = deps.informers.informer(serviceAccounts);
  const secretInformer = deps.informers.informer(secrets, { fieldSelector: `type=${tokenType}` });

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    if (key.startsWith(GONE)) {
      const [namespace = "", name = "", secret = ""] = key.slice(GONE.length).split("/");
      await forget({ namespace, name, secret }, signal);
      return;
    }
    const secret = secretInformer.lister.get(key);
    const wanted = secret === undefined ? undefined : accountOf(secret);
    if (secret === undefined || wanted === undefined || secret.metadata.deletionTimestamp !== undefined) return;
    const namespace = secret.metadata.namespace ?? "";
    const account = await accountFor(secret, `${namespace}/${wanted.name}`, signal);
    try {
      if (account === undefined) {
        const { name = "", uid = "" } = secret.metadata;
        await deps.client.delete(secrets, name, { namespace, preconditions: { uid }, signal });
        return;
      }
      const next = filled(secret, account, options);
      if (next !== undefined) await deps.client.update(secrets, next, { namespace, signal });
    } catch (error) {
      if (!hasReason(error, "NotFound")) throw error;
    }
  }

  /** The copy may lag behind: an account is only gone when the server says so. */
  async function accountFor(secret: Secret, key: string, signal: AbortSignal): Promise<ServiceAccount | undefined> {
    const known = accountInformer.lister.get(key);
    if (known !== undefined && isFor(secret, known)) return known;
    const [namespace = "", name = ""] = key.split("/");
    try {
      const live = await deps.client.get(serviceAccounts, name, { namespace, signal });
      return isFor(secret, live) ? live : undefined;
    } catch (error) {
      if (hasReason(error, "NotFound")) return undefined;
      throw error;
    }
  }

  /** Takes a deleted secret out of its account's list. */
  async function forget({ namespace, name, secret }: { readonly namespace: string; readonly name: string; readonly secret: string }, signal: AbortSignal): Promise<void> {
    const account = accountInformer.lister.get(`${namespace}/${name}`);
    if (account?.secrets?.some((reference) => reference.name === secret) !== true || secretInformer.lister.get(`${namespace}/${secret}`) !== undefined) return;
    const left = account.secrets.filter((reference) => reference.name !== secret);
    await deps.client.update(serviceAccounts, { ...account, secrets: left }, { namespace, signal }).catch((error: unknown) => {
      if (!hasReason(error, "NotFound")) throw error;
    });
  }

  function setup(queue: Enqueue): void {
    const look = ({ metadata: { namespace, name } }: Secret): void => queue.add(`${namespace ?? ""}/${name ?? ""}`);
    secretInformer.subscribe({
      added: look,
      updated: (_previous, secret) => look(secret),
      deleted(secret) {
        const account = accountOf(secret);
        if (account !== undefined) queue.add(`${GONE}${secret.metadata.namespace ?? ""}/${account.name}/${secret.metadata.name ?? ""}`);
      },
    });
    const lookAtAll = ({ metadata: { namespace = "", name } }: ServiceAccount): void => {
      for (const secret of secretInformer.lister.inNamespace(namespace)) if (accountOf(secret)?.name === name) look(secret);
    };
    accountInformer.subscribe({ added: lookAtAll, deleted: lookAtAll });
  }

  return { name: "serviceaccount-token", setup, reconcile };
}
