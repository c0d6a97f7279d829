import type { Pod, PodSpec, PodTemplateSpec } from "../../api/generated/types/core-v1.ts";
import type { NewObject } from "../../client/client.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { Resource } from "../../meta/resource.ts";
import { controllerReference } from "../../reconcile/owned.ts";

/** A pod to be made, with its spec. */
export type NewPodObject = NewObject<Pod> & { readonly spec: PodSpec };

/** A pod as the template describes it, named `<owner>-` with a generated end. @upstream pkg/controller/controller_utils.go GetPodFromTemplate */
export function podFromTemplate(template: PodTemplateSpec, owner: KubeObject, ownerResource: Resource<KubeObject>): NewPodObject {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    metadata: {
      generateName: `${owner.metadata.name ?? ""}-`,
      namespace: owner.metadata.namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(owner, ownerResource)],
    },
    spec: template.spec ?? { containers: [] },
  };
}
