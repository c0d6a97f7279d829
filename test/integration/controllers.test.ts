import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  clusterRoles,
  configMaps,
  controllerRevisions,
  cronJobs,
  daemonSets,
  deployments,
  endpointSlices,
  endpoints,
  events,
  horizontalPodAutoscalers,
  jobs,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  podDisruptionBudgets,
  pods,
  replicaSets,
  resourceQuotas,
  serviceAccounts,
  services,
  statefulSets,
  storageClasses,
} from "../../src/api/generated/resources.ts";
import type { DeploymentSpec } from "../../src/api/generated/types/apps-v1.ts";
import type { PodMetric } from "../../src/controllers/hpa/metrics-source.ts";
import { hasReason } from "../../src/meta/status-error.ts";
import { controllersWorld, type World } from "./controllers-world.ts";

const place = { namespace: "default" };
let world: World;
/** What every pod is said to use. */
let cpuMilli = 0;

beforeEach(async () => {
  cpuMilli = 100;
  const none = (): Promise<never> => Promise.reject(new Error("none"));
  const resource = async (): Promise<readonly PodMetric[]> =>
    (await world.client.list(pods, place)).items.map(({ metadata: { name = "" } }) => ({ pod: name, milli: cpuMilli, atMs: world.clock.now(), windowMs: 15_000 }));
  world = await controllersWorld({ clusterCidr: "10.42.0.0/16", metricsSource: { resource, pods: none, object: none, external: none } });
  await world.addNode("n1");
  await world.addNode("n22");
  await world.settle();
});
afterEach(async () => {
  await world.stop();
});

const template = (image = "web:1") => ({ metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image, ports: [{ containerPort: 80 }] }] } });
const deploy = (spec: Partial<DeploymentSpec> = {}) =>
  world.client.create(deployments, { metadata: { name: "web", ...place }, spec: { replicas: 4, selector: { matchLabels: { app: "web" } }, template: template(), ...spec } });
const listed = async (resource: Parameters<typeof world.client.list>[0]) => (await world.client.list(resource, place)).items;
const exists = (get: Promise<unknown>): Promise<boolean> =>
  get.then(
    () => true,
    (error: unknown) => {
      if (hasReason(error, "NotFound")) return false;
      throw error;
    },
  );

describe("deployments", () => {
  it("roll out, roll over and go", async () => {
    await deploy();
    await world.advance(5);
    const first = await world.client.get(deployments, "web", place);
    expect(first.status).toMatchObject({ observedGeneration: 1, replicas: 4, updatedReplicas: 4, readyReplicas: 4, availableReplicas: 4 });
    expect(first.metadata.annotations).toMatchObject({ "deployment.kubernetes.io/revision": "1" });
    expect(first.status?.conditions?.map(({ type, status, reason }) => [type, status, reason])).toEqual([
      ["Available", "True", "MinimumReplicasAvailable"],
      ["Progressing", "True", "NewReplicaSetAvailable"],
    ]);
    await world.client.update(deployments, { ...first, spec: { ...first.spec, template: template("web:2") } }, place);
    await world.advance(10);
    const sets = (await world.client.list(replicaSets, place)).items.map(({ spec, metadata }) => [metadata.annotations?.["deployment.kubernetes.io/revision"], spec.replicas]);
    expect(sets.sort()).toEqual([
      ["1", 0],
      ["2", 4],
    ]);
    expect((await world.client.list(pods, place)).items.map(({ spec }) => spec.containers[0]?.image)).toEqual(["web:2", "web:2", "web:2", "web:2"]);
    await world.client.delete(deployments, "web", { ...place, propagationPolicy: "Background" });
    await world.advance(10);
    expect([(await listed(replicaSets)).length, (await listed(pods)).length]).toEqual([0, 0]);
    expect(world.complaints).toEqual([]);
  });

  it("tell of it in events", async () => {
    await deploy({ replicas: 1 });
    await world.advance(5);
    const told = (await world.client.list(events, place)).items.map(({ reason, involvedObject }) => `${involvedObject.kind} ${reason}`);
    expect(told).toEqual(expect.arrayContaining(["Deployment ScalingReplicaSet", "ReplicaSet SuccessfulCreate"]));
  });

  it("wait for their dependents when deleted in the foreground, and leave them when orphaning", async () => {
    await deploy({ replicas: 2 });
    await world.advance(5);
    await world.client.delete(deployments, "web", { ...place, propagationPolicy: "Foreground" });
    expect(await exists(world.client.get(deployments, "web", place))).toBe(true);
    await world.advance(10);
    expect(await exists(world.client.get(deployments, "web", place))).toBe(false);
    expect((await listed(pods)).length).toBe(0);
    await deploy({ replicas: 2 });
    await world.advance(5);
    await world.client.delete(deployments, "web", { ...place, propagationPolicy: "Orphan" });
    await world.advance(10);
    const sets = (await world.client.list(replicaSets, place)).items;
    expect([sets.length, sets[0]?.metadata.ownerReferences ?? [], (await listed(pods)).length]).toEqual([1, [], 2]);
    expect(world.complaints).toEqual([]);
  });
});

describe("services", () => {
  it("have slices and endpoints that follow their pods", async () => {
    await world.client.create(services, {
      metadata: { name: "web", ...place },
      spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: 80, protocol: "TCP" }] },
    });
    await deploy({ replicas: 2 });
    await world.advance(5);
    const slices = (await world.client.list(endpointSlices, { ...place, labelSelector: "kubernetes.io/service-name=web" })).items;
    expect(slices.map(({ endpoints: all, ports }) => [all?.map(({ conditions }) => conditions), ports])).toEqual([
      [
        [
          { ready: true, serving: true, terminating: false },
          { ready: true, serving: true, terminating: false },
        ],
        [{ name: "http", port: 80, protocol: "TCP" }],
      ],
    ]);
    expect((await world.client.get(endpoints, "web", place)).subsets?.[0]?.addresses).toHaveLength(2);
    await world.client.delete(services, "web", place);
    await world.advance(10);
    expect([await exists(world.client.get(endpoints, "web", place)), (await listed(endpointSlices)).filter(({ metadata }) => metadata.generateName === "web-").length]).toEqual([
      false,
      0,
    ]);
    expect(world.complaints).toEqual([]);
  });

  it("of type LoadBalancer get the nodes' addresses", async () => {
    await world.client.create(services, { metadata: { name: "lb", ...place }, spec: { type: "LoadBalancer", selector: { app: "web" }, ports: [{ port: 80, protocol: "TCP" }] } });
    await world.advance(2);
    const live = await world.client.get(services, "lb", place);
    expect([live.status?.loadBalancer?.ingress?.map(({ ip }) => ip), live.metadata.finalizers]).toEqual([
      ["192.168.0.2", "192.168.0.3"],
      ["service.kubernetes.io/load-balancer-cleanup"],
    ]);
    await world.client.delete(services, "lb", place);
    await world.advance(2);
    expect(await exists(world.client.get(services, "lb", place))).toBe(false);
    expect(world.complaints).toEqual([]);
  });
});

describe("namespaces", () => {
  it("have what they need, and take all of it with them", async () => {
    await world.client.create(namespaces, { metadata: { name: "team" } });
    await world.advance(2);
    const team = { namespace: "team" };
    expect(await exists(world.client.get(serviceAccounts, "default", team))).toBe(true);
    expect((await world.client.get(configMaps, "kube-root-ca.crt", team)).data).toEqual({ "ca.crt": "PEM" });
    await world.client.create(deployments, { metadata: { name: "web", ...team }, spec: { replicas: 2, selector: { matchLabels: { app: "web" } }, template: template() } });
    await world.advance(5);
    await world.client.delete(namespaces, "team");
    await world.advance(30);
    expect(await exists(world.client.get(namespaces, "team"))).toBe(false);
    expect(world.complaints).toEqual([]);
  });
});

describe("nodes", () => {
  it("have address blocks; when they fall silent their pods are not ready, then evicted", async () => {
    expect((await world.client.list(nodes)).items.map(({ spec }) => spec.podCIDR).sort()).toEqual(["10.42.0.0/24", "10.42.1.0/24"]);
    await deploy({ replicas: 4 });
    await world.advance(5);
    world.kubelet.silent.add("n22");
    await world.advance(70);
    const lost = await world.client.get(nodes, "n22");
    expect(lost.status?.conditions?.find(({ type }) => type === "Ready")).toMatchObject({ status: "Unknown", reason: "NodeStatusUnknown" });
    expect(lost.spec.taints?.map(({ key, effect }) => `${key}:${effect}`).sort()).toEqual([
      "node.kubernetes.io/unreachable:NoExecute",
      "node.kubernetes.io/unreachable:NoSchedule",
    ]);
    const stranded = (await world.client.list(pods, { ...place, fieldSelector: "spec.nodeName=n22" })).items;
    for (const pod of stranded) expect(pod.status?.conditions?.find(({ type }) => type === "Ready")?.status).toBe("False");
    await world.advance(310);
    for (const pod of (await world.client.list(pods, { ...place, fieldSelector: "spec.nodeName=n22" })).items) expect(pod.metadata.deletionTimestamp).toBeDefined();
    expect((await world.client.get(deployments, "web", place)).status?.availableReplicas).toBe(4);
    world.kubelet.silent.delete("n22");
    await world.advance(30);
    expect((await world.client.get(nodes, "n22")).spec.taints ?? []).toEqual([]);
  });

  it("are told of when they come and go", async () => {
    await world.advance(10);
    world.kubelet.silent.add("n22");
    await world.client.delete(nodes, "n22");
    await world.advance(10);
    const told = (await world.client.list(events, place)).items
      .filter(({ involvedObject }) => involvedObject.kind === "Node")
      .map(({ reason, message }) => `${reason}: ${message}`);
    expect(told.sort()).toEqual([
      "RegisteredNode: Node n1 event: Registered Node n1 in Controller",
      "RegisteredNode: Node n22 event: Registered Node n22 in Controller",
      "RemovingNode: Node n22 event: Removing Node n22 from Controller",
    ]);
  });

  it("have blocks of their own, also when many come at once", async () => {
    await Promise.all(Array.from({ length: 60 }, (_, index) => world.client.create(nodes, { metadata: { name: `many-${index}` } })));
    await world.advance(1);
    const blocks = (await world.client.list(nodes)).items.map(({ spec }) => spec.podCIDR);
    expect(blocks).not.toContain(undefined);
    expect(new Set(blocks).size).toBe(blocks.length);
    expect(world.complaints).toEqual([]);
  });
});

describe("stateful sets", () => {
  it("come up in order, are updated from the top and keep their claims", async () => {
    const claim = {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim" as const,
      metadata: { name: "data" },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    };
    const set = await world.client.create(statefulSets, {
      metadata: { name: "db", ...place },
      spec: { replicas: 3, serviceName: "db", selector: { matchLabels: { app: "web" } }, template: template(), volumeClaimTemplates: [claim] },
    });
    await world.advance(5);
    const names = async () => (await world.client.list(pods, place)).items.map(({ metadata, spec }) => `${metadata.name} ${spec.containers[0]?.image}`).sort();
    expect(await names()).toEqual(["db-0 web:1", "db-1 web:1", "db-2 web:1"]);
    const live = await world.client.get(statefulSets, "db", place);
    expect(live.status).toMatchObject({ replicas: 3, readyReplicas: 3, availableReplicas: 3, currentReplicas: 3, updatedReplicas: 3, observedGeneration: 1 });
    await world.client.update(statefulSets, { ...live, spec: { ...set.spec, replicas: 2, template: template("web:2") } }, place);
    await world.advance(10);
    expect(await names()).toEqual(["db-0 web:2", "db-1 web:2"]);
    const after = await world.client.get(statefulSets, "db", place);
    expect(after.status?.currentRevision).toBe(after.status?.updateRevision);
    expect((await listed(persistentVolumeClaims)).map(({ metadata }) => metadata.name).sort()).toEqual(["data-db-0", "data-db-1", "data-db-2"]);
    expect((await listed(controllerRevisions)).length).toBe(2);
    expect(world.complaints).toEqual([]);
  });
});

describe("daemon sets", () => {
  it("run on each node, follow nodes and are updated", async () => {
    const set = await world.client.create(daemonSets, { metadata: { name: "agent", ...place }, spec: { selector: { matchLabels: { app: "web" } }, template: template() } });
    await world.advance(5);
    await world.addNode("n333");
    await world.advance(5);
    const live = await world.client.get(daemonSets, "agent", place);
    expect(live.status).toMatchObject({
      desiredNumberScheduled: 3,
      currentNumberScheduled: 3,
      numberReady: 3,
      updatedNumberScheduled: 3,
      numberAvailable: 3,
      numberMisscheduled: 0,
    });
    await world.client.update(daemonSets, { ...live, spec: { ...set.spec, template: template("web:2") } }, place);
    await world.advance(10);
    expect((await world.client.list(pods, place)).items.map(({ spec }) => spec.containers[0]?.image)).toEqual(["web:2", "web:2", "web:2"]);
    expect(world.complaints).toEqual([]);
  });
});

describe("jobs", () => {
  const job = (name: string, image: string, spec: Record<string, unknown> = {}) =>
    world.client.create(jobs, { metadata: { name, ...place }, spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image }] } }, ...spec } });

  it("run to completion, each index once, and go when their time is over", async () => {
    await job("sum", "exit-0", { completions: 5, parallelism: 2, completionMode: "Indexed", ttlSecondsAfterFinished: 60 });
    await world.advance(10);
    const live = await world.client.get(jobs, "sum", place);
    expect(live.status).toMatchObject({ succeeded: 5, completedIndexes: "0-4", ready: 0, terminating: 0, uncountedTerminatedPods: {} });
    expect(live.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual(["SuccessCriteriaMet=True", "Complete=True"]);
    const owned = (await world.client.list(pods, place)).items;
    expect([owned.length, owned.every(({ metadata }) => (metadata.finalizers ?? []).length === 0)]).toEqual([5, true]);
    await world.advance(90);
    expect([await exists(world.client.get(jobs, "sum", place)), (await listed(pods)).length]).toEqual([false, 0]);
    expect(world.complaints).toEqual([]);
  });

  it("stop and start over when they are suspended and resumed, as often as that is", async () => {
    await world.client.create(jobs, {
      metadata: { name: "long", ...place },
      spec: { backoffLimit: 9, template: { ...template(), spec: { ...template().spec, restartPolicy: "Never" } } },
    });
    const startTimes: (string | undefined)[] = [];
    for (let round = 0; round < 2; round += 1)
      for (const suspend of [true, false]) {
        await world.advance(20);
        await world.client.patch(jobs, "long", { type: "merge", value: { spec: { suspend } } }, place);
        await world.advance(20);
        startTimes.push((await world.client.get(jobs, "long", place)).status?.startTime);
      }
    expect(startTimes).toEqual([undefined, expect.any(String), undefined, expect.any(String)]);
    expect(startTimes[1]).not.toBe(startTimes[3]);
    expect((await listed(pods)).length).toBe(1);
    expect(world.complaints).toEqual([]);
  });

  it("fail after so many tries", async () => {
    await job("bad", "exit-3", { backoffLimit: 2 });
    await world.advance(15);
    expect((await world.client.get(jobs, "bad", place)).status).toMatchObject({ failed: 2 });
    await world.advance(120);
    const live = await world.client.get(jobs, "bad", place);
    expect(live.status).toMatchObject({ failed: 3 });
    expect(live.status?.conditions?.map(({ type, reason }) => `${type} ${reason}`)).toEqual(["FailureTarget BackoffLimitExceeded", "Failed BackoffLimitExceeded"]);
    expect(world.complaints).toEqual([]);
  });

  it("start on schedule", async () => {
    const template = { spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "exit-0" }] } } } };
    await world.client.create(cronJobs, { metadata: { name: "tick", ...place }, spec: { schedule: "*/1 * * * *", successfulJobsHistoryLimit: 2, jobTemplate: template } });
    await world.advance(330);
    const live = await world.client.get(cronJobs, "tick", place);
    expect([live.status?.lastScheduleTime, live.status?.active ?? [], (await listed(jobs)).length]).toEqual(["2026-01-01T00:05:00Z", [], 2]);
    expect(world.complaints).toEqual([]);
  });
});

describe("the rest", () => {
  it("budgets say how many pods may be evicted", async () => {
    await world.client.create(podDisruptionBudgets, { metadata: { name: "web", ...place }, spec: { maxUnavailable: "25%", selector: { matchLabels: { app: "web" } } } });
    await deploy({ replicas: 4 });
    await world.advance(5);
    expect((await world.client.get(podDisruptionBudgets, "web", place)).status).toMatchObject({ expectedPods: 4, currentHealthy: 4, desiredHealthy: 3, disruptionsAllowed: 1 });
    expect(world.complaints).toEqual([]);
  });

  it("quotas count what is there", async () => {
    await world.client.create(resourceQuotas, { metadata: { name: "q", ...place }, spec: { hard: { pods: "10", "count/deployments.apps": "5", configmaps: "9" } } });
    await deploy({ replicas: 3 });
    await world.advance(5);
    expect((await world.client.get(resourceQuotas, "q", place)).status?.used).toEqual({ pods: "3", "count/deployments.apps": "1", configmaps: "1" });
    expect(world.complaints).toEqual([]);
  });

  it("autoscalers want nothing while they know nothing", async () => {
    await deploy({ replicas: 2 });
    const metrics = [{ type: "Pods", pods: { metric: { name: "hits" }, target: { type: "AverageValue", averageValue: "1" } } }];
    await world.client.create(horizontalPodAutoscalers, {
      metadata: { name: "web", ...place },
      spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" }, metrics },
    });
    await world.advance(20);
    const { status } = await world.client.get(horizontalPodAutoscalers, "web", place);
    expect(status).toMatchObject({ currentReplicas: 2, desiredReplicas: 0 });
    const message = "the HPA was unable to compute the replica count: unable to get metric hits: none";
    expect(status?.conditions?.find(({ type }) => type === "ScalingActive")).toMatchObject({ status: "False", reason: "FailedGetPodsMetric", message });
    const told = (await world.client.list(events, place)).items.map(({ reason, message: text }) => `${reason}: ${text}`);
    expect(told).toContain("FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get pods metric value: unable to get metric hits: none");
  });

  it("autoscalers follow the load", async () => {
    await deploy({ replicas: 2, template: { ...template(), spec: { containers: [{ name: "main", image: "web:1", resources: { requests: { cpu: "200m" } } }] } } });
    const metrics = [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } }];
    await world.client.create(horizontalPodAutoscalers, {
      metadata: { name: "web", ...place },
      spec: { minReplicas: 1, maxReplicas: 5, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" }, metrics },
    });
    await world.advance(20);
    expect((await world.client.get(deployments, "web", place)).spec.replicas).toBe(2);
    cpuMilli = 200;
    await world.advance(60);
    const grown = await world.client.get(horizontalPodAutoscalers, "web", place);
    expect([(await world.client.get(deployments, "web", place)).spec.replicas, grown.status?.desiredReplicas]).toEqual([5, 5]);
    expect(grown.status?.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`)).toEqual([
      "AbleToScale=True ReadyForNewScale",
      "ScalingActive=True ValidMetricFound",
      "ScalingLimited=True TooManyReplicas",
    ]);
    cpuMilli = 10;
    await world.advance(200);
    expect((await world.client.get(deployments, "web", place)).spec.replicas).toBe(5);
    await world.advance(400);
    expect((await world.client.get(deployments, "web", place)).spec.replicas).toBe(1);
    expect(world.complaints).toEqual([]);
  });

  it("claims find volumes, keep them while they are used, and let them go", async () => {
    await world.client.create(storageClasses, { metadata: { name: "manual" }, provisioner: "kubernetes.io/no-provisioner", volumeBindingMode: "Immediate" });
    const hostPath = { path: "/tmp/x" };
    await world.client.create(persistentVolumes, {
      metadata: { name: "v1" },
      spec: { capacity: { storage: "5Gi" }, accessModes: ["ReadWriteOnce"], storageClassName: "manual", hostPath },
    });
    await world.client.create(persistentVolumeClaims, {
      metadata: { name: "c1", ...place },
      spec: { accessModes: ["ReadWriteOnce"], storageClassName: "manual", resources: { requests: { storage: "1Gi" } } },
    });
    await world.advance(2);
    const claim = await world.client.get(persistentVolumeClaims, "c1", place);
    expect([claim.spec.volumeName, claim.status?.phase, claim.status?.capacity, (await world.client.get(persistentVolumes, "v1")).status?.phase]).toEqual([
      "v1",
      "Bound",
      { storage: "5Gi" },
      "Bound",
    ]);
    await world.client.create(pods, {
      metadata: { name: "user", ...place },
      spec: { containers: [{ name: "main", image: "x" }], volumes: [{ name: "data", persistentVolumeClaim: { claimName: "c1" } }] },
    });
    await world.advance(2);
    await world.client.delete(persistentVolumeClaims, "c1", place);
    await world.advance(5);
    expect(await exists(world.client.get(persistentVolumeClaims, "c1", place))).toBe(true);
    await world.client.delete(pods, "user", place);
    await world.advance(5);
    expect([await exists(world.client.get(persistentVolumeClaims, "c1", place)), (await world.client.get(persistentVolumes, "v1")).status?.phase]).toEqual([false, "Released"]);
    expect(world.complaints).toEqual([]);
  });

  it("roles are made of other roles", async () => {
    const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }];
    await world.client.create(clusterRoles, { metadata: { name: "all" }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: "yes" } }] } });
    await world.client.create(clusterRoles, { metadata: { name: "part", labels: { part: "yes" } }, rules });
    await world.advance(2);
    expect((await world.client.get(clusterRoles, "all")).rules).toEqual(rules);
    expect(world.complaints).toEqual([]);
  });
});
