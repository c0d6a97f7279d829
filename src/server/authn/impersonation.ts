import { failure, forbidden } from "../../meta/status-error.ts";
import type { ApiRequest, UserInfo } from "../../meta/wire.ts";
import type { AuthorizationAttributes, Authorizer } from "../authz/authorizer.ts";
import { forbiddenMessage } from "../authz/forbidden-message.ts";
import { allAuthenticated, allUnauthenticated, anonymousUser } from "./authenticator.ts";

/** Who a caller wants to be: from its `Impersonate-…` headers. */
export interface Impersonation {
  readonly user: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: { readonly [key: string]: readonly string[] };
}

const EXTRA = "impersonate-extra-";
const AUTHENTICATION = "authentication.k8s.io";

/** Undefined when nobody is impersonated. Throws StatusError when groups, a uid or extras are asked for without a user. */
export function impersonationOf(headers: ApiRequest["headers"]): Impersonation | undefined {
  let extra: Record<string, readonly string[]> | undefined;
  let asked = false;
  // PERF: every request comes through here.
  for (const name in headers) {
    if (!name.startsWith("impersonate-")) continue;
    asked = true;
    if (name.startsWith(EXTRA)) (extra ??= {})[decodeKey(name.slice(EXTRA.length))] = valuesOf(headers[name]);
  }
  if (!asked) return undefined;
  const user = headers["impersonate-user"] ?? "";
  const uid = headers["impersonate-uid"] ?? "";
  const groups = valuesOf(headers["impersonate-group"]);
  if (user === "" && uid === "" && groups.length === 0 && extra === undefined) return undefined;
  if (user === "") throw failure("InternalError", `Internal error occurred: requested ${JSON.stringify({ uid, groups, extra })} without impersonating a user`);
  return { user, uid, groups, extra: extra ?? {} };
}

/** A header that was sent several times comes joined. */
function valuesOf(header: string | undefined): readonly string[] {
  return (header ?? "").split(", ").filter((value) => value !== "");
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** The user whom the caller may act as. Throws StatusError 403 for the first part that it may not take on. @upstream apiserver/pkg/endpoints/filters/impersonation.go */
export async function impersonate(caller: UserInfo, wanted: Impersonation, authorizer: Authorizer): Promise<UserInfo> {
  for (const attributes of questionsOf(caller, wanted)) {
    const { verdict, reason } = await authorizer.authorize(attributes);
    if (verdict !== "allow") throw forbidden(attributes, forbiddenMessage(attributes, reason));
  }
  const account = accountIn(wanted.user);
  const base = wanted.groups.length > 0 || account === undefined ? wanted.groups : ["system:serviceaccounts", `system:serviceaccounts:${account.namespace}`];
  return {
    name: wanted.user,
    ...(wanted.uid === "" ? {} : { uid: wanted.uid }),
    groups: withStanding(wanted.user, base),
    ...(Object.keys(wanted.extra).length === 0 ? {} : { extra: wanted.extra }),
  };
}

function* questionsOf(caller: UserInfo, { user, uid, groups, extra }: Impersonation): Generator<AuthorizationAttributes> {
  const base = { user: caller, verb: "impersonate", group: "", version: "v1", subresource: "", namespace: "", path: "", isResource: true };
  const account = accountIn(user);
  if (account === undefined) yield { ...base, resource: "users", name: user };
  else yield { ...base, resource: "serviceaccounts", namespace: account.namespace, name: account.name };
  for (const name of groups) yield { ...base, resource: "groups", name };
  for (const [key, values] of Object.entries(extra)) for (const name of values) yield { ...base, group: AUTHENTICATION, resource: "userextras", subresource: key, name };
  if (uid !== "") yield { ...base, group: AUTHENTICATION, resource: "uids", name: uid };
}

/** Whoever is impersonated counts as authenticated, but for the anonymous user and those who are said not to be. */
function withStanding(name: string, groups: readonly string[]): readonly string[] {
  if (name === anonymousUser.name) return groups.includes(allUnauthenticated) ? groups : [...groups, allUnauthenticated];
  return groups.includes(allAuthenticated) || groups.includes(allUnauthenticated) ? groups : [...groups, allAuthenticated];
}

function accountIn(user: string): { readonly namespace: string; readonly name: string } | undefined {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}
