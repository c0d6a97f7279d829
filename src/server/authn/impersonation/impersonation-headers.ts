import { badRequest } from "../../../meta/status-error.ts";
import type { ApiRequest } from "../../../meta/wire.ts";
import { decodeKey, valuesOf } from "../request-header.ts";

/** Who a caller wants to be: from its `Impersonate-…` headers, as they came. */
export interface Impersonation {
  readonly user: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: { readonly [key: string]: readonly string[] };
}

const EXTRA = "impersonate-extra-";

/** Undefined when nobody is impersonated. Throws StatusError 400 when groups, a uid or extras are asked for without a user. */
export function impersonationOf(request: Pick<ApiRequest, "headers" | "values">): Impersonation | undefined {
  const { headers } = request;
  let extra: Record<string, readonly string[]> | undefined;
  let asked = false;
  // PERF: every request comes through here.
  for (const name in headers) {
    if (!name.startsWith("impersonate-")) continue;
    asked = true;
    if (!name.startsWith(EXTRA)) continue;
    extra ??= {};
    const key = decodeKey(name.slice(EXTRA.length));
    extra[key] = [...(extra[key] ?? []), ...valuesOf(request, name)];
  }
  if (!asked) return undefined;
  const user = headers["impersonate-user"] ?? "";
  const uid = headers["impersonate-uid"] ?? "";
  const groups = valuesOf(request, "impersonate-group");
  if (user === "" && uid === "" && groups.length === 0 && extra === undefined) return undefined;
  if (user === "") throw badRequest(`requested ${JSON.stringify({ uid, groups, extra })} without impersonating a user name`);
  return { user, uid, groups, extra: extra ?? {} };
}
