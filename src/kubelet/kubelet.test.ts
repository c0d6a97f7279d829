import { afterEach, describe, expect, it } from "vitest";
import { KubeletWorld } from "../../test/support/kubelet-world.ts";
import { leases, nodes } from "../api/generated/resources.ts";
import type { VolumeType } from "./volumes/volume-type.ts";

let world: KubeletWorld | undefined;
const start = async (...args: Parameters<typeof KubeletWorld.start>): Promise<KubeletWorld> => {
  world = await KubeletWorld.start(...args);
  return world;
};

afterEach(async () => {
  await world?.stop();
  world = undefined;
});

describe("kubelet", () => {
  it("registers its node, says that it is ready, and renews its lease", async () => {
    const { client, clock } = await start({ kubelet: { labels: { disk: "ssd" } } });
    await clock.advance(2000);
    const node = await client.get(nodes, "node-1");
    expect(node.metadata.labels).toMatchObject({ "kubernetes.io/hostname": "node-1", "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", disk: "ssd" });
    expect(node.status?.addresses).toEqual([
      { type: "InternalIP", address: "192.168.0.5" },
      { type: "Hostname", address: "node-1" },
    ]);
    expect(node.status?.capacity).toMatchObject({ cpu: "8", memory: "32Gi", pods: "110" });
    expect(node.status?.allocatable).toMatchObject({ cpu: "8", memory: "32668Mi" });
    expect(node.status?.conditions?.find(({ type }) => type === "Ready")).toMatchObject({ status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" });
    const before = await client.get(leases, "node-1", { namespace: "kube-node-lease" });
    await clock.advance(10_000);
    const after = await client.get(leases, "node-1", { namespace: "kube-node-lease" });
    expect(after.spec).toMatchObject({ holderIdentity: "node-1", leaseDurationSeconds: 40 });
    expect(after.spec?.renewTime).not.toBe(before.spec?.renewTime);
  });

  it("runs a pod that is bound to it within half a second, and ends it", async () => {
    const world = await start();
    await world.clock.advance(3000);
    await world.createPod("web", {});
    await world.clock.advance(500);
    const pod = await world.existingPod("web");
    expect(pod.status).toMatchObject({
      phase: "Running",
      hostIP: "192.168.0.5",
      podIP: expect.stringMatching(/^10\.244\.1\./),
      qosClass: "BestEffort",
      containerStatuses: [{ name: "main", ready: true, started: true, restartCount: 0, state: { running: {} }, containerID: expect.stringMatching(/^simulated:\/\//) }],
    });
    expect(pod.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
      "PodReadyToStartContainers=True",
      "Initialized=True",
      "Ready=True",
      "ContainersReady=True",
      "PodScheduled=True",
    ]);
    expect(await world.eventTexts("web")).toEqual([
      'Normal Pulling Pulling image "busybox:1.36"',
      expect.stringMatching(/^Normal Pulled Successfully pulled image "busybox:1.36" in 100ms \(100ms including waiting\)\. Image size: \d+ bytes\.$/),
      "Normal Created Container created",
      "Normal Started Container started",
    ]);
    await world.deletePod("web");
    await world.clock.advance(3000);
    expect(await world.pod("web")).toBeUndefined();
    expect(await world.simulated.runtime.listPodSandbox()).toEqual([]);
    expect(await world.files.list("/var/lib/kubelet/pods")).toEqual([]);
    expect(await world.eventTexts("web")).toContain("Normal Killing Stopping container main");
  });

  it("writes what upstream's kubelet writes for a pod's start and end, and looks at its volumes once each", async () => {
    const world = await start();
    await world.clock.advance(3000);
    await world.stopKubelet();
    const writes: string[] = [];
    const { client } = world;
    const counted: typeof client = {
      ...client,
      create: (resource, object, options) => {
        if (resource.resource !== "events") writes.push(`create ${resource.resource}`);
        return client.create(resource, object, options);
      },
      update: (resource, object, options) => {
        writes.push(`update ${resource.resource}`);
        return client.update(resource, object, options);
      },
      patch: (resource, name, patch, options) => {
        writes.push(`patch ${resource.resource}/${options?.subresource ?? ""}`);
        return client.patch(resource, name, patch, options);
      },
      delete: (resource, name, options) => {
        writes.push(`delete ${resource.resource}`);
        return client.delete(resource, name, options);
      },
      createSubresource: (resource, name, subresource, body, options) => {
        writes.push(`create ${resource.resource}/${subresource}`);
        return client.createSubresource(resource, name, subresource, body, options);
      },
    };
    let looks = 0;
    const counting: VolumeType = {
      plugin: "test~counting",
      supports: (volume) => volume.emptyDir !== undefined,
      setUp: async ({ directory }) => {
        looks += 1;
        return { hostPath: directory, readOnly: false };
      },
    };
    await world.startKubelet({ deps: { client: counted, volumeTypes: [counting] } });
    await world.clock.advance(3000);
    writes.length = 0;
    const token = { name: "token", projected: { sources: [{ serviceAccountToken: { path: "token", expirationSeconds: 3607 } }] } };
    await world.createPod("web", { terminationGracePeriodSeconds: 0, volumes: [token, { name: "scratch", emptyDir: {} }] });
    await world.clock.advance(3000);
    expect((await world.existingPod("web")).status?.phase).toBe("Running");
    // ContainerCreating, then the sandbox with its address, then the container that runs.
    const status = "patch pods/status";
    expect(writes).toEqual([status, "create serviceaccounts/token", status, status]);
    expect(looks).toBe(1);
    writes.length = 0;
    await world.deletePod("web", 0);
    await world.clock.advance(3000);
    expect(await world.pod("web")).toBeUndefined();
    expect(writes).toEqual([]);
  });
});
