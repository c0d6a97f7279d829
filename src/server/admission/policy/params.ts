import type { ParamKind, ParamRef } from "../../../api/generated/types/admissionregistration-v1.ts";
import { LabelSelector } from "../../../meta/label-selector.ts";
import type { KubeObject } from "../../../meta/object.ts";
import { keyFor, prepared, viewOf } from "../../resources/served-resource.ts";
import type { AdmissionRequest } from "../admission.ts";
import type { MatchDeps } from "./match-rules.ts";

/** The objects that a binding's parameters are; a text says why there are none. @upstream apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go CollectParams */
export async function paramsOf(
  kind: ParamKind | undefined,
  reference: ParamRef | undefined,
  request: AdmissionRequest,
  { table }: MatchDeps,
): Promise<readonly (KubeObject | undefined)[] | string> {
  if (kind === undefined || reference === undefined) return [undefined];
  const served = table.byKind(kind.apiVersion ?? "", kind.kind ?? "");
  if (served?.storage === undefined) return `failed to find resource referenced by paramKind: '${kind.apiVersion ?? ""}, Kind=${kind.kind ?? ""}'`;
  const { storage } = served;
  let namespace = "";
  if (served.resource.namespaced) {
    namespace = (reference.namespace ?? "") === "" ? request.namespace : (reference.namespace ?? "");
    if (namespace === "") return "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources";
  } else if ((reference.namespace ?? "") !== "") return "paramRef.namespace must not be provided for a cluster-scoped `paramKind`";
  let found: KubeObject[] = [];
  if (reference.selector !== undefined) {
    const selector = LabelSelector.of(reference.selector);
    const prefix = namespace === "" ? storage.prefix : `${storage.prefix}${namespace}/`;
    const entries = [...storage.cache.range(prefix)].map(([, entry]) => entry);
    await prepared(served, entries);
    found = entries.map((entry) => viewOf(served, entry)).filter(({ metadata }) => selector.matches(metadata.labels ?? {}));
  } else {
    const entry = storage.cache.get(keyFor(storage, namespace, reference.name ?? ""));
    if (entry !== undefined) {
      await prepared(served, [entry]);
      found = [viewOf(served, entry)];
    }
  }
  if (found.length > 0) return found;
  return reference.parameterNotFoundAction === "Deny" ? "no params found for policy binding with `Deny` parameterNotFoundAction" : [];
}
