import type { UserInfo } from "../../meta/wire.ts";
import { anonymousUser } from "./authenticator.ts";

/** Whether somebody who proves nothing may come in, as nobody. */
export interface AnonymousPolicy {
  readonly enabled: boolean;
  /** Only on these paths; absent: on all. */
  readonly paths?: readonly string[] | undefined;
}

export const anonymousEverywhere: AnonymousPolicy = { enabled: true };

/** Undefined: who proves nothing is refused here. @upstream apiserver/pkg/authentication/request/anonymous/anonymous.go */
export function anonymousFor({ enabled, paths }: AnonymousPolicy, path: string): UserInfo | undefined {
  return enabled && (paths === undefined || paths.includes(path)) ? anonymousUser : undefined;
}
