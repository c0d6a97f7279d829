import { afterEach, beforeEach, expect, it } from "vitest";
import {
  cronJobs,
  horizontalPodAutoscalers,
  jobs,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  resourceClaims,
  resourceClaimTemplates,
  services,
} from "../../src/api/generated/resources.ts";
import type { JobSpec } from "../../src/api/generated/types/batch-v1.ts";
import { type PromMetrics, promMetrics } from "../../src/platform/node/metrics.ts";
import { controllersWorld, type World } from "./controllers-world.ts";

const place = { namespace: "default" };
let world: World;
let metrics: PromMetrics;

beforeEach(async () => {
  metrics = promMetrics();
  const none = (): Promise<never> => Promise.reject(new Error("none"));
  world = await controllersWorld({ metricsSource: { resource: none, pods: none, object: none, external: none } }, { metrics });
  await world.addNode("n1");
  await world.settle();
});
afterEach(() => world.stop());

/** What is shown of metrics whose names begin so; of histograms their counts. */
async function shown(prefix: string): Promise<readonly string[]> {
  const text = await metrics.render();
  return text
    .split("\n")
    .filter((line) => line.startsWith(prefix) && !/_(bucket|sum)(\{| )/.test(line))
    .map((line) => line.slice(prefix.length))
    .sort();
}
const template = (image: string, rest = {}) => ({ metadata: { labels: { app: "web" } }, spec: { restartPolicy: "Never", containers: [{ name: "main", image }], ...rest } });
const addJob = (name: string, spec: Partial<JobSpec>) => world.client.create(jobs, { metadata: { name, ...place }, spec: { template: template("exit-0"), ...spec } }, place);

it("of jobs: how they end, and what becomes of their pods", async () => {
  await addJob("good", { completions: 2, parallelism: 2, completionMode: "Indexed", ttlSecondsAfterFinished: 5 });
  const rules = [{ action: "FailJob", onExitCodes: { operator: "In", values: [3] } }];
  await addJob("bad", { template: template("exit-3"), backoffLimit: 2, podFailurePolicy: { rules } });
  await addJob("other", { managedBy: "example.com/theirs" });
  await world.advance(30);
  const lines = await shown("job_controller_");
  expect(lines).toEqual(
    expect.arrayContaining([
      'job_finished_indexes_total{status="succeeded",backoffLimit="global"} 2',
      'job_pods_creation_total{reason="new",status="succeeded"} 3',
      'job_pods_finished_total{completion_mode="Indexed",result="succeeded"} 2',
      'job_pods_finished_total{completion_mode="NonIndexed",result="failed"} 1',
      'jobs_by_external_controller_total{controller_name="example.com/theirs"} 1',
      'jobs_finished_total{completion_mode="Indexed",result="succeeded",reason=""} 1',
      'jobs_finished_total{completion_mode="NonIndexed",result="failed",reason="PodFailurePolicy"} 1',
      'pod_failures_handled_by_failure_policy_total{action="FailJob"} 1',
      'terminated_pods_tracking_finalizer_total{event="add"} 3',
      'terminated_pods_tracking_finalizer_total{event="delete"} 3',
    ]),
  );
  expect(lines.filter((line) => line.startsWith("job_syncs_total")).join()).toMatch(/action="pods_created"/);
  expect(await shown("ttl_after_finished_controller_")).toEqual(["job_deletion_duration_seconds_count 1"]);
});

it("of cron jobs: how late a job is made", async () => {
  await world.client.create(cronJobs, { metadata: { name: "tick", ...place }, spec: { schedule: "* * * * *", jobTemplate: { spec: { template: template("exit-0") } } } }, place);
  await world.advance(130);
  expect(await shown("cronjob_controller_")).toEqual(["job_creation_skew_duration_seconds_count 2"]);
});

it("of services: their slices", async () => {
  await world.client.create(
    services,
    { metadata: { name: "web", ...place }, spec: { selector: { app: "web" }, ports: [{ port: 80 }], trafficDistribution: "PreferClose" } },
    place,
  );
  for (const name of ["a", "b"])
    await world.client.create(pods, { metadata: { name, ...place, labels: { app: "web" } }, spec: { containers: [{ name: "main", image: "web" }] } }, place);
  await world.advance(5);
  const lines = await shown("endpoint_slice_controller_");
  expect(lines).toEqual(
    expect.arrayContaining([
      "desired_endpoint_slices 1",
      "endpoints_desired 2",
      "num_endpoint_slices 1",
      'changes{operation="create"} 1',
      'services_count_by_traffic_distribution{traffic_distribution="PreferClose"} 1',
      'syncs{result="error"} 0',
    ]),
  );
});

it("of nodes that fall silent, and the pods that have to go", async () => {
  await world.addNode("n22");
  await world.client.create(pods, { metadata: { name: "a", ...place }, spec: { nodeName: "n22", containers: [{ name: "main", image: "web" }] } }, place);
  await world.advance(10);
  expect(await shown("node_collector_")).toEqual(expect.arrayContaining(['unhealthy_nodes_in_zone{zone=""} 0', 'zone_health{zone=""} 100', 'zone_size{zone=""} 2']));
  world.kubelet.silent.add("n22");
  await world.advance(400);
  expect(await shown("node_collector_")).toEqual(expect.arrayContaining(['evictions_total{zone=""} 1', 'unhealthy_nodes_in_zone{zone=""} 1', 'zone_health{zone=""} 50']));
  expect(await shown("taint_eviction_controller_")).toEqual(["pod_deletion_duration_seconds_count 1", "pod_deletions_total 1"]);
  await world.client.delete(nodes, "n22");
  await world.advance(120);
  expect(await shown("pod_gc_collector_")).toEqual(['force_delete_pods_total{namespace="default",reason="orphaned"} 1']);
});

it("of claims: who made them, and whether they have devices", async () => {
  const spec = { devices: { requests: [{ name: "gpu", exactly: { deviceClassName: "gpus" } }] } };
  await world.client.create(resourceClaims, { metadata: { name: "mine", ...place }, spec }, place);
  await world.client.create(resourceClaimTemplates, { metadata: { name: "one", ...place }, spec: { spec } }, place);
  const resourceClaimsOfPod = [{ name: "gpu", resourceClaimTemplateName: "one" }];
  await world.client.create(pods, { metadata: { name: "a", ...place }, spec: { resourceClaims: resourceClaimsOfPod, containers: [{ name: "main", image: "web" }] } }, place);
  await world.advance(5);
  expect(await shown("resourceclaim_controller_")).toEqual([
    'creates_total{status="success",admin_access="false"} 1',
    'resource_claims{allocated="false",admin_access="false",source=""} 1',
    'resource_claims{allocated="false",admin_access="false",source="resource_claim_template"} 1',
  ]);
});

it("of autoscalers: what came of looking at them", async () => {
  const resource = { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } };
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "gone" };
  await world.client.create(
    horizontalPodAutoscalers,
    { metadata: { name: "web", ...place }, spec: { maxReplicas: 3, scaleTargetRef, metrics: [{ type: "Resource", resource }] } },
    place,
  );
  await world.settle();
  expect(await shown("horizontal_pod_autoscaler_controller_")).toEqual([
    "num_horizontal_pod_autoscalers 1",
    'reconciliation_duration_seconds_count{action="none",error="internal"} 1',
    'reconciliations_total{action="none",error="internal"} 1',
  ]);
});

it("of volumes and claims: whether they found one another", async () => {
  const spec = { accessModes: ["ReadWriteOnce"], storageClassName: "" };
  for (const [name, path] of Object.entries({ a: "/a", b: "/b" }))
    await world.client.create(persistentVolumes, { metadata: { name }, spec: { ...spec, capacity: { storage: "1Gi" }, hostPath: { path } } });
  for (const [name, storage] of Object.entries({ small: "1Gi", large: "9Gi" }))
    await world.client.create(persistentVolumeClaims, { metadata: { name, ...place }, spec: { ...spec, resources: { requests: { storage } } } }, place);
  await world.advance(5);
  expect(await shown("pv_collector_")).toEqual([
    'bound_pv_count{storage_class=""} 1',
    'bound_pvc_count{namespace="default",storage_class="",volume_attributes_class=""} 1',
    'total_pv_count{plugin_name="kubernetes.io/host-path",volume_mode="Filesystem"} 2',
    'unbound_pv_count{storage_class=""} 1',
    'unbound_pvc_count{namespace="default",storage_class="",volume_attributes_class=""} 1',
  ]);
});
