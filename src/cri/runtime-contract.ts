import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Container, ContainerConfig, ContainerStatus, PodSandboxConfig } from "./generated/cri-v1.ts";
import type { ImageService, RuntimeService } from "./runtime.ts";

/** A runtime, and how to drive it. */
export interface RuntimeUnderTest {
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  /** Full name of an image with a shell. */
  readonly image: string;
  /** Makes the image present. */
  readonly bringImage: () => Promise<void>;
  /** What of a sandbox is the machine's affair: log folder, cgroup. */
  readonly sandboxDefaults: Partial<PodSandboxConfig>;
  /** The work's outcome, with time going by as it needs. */
  readonly settled: <T>(work: Promise<T>) => Promise<T>;
  /** Lets time go by until the condition holds; rejects when it never does. */
  readonly until: (condition: () => Promise<boolean>) => Promise<void>;
  readonly dispose: () => Promise<void>;
}

const forever = ["/bin/sh", "-c", "echo hello; sleep 3600"];

/** What every runtime must keep of `runtime.ts`. `open` gives a runtime without sandboxes. Skipped as a whole with `skip` as the reason. */
export function runtimeContract(name: string, open: () => Promise<RuntimeUnderTest>, options: { readonly skip?: string | undefined } = {}): void {
  const title = options.skip === undefined ? `${name} keeps the runtime contract` : `${name} keeps the runtime contract (skipped: ${options.skip})`;
  describe.skipIf(options.skip !== undefined)(title, () => {
    let subject: RuntimeUnderTest;
    let uid = 0;

    beforeAll(async () => {
      subject = await open();
      await subject.bringImage();
    });
    afterAll(() => subject?.dispose());
    afterEach(async () => {
      for (const { id = "" } of await subject.runtime.listPodSandbox()) await subject.settled(subject.runtime.removePodSandbox(id));
    });

    const config = (labels: Readonly<Record<string, string>> = {}): PodSandboxConfig => {
      uid += 1;
      return {
        ...subject.sandboxDefaults,
        metadata: { name: "web", namespace: "default", uid: `uid-${uid}`, attempt: 0 },
        labels,
        annotations: { "example.org/kept": "yes" },
        linux: { ...subject.sandboxDefaults.linux, securityContext: { namespaceOptions: { network: "NODE", pid: "CONTAINER", ipc: "POD" } } },
      };
    };
    const containerConfig = (command: readonly string[], name = "main"): ContainerConfig => ({
      metadata: { name, attempt: 0 },
      image: { image: subject.image },
      command,
      labels: { part: name },
      logPath: `${name}.log`,
      linux: { resources: {}, securityContext: { namespaceOptions: { network: "NODE", pid: "CONTAINER", ipc: "POD" } } },
    });
    const run = (wanted: PodSandboxConfig): Promise<string> => subject.settled(subject.runtime.runPodSandbox(wanted));
    const create = (sandbox: string, wanted: PodSandboxConfig, command: readonly string[], name?: string): Promise<string> =>
      subject.settled(subject.runtime.createContainer(sandbox, containerConfig(command, name), wanted));
    const start = (container: string): Promise<void> => subject.settled(subject.runtime.startContainer(container));
    const statusOf = async (container: string): Promise<ContainerStatus> => (await subject.runtime.containerStatus(container)).status ?? {};
    const ended = (container: string): Promise<void> => subject.until(async () => (await statusOf(container)).state === "CONTAINER_EXITED");
    const idsOf = (containers: readonly Container[]): readonly (string | undefined)[] => containers.map(({ id }) => id).sort();
    const failure = (code: string): object => expect.objectContaining({ name: "RuntimeError", code });

    it("says who it is and that it is ready", async () => {
      const version = await subject.runtime.version();
      expect(version.runtimeApiVersion).toBe("v1");
      expect(version.runtimeName).not.toBe("");
      const { status } = await subject.runtime.status();
      expect(status?.conditions?.find(({ type }) => type === "RuntimeReady")?.status).toBe(true);
      expect(status?.conditions?.map(({ type }) => type)).toContain("NetworkReady");
    });

    describe("sandboxes", () => {
      it("run, and are found by id, state and labels", async () => {
        const wanted = config({ app: "web", tier: "front" });
        const id = await run(wanted);
        const other = await run(config({ app: "db" }));
        expect(other).not.toBe(id);
        const { status } = await subject.runtime.podSandboxStatus(id);
        expect(status).toMatchObject({ id, state: "SANDBOX_READY", metadata: wanted.metadata, labels: wanted.labels, annotations: { "example.org/kept": "yes" } });
        expect(status?.linux?.namespaces?.options).toMatchObject({ network: "NODE", pid: "CONTAINER" });
        expect(status?.createdAt).toBeGreaterThan(1e18);
        const listed = async (filter: Parameters<RuntimeService["listPodSandbox"]>[0]) => (await subject.runtime.listPodSandbox(filter)).map((sandbox) => sandbox.id).sort();
        expect(await listed(undefined)).toEqual([id, other].sort());
        expect(await listed({ id })).toEqual([id]);
        expect(await listed({ labelSelector: { app: "web" } })).toEqual([id]);
        expect(await listed({ labelSelector: { app: "web", tier: "back" } })).toEqual([]);
        await subject.settled(subject.runtime.stopPodSandbox(other));
        expect(await listed({ state: { state: "SANDBOX_READY" } })).toEqual([id]);
        expect(await listed({ state: { state: "SANDBOX_NOTREADY" } })).toEqual([other]);
      });

      it("are one for one pod and attempt", async () => {
        const wanted = config();
        const id = await run(wanted);
        await expect(run(wanted)).rejects.toMatchObject({ name: "RuntimeError" });
        await subject.settled(subject.runtime.removePodSandbox(id));
        expect(await run(wanted)).not.toBe(id);
      });

      it("stop and go, as often as they are told to", async () => {
        const id = await run(config());
        await subject.settled(subject.runtime.stopPodSandbox(id));
        await subject.settled(subject.runtime.stopPodSandbox(id));
        expect((await subject.runtime.podSandboxStatus(id)).status?.state).toBe("SANDBOX_NOTREADY");
        await subject.settled(subject.runtime.removePodSandbox(id));
        await expect(subject.runtime.podSandboxStatus(id)).rejects.toEqual(failure("NOT_FOUND"));
        await subject.settled(subject.runtime.stopPodSandbox(id));
        await subject.settled(subject.runtime.removePodSandbox(id));
        expect(await subject.runtime.listPodSandbox()).toEqual([]);
      });

      it("take their containers with them", async () => {
        const wanted = config();
        const sandbox = await run(wanted);
        const container = await create(sandbox, wanted, forever);
        await start(container);
        await subject.settled(subject.runtime.stopPodSandbox(sandbox));
        await ended(container);
        await subject.settled(subject.runtime.removePodSandbox(sandbox));
        expect(await subject.runtime.listContainers()).toEqual([]);
        await expect(subject.runtime.containerStatus(container)).rejects.toEqual(failure("NOT_FOUND"));
      });
    });

    describe("containers", () => {
      it("are created, run, are stopped and removed", async () => {
        const wanted = config();
        const sandbox = await run(wanted);
        const id = await create(sandbox, wanted, forever);
        expect(await statusOf(id)).toMatchObject({ id, state: "CONTAINER_CREATED", metadata: { name: "main", attempt: 0 }, labels: { part: "main" }, startedAt: 0, finishedAt: 0 });
        await start(id);
        const running = await statusOf(id);
        expect(running).toMatchObject({ state: "CONTAINER_RUNNING", finishedAt: 0, exitCode: 0 });
        expect(running.image?.image).toBe(subject.image);
        expect(running.imageRef).not.toBe("");
        expect(running.startedAt).toBeGreaterThanOrEqual(running.createdAt ?? Number.NaN);
        await subject.settled(subject.runtime.stopContainer(id, 1));
        const stopped = await statusOf(id);
        expect(stopped).toMatchObject({ state: "CONTAINER_EXITED", reason: "Error" });
        expect(stopped.exitCode).toBeGreaterThan(128);
        expect(stopped.finishedAt).toBeGreaterThanOrEqual(stopped.startedAt ?? Number.NaN);
        await subject.settled(subject.runtime.stopContainer(id, 1));
        await subject.settled(subject.runtime.removeContainer(id));
        await expect(subject.runtime.containerStatus(id)).rejects.toEqual(failure("NOT_FOUND"));
        await subject.settled(subject.runtime.removeContainer(id));
        await subject.settled(subject.runtime.stopContainer(id, 1));
      });

      it.each([
        [0, "Completed"],
        [3, "Error"],
      ])("end by themselves with code %i", async (code, reason) => {
        const wanted = config();
        const sandbox = await run(wanted);
        const id = await create(sandbox, wanted, ["/bin/sh", "-c", `exit ${code}`]);
        await start(id);
        await ended(id);
        expect(await statusOf(id)).toMatchObject({ exitCode: code, reason });
      });

      it("are found by id, sandbox, state and labels", async () => {
        const wanted = config();
        const sandbox = await run(wanted);
        const otherConfig = config();
        const other = await run(otherConfig);
        const main = await create(sandbox, wanted, forever);
        const side = await create(sandbox, wanted, forever, "side");
        const foreign = await create(other, otherConfig, forever);
        await start(main);
        const listed = async (filter: Parameters<RuntimeService["listContainers"]>[0]) => idsOf(await subject.runtime.listContainers(filter));
        expect(await listed(undefined)).toEqual([main, side, foreign].sort());
        expect(await listed({ id: side })).toEqual([side]);
        expect(await listed({ podSandboxId: sandbox })).toEqual([main, side].sort());
        expect(await listed({ state: { state: "CONTAINER_RUNNING" } })).toEqual([main]);
        expect(await listed({ podSandboxId: sandbox, labelSelector: { part: "side" } })).toEqual([side]);
        const [record] = await subject.runtime.listContainers({ id: main });
        expect(record).toMatchObject({ podSandboxId: sandbox, state: "CONTAINER_RUNNING", metadata: { name: "main", attempt: 0 }, image: { image: expect.any(String) } });
      });

      it("run commands inside while they run", async () => {
        const wanted = config();
        const sandbox = await run(wanted);
        const id = await create(sandbox, wanted, forever);
        await expect(subject.runtime.execSync(id, ["/bin/true"], 5)).rejects.toMatchObject({ name: "RuntimeError" });
        await start(id);
        const answer = await subject.settled(subject.runtime.execSync(id, ["/bin/true"], 5));
        expect(answer.exitCode).toBe(0);
        expect(answer.stdout).toHaveLength(0);
      });

      it("start once", async () => {
        const wanted = config();
        const sandbox = await run(wanted);
        const id = await create(sandbox, wanted, forever);
        await start(id);
        await expect(start(id)).rejects.toMatchObject({ name: "RuntimeError" });
      });

      it("need a sandbox and an image that are there", async () => {
        const wanted = config();
        const sandbox = await run(wanted);
        await expect(create("0".repeat(64), wanted, forever)).rejects.toMatchObject({ name: "RuntimeError" });
        const absent = { ...containerConfig(forever), image: { image: "keles.dev/absent:1" } };
        await expect(subject.settled(subject.runtime.createContainer(sandbox, absent, wanted))).rejects.toEqual(failure("NOT_FOUND"));
      });

      it("are removed even while they run", async () => {
        const wanted = config();
        const sandbox = await run(wanted);
        const id = await create(sandbox, wanted, forever);
        await start(id);
        await subject.settled(subject.runtime.removeContainer(id));
        expect(await subject.runtime.listContainers()).toEqual([]);
      });

      it("show what they use while they run", async () => {
        const wanted = config();
        const sandbox = await run(wanted);
        const id = await create(sandbox, wanted, forever);
        await start(id);
        const [stats] = await subject.runtime.listContainerStats({ podSandboxId: sandbox });
        expect(stats?.attributes).toMatchObject({ id, metadata: { name: "main" } });
        expect(stats?.memory?.workingSetBytes?.value).toBeGreaterThan(0);
      });
    });

    describe("images", () => {
      it("are listed under their names until they are removed", async () => {
        const { image } = await subject.images.imageStatus({ image: subject.image });
        expect(image?.repoTags).toContain(subject.image);
        expect(image?.id).toMatch(/^sha256:[0-9a-f]{64}$/);
        expect(image?.repoDigests?.[0]).toMatch(/@sha256:[0-9a-f]{64}$/);
        expect((await subject.images.listImages()).map(({ id }) => id)).toContain(image?.id);
        expect((await subject.images.imageStatus({ image: image?.id })).image?.id).toBe(image?.id);
        await subject.settled(subject.images.removeImage({ image: subject.image }));
        expect((await subject.images.imageStatus({ image: subject.image })).image).toBeUndefined();
        await subject.settled(subject.images.removeImage({ image: subject.image }));
        await subject.bringImage();
      });

      it("take space", async () => {
        const [usage] = await subject.images.imageFsInfo();
        expect(usage?.fsId?.mountpoint).toMatch(/^\//);
        expect(usage?.timestamp).toBeGreaterThan(0);
      });
    });
  });
}
