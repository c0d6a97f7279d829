import { groupIdentifier, type Operation, type PathDocument, tagOf } from "./operations.ts";

const META = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const DISCOVERY_TYPES = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

function reading(path: string, id: string, tag: string, answer: string, produces: readonly string[] = DISCOVERY_TYPES): PathDocument {
  const operation: Operation = { method: "get", id, tag, parameters: [], produces, responses: { 200: answer, 401: undefined } };
  return { path, parameters: [], operations: [operation] };
}

/** The list of resources of one version. */
export function versionPath(group: string, version: string): PathDocument {
  const identifier = groupIdentifier(group) + version.charAt(0).toUpperCase() + version.slice(1);
  const path = group === "" ? `/api/${version}/` : `/apis/${group}/${version}/`;
  return reading(path, `get${identifier}APIResources`, tagOf(group, version), `${META}APIResourceList`);
}

export function groupPath(group: string): PathDocument {
  return reading(`/apis/${group}/`, `get${groupIdentifier(group)}APIGroup`, tagOf(group, ""), `${META}APIGroup`);
}

/** Documents that belong to no version, by the key under which v3 serves each. */
export const rootPaths: { readonly [key: string]: PathDocument } = {
  ".well-known/openid-configuration": reading("/.well-known/openid-configuration/", "getServiceAccountIssuerOpenIDConfiguration", "WellKnown", "string", ["application/json"]),
  api: reading("/api/", "getCoreAPIVersions", "core", `${META}APIVersions`),
  apis: reading("/apis/", "getAPIVersions", "apis", `${META}APIGroupList`),
  "openid/v1/jwks": reading("/openid/v1/jwks/", "getServiceAccountIssuerOpenIDKeyset", "openid", "string", ["application/jwk-set+json"]),
  version: reading("/version/", "getCodeVersion", "version", "io.k8s.apimachinery.pkg.version.Info", ["application/json"]),
};
