import { FieldPath } from "../../../meta/field-path.ts";
import { fieldErrorBody, forbidden } from "../../../meta/status-error.ts";
import type { UserInfo } from "../../../meta/wire.ts";
import type { AuthorizationAttributes, Authorizer } from "../../authz/authorizer.ts";
import { forbiddenMessage } from "../../authz/forbidden-message.ts";
import { allAuthenticated, allUnauthenticated, anonymousUser } from "../authenticator.ts";
import { domainPrefixedPathErrors } from "../domain-prefixed-path.ts";
import type { Impersonation } from "./impersonation-headers.ts";
import { accountIn, nodeIn } from "./impersonated-names.ts";

export interface TakeOnOptions {
  readonly caller: UserInfo;
  readonly verb: string;
  /** Constrained impersonation: its own API group, nodes by their name, and nothing that would be more than a user. */
  readonly isConstrained: boolean;
  /** What the right must be for, in the place of the node's own name. */
  readonly nodeName?: string;
}

const AUTHENTICATION = "authentication.k8s.io";
const MASTERS = "system:masters";
/** From so many on, the right to all is asked for before the right to each. */
const MANY = 4;

/** Throws StatusError 403 with what is lacking, or 500's text in it when the authorizer failed. */
export async function mustBeAllowed(authorizer: Authorizer, attributes: AuthorizationAttributes): Promise<void> {
  const { verdict, reason = "", error = "" } = await authorizer.authorize(attributes);
  if (verdict === "allow") return;
  throw refusal(attributes, [error, reason].filter((text) => text !== "").join(": "));
}

const refusal = (attributes: AuthorizationAttributes, why: string): Error => forbidden(attributes, forbiddenMessage(attributes, why));

/** The user whom the caller may be. Throws StatusError 403 for the first part that it may not take on. @upstream apiserver/pkg/endpoints/filters/impersonation/mode.go impersonationModeState */
export async function mayTakeOn(wanted: Impersonation, options: TakeOnOptions, authorizer: Authorizer): Promise<UserInfo> {
  const { user, uid, extra } = wanted;
  const ask = asking(options, authorizer);
  const groups = await takeUser(wanted, options, ask);
  if (uid !== "") await ask({ group: AUTHENTICATION, resource: "uids", name: uid });
  await takeGroups(wanted.groups, options, ask);
  await takeExtra(extra, options, ask);
  return {
    name: user,
    ...(uid === "" ? {} : { uid }),
    groups: withStanding(user, groups),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

type Ask = (about: Partial<AuthorizationAttributes>) => Promise<void>;

const question = ({ caller, verb, isConstrained }: TakeOnOptions): AuthorizationAttributes => ({
  user: caller,
  verb,
  group: isConstrained ? AUTHENTICATION : "",
  version: "v1",
  resource: "",
  subresource: "",
  namespace: "",
  name: "",
  path: "",
  isResource: true,
});
const asking =
  (options: TakeOnOptions, authorizer: Authorizer): Ask =>
  (about) =>
    mustBeAllowed(authorizer, { ...question(options), ...about });

/** The groups that the user has: those asked for, or those that follow from the name. */
async function takeUser({ user, groups }: Impersonation, { isConstrained, nodeName }: TakeOnOptions, ask: Ask): Promise<readonly string[]> {
  const node = isConstrained ? nodeIn(user) : undefined;
  if (node !== undefined) {
    await ask({ resource: "nodes", name: nodeName ?? node });
    return ["system:nodes"];
  }
  const account = accountIn(user);
  if (account === undefined) {
    await ask({ resource: "users", name: user });
    return groups;
  }
  await ask({ resource: "serviceaccounts", ...account });
  return groups.length > 0 ? groups : ["system:serviceaccounts", `system:serviceaccounts:${account.namespace}`];
}

async function takeGroups(groups: readonly string[], options: TakeOnOptions, ask: Ask): Promise<void> {
  if (groups.length === 0) return;
  const about = { ...question(options), resource: "groups" };
  if (options.isConstrained) {
    if (groups.includes("")) throw refusal(about, "impersonating the empty string group is not allowed");
    if (groups.includes(MASTERS)) throw refusal({ ...about, name: MASTERS }, "impersonating the system:masters group is not allowed");
    if (groups.length >= MANY && (await isAllowed(() => ask({ resource: "groups", name: "*" })))) return;
  }
  for (const name of groups) await ask({ resource: "groups", name });
}

async function takeExtra(extra: Impersonation["extra"], options: TakeOnOptions, ask: Ask): Promise<void> {
  const entries = Object.entries(extra);
  if (entries.length === 0) return;
  const about = { group: AUTHENTICATION, resource: "userextras" };
  if (options.isConstrained) {
    const problem = extraProblem(entries);
    if (problem !== undefined) throw refusal({ ...question(options), ...about }, problem);
    const count = entries.reduce((sum, [, values]) => sum + values.length, 0);
    if (Math.max(entries.length, count) >= MANY && (await isAllowed(() => ask({ ...about, subresource: "*", name: "*" })))) return;
  }
  for (const [subresource, values] of entries) for (const name of values) await ask({ ...about, subresource, name });
}

function isAllowed(ask: () => Promise<void>): Promise<boolean> {
  return ask().then(
    () => true,
    () => false,
  );
}

function extraProblem(entries: readonly (readonly [string, readonly string[]])[]): string | undefined {
  for (const [key, values] of entries) {
    if (key === "") return "impersonating the empty string key in extra is not allowed";
    const [fault] = domainPrefixedPathErrors(key, new FieldPath("extra").child("key"));
    if (fault !== undefined) return `impersonating an invalid key in extra is not allowed: ${fault.field}: ${fieldErrorBody(fault)}`;
    if (key !== key.toLowerCase()) return `impersonating a non-lowercase key in extra is not allowed: ${JSON.stringify(key)}`;
    if (values.length === 0) return "impersonating empty values in extra is not allowed";
    if (values.includes("")) return "impersonating the empty string value in extra is not allowed";
  }
  return undefined;
}

/** Whoever is impersonated counts as authenticated, but for the anonymous user and those who are said not to be. */
function withStanding(name: string, groups: readonly string[]): readonly string[] {
  if (name === anonymousUser.name) return groups.includes(allUnauthenticated) ? groups : [...groups, allUnauthenticated];
  return groups.includes(allAuthenticated) || groups.includes(allUnauthenticated) ? groups : [...groups, allAuthenticated];
}
