import { afterEach, describe, expect, it } from "vitest";
import { KubeletWorld } from "../../test/support/kubelet-world.ts";
import { nodes, pods } from "../api/generated/resources.ts";
import type { NodeCondition, Pod } from "../api/generated/types/core-v1.ts";
import { sleep } from "../base/clock.ts";
import { RuntimeError } from "../cri/runtime.ts";
import type { Network } from "../platform/network.ts";

let world: KubeletWorld | undefined;
const start = async (...args: Parameters<typeof KubeletWorld.start>): Promise<KubeletWorld> => {
  world = await KubeletWorld.start(...args);
  await world.clock.advance(1000);
  return world;
};
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

const condition = async ({ client }: KubeletWorld, type: string): Promise<NodeCondition | undefined> =>
  (await client.get(nodes, "node-1")).status?.conditions?.find((each) => each.type === type);
const mainOf = (pod: Pod): NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>[number] | undefined => pod.status?.containerStatuses?.[0];

describe("the node", () => {
  it("is not ready while its network is missing, and takes the range of addresses from the API", async () => {
    const world = await start({ runtime: { podCidrs: [] } });
    expect(await condition(world, "Ready")).toMatchObject({
      status: "False",
      reason: "KubeletNotReady",
      message: "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: no range of pod addresses is known yet",
    });
    await world.createPod("web", {});
    await world.clock.advance(1000);
    expect(await world.eventTexts("web")).toEqual([expect.stringMatching(/^Warning NetworkNotReady network is not ready: container runtime network not ready: /)]);
    await world.client.patch(nodes, "node-1", { type: "merge", value: { spec: { podCIDR: "10.9.0.0/24", podCIDRs: ["10.9.0.0/24"] } } });
    await world.clock.advance(3000);
    expect(await condition(world, "Ready")).toMatchObject({ status: "True" });
    expect((await world.existingPod("web")).status).toMatchObject({ phase: "Running", podIP: expect.stringMatching(/^10\.9\.0\./) });
  });

  it("tells whether it has room, and whether pods may come", async () => {
    const world = await start();
    const status = (reason: string): string => `Normal ${reason} Node node-1 status is now: ${reason}`;
    const room = ["NodeHasNoDiskPressure", "NodeHasSufficientMemory", "NodeHasSufficientPID"].map(status);
    const told = async (): Promise<readonly string[]> => (await world.eventTexts("node-1")).filter((text) => / Node(Has|NotS|S)/.test(text)).toSorted();
    expect(await told()).toEqual(room);
    for (const unschedulable of [true, false]) {
      await world.client.patch(nodes, "node-1", { type: "merge", value: { spec: { unschedulable } } });
      await world.clock.advance(15_000);
    }
    expect(await told()).toEqual([...room, status("NodeNotSchedulable"), status("NodeSchedulable")].toSorted());
  });

  it("is ready as soon as it has a range of addresses, with one write", async () => {
    const world = await start({ runtime: { podCidrs: [] } });
    const before = await world.client.get(nodes, "node-1");
    // Neither runtime nor images had to be told after the node was made.
    expect(before.metadata.managedFields?.filter(({ subresource }) => subresource === "status")).toEqual([]);
    await world.client.patch(nodes, "node-1", { type: "merge", value: { spec: { podCIDR: "10.9.0.0/24", podCIDRs: ["10.9.0.0/24"] } } });
    await world.clock.settle();
    expect(await condition(world, "Ready")).toMatchObject({ status: "True" });
  });

  it("tells what has changed while its status is being written", async () => {
    const world = await start({ runtime: { podCidrs: [] } });
    await world.stopKubelet();
    let written = 0;
    const slow: typeof world.client = {
      ...world.client,
      async patch(resource, name, patch, options) {
        if (resource.resource === "nodes") {
          written += 1;
          await sleep(world.clock, 1000);
        }
        return world.client.patch(resource, name, patch, options);
      },
    };
    // Another version is told first, and the range of addresses comes in the middle of it.
    await world.startKubelet({ kubelet: { version: "v1.36.1" }, deps: { client: slow } });
    expect(written).toBe(1);
    await world.client.patch(nodes, "node-1", { type: "merge", value: { spec: { podCIDR: "10.9.0.0/24", podCIDRs: ["10.9.0.0/24"] } } });
    await world.clock.advance(2000);
    expect(written).toBe(2);
    expect(await condition(world, "Ready")).toMatchObject({ status: "True" });
  });

  it("is not ready while its runtime is down", async () => {
    const world = await start();
    const { runtime } = world.simulated;
    const status = runtime.status;
    runtime.status = async () => {
      throw new RuntimeError("UNAVAILABLE", "no connection");
    };
    await world.clock.advance(6000);
    expect(await condition(world, "Ready")).toMatchObject({ status: "False", message: "container runtime is down: rpc error: code = Unavailable desc = no connection" });
    runtime.status = status;
    await world.clock.advance(2000);
    expect(await condition(world, "Ready")).toMatchObject({ status: "True" });
  });

  it("writes its status when something changes, and every five minutes otherwise", async () => {
    const world = await start();
    await world.clock.advance(60_000);
    const first = await condition(world, "Ready");
    await world.clock.advance(120_000);
    expect(await condition(world, "Ready")).toEqual(first);
    await world.clock.advance(200_000);
    const later = await condition(world, "Ready");
    expect(later?.lastHeartbeatTime).not.toBe(first?.lastHeartbeatTime);
    expect(later?.lastTransitionTime).toBe(first?.lastTransitionTime);
    await world.createPod("web", {});
    await world.clock.advance(45_000);
    expect((await world.client.get(nodes, "node-1")).status?.images?.[0]?.names).toContain("docker.io/library/busybox:1.36");
  });

  it("registers again when it was deleted", async () => {
    const world = await start();
    await world.client.delete(nodes, "node-1");
    await world.clock.advance(40_000);
    expect((await world.client.get(nodes, "node-1")).metadata.name).toBe("node-1");
  });
});

describe("pressure", () => {
  it("evicts the pod with the largest excess, tells it, and keeps best-effort pods away", async () => {
    const world = await start();
    await world.createPod(
      "small",
      { containers: [{ name: "main", image: "busybox:1.36", resources: { requests: { memory: "1Gi" } } }] },
      { annotations: { "simulate.keles.dev/memory": "500Mi" } },
    );
    await world.createPod("large", {}, { annotations: { "simulate.keles.dev/memory": "5Gi" } });
    await world.clock.advance(2000);
    world.machine.usageNow = { memoryAvailableBytes: 50 * 1024 ** 2 };
    await world.clock.advance(12_000);
    expect(await condition(world, "MemoryPressure")).toMatchObject({ status: "True", reason: "KubeletHasInsufficientMemory" });
    const large = await world.existingPod("large");
    expect(large.status).toMatchObject({
      phase: "Failed",
      reason: "Evicted",
      message: "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container main was using 5Gi, request is 0, has larger consumption of memory. ",
    });
    expect(large.status?.conditions?.find(({ type }) => type === "DisruptionTarget")).toMatchObject({ status: "True", reason: "TerminationByKubelet" });
    expect((await world.existingPod("small")).status?.phase).toBe("Running");
    world.machine.usageNow = {};
    await world.createPod("late", {});
    await world.clock.advance(1000);
    expect((await world.existingPod("late")).status).toMatchObject({ phase: "Failed", reason: "Evicted", message: "Pod was rejected: The node had condition: [MemoryPressure]. " });
    await world.clock.advance(320_000);
    expect(await condition(world, "MemoryPressure")).toMatchObject({ status: "False", reason: "KubeletHasSufficientMemory" });
  });

  it("evicts a pod whose emptyDir outgrows its limit", async () => {
    const world = await start();
    const pod = await world.createPod("full", {
      volumes: [{ name: "v", emptyDir: { sizeLimit: "10" } }],
      containers: [{ name: "main", image: "busybox:1.36", volumeMounts: [{ name: "v", mountPath: "/v" }] }],
    });
    await world.clock.advance(1000);
    await world.files.write(`/var/lib/kubelet/pods/${pod.metadata.uid}/volumes/kubernetes.io~empty-dir/v/x`, "more than ten");
    await world.clock.advance(13_000);
    expect((await world.existingPod("full")).status).toMatchObject({ phase: "Failed", reason: "Evicted", message: 'Usage of EmptyDir volume "v" exceeds the limit "10". ' });
  });
});

describe("probes", () => {
  const failing = (answer: { ok: boolean }): Network => ({
    async probeTcp() {},
    async probeHttp() {
      return { status: answer.ok ? 200 : 500, body: "" };
    },
  });

  it("hold readiness back until startup has succeeded, and restart what is not alive", async () => {
    const answer = { ok: false };
    const world = await start({ deps: { network: failing(answer) } });
    await world.clock.advance(20_000);
    const probe = { httpGet: { port: 80 }, periodSeconds: 1 };
    await world.createPod("web", {
      containers: [
        {
          name: "main",
          image: "busybox:1.36",
          startupProbe: { ...probe, failureThreshold: 30 },
          livenessProbe: { ...probe, failureThreshold: 2 },
          readinessProbe: { ...probe, failureThreshold: 1 },
        },
      ],
    });
    await world.clock.advance(5000);
    expect(mainOf(await world.existingPod("web"))).toMatchObject({ started: false, ready: false, restartCount: 0 });
    answer.ok = true;
    await world.clock.advance(2500);
    expect(mainOf(await world.existingPod("web"))).toMatchObject({ started: true, ready: true, restartCount: 0 });
    answer.ok = false;
    await world.clock.advance(1200);
    expect(mainOf(await world.existingPod("web"))).toMatchObject({ started: true, ready: false, restartCount: 0 });
    await world.clock.advance(3000);
    expect(mainOf(await world.existingPod("web"))?.restartCount).toBe(1);
    expect(await world.eventTexts("web")).toEqual(
      expect.arrayContaining([
        "Warning Unhealthy Startup probe failed: HTTP probe failed with statuscode: 500",
        "Warning Unhealthy Liveness probe failed: HTTP probe failed with statuscode: 500",
        "Normal Killing Container main failed liveness probe, will be restarted",
      ]),
    );
    const answers = (): readonly string[] => {
      const [totals] = world.kubelet.probeMetrics();
      return [...(totals?.samples() ?? [])].map(({ labels }) => `${labels["probe_type"]} ${labels["result"]}`);
    };
    expect(answers()).toEqual(
      expect.arrayContaining(["Startup failed", "Startup successful", "Liveness successful", "Liveness failed", "Readiness successful", "Readiness failed"]),
    );
    await world.deletePod("web", 0);
    await world.clock.advance(5000);
    expect(answers()).toEqual([]);
  });
});

describe("debug containers", () => {
  it("join a pod that runs", async () => {
    const world = await start();
    await world.createPod("web", {});
    await world.clock.advance(1000);
    await world.client.patch(
      pods,
      "web",
      { type: "strategic", value: { spec: { ephemeralContainers: [{ name: "dbg", image: "busybox:1.36", targetContainerName: "main" }] } } },
      { namespace: "default", subresource: "ephemeralcontainers" },
    );
    await world.clock.advance(1000);
    const pod = await world.existingPod("web");
    expect(pod.status?.ephemeralContainerStatuses?.[0]).toMatchObject({ name: "dbg", state: { running: {} } });
    expect(mainOf(pod)?.restartCount).toBe(0);
  });
});

describe("resizing", () => {
  const resize = (world: KubeletWorld, cpu: string): Promise<Pod> =>
    world.client.patch(
      pods,
      "web",
      { type: "strategic", value: { spec: { containers: [{ name: "main", resources: { requests: { cpu }, limits: { cpu } } }] } } },
      { namespace: "default", subresource: "resize" },
    );
  const pending = (pod: Pod): unknown => pod.status?.conditions?.find(({ type }) => type === "PodResizePending");

  it("gives a running container what it asks for, if the node has it", async () => {
    const world = await start();
    await world.createPod("web", { containers: [{ name: "main", image: "busybox:1.36", resources: { requests: { cpu: "1" }, limits: { cpu: "1" } } }] });
    await world.clock.advance(1000);
    const before = mainOf(await world.existingPod("web"));
    await resize(world, "2");
    await world.clock.advance(1000);
    let pod = await world.existingPod("web");
    expect(mainOf(pod)).toMatchObject({
      containerID: before?.containerID,
      restartCount: 0,
      resources: { requests: { cpu: "2" }, limits: { cpu: "2" } },
      allocatedResources: { cpu: "2" },
    });
    const [container] = await world.simulated.runtime.listContainers();
    expect((await world.simulated.runtime.containerStatus(container?.id ?? "")).status?.resources?.linux?.cpuQuota).toBe(200_000);
    await resize(world, "100");
    await world.clock.advance(1000);
    pod = await world.existingPod("web");
    expect(mainOf(pod)).toMatchObject({ resources: { requests: { cpu: "2" } }, restartCount: 0 });
    expect(pending(pod)).toMatchObject({ status: "True", reason: "Infeasible", message: "Node didn't have enough capacity: cpu, requested: 100000, capacity: 8000" });
    await resize(world, "3");
    await world.clock.advance(1000);
    pod = await world.existingPod("web");
    expect(mainOf(pod)?.resources?.requests?.["cpu"]).toBe("3");
    expect(pending(pod)).toBeUndefined();
  });
});

describe("garbage", () => {
  it("is taken away: old instances of a container with their logs", async () => {
    const world = await start();
    await world.createPod("crash", {}, { annotations: { "simulate.keles.dev/exit-after": "1s", "simulate.keles.dev/exit-code": "1" } });
    await world.clock.advance(200_000);
    expect(mainOf(await world.existingPod("crash"))?.restartCount).toBeGreaterThan(3);
    expect((await world.simulated.runtime.listContainers()).length).toBeLessThanOrEqual(2);
  });
});

describe("many nodes in one process", () => {
  it("cost little while nothing happens", async () => {
    const world = await start();
    await world.createPod("web", {});
    await world.clock.advance(10_000);
    let calls = 0;
    const { runtime } = world.simulated;
    for (const name of Object.keys(runtime) as (keyof typeof runtime)[]) {
      const call = runtime[name] as (...args: unknown[]) => Promise<unknown>;
      (runtime as unknown as Record<string, unknown>)[name] = (...args: unknown[]) => {
        calls += 1;
        return call(...args);
      };
    }
    await world.clock.advance(60_000);
    // Two lists a second, a status every five seconds, and the collectors once in a while.
    expect(calls).toBeLessThan(140);
  });
});
