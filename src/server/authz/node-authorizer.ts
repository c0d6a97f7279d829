import type { PolicyRule } from "../../api/generated/types/rbac-v1.ts";
import { FieldSelector } from "../../meta/field-selector.ts";
import type { UserInfo } from "../../meta/wire.ts";
import type { AuthorizationAttributes, Authorizer, Decision, UserRules } from "./authorizer.ts";
import type { NodeGraph } from "./node-graph.ts";
import { nodeOf } from "./node-identity.ts";
import { reference } from "./pod-references.ts";
import { ruleAllows } from "./rbac-authorizer.ts";

const ALLOW: Decision = { verdict: "allow" };
const no = (reason: string): Decision => ({ verdict: "no-opinion", reason });
const OWN_OBJECT_VERBS = new Set(["get", "create", "update", "patch", "delete"]);

type Judge = (authorizer: NodeAuthorizer, node: string, attributes: AuthorizationAttributes) => Decision;

/** Lets a kubelet reach what the pods of its node need, and its own objects. @upstream plugin/pkg/auth/authorizer/node/node_authorizer.go */
export class NodeAuthorizer implements Authorizer {
  readonly graph: NodeGraph;
  readonly rules: readonly PolicyRule[];

  /** `rules` are what any node may do with resources that are not told apart by node. */
  constructor(options: { readonly rules: readonly PolicyRule[] }, deps: { readonly graph: NodeGraph }) {
    this.rules = options.rules;
    this.graph = deps.graph;
  }

  authorize(attributes: AuthorizationAttributes): Decision | Promise<Decision> {
    const node = nodeOf(attributes.user);
    if (node === undefined) return { verdict: "no-opinion" };
    if (node === "") return no(`unknown node for user ${JSON.stringify(attributes.user.name)}`);
    const judge = attributes.isResource ? judges[`${attributes.group}/${attributes.resource}`] : undefined;
    if (judge === undefined) return this.byRules(attributes);
    const decision = judge(this, node, attributes);
    if (decision.verdict === "allow" || decision.reason !== unrelated(node).reason) return decision;
    // Another server may have bound the pod a moment ago.
    return this.graph.fresh().then(() => judge(this, node, attributes));
  }

  /** What a node may do depends on its pods. */
  userRules(user: UserInfo, _namespace: string): UserRules {
    return { rules: [], ...(nodeOf(user) === undefined ? {} : { incomplete: "node authorizer does not support user rule resolution" }) };
  }

  byRules(attributes: AuthorizationAttributes): Decision {
    return this.rules.some((rule) => ruleAllows(rule, attributes)) ? ALLOW : { verdict: "no-opinion" };
  }
}

function unrelated(node: string): Decision {
  return no(`no relationship found between node '${node}' and this object`);
}

function related(node: string, name: string, isRelated: () => boolean): Decision {
  if (name === "") return no("No Object name found");
  return isRelated() ? ALLOW : unrelated(node);
}

/** Secrets and configuration, one at a time: a list or watch names one by its field selector. */
function reading(kind: "secrets" | "configmaps"): Judge {
  return ({ graph }, node, { verb, subresource, namespace, name }) => {
    if (verb !== "get" && verb !== "list" && verb !== "watch") return no("can only read resources of this type");
    if (subresource !== "") return no("cannot read subresource");
    if (namespace === "") return no("can only read namespaced object of this type");
    return related(node, name, () => graph.refersTo(node, reference(kind, namespace, name)));
  };
}

function getting(isRelated: (graph: NodeGraph, node: string, attributes: AuthorizationAttributes) => boolean): Judge {
  return ({ graph }, node, attributes) => {
    if (attributes.verb !== "get") return no("can only get individual resources of this type");
    if (attributes.subresource !== "") return no("cannot get subresource");
    return related(node, attributes.name, () => isRelated(graph, node, attributes));
  };
}

function own(what: string, check: (node: string, attributes: AuthorizationAttributes) => Decision | undefined): Judge {
  return (_, node, attributes) => {
    if (!OWN_OBJECT_VERBS.has(attributes.verb)) return no(`can only get, create, update, patch, or delete a ${what === "CSINode" ? what : "node lease"}`);
    const wrong = check(node, attributes);
    if (wrong !== undefined) return wrong;
    // The name of a new object is not in its path: admission looks at it.
    if (attributes.verb !== "create" && attributes.name !== node) return no(`can only access ${what} with the same name as the requesting node`);
    return ALLOW;
  };
}

const judges: { readonly [groupResource: string]: Judge | undefined } = {
  "/secrets": reading("secrets"),
  "/configmaps": reading("configmaps"),
  "/persistentvolumeclaims"(authorizer, node, attributes) {
    const isRelated = (graph: NodeGraph): boolean => graph.refersTo(node, reference("persistentvolumeclaims", attributes.namespace, attributes.name));
    if (attributes.subresource !== "status") return getting(isRelated)(authorizer, node, attributes);
    if (attributes.verb !== "get" && attributes.verb !== "update" && attributes.verb !== "patch") return no("can only get/update/patch this type");
    return related(node, attributes.name, () => isRelated(authorizer.graph));
  },
  "/persistentvolumes": getting((graph, node, { name }) => graph.hasVolume(node, name)),
  "storage.k8s.io/volumeattachments": getting((graph, node, { name }) => graph.hasAttachment(node, name)),
  "resource.k8s.io/resourceclaims": getting((graph, node, { namespace, name }) => graph.refersTo(node, reference("resourceclaims", namespace, name))),
  "/serviceaccounts"({ graph }, node, { verb, subresource, namespace, name }) {
    const isRelated = (): boolean => graph.refersTo(node, reference("serviceaccounts", namespace, name));
    if (verb === "get" && subresource === "") return related(node, name, isRelated);
    if (verb !== "create" || name === "") return no("can only create tokens for individual service accounts");
    if (subresource !== "token") return no("can only create token subresource of serviceaccount");
    return related(node, name, isRelated);
  },
  "coordination.k8s.io/leases": own("node lease", (_, { namespace }) =>
    namespace === "kube-node-lease" ? undefined : no('can only access leases in the "kube-node-lease" system namespace'),
  ),
  "storage.k8s.io/csinodes": own("CSINode", (_, { subresource }) => (subresource === "" ? undefined : no("cannot authorize CSINode subresources"))),
  "resource.k8s.io/resourceslices"({ graph }, node, attributes) {
    const { verb, subresource, name } = attributes;
    if (subresource !== "") return no("cannot authorize ResourceSlice subresources");
    if (verb === "create") return ALLOW;
    if (verb === "get" || verb === "update" || verb === "patch" || verb === "delete") return related(node, name, () => graph.hasSlice(node, name));
    return selects(attributes, "spec.nodeName", node) ? ALLOW : no("can only list/watch/deletecollection resourceslices with nodeName field selector");
  },
  "certificates.k8s.io/podcertificaterequests"(authorizer, node, attributes) {
    const { verb, subresource, namespace, name } = attributes;
    if (verb === "get" && subresource === "") return related(node, name, () => authorizer.graph.hasCertificateRequest(node, namespace, name));
    if ((verb === "list" || verb === "watch") && !selects(attributes, "spec.nodeName", node)) return no("can only list/watch podcertificaterequests with nodeName field selector");
    return authorizer.byRules(attributes);
  },
  "/nodes"(authorizer, node, attributes) {
    const { verb, subresource, name } = attributes;
    if (subresource !== "" || !["get", "list", "watch"].includes(verb)) return authorizer.byRules(attributes);
    if (name === node) return ALLOW;
    return no(name === "" ? `node '${node}' cannot read all nodes, only its own Node object` : `node '${node}' cannot read '${name}', only its own Node object`);
  },
  "/pods"(authorizer, node, attributes) {
    const { verb, subresource, namespace, name } = attributes;
    if (subresource !== "" || verb === "create" || verb === "delete") return authorizer.byRules(attributes);
    if (verb === "get") return related(node, name, () => authorizer.graph.hasPod(node, namespace, name));
    if (verb === "list" || verb === "watch") return selects(attributes, "spec.nodeName", node) ? ALLOW : no("can only list/watch pods with spec.nodeName field selector");
    return no("can only get, list, watch, create, and delete individual pods");
  },
};

function selects({ fieldSelector }: AuthorizationAttributes, field: string, value: string): boolean {
  try {
    return fieldSelector !== undefined && FieldSelector.parse(fieldSelector).exactValue(field) === value;
  } catch {
    return false;
  }
}
