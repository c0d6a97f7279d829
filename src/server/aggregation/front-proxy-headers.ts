import type { ApiRequest, UserInfo } from "../../meta/wire.ts";

type Headers = { readonly [name: string]: string | readonly string[] | undefined };

const encoder = new TextEncoder();
const token = /^[!#$&'*+.^_`|~0-9A-Za-z-]$/;

/** Who is asking, for servers that trust the front proxy. @upstream client-go/transport/round_trippers.go SetAuthProxyHeaders */
export function identityHeaders({ name, uid = "", groups, extra = {} }: UserInfo): Headers {
  const headers: Record<string, string | readonly string[]> = { "x-remote-user": headerValue(name) };
  if (uid !== "") headers["x-remote-uid"] = headerValue(uid);
  if (groups.length > 0) headers["x-remote-group"] = groups.map(headerValue);
  for (const [key, values] of Object.entries(extra)) if (values.length > 0) headers[`x-remote-extra-${escapeKey(key)}`] = values.map(headerValue);
  return headers;
}

/** What replaces a caller's own headers when a request is sent on: who is asking is said by nobody but us. */
export function forwardedHeaders({ headers, caller, path, query }: ApiRequest, user: UserInfo): Headers {
  const replaced: Record<string, string | readonly string[] | undefined> = {};
  for (const name of Object.keys(headers)) if (name.startsWith("x-remote-")) replaced[name] = undefined;
  Object.assign(replaced, identityHeaders(user));
  if (caller.type !== "network") return replaced;
  const before = headers["x-forwarded-for"];
  replaced["x-forwarded-for"] = before === undefined ? caller.address : `${before}, ${caller.address}`;
  replaced["x-forwarded-proto"] = "https";
  replaced["x-forwarded-uri"] = query === "" ? path : `${path}?${query}`;
  const host = headers[":authority"] ?? headers["host"];
  if (host !== undefined) replaced["x-forwarded-host"] = host;
  return replaced;
}

/** UTF-8 as header bytes, one character per byte, as Go sends it. */
function headerValue(text: string): string {
  let value = "";
  for (const byte of encoder.encode(text)) value += String.fromCharCode(byte);
  return value;
}

/** A key in a header's name: what may not stand there is percent-encoded. @upstream client-go/transport/round_trippers.go headerKeyEscape */
function escapeKey(key: string): string {
  let escaped = "";
  for (const byte of encoder.encode(key.toLowerCase())) {
    const char = String.fromCharCode(byte);
    escaped += byte < 0x80 && token.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return escaped;
}
