/** A parameter in a path or a query, for both versions of OpenAPI. */
export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly type: "string" | "boolean" | "integer";
}

const text = (name: string): Parameter => ({ name, in: "query", type: "string" });
const flag = (name: string): Parameter => ({ name, in: "query", type: "boolean" });
const count = (name: string): Parameter => ({ name, in: "query", type: "integer" });
const place = (name: string): Parameter => ({ name, in: "path", type: "string" });

export const nameParameter = place("name");
export const namespaceParameter = place("namespace");
export const restParameter = place("path");
export const prettyParameter = text("pretty");

const dryRun = text("dryRun");
const fieldManager = text("fieldManager");
const fieldValidation = text("fieldValidation");
const deletion = [count("gracePeriodSeconds"), flag("ignoreStoreReadErrorWithClusterBreakingPotential"), flag("orphanDependents"), text("propagationPolicy")];
const selection = [
  text("continue"),
  text("fieldSelector"),
  text("labelSelector"),
  count("limit"),
  text("resourceVersion"),
  text("resourceVersionMatch"),
  flag("sendInitialEvents"),
  count("timeoutSeconds"),
];

/** What each action takes in its query. @upstream apiserver/pkg/endpoints/installer.go */
export const actionParameters: { readonly [action in "get" | "list" | "post" | "put" | "patch" | "delete" | "deletecollection"]: readonly Parameter[] } = {
  get: [],
  list: sorted([flag("allowWatchBookmarks"), ...selection, flag("watch")]),
  post: [dryRun, fieldManager, fieldValidation],
  put: [dryRun, fieldManager, fieldValidation],
  patch: [dryRun, fieldManager, fieldValidation, flag("force")],
  delete: [dryRun, ...deletion],
  deletecollection: sorted([dryRun, ...deletion, ...selection]),
};

const streams = [text("container"), flag("stderr"), flag("stdin"), flag("stdout"), flag("tty")];

/** What connections to a pod take, and its log. @upstream staging/src/k8s.io/api/core/v1/types.go: PodLogOptions … */
export const connectParameters: { readonly [subresource: string]: readonly Parameter[] | undefined } = {
  attach: streams,
  exec: [text("command"), ...streams],
  portforward: [count("ports")],
  proxy: [text("path")],
  log: [
    text("container"),
    flag("follow"),
    flag("insecureSkipTLSVerifyBackend"),
    count("limitBytes"),
    flag("previous"),
    count("sinceSeconds"),
    text("stream"),
    count("tailLines"),
    flag("timestamps"),
  ],
};

function sorted(parameters: readonly Parameter[]): readonly Parameter[] {
  return [...parameters].sort((a, b) => (a.name < b.name ? -1 : 1));
}
