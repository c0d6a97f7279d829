import type { PolicyRule, RoleRef, Subject } from "../../api/generated/types/rbac-v1.ts";
import { controllerRoles } from "./controller-roles.ts";
import { ALL_VERBS, EVENTS, paths, READ, rule, WRITE } from "./rules.ts";

/** A ClusterRole that every cluster has. @upstream plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go */
export interface BootstrapRole {
  readonly name: string;
  readonly rules: readonly PolicyRule[];
  readonly labels?: Readonly<Record<string, string>>;
  /** Labels of roles whose rules are gathered into this one. */
  readonly aggregates?: Readonly<Record<string, string>>;
}
export interface BootstrapBinding {
  readonly name: string;
  readonly roleRef: RoleRef;
  readonly subjects: readonly Subject[];
}

const NODE_READ = rule(READ, "", "nodes");

const viewRules: readonly PolicyRule[] = [
  rule(
    READ,
    "",
    "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status",
  ),
  rule(READ, "", "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status"),
  rule(READ, "", "namespaces"),
  rule(READ, "discovery.k8s.io", "endpointslices"),
  rule(
    READ,
    "apps",
    "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
  ),
  rule(READ, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
  rule(READ, "batch", "cronjobs cronjobs/status jobs jobs/status"),
  rule(
    READ,
    "extensions",
    "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale",
  ),
  rule(READ, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
  rule(READ, "networking.k8s.io", "ingresses ingresses/status networkpolicies"),
  rule(READ, "resource.k8s.io", "resourceclaims resourceclaims/status resourceclaimtemplates"),
];

const editRules: readonly PolicyRule[] = [
  rule(READ, "", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
  rule("impersonate", "", "serviceaccounts"),
  rule(WRITE, "", "pods pods/attach pods/exec pods/portforward pods/proxy"),
  rule("create", "", "pods/eviction"),
  rule(WRITE, "", "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy"),
  rule("create", "", "serviceaccounts/token"),
  rule(WRITE, "apps", "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale"),
  rule(WRITE, "autoscaling", "horizontalpodautoscalers"),
  rule(WRITE, "batch", "cronjobs jobs"),
  rule(WRITE, "extensions", "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale"),
  rule(WRITE, "policy", "poddisruptionbudgets"),
  rule(WRITE, "networking.k8s.io", "ingresses networkpolicies"),
  rule(ALL_VERBS, "coordination.k8s.io", "leases"),
  rule(WRITE, "resource.k8s.io", "resourceclaims resourceclaimtemplates"),
];

const adminRules: readonly PolicyRule[] = [rule("create", "authorization.k8s.io", "localsubjectaccessreviews"), rule(ALL_VERBS, "rbac.authorization.k8s.io", "rolebindings roles")];

/** What any node may do, before the Node authorizer looks at whose objects they are. */
export const nodeRules: readonly PolicyRule[] = [
  rule("create", "authentication.k8s.io", "tokenreviews"),
  rule("create", "authorization.k8s.io", "localsubjectaccessreviews subjectaccessreviews"),
  rule(READ, "", "services"),
  rule("create get list watch", "", "nodes"),
  rule("patch update", "", "nodes/status"),
  rule("patch update", "", "nodes"),
  rule("create patch update", "", "events"),
  rule(READ, "", "pods"),
  rule("create delete", "", "pods"),
  rule("patch update", "", "pods/status"),
  rule("create", "", "pods/eviction"),
  rule(READ, "", "configmaps secrets"),
  rule("get", "", "persistentvolumeclaims persistentvolumes"),
  rule("get", "", "endpoints"),
  rule("create get list watch", "certificates.k8s.io", "certificatesigningrequests"),
  rule("create delete get patch update", "coordination.k8s.io", "leases"),
  rule("get", "storage.k8s.io", "volumeattachments"),
  rule("create", "", "serviceaccounts/token"),
  rule("get patch update", "", "persistentvolumeclaims/status"),
  rule(READ, "storage.k8s.io", "csidrivers"),
  rule("create delete get patch update", "storage.k8s.io", "csinodes"),
  rule(READ, "node.k8s.io", "runtimeclasses"),
  rule("get", "resource.k8s.io", "resourceclaims"),
  rule("deletecollection", "resource.k8s.io", "resourceslices"),
  rule(READ, "certificates.k8s.io", "clustertrustbundles"),
  rule("create get list watch", "certificates.k8s.io", "podcertificaterequests"),
];

const aggregate = (to: string): Readonly<Record<string, string>> => ({ [`rbac.authorization.k8s.io/aggregate-to-${to}`]: "true" });

export const bootstrapRoles: readonly BootstrapRole[] = [
  { name: "cluster-admin", rules: [rule("*", "*", "*"), paths("*", "*")] },
  { name: "system:discovery", rules: [paths("get", "/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/")] },
  { name: "system:monitoring", rules: [paths("get", "/flagz /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/* /statusz")] },
  {
    name: "system:basic-user",
    rules: [rule("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"), rule("create", "authentication.k8s.io", "selfsubjectreviews")],
  },
  { name: "system:public-info-viewer", rules: [paths("get", "/healthz /livez /readyz /version /version/")] },
  {
    name: "system:service-account-issuer-discovery",
    rules: [paths("get", "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/")],
  },
  { name: "admin", rules: [], aggregates: aggregate("admin") },
  { name: "edit", rules: [], aggregates: aggregate("edit"), labels: aggregate("admin") },
  { name: "view", rules: [], aggregates: aggregate("view"), labels: aggregate("edit") },
  { name: "system:aggregate-to-admin", rules: adminRules, labels: aggregate("admin") },
  { name: "system:aggregate-to-edit", rules: editRules, labels: aggregate("edit") },
  { name: "system:aggregate-to-view", rules: viewRules, labels: aggregate("view") },
  // Whoever may see a pod may ask why it waits.
  { name: "keles:aggregate-to-view", rules: [rule("get list", "insight.keles.dev", "podverdicts")], labels: aggregate("view") },
  { name: "system:heapster", rules: [rule(READ, "", "events namespaces nodes pods"), rule(READ, "extensions", "deployments")] },
  { name: "system:node", rules: nodeRules },
  { name: "system:node-problem-detector", rules: [rule("get", "", "nodes"), rule("patch", "", "nodes/status"), EVENTS] },
  {
    name: "system:node-proxier",
    rules: [
      rule("list watch", "", "services"),
      rule("get list watch", "", "nodes"),
      EVENTS,
      rule("list watch", "discovery.k8s.io", "endpointslices"),
      rule("list watch", "networking.k8s.io", "servicecidrs"),
    ],
  },
  {
    name: "system:kubelet-api-admin",
    rules: [rule(READ, "", "nodes"), rule("proxy", "", "nodes"), rule("*", "", "nodes/configz nodes/healthz nodes/log nodes/metrics nodes/pods nodes/proxy nodes/stats")],
  },
  { name: "system:node-bootstrapper", rules: [rule("create get list watch", "certificates.k8s.io", "certificatesigningrequests")] },
  { name: "system:auth-delegator", rules: [rule("create", "authentication.k8s.io", "tokenreviews"), rule("create", "authorization.k8s.io", "subjectaccessreviews")] },
  { name: "system:kube-aggregator", rules: [rule(READ, "", "services endpoints"), rule(READ, "discovery.k8s.io", "endpointslices")] },
  {
    name: "system:kube-controller-manager",
    rules: [
      EVENTS,
      rule("create", "coordination.k8s.io", "leases"),
      rule("get update", "coordination.k8s.io", "leases", "kube-controller-manager"),
      rule("create", "", "secrets serviceaccounts"),
      rule("delete", "", "secrets"),
      rule("get", "", "configmaps namespaces secrets serviceaccounts"),
      rule("update", "", "secrets serviceaccounts"),
      rule("create", "authentication.k8s.io", "tokenreviews"),
      rule("create", "authorization.k8s.io", "subjectaccessreviews"),
      rule("list watch", "*", "*"),
      rule("create", "", "serviceaccounts/token"),
    ],
  },
  {
    name: "system:kube-scheduler",
    rules: [
      EVENTS,
      rule("create", "coordination.k8s.io", "leases"),
      rule("get list watch update", "coordination.k8s.io", "leases", "kube-scheduler"),
      NODE_READ,
      rule("delete get list watch", "", "pods"),
      rule("create", "", "bindings pods/binding"),
      rule("patch update", "", "pods/status"),
      rule(READ, "", "replicationcontrollers services namespaces"),
      rule(READ, ["apps", "extensions"], "replicasets"),
      rule(READ, "apps", "statefulsets"),
      rule(READ, "policy", "poddisruptionbudgets"),
      rule(READ, "", "persistentvolumeclaims persistentvolumes"),
      rule("create", "authentication.k8s.io", "tokenreviews"),
      rule("create", "authorization.k8s.io", "subjectaccessreviews"),
      rule(READ, "storage.k8s.io", "csidrivers csinodes csistoragecapacities storageclasses volumeattachments"),
      rule("create delete get list patch update watch", "resource.k8s.io", "resourceclaims"),
      rule("patch update", "resource.k8s.io", "resourceclaims/binding resourceclaims/status"),
      rule(READ, "resource.k8s.io", "deviceclasses resourceslices"),
    ],
  },
  { name: "keles:cluster-dns", rules: [rule("list watch", "", "services namespaces"), rule("list watch", "discovery.k8s.io", "endpointslices")] },
  { name: "system:kube-dns", rules: [rule("list watch", "", "endpoints services")] },
  {
    name: "system:persistent-volume-provisioner",
    rules: [
      rule("create delete get list watch", "", "persistentvolumes"),
      rule("get list update watch", "", "persistentvolumeclaims"),
      rule(READ, "storage.k8s.io", "storageclasses"),
      rule("watch", "", "events"),
      EVENTS,
    ],
  },
  {
    name: "system:volume-scheduler",
    rules: [
      rule("get list patch update watch", "", "persistentvolumes"),
      rule(READ, "storage.k8s.io", "storageclasses"),
      rule("get list patch update watch", "", "persistentvolumeclaims"),
    ],
  },
  ...controllerRoles.map(([controller, rules]) => ({ name: `system:controller:${controller}`, rules })),
  { name: "system:certificates.k8s.io:certificatesigningrequests:nodeclient", rules: [rule("create", "certificates.k8s.io", "certificatesigningrequests/nodeclient")] },
  { name: "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", rules: [rule("create", "certificates.k8s.io", "certificatesigningrequests/selfnodeclient")] },
  ...["kubelet-serving", "kube-apiserver-client-kubelet", "kube-apiserver-client", "legacy-unknown"].map((signer) => ({
    name: `system:certificates.k8s.io:${signer}-approver`,
    rules: [rule("approve", "certificates.k8s.io", "signers", `kubernetes.io/${signer}`)],
  })),
];

const group = (name: string): Subject => ({ kind: "Group", apiGroup: "rbac.authorization.k8s.io", name });
const user = (name: string): Subject => ({ kind: "User", apiGroup: "rbac.authorization.k8s.io", name });
const bind = (role: string, subjects: readonly Subject[], name = role): BootstrapBinding => ({
  name,
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
  subjects,
});

export const bootstrapBindings: readonly BootstrapBinding[] = [
  bind("cluster-admin", [group("system:masters")]),
  bind("system:monitoring", [group("system:monitoring")]),
  bind("system:discovery", [group("system:authenticated")]),
  bind("system:basic-user", [group("system:authenticated")]),
  bind("system:public-info-viewer", [group("system:authenticated"), group("system:unauthenticated")]),
  bind("system:node-proxier", [user("system:kube-proxy")]),
  bind("keles:cluster-dns", [user("system:kube-proxy")]),
  bind("system:kube-controller-manager", [user("system:kube-controller-manager")]),
  bind("system:kube-dns", [{ kind: "ServiceAccount", namespace: "kube-system", name: "kube-dns" }]),
  bind("system:kube-scheduler", [user("system:kube-scheduler")]),
  bind("system:volume-scheduler", [user("system:kube-scheduler")]),
  bind("system:service-account-issuer-discovery", [group("system:serviceaccounts")]),
  // The Node authorizer gives nodes what they need; the binding stands for those who add to it.
  bind("system:node", []),
  ...controllerRoles.map(([controller]) => bind(`system:controller:${controller}`, [{ kind: "ServiceAccount", namespace: "kube-system", name: controller }])),
];
