import type { ApiRequest, UserInfo } from "../../meta/wire.ts";

/**
 * Tells who a request comes from. Undefined: this way of proving identity was not used. Throws StatusError 401 when it
 * was used and does not hold.
 */
export interface Authenticator {
  authenticate(request: ApiRequest): UserInfo | undefined | Promise<UserInfo | undefined>;
}

export const allUnauthenticated = "system:unauthenticated";
export const anonymousUser: UserInfo = { name: "system:anonymous", groups: [allUnauthenticated] };
export const allAuthenticated = "system:authenticated";
