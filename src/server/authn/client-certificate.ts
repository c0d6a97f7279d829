import type { Authenticator } from "./authenticator.ts";

/** The certificate's common name is the user, its organizations are the groups. @upstream apiserver/pkg/authentication/request/x509 */
export const clientCertificate: Authenticator = {
  authenticate({ caller }) {
    if (caller.type !== "network" || caller.certificate === undefined) return undefined;
    const { commonName, organizations, fingerprint } = caller.certificate;
    return { name: commonName, groups: organizations, extra: { "authentication.kubernetes.io/credential-id": [`X509SHA256=${fingerprint}`] } };
  },
};
