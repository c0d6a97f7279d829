import { pods } from "../../api/generated/resources.ts";
import type { PersistentVolumeClaim, Pod } from "../../api/generated/types/core-v1.ts";
import type { NewObject } from "../../client/client.ts";
import { controllerReference } from "../../reconcile/owned.ts";

/** The claims that a pod's ephemeral volumes stand for: `<pod>-<volume>`, owned by the pod. */
export function ephemeralClaims(pod: Pod): readonly NewObject<PersistentVolumeClaim>[] {
  const claims: NewObject<PersistentVolumeClaim>[] = [];
  for (const { name, ephemeral } of pod.spec.volumes ?? []) {
    const template = ephemeral?.volumeClaimTemplate;
    if (template === undefined) continue;
    const { labels, annotations } = template.metadata ?? {};
    claims.push({
      metadata: {
        name: `${pod.metadata.name}-${name}`,
        namespace: pod.metadata.namespace,
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
        ownerReferences: [controllerReference(pod, pods)],
      },
      spec: template.spec,
    });
  }
  return claims;
}
