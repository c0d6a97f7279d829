import type { Namespace } from "../../api/generated/types/core-v1.ts";
import { forbidden, failure, notFound } from "../../meta/status-error.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin } from "./admission.ts";

const PREFIX = "/registry/namespaces/";
const immortal = new Set(["default", "kube-system", "kube-public"]);

/** Nothing is created where no namespace is or where one ends; the namespaces that everything needs stay. @upstream plugin/namespace/lifecycle */
export function namespaceLifecycle(cache: StateCache): AdmissionPlugin {
  const namespaces = cache.resource(PREFIX);
  return {
    name: "NamespaceLifecycle",
    mutate({ operation, served, namespace, name, subresource }) {
      const { resource } = served;
      if (operation === "DELETE" && resource.group === "" && resource.resource === "namespaces" && immortal.has(name)) {
        throw forbidden({ ...resource, name }, "this namespace may not be deleted");
      }
      if (!resource.namespaced || operation !== "CREATE" || subresource !== "") return undefined;
      // A review asks about a namespace, it does not need one.
      if (resource.group === "authorization.k8s.io") return undefined;
      const known = namespaces.get(PREFIX + namespace)?.object as Namespace | undefined;
      if (known === undefined) {
        return cache.fresh().then(() => {
          const fresh = namespaces.get(PREFIX + namespace)?.object as Namespace | undefined;
          if (fresh === undefined) throw notFound({ group: "", resource: "namespaces", name: namespace });
        });
      }
      if (known.metadata.deletionTimestamp !== undefined || known.status?.phase === "Terminating") {
        const { status } = forbidden({ ...resource, name }, `unable to create new content in namespace ${namespace} because it is being terminated`);
        throw failure("Forbidden", status.message ?? "", {
          ...status.details,
          causes: [{ reason: "NamespaceTerminating", message: `namespace ${namespace} is being terminated`, field: "metadata.namespace" }],
        });
      }
      return undefined;
    },
  };
}
