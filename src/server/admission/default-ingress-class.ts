import type { Ingress } from "../../api/generated/types/networking-v1.ts";
import type { Draft } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { defaultClass } from "./default-class.ts";
import { isAbout } from "./new-pod.ts";

const CLASSES = "/registry/ingressclasses/";

/** An ingress that names no class gets the default one. @upstream plugin/pkg/admission/network/defaultingressclass */
export function defaultIngressClass(cache: StateCache): AdmissionPlugin {
  const classes = cache.resource(CLASSES);
  return {
    name: "DefaultIngressClass",
    mutate(request) {
      if (request.operation !== "CREATE" || !isAbout(request, "networking.k8s.io", "ingresses") || request.object === undefined) return;
      const ingress = request.object as Draft<KubeObject> as Draft<Ingress>;
      if (ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.["kubernetes.io/ingress.class"] !== undefined) return;
      const name = defaultClass(classes, ["ingressclass.kubernetes.io/is-default-class"]);
      if (name !== undefined) ingress.spec = { ...ingress.spec, ingressClassName: name };
    },
  };
}
