import { afterEach, beforeEach, expect, it } from "vitest";
import { deployments, events, jobs, pods, replicaSets } from "../../src/api/generated/resources.ts";
import { controllersWorld, type World } from "./controllers-world.ts";

let world: World;
const place = { namespace: "default" };

beforeEach(async () => {
  world = await controllersWorld();
});
afterEach(() => world.stop());

/** Everything that was told, oldest first, with names that chance chose written as letters in the order of their first mention. */
async function transcript(kinds: readonly string[]): Promise<readonly string[]> {
  const { items } = await world.client.list(events, {});
  const letters = new Map<string, string>();
  const plain = (text: string): string =>
    text.replaceAll(/\b(web|once)-([a-z0-9]{6,10})(-[a-z0-9]{5})?\b/g, (whole, base: string, hash: string) => {
      const letter = letters.get(hash) ?? String.fromCharCode(65 + letters.size);
      letters.set(hash, letter);
      return whole.length > base.length + hash.length + 1 ? `${base}-${letter}-*` : `${base}-${letter}`;
    });
  return [...items]
    .filter(({ involvedObject }) => kinds.includes(involvedObject.kind ?? ""))
    .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
    .map(({ type, reason, message, involvedObject }) => plain(`${involvedObject.kind ?? ""} ${type ?? ""} ${reason ?? ""}: ${message ?? ""}`));
}

const labels = { app: "web" };
const template = (image: string) => ({ metadata: { labels }, spec: { containers: [{ name: "main", image }] } });

async function deploy(strategy: object = {}): Promise<void> {
  const spec = { replicas: 3, selector: { matchLabels: labels }, template: template("web:1"), ...strategy };
  await world.client.create(deployments, { metadata: { name: "web" }, spec } as Parameters<typeof world.client.create>[1] as never, place);
  await world.advance(10);
}

async function setImage(image: string): Promise<void> {
  await world.client.patch(deployments, "web", { type: "strategic", value: { spec: { template: { spec: { containers: [{ name: "main", image }] } } } } }, place);
  await world.advance(30);
}

const revisions = async (): Promise<readonly string[]> => {
  const { items } = await world.client.list(replicaSets, place);
  return items
    .map(({ metadata, spec }) => {
      const notes = metadata.annotations ?? {};
      const before = notes["deployment.kubernetes.io/revision-history"];
      return `${spec.template?.spec?.containers[0]?.image ?? ""} × ${spec.replicas ?? 0}: revision ${notes["deployment.kubernetes.io/revision"] ?? ""}${before === undefined ? "" : `, before ${before}`}`;
    })
    .sort();
};

it("a rollout, one pod more at a time, and back", async () => {
  for (const name of ["n1", "n2"]) await world.addNode(name);
  await deploy();
  await setImage("web:2");
  expect(await transcript(["Deployment"])).toEqual([
    "Deployment Normal ScalingReplicaSet: Scaled up replica set web-A from 0 to 3",
    "Deployment Normal ScalingReplicaSet: Scaled up replica set web-B from 0 to 1",
    "Deployment Normal ScalingReplicaSet: Scaled down replica set web-A from 3 to 2",
    "Deployment Normal ScalingReplicaSet: Scaled up replica set web-B from 1 to 2",
    "Deployment Normal ScalingReplicaSet: Scaled down replica set web-A from 2 to 1",
    "Deployment Normal ScalingReplicaSet: Scaled up replica set web-B from 2 to 3",
    "Deployment Normal ScalingReplicaSet: Scaled down replica set web-A from 1 to 0",
  ]);
  expect(await revisions()).toEqual(["web:1 × 0: revision 1", "web:2 × 3: revision 2"]);
  const live = await world.client.get(deployments, "web", place);
  expect(live.status?.conditions?.map(({ type, status, reason, message }) => `${type} ${status} ${reason ?? ""}: ${(message ?? "").replace(/web-[a-z0-9]+/, "web-B")}`)).toEqual([
    "Available True MinimumReplicasAvailable: Deployment has minimum availability.",
    'Progressing True NewReplicaSetAvailable: ReplicaSet "web-B" has successfully progressed.',
  ]);
  await setImage("web:1");
  expect((await transcript(["Deployment"])).slice(7, 9)).toEqual([
    "Deployment Normal ScalingReplicaSet: Scaled up replica set web-A from 0 to 1",
    "Deployment Normal ScalingReplicaSet: Scaled down replica set web-B from 3 to 2",
  ]);
  expect(await revisions()).toEqual(["web:1 × 3: revision 3, before 1", "web:2 × 0: revision 2"]);
});

it("a rollout that replaces all at once", async () => {
  await world.addNode("n1");
  await deploy({ strategy: { type: "Recreate" } });
  await setImage("web:2");
  expect(await transcript(["Deployment"])).toEqual([
    "Deployment Normal ScalingReplicaSet: Scaled up replica set web-A from 0 to 3",
    "Deployment Normal ScalingReplicaSet: Scaled down replica set web-A from 3 to 0",
    "Deployment Normal ScalingReplicaSet: Scaled up replica set web-B from 0 to 3",
  ]);
});

it("a rollout that gets nowhere", async () => {
  await world.addNode("n1");
  await deploy({ progressDeadlineSeconds: 60 });
  world.kubelet.ready = ({ spec }) => spec.containers[0]?.image !== "web:bad";
  await setImage("web:bad");
  await world.advance(90);
  const live = await world.client.get(deployments, "web", place);
  expect([live.status?.replicas, live.status?.updatedReplicas, live.status?.availableReplicas, live.status?.unavailableReplicas]).toEqual([4, 1, 3, 1]);
  expect(live.status?.conditions?.find(({ type }) => type === "Progressing")).toMatchObject({
    status: "False",
    reason: "ProgressDeadlineExceeded",
    message: expect.stringMatching(/^ReplicaSet "web-[a-z0-9]+" has timed out progressing\.$/),
  });
});

it("a node that is lost", async () => {
  for (const name of ["n1", "n2"]) await world.addNode(name);
  await deploy();
  const on = (await world.client.list(pods, place)).items.filter(({ spec }) => spec.nodeName === "n1").map(({ metadata }) => metadata.name ?? "");
  expect(on.length).toBeGreaterThan(0);
  world.kubelet.silent.add("n1");
  await world.advance(60);
  const node = (await transcript(["Node", "Pod"])).filter((line) => !line.includes("RegisteredNode"));
  expect([...node].sort()).toEqual(["Node Normal NodeNotReady: Node n1 status is now: NodeNotReady", ...on.map(() => "Pod Warning NodeNotReady: Node is not ready")]);
  // Tolerated for five minutes by default.
  await world.advance(200);
  expect((await world.client.list(pods, place)).items.filter(({ metadata }) => metadata.deletionTimestamp !== undefined)).toEqual([]);
  await world.advance(120);
  const after = (await world.client.list(pods, place)).items;
  expect(after.filter(({ metadata }) => metadata.deletionTimestamp !== undefined).map(({ metadata }) => metadata.name)).toEqual(on);
  expect(after.filter(({ spec, metadata }) => spec.nodeName === "n2" && metadata.deletionTimestamp === undefined)).toHaveLength(3);
  expect((await transcript(["Pod"])).filter((line) => line.includes("Eviction"))).toEqual(
    on.map(() => "Pod Normal TaintManagerEviction: Marking for deletion Pod default/web-A-*"),
  );
});

it("a job whose policy ends it at one exit code", async () => {
  await world.addNode("n1");
  const rules = [{ action: "FailJob", onExitCodes: { containerName: "main", operator: "In", values: [42] } }];
  const spec = { backoffLimit: 6, podFailurePolicy: { rules }, template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "exit-42" }] } } };
  await world.client.create(jobs, { metadata: { name: "once" }, spec } as never, place);
  await world.advance(60);
  const { status } = await world.client.get(jobs, "once", place);
  expect([status?.failed, status?.active ?? 0]).toEqual([1, 0]);
  const message = /^Container main for pod default\/once-[a-z0-9]{5} failed with exit code 42 matching FailJob rule at index 0$/;
  expect(status?.conditions).toMatchObject([
    { type: "FailureTarget", status: "True", reason: "PodFailurePolicy", message: expect.stringMatching(message) },
    { type: "Failed", status: "True", reason: "PodFailurePolicy", message: expect.stringMatching(message) },
  ]);
});

it("a job that tries until it has tried enough", async () => {
  await world.addNode("n1");
  const spec = { backoffLimit: 2, template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "exit-1" }] } } };
  await world.client.create(jobs, { metadata: { name: "once" }, spec } as never, place);
  await world.advance(300);
  const { status } = await world.client.get(jobs, "once", place);
  expect(status?.failed).toBe(3);
  expect(status?.conditions?.map(({ type, reason, message }) => `${type} ${reason ?? ""}: ${message ?? ""}`)).toEqual([
    "FailureTarget BackoffLimitExceeded: Job has reached the specified backoff limit",
    "Failed BackoffLimitExceeded: Job has reached the specified backoff limit",
  ]);
});
