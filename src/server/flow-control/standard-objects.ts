import { everythingOf, groupSubject, mandatoryFlowSchemas, mandatoryPriorityLevels } from "../../api/flowcontrol/mandatory.ts";
import type { FlowSchemaSpec, PolicyRulesWithSubjects, PriorityLevelConfigurationSpec, ResourcePolicyRule, Subject } from "../../api/generated/types/flowcontrol-v1.ts";

/** An object that every cluster has. Mandatory ones are always put right; suggested ones while nobody has taken them over. */
export interface StandardObject<Spec> {
  readonly name: string;
  readonly spec: Spec;
  readonly isMandatory: boolean;
}

const user = (name: string): Subject => ({ kind: "User", user: { name } });
const account = (name: string): Subject => ({ kind: "ServiceAccount", serviceAccount: { name, namespace: "kube-system" } });
const everybody = [groupSubject("system:unauthenticated"), groupSubject("system:authenticated")];
const nodes = [groupSubject("system:nodes")];
const controllerManager = user("system:kube-controller-manager");
const scheduler = user("system:kube-scheduler");
const systemAccounts = account("*");

const inNamespaces = (verbs: readonly string[], group: string, ...resources: string[]): ResourcePolicyRule => ({ verbs, apiGroups: [group], resources, namespaces: ["*"] });
const lead = ["get", "create", "update"];
const leases = inNamespaces(lead, "coordination.k8s.io", "leases");

function schema(
  name: string,
  [level, matchingPrecedence]: readonly [level: string, matchingPrecedence: number],
  distinguisher: "ByUser" | "ByNamespace" | undefined,
  rule: PolicyRulesWithSubjects,
): StandardObject<FlowSchemaSpec> {
  const spec = {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence,
    ...(distinguisher === undefined ? {} : { distinguisherMethod: { type: distinguisher } }),
    rules: [rule],
  };
  return { name, spec, isMandatory: false };
}

/** @upstream apiserver/pkg/apis/flowcontrol/bootstrap/default.go */
export const standardFlowSchemas: readonly StandardObject<FlowSchemaSpec>[] = [
  ...[...mandatoryFlowSchemas].map(([name, spec]) => ({ name, spec, isMandatory: true })),
  schema("probes", ["exempt", 2], undefined, { subjects: everybody, nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/readyz", "/livez"] }] }),
  schema("system-leader-election", ["leader-election", 100], "ByUser", { subjects: [controllerManager, scheduler, systemAccounts], resourceRules: [leases] }),
  // Before the next one, which would take these for leader election.
  schema("endpoint-controller", ["workload-high", 150], "ByUser", {
    subjects: [controllerManager, account("endpoint-controller"), account("endpointslicemirroring-controller")],
    resourceRules: [inNamespaces(lead, "", "endpoints")],
  }),
  schema("workload-leader-election", ["leader-election", 200], "ByUser", {
    subjects: [systemAccounts],
    resourceRules: [inNamespaces(lead, "", "endpoints", "configmaps"), leases],
  }),
  schema("system-node-high", ["node-high", 400], "ByUser", {
    subjects: nodes,
    resourceRules: [{ ...inNamespaces(["*"], "", "nodes", "nodes/status"), clusterScope: true }, inNamespaces(["*"], "coordination.k8s.io", "leases")],
  }),
  schema("system-nodes", ["system", 500], "ByUser", everythingOf(nodes)),
  schema("kube-controller-manager", ["workload-high", 800], "ByNamespace", everythingOf([controllerManager])),
  schema("kube-scheduler", ["workload-high", 800], "ByNamespace", everythingOf([scheduler])),
  schema("kube-system-service-accounts", ["workload-high", 900], "ByNamespace", everythingOf([systemAccounts])),
  schema("service-accounts", ["workload-low", 9000], "ByUser", everythingOf([groupSubject("system:serviceaccounts")])),
  schema("global-default", ["global-default", 9900], "ByUser", everythingOf(everybody)),
];

function level(name: string, shares: number, lendablePercent: number, queues: number, handSize: number): StandardObject<PriorityLevelConfigurationSpec> {
  const limitResponse = { type: "Queue", queuing: { queues, handSize, queueLengthLimit: 50 } };
  return { name, spec: { type: "Limited", limited: { nominalConcurrencyShares: shares, lendablePercent, limitResponse } }, isMandatory: false };
}

/** @upstream apiserver/pkg/apis/flowcontrol/bootstrap/default.go */
export const standardPriorityLevels: readonly StandardObject<PriorityLevelConfigurationSpec>[] = [
  ...[...mandatoryPriorityLevels].map(([name, spec]) => ({ name, spec, isMandatory: true })),
  level("system", 30, 33, 64, 6),
  level("node-high", 40, 25, 64, 6),
  level("leader-election", 10, 0, 16, 4),
  level("workload-high", 40, 50, 128, 6),
  level("workload-low", 100, 90, 128, 6),
  level("global-default", 20, 50, 128, 6),
];
