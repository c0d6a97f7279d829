import type { KubeObject } from "../../../meta/object.ts";
import { parseApiVersion } from "../../../meta/resource.ts";
import type { ServedResource } from "../../resources/served-resource.ts";
import type { AdmissionRequest } from "../admission.ts";

/** The request as reviews and expressions have it, without its objects. @upstream apiserver/pkg/admission/plugin/webhook/request/admissionreview.go */
export function requestValue(request: AdmissionRequest, matched: ServedResource, uid: string): { readonly [field: string]: unknown } {
  const { operation, subresource, namespace, name, user, dryRun, options, served } = request;
  const kindOf = (of: ServedResource): { readonly group: string; readonly version: string; readonly kind: string } => {
    const own = of.subresources.get(subresource);
    return subresource === "" || own === undefined ? of.resource : own;
  };
  const plainKind = (of: ServedResource): object => {
    const { group, version, kind } = kindOf(of);
    return { group, version, kind };
  };
  const plainResource = ({ resource: { group, version, resource } }: ServedResource): object => ({ group, version, resource });
  const optional = subresource === "" ? {} : { subResource: subresource, requestSubResource: subresource };
  return {
    uid,
    kind: plainKind(matched),
    resource: plainResource(matched),
    requestKind: plainKind(served),
    requestResource: plainResource(served),
    ...optional,
    ...(name === "" ? {} : { name }),
    ...(namespace === "" ? {} : { namespace }),
    operation,
    userInfo: {
      username: user.name,
      ...(user.uid === undefined || user.uid === "" ? {} : { uid: user.uid }),
      groups: user.groups,
      ...(user.extra === undefined ? {} : { extra: user.extra }),
    },
    dryRun,
    options: options ?? { kind: `${operation === "CONNECT" ? "Connect" : operation[0] + operation.slice(1).toLowerCase()}Options`, apiVersion: "meta.k8s.io/v1" },
  };
}

/** An object as JSON says it: with its kind, whatever the caller left out. */
export function withKind(object: KubeObject | undefined, served: ServedResource): KubeObject | undefined {
  if (object === undefined || (object.kind as string | undefined) !== undefined) return object;
  const { group, version } = parseApiVersion(served.apiVersion);
  return { ...(object as KubeObject), apiVersion: group === "" ? version : `${group}/${version}`, kind: served.resource.kind };
}
