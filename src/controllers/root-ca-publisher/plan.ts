import type { ConfigMap, Namespace } from "../../api/generated/types/core-v1.ts";

export const rootCaName = "kube-root-ca.crt";
const descriptionAnnotation = "kubernetes.io/description";
const description =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. " +
  "No other usage is guaranteed across distributions of Kubernetes clusters.";

/** The namespace's config map with the cluster's CA; undefined when it is right already or the namespace is going away. */
export function planRootCa(namespace: Namespace | undefined, current: ConfigMap | undefined, caPem: string): ConfigMap | undefined {
  if (namespace === undefined || namespace.metadata.deletionTimestamp !== undefined || namespace.status?.phase === "Terminating") return undefined;
  const { data = {}, metadata = { name: rootCaName, namespace: namespace.metadata.name } } = current ?? {};
  const right = Object.keys(data).length === 1 && data["ca.crt"] === caPem && (metadata.annotations?.[descriptionAnnotation] ?? "") !== "";
  if (right) return undefined;
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { ...metadata, annotations: { ...metadata.annotations, [descriptionAnnotation]: description } },
    data: { "ca.crt": caPem },
  };
}
