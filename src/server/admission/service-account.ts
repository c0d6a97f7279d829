import type { Pod, ServiceAccount } from "../../api/generated/types/core-v1.ts";
import type { Random } from "../../base/random.ts";
import { nameSuffix } from "../../base/random.ts";
import type { Draft } from "../../base/values.ts";
import { forbidden } from "../../meta/status-error.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin } from "./admission.ts";

const PREFIX = "/registry/serviceaccounts/";
const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Upstream's bound tokens last this long for clients that read the file only once. @upstream serviceaccount.WarnOnlyBoundTokenExpirationPeriod */
const TOKEN_SECONDS = 3607;

/** Gives every pod its account, the account's pull secrets and a mounted token. @upstream plugin/pkg/admission/serviceaccount */
export function serviceAccountAdmission(deps: { readonly cache: StateCache; readonly random: Random }): AdmissionPlugin {
  const accounts = deps.cache.resource(PREFIX);
  const accountOf = async (namespace: string, name: string): Promise<ServiceAccount | undefined> => {
    const key = `${PREFIX}${namespace}/${name}`;
    if (accounts.get(key) === undefined) await deps.cache.fresh();
    return accounts.get(key)?.object as ServiceAccount | undefined;
  };
  return {
    name: "ServiceAccount",
    async mutate({ operation, served, subresource, object, namespace, name }) {
      if (operation !== "CREATE" || served.resource.resource !== "pods" || served.resource.group !== "" || subresource !== "" || object === undefined) return;
      const pod = object as Draft<Pod>;
      const refuse = (why: string): Error => forbidden({ ...served.resource, name }, why);
      if (pod.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) {
        if ((pod.spec.serviceAccountName ?? "") !== "") throw refuse("a mirror pod may not reference service accounts");
        return;
      }
      if ((pod.spec.serviceAccountName ?? "") === "") pod.spec.serviceAccountName = "default";
      pod.spec.serviceAccount = pod.spec.serviceAccountName;
      const accountName = pod.spec.serviceAccountName ?? "default";
      const account = await accountOf(namespace, accountName);
      if (account === undefined) throw refuse(`error looking up service account ${namespace}/${accountName}: serviceaccount "${accountName}" not found`);
      if ((pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken) !== false) mountToken(pod, deps.random);
      if ((pod.spec.imagePullSecrets ?? []).length === 0 && (account.imagePullSecrets ?? []).length > 0)
        pod.spec.imagePullSecrets = account.imagePullSecrets?.map((secret) => ({ ...secret })) ?? [];
    },
  };
}

function mountToken(pod: Draft<Pod>, random: Random): void {
  const containers = [...(pod.spec.initContainers ?? []), ...((pod.spec as Partial<typeof pod.spec>).containers ?? [])];
  const without = containers.filter(({ volumeMounts }) => !(volumeMounts ?? []).some(({ mountPath }) => mountPath === MOUNT_PATH));
  if (without.length === 0) return;
  const known = (pod.spec.volumes ?? []).find(({ name }) => name.startsWith("kube-api-access-"))?.name;
  const name = known ?? `kube-api-access-${nameSuffix(random)}`;
  for (const container of without) container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: MOUNT_PATH }];
  if (known !== undefined) return;
  pod.spec.volumes = [
    ...(pod.spec.volumes ?? []),
    {
      name,
      projected: {
        defaultMode: 420,
        sources: [
          { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: "token" } },
          { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
          { downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] } },
        ],
      },
    },
  ];
}
