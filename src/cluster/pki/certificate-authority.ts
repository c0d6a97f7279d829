import type { CertificateAuthority } from "../../controllers/csr/authority.ts";
import type { KeyPair } from "./certificates.ts";

/** Signs certificate requests with the cluster's authority. PERF: the certificate library is loaded with the first request. */
export function certificateAuthority(ca: KeyPair): CertificateAuthority {
  const loaded = (): Promise<typeof import("./certificate-requests.ts")> => import("./certificate-requests.ts");
  return {
    describe: async (request) => (await loaded()).describeRequest(request),
    sign: async (request, options) => (await loaded()).signRequest(ca, request, options),
  };
}
