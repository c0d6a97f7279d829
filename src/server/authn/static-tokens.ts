import type { UserInfo } from "../../meta/wire.ts";
import type { TokenAuthenticator } from "./bearer-tokens.ts";

/** Lines of `token,user,uid,"group1,group2"`, as upstream's --token-auth-file has them. Throws Error on a line that lacks a column. */
export function parseStaticTokens(text: string): ReadonlyMap<string, UserInfo> {
  const users = new Map<string, UserInfo>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [token = "", name = "", uid = "", groups = ""] = columnsOf(line);
    if (token === "" || name === "") throw new Error(`line ${index + 1} needs a token and a user name`);
    const list = groups
      .split(",")
      .map((group) => group.trim())
      .filter((group) => group !== "");
    users.set(token, { name, ...(uid === "" ? {} : { uid }), groups: list });
  }
  return users;
}

function columnsOf(line: string): readonly string[] {
  const columns: string[] = [];
  for (const [, quoted, plain] of line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g)) columns.push((quoted?.replaceAll('""', '"') ?? plain ?? "").trim());
  return columns;
}

/** Tokens that hold as long as the server runs. @upstream apiserver/pkg/authentication/token/tokenfile */
export function staticTokens(options: { readonly tokens: ReadonlyMap<string, UserInfo>; readonly audiences: readonly string[] }): TokenAuthenticator {
  return {
    review(token, audiences) {
      const user = options.tokens.get(token);
      if (user === undefined) return undefined;
      const common = options.audiences.filter((audience) => audiences.includes(audience));
      return common.length === 0 ? undefined : { user, audiences: common };
    },
  };
}
