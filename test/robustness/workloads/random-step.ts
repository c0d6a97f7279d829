import { cronJobs, daemonSets, deployments, jobs, nodes, pods, replicaSets, statefulSets } from "../../../src/api/generated/resources.ts";
import type { Random } from "../../../src/base/random.ts";
import type { KubeObject } from "../../../src/meta/object.ts";
import type { Resource } from "../../../src/meta/resource.ts";
import { hasReason } from "../../../src/meta/status-error.ts";
import type { StormyWorld } from "./stormy-world.ts";

const place = { namespace: "default" };
const MAX_NODES = 5;

/** What users do, one thing at a time; what it was. */
export async function randomStep(world: StormyWorld, random: Random, serial: number): Promise<string> {
  const steps = [
    makeDeployment,
    makeDeployment,
    makeStatefulSet,
    makeDaemonSet,
    makeJob,
    makeJob,
    makeCronJob,
    scale,
    scale,
    newImage,
    newImage,
    remove,
    remove,
    killPod,
    killPod,
    changeNodes,
  ];
  const step = steps[Math.floor(random.next() * steps.length)] ?? scale;
  try {
    return await step(world, random, serial);
  } catch (error) {
    // Somebody else was faster; users see that too.
    if (hasReason(error, "Conflict") || hasReason(error, "NotFound") || hasReason(error, "AlreadyExists")) return "nothing";
    throw error;
  }
}

type Step = (world: StormyWorld, random: Random, serial: number) => Promise<string>;
const upTo = (random: Random, most: number): number => Math.floor(random.next() * (most + 1));
const cpus = ["100m", "500m", "1"];

function template(name: string, random: Random, image = "serve", restartPolicy?: string): object {
  const cpu = cpus[upTo(random, 2)] ?? "100m";
  return {
    metadata: { labels: { app: name } },
    spec: { terminationGracePeriodSeconds: 5, containers: [{ name: "main", image, resources: { requests: { cpu } } }], ...(restartPolicy === undefined ? {} : { restartPolicy }) },
  };
}

const create = async (world: StormyWorld, resource: Resource<KubeObject>, name: string, spec: object): Promise<void> => {
  await world.client.create(resource, { metadata: { name }, spec } as never, place);
};

const makeDeployment: Step = async (world, random, serial) => {
  const name = `web-${serial}`;
  const spec = { replicas: upTo(random, 6), selector: { matchLabels: { app: name } }, template: template(name, random), revisionHistoryLimit: upTo(random, 3) };
  await create(world, deployments, name, random.next() < 0.2 ? { ...spec, strategy: { type: "Recreate" } } : spec);
  return `deployment ${name} of ${spec.replicas}`;
};

const makeStatefulSet: Step = async (world, random, serial) => {
  const name = `db-${serial}`;
  const podManagementPolicy = random.next() < 0.5 ? "Parallel" : "OrderedReady";
  await create(world, statefulSets, name, {
    replicas: upTo(random, 4),
    serviceName: name,
    podManagementPolicy,
    selector: { matchLabels: { app: name } },
    template: template(name, random),
  });
  return `stateful set ${name}`;
};

const makeDaemonSet: Step = async (world, random, serial) => {
  const name = `agent-${serial}`;
  await create(world, daemonSets, name, { selector: { matchLabels: { app: name } }, template: template(name, { ...random, next: () => 0 }) });
  return `daemon set ${name}`;
};

const makeJob: Step = async (world, random, serial) => {
  const name = `job-${serial}`;
  const completions = 1 + upTo(random, 5);
  const image = ["done", "done", "flaky", "fail"][upTo(random, 3)] ?? "done";
  const completionMode = random.next() < 0.5 ? "Indexed" : "NonIndexed";
  const spec = { completions, parallelism: 1 + upTo(random, 3), completionMode, backoffLimit: 4, template: template(name, random, image, "Never") };
  await create(world, jobs, name, spec);
  return `job ${name}: ${completions} × ${image}, ${completionMode}`;
};

const makeCronJob: Step = async (world, random, serial) => {
  const name = `cron-${serial}`;
  const jobTemplate = { spec: { template: template(name, random, "done", "Never") } };
  await create(world, cronJobs, name, { schedule: "*/2 * * * *", concurrencyPolicy: random.next() < 0.5 ? "Forbid" : "Allow", successfulJobsHistoryLimit: 2, jobTemplate });
  return `cron job ${name}`;
};

async function any<T extends KubeObject>(world: StormyWorld, random: Random, resource: Resource<T>): Promise<T | undefined> {
  const { items } = await world.client.list(resource, place);
  const free = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return free[upTo(random, free.length - 1)];
}

const scale: Step = async (world, random) => {
  const resource = [deployments, statefulSets, deployments][upTo(random, 2)] ?? deployments;
  const object = await any<KubeObject>(world, random, resource);
  if (object === undefined) return "nothing";
  const replicas = upTo(random, 7);
  await world.client.patch(resource as Resource<KubeObject>, object.metadata.name ?? "", { type: "merge", value: { spec: { replicas } } }, place);
  return `${resource.kind} ${object.metadata.name ?? ""} to ${replicas}`;
};

const newImage: Step = async (world, random, serial) => {
  const resource = [deployments, statefulSets, daemonSets][upTo(random, 2)] ?? deployments;
  const object = await any<KubeObject>(world, random, resource);
  if (object === undefined) return "nothing";
  const value = { spec: { template: { metadata: { annotations: { version: String(serial) } } } } };
  await world.client.patch(resource as Resource<KubeObject>, object.metadata.name ?? "", { type: "merge", value }, place);
  return `${resource.kind} ${object.metadata.name ?? ""} to version ${serial}`;
};

const remove: Step = async (world, random) => {
  const resource = [deployments, statefulSets, daemonSets, jobs, cronJobs, replicaSets][upTo(random, 5)] ?? deployments;
  const object = await any<KubeObject>(world, random, resource);
  if (object === undefined) return "nothing";
  const propagationPolicy = random.next() < 0.3 ? "Foreground" : "Background";
  await world.client.delete(resource, object.metadata.name ?? "", { ...place, propagationPolicy });
  return `no ${resource.kind} ${object.metadata.name ?? ""} (${propagationPolicy})`;
};

const killPod: Step = async (world, random) => {
  const pod = await any(world, random, pods);
  if (pod === undefined) return "nothing";
  await world.client.delete(pods, pod.metadata.name ?? "", { ...place, ...(random.next() < 0.3 ? { gracePeriodSeconds: 0 } : {}) });
  return `no pod ${pod.metadata.name ?? ""}`;
};

const changeNodes: Step = async (world, random, serial) => {
  const [first] = [...world.live];
  if (first === undefined || (world.live.size < MAX_NODES && random.next() < 0.6)) {
    await world.addNode(`node-${serial}`, ["2", "4"][upTo(random, 1)] ?? "2");
    return `node node-${serial}`;
  }
  if (random.next() < 0.5) {
    const unschedulable = random.next() < 0.5;
    await world.client.patch(nodes, first, { type: "merge", value: { spec: { unschedulable } } });
    return `${unschedulable ? "cordoned" : "uncordoned"} ${first}`;
  }
  world.live.delete(first);
  await world.client.delete(nodes, first, {});
  return `no node ${first}`;
};
