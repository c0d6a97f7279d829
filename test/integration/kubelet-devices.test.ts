import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { resourceClaims, resourceSlices } from "../../src/api/generated/resources.ts";
import type { Pod } from "../../src/api/generated/types/core-v1.ts";
import type { ContainerConfig } from "../../src/cri/generated/cri-v1.ts";
import { hasReason } from "../../src/meta/status-error.ts";
import { CountedSockets, DeviceDriver } from "../support/device-driver.ts";
import { KubeletWorld } from "../support/kubelet-world.ts";
import { FilesWithSockets } from "../support/paper-sockets.ts";

// A kubelet with the simulated runtime and a driver of devices behind real sockets.
const registry = "/var/lib/kubelet/plugins_registry";
const name = "gpu.example.com";
const place = { namespace: "default" };
let folder: string;
let driver: DeviceDriver;
let sockets: CountedSockets;
let files: FilesWithSockets;
let world: KubeletWorld;
let configs: ContainerConfig[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keles-dra-"));
  driver = new DeviceDriver({ name, folder });
  sockets = new CountedSockets();
  configs = [];
  world = await KubeletWorld.start();
  files = new FilesWithSockets({}, { clock: world.clock });
  await world.stopKubelet();
});

afterEach(async () => {
  await world.stop();
  await driver.stop();
  await rm(folder, { recursive: true });
});

/** The kubelet finds the driver's socket under a name of the registry. */
async function startKubelet(): Promise<void> {
  const { runtime } = world.simulated;
  await world.startKubelet({
    deps: {
      files,
      runtime: {
        ...runtime,
        createContainer: (sandboxId, config, sandboxConfig) => {
          configs.push(config);
          return runtime.createContainer(sandboxId, config, sandboxConfig);
        },
      },
      pluginSockets: { open: (socket, descriptor) => sockets.open(socket === `${registry}/gpu.sock` ? driver.registrationSocket : socket, descriptor) },
    },
  });
}

async function startDriver(): Promise<void> {
  await driver.start();
  files.addSocket(`${registry}/gpu.sock`);
}

async function advance(seconds: number): Promise<void> {
  for (let step = 0; step < seconds * 4; step += 1) {
    await world.clock.advance(250);
    await sockets.idle();
    await world.clock.settle();
  }
}

async function addClaim(): Promise<void> {
  const requests = [{ name: "gpu", exactly: { deviceClassName: "gpus" } }];
  await world.client.create(resourceClaims, { metadata: { name: "c", ...place }, spec: { devices: { requests } } }, place);
}

/** As the scheduler does. */
async function allocate({ metadata }: Pod): Promise<void> {
  const claim = await world.client.get(resourceClaims, "c", place);
  const results = [{ driver: name, pool: "node-1", device: "gpu-0", request: "gpu" }];
  const reservedFor = [{ resource: "pods", name: metadata.name ?? "", uid: metadata.uid ?? "" }];
  await world.client.update(resourceClaims, { ...claim, status: { allocation: { devices: { results } }, reservedFor } }, { ...place, subresource: "status" });
}

const addPod = (): Promise<Pod> =>
  world.createPod("web", {
    containers: [
      { name: "main", image: "busybox:1.36", resources: { claims: [{ name: "gpu" }] } },
      { name: "side", image: "busybox:1.36" },
    ],
    resourceClaims: [{ name: "gpu", resourceClaimName: "c" }],
  });
const given = (): unknown => Object.fromEntries(configs.map(({ metadata, CDIDevices = [] }) => [metadata?.name, CDIDevices.map((device) => device.name)]));
const failures = async (): Promise<readonly string[]> => (await world.eventTexts("web")).filter((text) => text.includes("FailedPrepareDynamicResources"));
const failed = (why: string): string => `Warning FailedPrepareDynamicResources Failed to prepare dynamic resources: prepare dynamic resources: ${why}`;

it("a pod waits for its claim and its driver, gets the devices, and gives them back", async () => {
  await startKubelet();
  await addClaim();
  const pod = await addPod();
  await advance(1);
  await allocate(pod);
  await advance(16);
  await startDriver();
  driver.failure = "the device is hot";
  await advance(16);
  driver.failure = "";
  await advance(16);
  expect((await world.existingPod("web")).status?.phase).toBe("Running");
  expect(await failures()).toEqual([
    failed(`pod web (${pod.metadata.uid}) is not allowed to use ResourceClaim c (${(await world.client.get(resourceClaims, "c", place)).metadata.uid})`),
    failed(`DRA driver ${name} is not registered`),
    failed("NodePrepareResources failed for ResourceClaim c: the device is hot"),
  ]);
  expect(given()).toEqual({ main: [`${name}/claim=c`], side: [] });
  expect(driver.heard.filter((text, index, all) => text !== all[index - 1])).toEqual(["registered", "prepare default/c"]);
  await world.deletePod("web");
  await advance(2);
  expect(await world.pod("web")).toBeUndefined();
  expect(driver.heard.at(-1)).toBe("unprepare default/c");
});

it("a pod that ends while its driver is away stays until the devices are given back", async () => {
  await startDriver();
  await startKubelet();
  await addClaim();
  await allocate(await addPod());
  await advance(5);
  expect((await world.existingPod("web")).status?.phase).toBe("Running");
  driver.failure = "busy";
  await world.deletePod("web", 1);
  await advance(5);
  expect((await world.existingPod("web")).metadata.deletionTimestamp).toBeDefined();
  driver.failure = "";
  await advance(16);
  expect(await world.pod("web")).toBeUndefined();
});

it("a kubelet that starts anew knows the devices of the pods that run, and takes back those of pods that are gone", async () => {
  await startDriver();
  await startKubelet();
  await addClaim();
  await allocate(await addPod());
  await advance(5);
  await world.stopKubelet();
  configs = [];
  // Killed from outside: the container is made again in the sandbox that is there.
  const container = (await world.simulated.runtime.listContainers()).find(({ metadata }) => metadata?.name === "main");
  await world.simulated.runtime.stopContainer(container?.id ?? "", 0);
  await startKubelet();
  await advance(20);
  expect(given()).toEqual({ main: [`${name}/claim=c`] });
  expect(driver.heard.filter((text) => text.startsWith("prepare"))).toEqual(["prepare default/c"]);
  await world.stopKubelet();
  await world.deletePod("web", 0);
  await startKubelet();
  await advance(61);
  expect(driver.heard.at(-1)).toBe("unprepare default/c");
});

it("takes back the slices of drivers that are not there: at the start, and when one stays away", async () => {
  const publish = (): Promise<unknown> =>
    world.client.create(resourceSlices, {
      metadata: { name: "s" },
      spec: { driver: name, nodeName: "node-1", pool: { name: "node-1", generation: 1, resourceSliceCount: 1 }, devices: [{ name: "gpu-0" }] },
    });
  const isThere = (): Promise<boolean> =>
    world.client.get(resourceSlices, "s").then(
      () => true,
      (error: unknown) => {
        if (hasReason(error, "NotFound")) return false;
        throw error;
      },
    );
  await publish();
  await startKubelet();
  await advance(1);
  expect(await isThere()).toBe(false);
  await startDriver();
  await advance(3);
  await publish();
  // A call goes through, so the connection stands.
  await addClaim();
  await allocate(await addPod());
  await advance(40);
  expect([(await world.existingPod("web")).status?.phase, await isThere()]).toEqual(["Running", true]);
  files.removeSocket(`${registry}/gpu.sock`);
  await advance(29);
  expect(await isThere()).toBe(true);
  await advance(3);
  expect(await isThere()).toBe(false);
});
