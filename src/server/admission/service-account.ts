import type { Container, Pod, ServiceAccount, VolumeProjection } from "../../api/generated/types/core-v1.ts";
import type { Random } from "../../base/random.ts";
import { nameSuffix } from "../../base/random.ts";
import { deepFreeze, type Draft } from "../../base/values.ts";
import { forbidden } from "../../meta/status-error.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { newPod } from "./new-pod.ts";

const PREFIX = "/registry/serviceaccounts/";
const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Upstream's bound tokens last this long for clients that read the file only once. @upstream serviceaccount.WarnOnlyBoundTokenExpirationPeriod */
const TOKEN_SECONDS = 3607;

/** PERF: the same for all pods, and so frozen like all that is shared. */
const tokenSources: readonly VolumeProjection[] = deepFreeze([
  { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: "token" } },
  { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
  { downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] } },
]);

/** Gives every pod its account, the account's pull secrets and a mounted token. @upstream plugin/pkg/admission/serviceaccount */
export function serviceAccountAdmission(deps: { readonly cache: StateCache; readonly random: Random }): AdmissionPlugin {
  const accounts = deps.cache.resource(PREFIX);
  const accountAt = (key: string): ServiceAccount | undefined => accounts.get(key)?.object as ServiceAccount | undefined;
  return {
    name: "ServiceAccount",
    mutate(request) {
      const pod = newPod(request);
      if (pod === undefined) return undefined;
      const refuse = (why: string): Error => forbidden({ ...request.served.resource, name: request.name }, why);
      if (pod.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) {
        if ((pod.spec.serviceAccountName ?? "") !== "") throw refuse("a mirror pod may not reference service accounts");
        return undefined;
      }
      if ((pod.spec.serviceAccountName ?? "") === "") pod.spec.serviceAccountName = "default";
      pod.spec.serviceAccount = pod.spec.serviceAccountName;
      const accountName = pod.spec.serviceAccountName;
      const give = (account: ServiceAccount | undefined): void => {
        if (account === undefined) throw refuse(`error looking up service account ${request.namespace}/${accountName}: serviceaccount "${accountName}" not found`);
        giveAccount(pod, account, deps.random);
      };
      const key = `${PREFIX}${request.namespace}/${accountName}`;
      const known = accountAt(key);
      if (known === undefined) return deps.cache.fresh().then(() => give(accountAt(key)));
      give(known);
      return undefined;
    },
  };
}

function giveAccount(pod: Draft<Pod>, account: ServiceAccount, random: Random): void {
  if ((pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken) !== false) mountToken(pod, random);
  const { imagePullSecrets = [] } = account;
  if (imagePullSecrets.length > 0 && (pod.spec.imagePullSecrets ?? []).length === 0) pod.spec.imagePullSecrets = imagePullSecrets.map((secret) => ({ ...secret }));
}

const hasToken = ({ volumeMounts }: Draft<Container>): boolean => volumeMounts?.some(({ mountPath }) => mountPath === MOUNT_PATH) === true;

function mountToken(pod: Draft<Pod>, random: Random): void {
  const { initContainers, containers } = pod.spec as Partial<typeof pod.spec>;
  if (initContainers?.every(hasToken) !== false && containers?.every(hasToken) !== false) return;
  const known = pod.spec.volumes?.find(({ name }) => name.startsWith("kube-api-access-"))?.name;
  const name = known ?? `kube-api-access-${nameSuffix(random)}`;
  for (const list of [initContainers, containers])
    for (const container of list ?? []) if (!hasToken(container)) container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: MOUNT_PATH }];
  if (known !== undefined) return;
  pod.spec.volumes = [
    ...(pod.spec.volumes ?? []),
    {
      name,
      projected: {
        defaultMode: 420,
        sources: tokenSources as Draft<typeof tokenSources>,
      },
    },
  ];
}
