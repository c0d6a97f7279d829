import type { ClientCertificate, UserInfo } from "../../meta/wire.ts";
import { allAuthenticated, allUnauthenticated, type Authenticator } from "./authenticator.ts";

/** PERF: one user for all requests of a connection, so that what is worked out of it can be remembered with it. */
const users = new WeakMap<ClientCertificate, UserInfo>();

/** The certificate's common name is the user, its organizations are the groups. @upstream apiserver/pkg/authentication/request/x509 */
export const clientCertificate: Authenticator = {
  authenticate({ caller }) {
    if (caller.type !== "network" || caller.certificate === undefined) return undefined;
    let user = users.get(caller.certificate);
    if (user === undefined) {
      user = userOf(caller.certificate);
      users.set(caller.certificate, user);
    }
    return user;
  },
};

function userOf({ commonName, organizations, fingerprint }: ClientCertificate): UserInfo {
  const hasStanding = organizations.includes(allAuthenticated) || organizations.includes(allUnauthenticated);
  const groups = hasStanding ? organizations : [...organizations, allAuthenticated];
  return { name: commonName, groups, extra: { "authentication.kubernetes.io/credential-id": [`X509SHA256=${fingerprint}`] } };
}
