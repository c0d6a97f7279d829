import { cronJobs, daemonSets, deployments, endpointSlices, jobs, nodes, pods, replicaSets, statefulSets } from "../../../src/api/generated/resources.ts";
import type { Job } from "../../../src/api/generated/types/batch-v1.ts";
import type { Node, Pod } from "../../../src/api/generated/types/core-v1.ts";
import type { Client } from "../../../src/client/client.ts";
import type { KubeObject } from "../../../src/meta/object.ts";
import { Quantity } from "../../../src/meta/quantity.ts";

const isOver = ({ status }: Pod): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";
const ownerOf = (object: KubeObject): string | undefined => object.metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid;

/** What is wrong with a cluster that has come to rest, in words; empty when nothing is. */
export async function faultsOf(client: Client): Promise<readonly string[]> {
  const [allPods, allNodes, allJobs] = await Promise.all(
    [client.list(pods), client.list(nodes), client.list(jobs)].map((list) => list as Promise<{ items: readonly KubeObject[] }>),
  );
  const podList = (allPods?.items ?? []) as readonly Pod[];
  const nodeList = (allNodes?.items ?? []) as readonly Node[];
  const jobList = (allJobs?.items ?? []) as readonly Job[];
  return [
    ...(await orphans(client, podList, jobList)),
    ...overfull(podList, nodeList),
    ...jobList.flatMap((job) => jobFaults(job, podList)),
    ...(await replicaFaults(client, podList, nodeList)),
    ...(await endpointFaults(client)),
  ];
}

/** Whatever has an owner has one that is there. */
async function orphans(client: Client, podList: readonly Pod[], jobList: readonly Job[]): Promise<readonly string[]> {
  const owners = await Promise.all([deployments, replicaSets, statefulSets, daemonSets, cronJobs].map((resource) => client.list<KubeObject>(resource)));
  const sets = owners.flatMap(({ items }) => items);
  const known = new Set([...sets, ...jobList].map(({ metadata }) => metadata.uid));
  return [...podList, ...sets, ...jobList].flatMap((object) => {
    const owner = ownerOf(object);
    return owner === undefined || known.has(owner) ? [] : [`${object.kind} ${object.metadata.name ?? ""} has an owner that is gone`];
  });
}

/** Pods are where there is room, and on nodes that there are. */
function overfull(podList: readonly Pod[], nodeList: readonly Node[]): readonly string[] {
  const faults: string[] = [];
  const byNode = new Map<string, Pod[]>();
  for (const pod of podList) {
    const { nodeName = "" } = pod.spec;
    if (nodeName === "" || isOver(pod)) continue;
    if (!nodeList.some(({ metadata }) => metadata.name === nodeName)) faults.push(`pod ${pod.metadata.name ?? ""} is on node ${nodeName}, which is gone`);
    byNode.set(nodeName, [...(byNode.get(nodeName) ?? []), pod]);
  }
  for (const { metadata, status } of nodeList) {
    const on = byNode.get(metadata.name ?? "") ?? [];
    const asked = on.reduce((sum, pod) => sum + Quantity.parse(pod.spec.containers[0]?.resources?.requests?.["cpu"] ?? "0").milliValue(), 0);
    const has = Quantity.parse(status?.allocatable?.["cpu"] ?? "0").milliValue();
    if (asked > has) faults.push(`node ${metadata.name ?? ""} has ${has}m cpu, its pods ask for ${asked}m`);
    if (on.length > Number(status?.allocatable?.["pods"] ?? "0")) faults.push(`node ${metadata.name ?? ""} has too many pods: ${on.length}`);
  }
  return faults;
}

/** Jobs count each pod once. */
function jobFaults({ metadata, spec, status = {} }: Job, podList: readonly Pod[]): readonly string[] {
  const name = `job ${metadata.name ?? ""}`;
  const own = podList.filter((pod) => ownerOf(pod) === metadata.uid);
  const condition = status.conditions?.find(({ type, status: is }) => is === "True" && (type === "Complete" || type === "Failed"))?.type;
  const { completions = 1 } = spec;
  const { succeeded = 0, failed = 0, active = 0 } = status;
  const faults: string[] = [];
  const held = own.filter((pod) => pod.metadata.finalizers?.includes("batch.kubernetes.io/job-tracking") === true && isOver(pod));
  if (held.length > 0) faults.push(`${name}: ${held.length} ended pods are still held`);
  if ((status.uncountedTerminatedPods?.succeeded ?? []).length + (status.uncountedTerminatedPods?.failed ?? []).length > 0) faults.push(`${name}: pods are not counted yet`);
  if (succeeded > completions) faults.push(`${name}: ${succeeded} of ${completions} succeeded`);
  if (condition === "Complete" && succeeded !== completions) faults.push(`${name} is complete with ${succeeded} of ${completions}`);
  if (condition !== undefined && (active !== 0 || own.some((pod) => !isOver(pod)))) faults.push(`${name} is over, but ${own.filter((pod) => !isOver(pod)).length} pods are not`);
  // Deleted pods count as failed; none may be counted that was never there. A pod whose making was not heard of may succeed beside its
  // twin: a job without indexes is over by then, and the twin is one too many.
  const isTwinPossible = spec.completionMode !== "Indexed" && condition !== undefined;
  if (!isTwinPossible && own.filter((pod) => pod.status?.phase === "Succeeded").length > succeeded)
    faults.push(`${name}: more pods succeeded than the ${succeeded} that it counted`);
  if (own.filter((pod) => pod.status?.phase === "Failed").length > failed) faults.push(`${name}: more pods failed than the ${failed} that it counted`);
  return faults;
}

interface Scaled extends KubeObject {
  readonly spec: { readonly replicas?: number; readonly paused?: boolean };
  readonly status?: { readonly replicas?: number; readonly observedGeneration?: number };
}

/** As many pods as wanted, no more, no less, and the status says so. */
async function replicaFaults(client: Client, podList: readonly Pod[], nodeList: readonly Node[]): Promise<readonly string[]> {
  const faults: string[] = [];
  const liveOf = (uid: string | undefined): readonly Pod[] => podList.filter((pod) => ownerOf(pod) === uid && !isOver(pod) && pod.metadata.deletionTimestamp === undefined);
  const check = ({ kind, metadata, spec, status }: Scaled, count: number): void => {
    const name = `${kind} ${metadata.name ?? ""}`;
    const wanted = spec.replicas ?? 1;
    if (count !== wanted) faults.push(`${name} has ${count} of ${wanted} pods`);
    if ((status?.replicas ?? 0) !== wanted) faults.push(`${name} says that it has ${status?.replicas ?? 0} of ${wanted}`);
    if (status?.observedGeneration !== metadata.generation) faults.push(`${name} has not seen its latest generation`);
  };
  const sets = (await client.list(replicaSets)).items;
  for (const set of sets) check(set as Scaled, liveOf(set.metadata.uid).length);
  for (const deployment of (await client.list(deployments)).items) {
    const own = sets.filter((set) => ownerOf(set) === deployment.metadata.uid);
    const live = own.flatMap(({ metadata }) => liveOf(metadata.uid));
    const { replicas = 1 } = deployment.spec;
    // A rollout whose new pods fit nowhere stands still, with what it may have beyond the wanted.
    if (live.every((pod) => (pod.spec.nodeName ?? "") !== "")) check(deployment as Scaled, live.length);
    else if (live.length < replicas || live.length > replicas + Math.ceil(replicas / 4))
      faults.push(`deployment ${deployment.metadata.name ?? ""} has ${live.length} of ${replicas} pods in a rollout`);
    const old = own.filter(({ spec }) => (spec.replicas ?? 0) === 0).length;
    const limit = (deployment.spec.revisionHistoryLimit ?? 10) + 1;
    if (old > limit) faults.push(`deployment ${deployment.metadata.name ?? ""} keeps ${old} old replica sets, more than ${limit}`);
  }
  for (const set of (await client.list(statefulSets)).items) {
    const own = liveOf(set.metadata.uid);
    // A pod that fits nowhere holds the others back.
    if (own.some((pod) => (pod.spec.nodeName ?? "") === "") && set.spec.podManagementPolicy === "OrderedReady") continue;
    check(set as Scaled, own.length);
    const names = own.map(({ metadata }) => metadata.name ?? "").sort();
    const wanted = Array.from({ length: set.spec.replicas ?? 1 }, (_, index) => `${set.metadata.name ?? ""}-${index}`).sort();
    if (names.join() !== wanted.join()) faults.push(`stateful set ${set.metadata.name ?? ""} has ${names.join()} instead of ${wanted.join()}`);
  }
  for (const set of (await client.list(daemonSets)).items) {
    const on = liveOf(set.metadata.uid)
      .map((pod) => pod.spec.nodeName ?? pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0] ?? "")
      .sort();
    const wanted = nodeList.map(({ metadata }) => metadata.name ?? "").sort();
    if (on.join() !== wanted.join()) faults.push(`daemon set ${set.metadata.name ?? ""} is on ${on.join()} instead of ${wanted.join()}`);
  }
  return faults;
}

/** No slice without its service. */
async function endpointFaults(client: Client): Promise<readonly string[]> {
  const { items } = await client.list(endpointSlices, { namespace: "default" });
  return items.map(({ metadata }) => `slice ${metadata.name ?? ""} belongs to no service`);
}
