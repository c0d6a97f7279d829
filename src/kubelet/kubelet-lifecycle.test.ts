import { afterEach, describe, expect, it } from "vitest";
import { KubeletWorld } from "../../test/support/kubelet-world.ts";
import { events, pods } from "../api/generated/resources.ts";
import type { ContainerStatus, Pod } from "../api/generated/types/core-v1.ts";

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

const status = (pod: Pod, name = "main"): ContainerStatus | undefined =>
  [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find((each) => each.name === name);
const conditions = (pod: Pod): Record<string, string> =>
  Object.fromEntries((pod.status?.conditions ?? []).map(({ type, status, reason }) => [type, reason === undefined ? status : `${status} ${reason}`]));

describe("restarts", () => {
  it("waits longer each time a container crashes, and says so", async () => {
    const world = await start();
    await world.createPod("crash", {}, { annotations: { "simulate.keles.dev/exit-after": "100ms", "simulate.keles.dev/exit-code": "3" } });
    await world.clock.advance(4000);
    const pod = await world.existingPod("crash");
    // The first crash is followed by a restart at once, the second by ten seconds.
    expect(status(pod)).toMatchObject({
      restartCount: 1,
      ready: false,
      started: false,
      state: { waiting: { reason: "CrashLoopBackOff", message: `back-off 10s restarting failed container=main pod=crash_default(${pod.metadata.uid})` } },
      lastState: { terminated: { exitCode: 3, reason: "Error" } },
    });
    expect(pod.status?.phase).toBe("Running");
    expect(pod.status?.conditions?.find(({ type }) => type === "Ready")).toMatchObject({
      status: "False",
      reason: "ContainersNotReady",
      message: "containers with unready status: [main]",
    });
    await world.clock.advance(10_000);
    expect(status(await world.existingPod("crash"))).toMatchObject({ restartCount: 2, state: { waiting: { message: expect.stringContaining("back-off 20s") } } });
    await world.clock.advance(15_000);
    expect(status(await world.existingPod("crash"))?.restartCount).toBe(2);
    await world.clock.advance(6000);
    expect(status(await world.existingPod("crash"))?.restartCount).toBe(3);
    expect(await world.eventTexts("crash")).toContain(`Warning BackOff Back-off restarting failed container main in pod crash_default(${pod.metadata.uid})`);
  });

  it.each([
    ["Never", "0", "Succeeded"],
    ["Never", "1", "Failed"],
    ["OnFailure", "0", "Succeeded"],
    ["OnFailure", "1", "Running"],
    ["Always", "0", "Running"],
  ])("with policy %s and exit code %s ends as %s", async (restartPolicy, code, phase) => {
    const world = await start();
    await world.createPod("job", { restartPolicy }, { annotations: { "simulate.keles.dev/exit-after": "1s", "simulate.keles.dev/exit-code": code } });
    await world.clock.advance(4000);
    const pod = await world.existingPod("job");
    expect(pod.status?.phase).toBe(phase);
    if (phase === "Running") expect(status(pod)?.restartCount).toBeGreaterThan(0);
    else expect(status(pod)).toMatchObject({ restartCount: 0, state: { terminated: { exitCode: Number(code), reason: code === "0" ? "Completed" : "Error" } } });
    if (phase === "Succeeded") expect(conditions(pod)).toMatchObject({ Ready: "False PodCompleted", ContainersReady: "False PodCompleted" });
  });

  it("makes a new sandbox when the old one is lost", async () => {
    const world = await start();
    await world.createPod("web", {});
    await world.clock.advance(1000);
    const before = await world.existingPod("web");
    const [sandbox] = await world.simulated.runtime.listPodSandbox();
    await world.simulated.runtime.stopPodSandbox(sandbox?.id ?? "");
    await world.clock.advance(4000);
    const after = await world.existingPod("web");
    expect(status(after)).toMatchObject({ ready: true, restartCount: 1 });
    expect(status(after)?.containerID).not.toBe(status(before)?.containerID);
    expect(await world.eventTexts("web")).toContain("Normal SandboxChanged Pod sandbox changed, it will be killed and re-created.");
  });

  it("restarts a container whose image is changed, whatever the policy", async () => {
    const world = await start();
    await world.createPod("web", { restartPolicy: "Never" });
    await world.clock.advance(1000);
    await world.client.patch(pods, "web", { type: "json", operations: [{ op: "replace", path: "/spec/containers/0/image", value: "busybox:1.37" }] }, { namespace: "default" });
    await world.clock.advance(3000);
    expect(status(await world.existingPod("web"))).toMatchObject({ restartCount: 1, ready: true, image: expect.stringContaining("busybox:1.37") });
    expect(await world.eventTexts("web")).toContain("Normal Killing Container main definition changed, will be restarted");
  });
});

describe("init containers and sidecars", () => {
  it("runs init containers in order, then sidecars beside the rest, and ends sidecars last", async () => {
    const world = await start();
    await world.createPod("stages", {
      restartPolicy: "Never",
      initContainers: [
        { name: "first", image: "busybox:1.36", command: ["sleep", "2"] },
        { name: "side", image: "busybox:1.36", restartPolicy: "Always" },
        { name: "second", image: "busybox:1.36", command: ["sleep", "2"] },
      ],
      containers: [{ name: "main", image: "busybox:1.36", command: ["sleep", "5"] }],
    });
    await world.clock.advance(1000);
    let pod = await world.existingPod("stages");
    expect(pod.status?.phase).toBe("Pending");
    expect(status(pod, "first")?.state?.running).toBeDefined();
    expect(status(pod, "side")?.state?.waiting?.reason).toBe("PodInitializing");
    expect(status(pod)?.state?.waiting?.reason).toBe("PodInitializing");
    expect(pod.status?.conditions?.find(({ type }) => type === "Initialized")).toMatchObject({
      status: "False",
      reason: "ContainersNotInitialized",
      message: "containers with incomplete status: [first side second]",
    });
    await world.clock.advance(2500);
    pod = await world.existingPod("stages");
    expect(status(pod, "first")).toMatchObject({ ready: true, state: { terminated: { exitCode: 0, reason: "Completed" } } });
    expect(status(pod, "side")).toMatchObject({ started: true, ready: true });
    expect(status(pod, "second")?.state?.running).toBeDefined();
    await world.clock.advance(3000);
    pod = await world.existingPod("stages");
    expect(pod.status?.phase).toBe("Running");
    expect(conditions(pod)).toMatchObject({ Initialized: "True", Ready: "True" });
    await world.clock.advance(8000);
    pod = await world.existingPod("stages");
    expect(pod.status?.phase).toBe("Succeeded");
    expect(status(pod, "side")?.state?.terminated).toBeDefined();
  });

  it("fails the pod when an init container fails and nothing restarts", async () => {
    const world = await start();
    await world.createPod("bad", { restartPolicy: "Never", initContainers: [{ name: "first", image: "busybox:1.36", command: ["false"] }] });
    await world.clock.advance(3000);
    const pod = await world.existingPod("bad");
    expect(pod.status?.phase).toBe("Failed");
    expect(status(pod, "first")?.state?.terminated?.exitCode).toBe(1);
  });

  it("tries a failing init container again when the policy says so", async () => {
    const world = await start();
    await world.createPod("bad", { initContainers: [{ name: "first", image: "busybox:1.36", command: ["false"] }] });
    await world.clock.advance(4000);
    const pod = await world.existingPod("bad");
    expect(pod.status?.phase).toBe("Pending");
    expect(status(pod, "first")).toMatchObject({ restartCount: 1, state: { waiting: { reason: "CrashLoopBackOff" } } });
  });
});

describe("images", () => {
  it("says why an image cannot be pulled, and backs off", async () => {
    const world = await start();
    await world.createPod("web", {}, { annotations: { "simulate.keles.dev/pull-error": "not found" } });
    await world.clock.advance(300);
    const text = 'rpc error: code = Unknown desc = failed to pull and unpack image "docker.io/library/busybox:1.36": not found';
    let pod = await world.existingPod("web");
    expect(status(pod)?.state).toEqual({ waiting: { reason: "ErrImagePull", message: text } });
    expect(pod.status?.phase).toBe("Pending");
    await world.client.patch(pods, "web", { type: "merge", value: { metadata: { labels: { a: "b" } } } }, { namespace: "default" });
    await world.clock.advance(1000);
    pod = await world.existingPod("web");
    expect(status(pod)?.state).toEqual({ waiting: { reason: "ImagePullBackOff", message: `Back-off pulling image "busybox:1.36": ErrImagePull: ${text}` } });
    expect(await world.eventTexts("web")).toEqual([
      'Normal Pulling Pulling image "busybox:1.36"',
      `Warning Failed Failed to pull image "busybox:1.36": ${text}`,
      "Warning Failed Error: ErrImagePull",
      'Normal BackOff Back-off pulling image "busybox:1.36"',
      "Warning Failed Error: ImagePullBackOff",
    ]);
  });

  it.each([
    [{ image: "busybox:1.36", imagePullPolicy: "Never" }, "ErrImageNeverPull", 'Container image "busybox:1.36" is not present with pull policy of Never'],
    [{ image: "BAD::name" }, "InvalidImageName", 'Failed to apply default image tag "BAD::name": couldn\'t parse image name "BAD::name": invalid reference format'],
  ])("waits with %o", async (fields, reason, message) => {
    const world = await start();
    await world.createPod("web", { containers: [{ name: "main", ...fields }] });
    await world.clock.advance(1000);
    expect(status(await world.existingPod("web"))?.state?.waiting).toEqual({ reason, message });
  });
});

describe("configuration that is missing", () => {
  it("waits for a ConfigMap named in the environment, and starts when it comes", async () => {
    const world = await start();
    await world.createPod("web", { containers: [{ name: "main", image: "busybox:1.36", env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "late", key: "a" } } }] }] });
    await world.clock.advance(1000);
    expect(status(await world.existingPod("web"))?.state?.waiting).toEqual({ reason: "CreateContainerConfigError", message: 'configmap "late" not found' });
    expect(await world.eventTexts("web")).toContain('Warning Failed Error: configmap "late" not found');
    const { configMaps } = await import("../api/generated/resources.ts");
    await world.client.create(configMaps, { metadata: { name: "late", namespace: "default" }, data: { a: "1" } }, { namespace: "default" });
    await world.clock.advance(2000);
    expect(status(await world.existingPod("web"))?.ready).toBe(true);
  });

  it("reports a volume that cannot be made, and mounts it when it can", async () => {
    const world = await start();
    await world.createPod("web", {
      volumes: [{ name: "conf", configMap: { name: "late" } }],
      containers: [{ name: "main", image: "busybox:1.36", volumeMounts: [{ name: "conf", mountPath: "/conf" }] }],
    });
    await world.clock.advance(1000);
    expect(status(await world.existingPod("web"))?.state?.waiting?.reason).toBe("ContainerCreating");
    expect(await world.eventTexts("web")).toContain('Warning FailedMount MountVolume.SetUp failed for volume "conf" : configmap "late" not found');
    const { configMaps } = await import("../api/generated/resources.ts");
    const made = await world.client.create(configMaps, { metadata: { name: "late", namespace: "default" }, data: { a: "1" } }, { namespace: "default" });
    await world.clock.advance(2000);
    const pod = await world.existingPod("web");
    expect(status(pod)?.ready).toBe(true);
    const path = `/var/lib/kubelet/pods/${pod.metadata.uid}/volumes/kubernetes.io~configmap/conf/a`;
    expect(new TextDecoder().decode(await world.files.read(path))).toBe("1");
    await world.client.update(configMaps, { ...made, data: { a: "2" } }, { namespace: "default" });
    await world.clock.advance(100);
    expect(new TextDecoder().decode(await world.files.read(path))).toBe("2");
  });
});

describe("ending", () => {
  it("gives the grace that the pod has and keeps the object until then", async () => {
    const world = await start();
    await world.createPod("slow", { terminationGracePeriodSeconds: 10 }, { annotations: { "simulate.keles.dev/stop-delay": "1h" } });
    await world.clock.advance(1000);
    await world.deletePod("slow");
    await world.clock.advance(9000);
    expect((await world.existingPod("slow")).status?.phase).toBe("Running");
    await world.clock.advance(1500);
    expect(await world.pod("slow")).toBeUndefined();
  });

  it("takes less grace when it is asked for later", async () => {
    const world = await start();
    await world.createPod("slow", { terminationGracePeriodSeconds: 3600 }, { annotations: { "simulate.keles.dev/stop-delay": "2h" } });
    await world.clock.advance(1000);
    await world.deletePod("slow");
    await world.clock.advance(5000);
    await world.deletePod("slow", 3);
    await world.clock.advance(4000);
    expect(await world.pod("slow")).toBeUndefined();
    expect(await world.simulated.runtime.listContainers()).toEqual([]);
  });

  it("runs preStop first and takes its time from the grace", async () => {
    const world = await start();
    await world.createPod(
      "slow",
      { terminationGracePeriodSeconds: 10, containers: [{ name: "main", image: "busybox:1.36", lifecycle: { preStop: { sleep: { seconds: 4 } } } }] },
      { annotations: { "simulate.keles.dev/stop-delay": "1h" } },
    );
    await world.clock.advance(1000);
    await world.deletePod("slow");
    await world.clock.advance(9500);
    expect(await world.pod("slow")).toBeDefined();
    await world.clock.advance(1000);
    expect(await world.pod("slow")).toBeUndefined();
  });

  it("ends what runs of a pod that was removed by force", async () => {
    const world = await start();
    await world.createPod("gone", { terminationGracePeriodSeconds: 5 }, { annotations: { "simulate.keles.dev/stop-delay": "1h" } });
    await world.clock.advance(1000);
    await world.deletePod("gone", 0);
    expect(await world.pod("gone")).toBeUndefined();
    await world.clock.advance(10_000);
    expect(await world.simulated.runtime.listPodSandbox()).toEqual([]);
    expect(await world.files.list("/var/lib/kubelet/pods")).toEqual([]);
    expect(await world.files.list("/var/lib/kubelet/pods-logs")).toEqual([]);
  });

  it("ends a pod that is still pulling", async () => {
    const world = await start();
    await world.createPod("slow", {}, { annotations: { "simulate.keles.dev/pull-delay": "1h" } });
    await world.clock.advance(2000);
    expect(status(await world.existingPod("slow"))?.state?.waiting?.reason).toBe("ContainerCreating");
    await world.deletePod("slow");
    await world.clock.advance(3000);
    expect(await world.pod("slow")).toBeUndefined();
  });

  it("fails a pod that is active too long", async () => {
    const world = await start();
    await world.createPod("old", { activeDeadlineSeconds: 10 });
    await world.clock.advance(9000);
    expect((await world.existingPod("old")).status?.phase).toBe("Running");
    await world.clock.advance(4000);
    expect((await world.existingPod("old")).status).toMatchObject({
      phase: "Failed",
      reason: "DeadlineExceeded",
      message: "Pod was active on the node longer than the specified deadline",
    });
    await world.deletePod("old");
    await world.clock.advance(2000);
    expect(await world.pod("old")).toBeUndefined();
  });

  it("keeps what a finished pod said until the pod is deleted", async () => {
    const world = await start();
    await world.createPod("job", { restartPolicy: "Never", containers: [{ name: "main", image: "busybox:1.36", command: ["true"] }] });
    await world.clock.advance(90_000);
    expect((await world.existingPod("job")).status?.phase).toBe("Succeeded");
    expect(await world.simulated.runtime.listContainers()).toHaveLength(1);
    await world.deletePod("job");
    await world.clock.advance(2000);
    expect(await world.pod("job")).toBeUndefined();
    await world.clock.advance(2000);
    expect(await world.simulated.runtime.listContainers()).toEqual([]);
  });
});

describe("a kubelet that begins again", () => {
  it("adopts what runs: the same containers, the same counts, no new events", async () => {
    const world = await start();
    await world.createPod("web", {});
    await world.createPod("crash", {}, { annotations: { "simulate.keles.dev/exit-after": "3s", "simulate.keles.dev/exit-code": "1" } });
    await world.clock.advance(5000);
    const before = [await world.existingPod("web"), await world.existingPod("crash")];
    await world.stopKubelet();
    await world.startKubelet();
    await world.clock.advance(300);
    const after = [await world.existingPod("web"), await world.existingPod("crash")];
    expect(after.map((pod) => status(pod)?.containerID)).toEqual(before.map((pod) => status(pod)?.containerID));
    expect(after.map((pod) => status(pod)?.restartCount)).toEqual([0, 1]);
    expect(after.map(({ status }) => status?.startTime)).toEqual(before.map(({ status }) => status?.startTime));
    const { items } = await world.client.list(events, { namespace: "default" });
    expect(items.filter(({ involvedObject, reason }) => involvedObject.name === "web" && reason === "Started").map(({ count }) => count)).toEqual([1]);
  });

  it("cleans up after pods that went while it was away", async () => {
    const world = await start();
    await world.createPod("web", {});
    await world.createPod("stays", {});
    await world.clock.advance(1000);
    await world.stopKubelet();
    await world.deletePod("web", 0);
    await world.startKubelet();
    await world.clock.advance(5000);
    const sandboxes = await world.simulated.runtime.listPodSandbox();
    expect(sandboxes.map(({ metadata }) => metadata?.name)).toEqual(["stays"]);
    expect(await world.files.list("/var/lib/kubelet/pods")).toHaveLength(1);
  });

  it("goes on ending a pod that it was ending", async () => {
    const world = await start();
    await world.createPod("slow", { terminationGracePeriodSeconds: 20 }, { annotations: { "simulate.keles.dev/stop-delay": "5s" } });
    await world.clock.advance(1000);
    await world.deletePod("slow");
    await world.clock.advance(1000);
    await world.stopKubelet();
    await world.startKubelet();
    await world.clock.advance(8000);
    expect(await world.pod("slow")).toBeUndefined();
  });
});

describe("admission", () => {
  it.each([
    [
      { containers: [{ name: "main", image: "a", resources: { requests: { cpu: "100" } } }] },
      "OutOfcpu",
      "Pod was rejected: Node didn't have enough resource: cpu, requested: 100000, used: 0, capacity: 8000",
    ],
    [{ nodeSelector: { disk: "none" } }, "NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"],
  ])("refuses %o", async (spec, reason, message) => {
    const world = await start();
    await world.createPod("web", spec);
    await world.clock.advance(1000);
    expect((await world.existingPod("web")).status).toMatchObject({ phase: "Failed", reason, message });
    expect(await world.simulated.runtime.listPodSandbox()).toEqual([]);
    await world.deletePod("web");
    await world.clock.advance(1000);
    expect(await world.pod("web")).toBeUndefined();
  });
});
