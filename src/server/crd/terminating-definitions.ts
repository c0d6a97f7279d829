import type { CustomResourceDefinition } from "../../api/generated/types/apiextensions-v1.ts";
import { methodNotAllowed, StatusError } from "../../meta/status-error.ts";
import type { AdmissionPlugin } from "../admission/admission.ts";
import type { StateCache } from "../cache/state-cache.ts";
import { isTrue } from "./definition-status.ts";

export const DEFINITIONS = "/registry/apiextensions.k8s.io/customresourcedefinitions/";

/** Nothing is made of a definition that is going. @upstream apiextensions-apiserver/pkg/apiserver/customresource_handler.go */
export function terminatingDefinitions(cache: StateCache): AdmissionPlugin {
  const definitions = cache.resource(DEFINITIONS);
  return {
    name: "TerminatingDefinitions",
    validate({ operation, served, subresource, name }) {
      if (served.prune === undefined || operation !== "CREATE" || subresource !== "") return;
      const { group, resource } = served.resource;
      const definition = definitions.get(`${DEFINITIONS}${resource}.${group}`)?.object as CustomResourceDefinition | undefined;
      if (definition === undefined || !isTrue(definition, "Terminating")) return;
      const { status } = methodNotAllowed({ ...served.resource, name }, "create");
      throw new StatusError({ ...status, message: "create not allowed while custom resource definition is terminating" });
    },
  };
}
