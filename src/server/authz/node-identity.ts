import type { UserInfo } from "../../meta/wire.ts";

const PREFIX = "system:node:";

/** The node that a kubelet speaks for; empty when its user names none, undefined when it is no kubelet. @upstream pkg/auth/nodeidentifier */
export function nodeOf({ name, groups }: UserInfo): string | undefined {
  return name.startsWith(PREFIX) && groups.includes("system:nodes") ? name.slice(PREFIX.length) : undefined;
}
