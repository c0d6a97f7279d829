import type { ApiResponse } from "../../meta/wire.ts";
import type { Signer } from "../../platform/signer.ts";
import type { PathHandler } from "../server.ts";

const encoder = new TextEncoder();
const JWKS_PATH = "/openid/v1/jwks";

/** How others check service-account tokens: OpenID's documents of the issuer and its keys. @upstream pkg/serviceaccount/openidmetadata.go */
export function issuerDiscovery(options: { readonly issuer: string }, deps: { readonly signer: Pick<Signer, "algorithm" | "jwk"> }): PathHandler {
  const configuration = {
    issuer: options.issuer,
    jwks_uri: `${options.issuer}${JWKS_PATH}`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [deps.signer.algorithm],
  };
  const documents: { readonly [path: string]: ApiResponse | undefined } = {
    "/.well-known/openid-configuration": document(configuration, "application/json"),
    [JWKS_PATH]: document({ keys: [deps.signer.jwk] }, "application/jwk-set+json"),
  };
  return ({ method }, { path }) => {
    if (method !== "GET" && method !== "HEAD") return undefined;
    return documents[path.endsWith("/") ? path.slice(0, -1) : path];
  };
}

function document(value: unknown, contentType: string): ApiResponse {
  return { status: 200, headers: { "cache-control": "public, max-age=3600" }, body: { type: "bytes", contentType, chunks: [encoder.encode(JSON.stringify(value))] } };
}
