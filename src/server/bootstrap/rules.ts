import type { PolicyRule } from "../../api/generated/types/rbac-v1.ts";

const words = (text: string): readonly string[] => text.split(" ");

/** `rule("get list", "apps", "deployments replicasets")`; the core group is written "". */
export const rule = (verbs: string, groups: string | readonly string[], resources: string, names?: string): PolicyRule => ({
  verbs: words(verbs),
  apiGroups: typeof groups === "string" ? [groups] : groups,
  resources: words(resources),
  ...(names === undefined ? {} : { resourceNames: words(names) }),
});
export const paths = (verbs: string, urls: string): PolicyRule => ({ verbs: words(verbs), nonResourceURLs: words(urls) });

export const READ = "get list watch";
export const WRITE = "create delete deletecollection patch update";
export const ALL_VERBS = "create delete deletecollection get list patch update watch";
export const EVENTS = rule("create patch update", ["", "events.k8s.io"], "events");
