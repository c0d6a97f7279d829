import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sleep } from "../../src/base/clock.ts";
import { silentLogger, type Logger } from "../../src/base/log.ts";
import { noMetrics } from "../../src/base/metrics.ts";
import { configMaps, events, namespaces, nodes, pods, secrets, serviceAccounts } from "../../src/api/generated/resources.ts";
import type { ContainerStatus, Pod, PodSpec } from "../../src/api/generated/types/core-v1.ts";
import type { Client } from "../../src/client/client.ts";
import { createEventRecorder } from "../../src/client/event-recorder-writer.ts";
import { createInformerFactory } from "../../src/client/informer-factory.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import { layerBlob } from "../../src/cluster/images/blob.ts";
import { machineArchitecture } from "../../src/cluster/images/demo-image.ts";
import { writeImageArchive } from "../../src/cluster/images/oci-archive.ts";
import { writePauseImage } from "../../src/cluster/images/pause-image.ts";
import { serveApi } from "../../src/cluster/serve-api.ts";
import { connectRuntime, type RuntimeConnection } from "../../src/cri/containerd/connect-runtime.ts";
import { detectHostParts } from "../../src/cri/containerd/host-parts.ts";
import { imageImporter } from "../../src/cri/containerd/image-import.ts";
import { type PrivateContainerd, startPrivateContainerd } from "../../src/cri/containerd/private-containerd.ts";
import { Kubelet } from "../../src/kubelet/kubelet.ts";
import { parseCidr } from "../../src/meta/ip.ts";
import type { ObjectMeta } from "../../src/meta/generated/meta-v1.ts";
import { hasReason } from "../../src/meta/status-error.ts";
import { systemClock } from "../../src/platform/node/clock.ts";
import { nodeFiles } from "../../src/platform/node/files.ts";
import { nodeGrpcHealth } from "../../src/platform/node/grpc-health.ts";
import { nodeMachine } from "../../src/platform/node/machine.ts";
import { nodeMounts } from "../../src/platform/node/mounts.ts";
import { nodeNetwork } from "../../src/platform/node/network.ts";
import { nodeProcesses } from "../../src/platform/node/processes.ts";
import { systemRandom } from "../../src/platform/node/random.ts";
import type { Signer } from "../../src/platform/signer.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";

const image = "keles.dev/kubelet-test:1";
const nodeName = "real";
const base = { clock: systemClock, random: systemRandom, log: silentLogger };
const paperSigner: Signer = { algorithm: "ES256", keyId: "paper", jwk: {}, sign: () => "c2ln", verify: () => true };

const skip = await detectHostParts({ files: nodeFiles, processes: nodeProcesses, uid: process.getuid?.() ?? -1 }).then(
  async () => ((await nodeProcesses.find("busybox")) === undefined ? "this machine lacks busybox (Debian package busybox-static)" : undefined),
  (error: unknown) => (error as Error).message,
);

interface World {
  readonly client: Client;
  readonly folder: string;
  readonly connection: RuntimeConnection;
  kubelet: Kubelet;
  restartKubelet(): Promise<void>;
  dispose(): Promise<void>;
}

const log: Logger = process.env["KUBELET_LOG"] === undefined ? silentLogger : { ...silentLogger, warn: (message, fields) => console.log(message, fields), with: () => log };

async function startWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "keles-kubelet-"));
  const id = folder.slice(folder.lastIndexOf("-") + 1).toLowerCase();
  const stop = new AbortController();
  const serviceCidr = parseCidr("10.96.0.0/12");
  if (serviceCidr === undefined) throw new Error("no range");
  const api = serveApi(
    { serviceCidr, nodePorts: { first: 30_000, last: 32_767 }, clusterCa: "", issuer: "https://test", version: { major: "1", minor: "36" } as never, metricsText: async () => "" },
    { ...base, store: new MemoryStore(), signer: paperSigner, metrics: noMetrics },
  );
  await api.load();
  const running: Promise<unknown>[] = [api.run(stop.signal)];
  const client = inProcessClient(api.handle, { name: "system:admin", groups: ["system:masters", "system:authenticated"] });
  for (const name of ["default", "kube-node-lease"]) await client.create(namespaces, { metadata: { name } });
  await client.create(serviceAccounts, { metadata: { name: "default", namespace: "default" } }, { namespace: "default" });
  await client.create(configMaps, { metadata: { name: "kube-root-ca.crt", namespace: "default" }, data: { "ca.crt": "paper" } }, { namespace: "default" });

  const containerd: PrivateContainerd = await startPrivateContainerd(
    { dataDir: folder, runDir: join(folder, "run") },
    { ...base, files: nodeFiles, processes: nodeProcesses, mounts: nodeMounts(), logger: silentLogger },
  );
  const bridge = `kt${id}`.slice(0, 15);
  await nodeFiles.write(
    `${containerd.cniConfDir}/10-test.conflist`,
    JSON.stringify({
      cniVersion: "0.4.0",
      name: "test",
      plugins: [
        {
          type: "bridge",
          bridge,
          isGateway: true,
          ipam: { type: "host-local", dataDir: join(folder, "leases"), ranges: [[{ subnet: "10.213.77.0/24" }]], routes: [{ dst: "0.0.0.0/0" }] },
        },
      ],
    }),
  );
  const connection = connectRuntime({ socket: containerd.socket });
  const importer = imageImporter(
    { socket: containerd.socket, ctr: containerd.host.ctr, snapshotter: containerd.snapshotter },
    { processes: nodeProcesses, clock: systemClock, images: connection.images },
  );
  const pause = await writePauseImage(join(folder, "pause.tar"));
  await importer.importImages(pause.path, { images: pause.images, pinned: true });
  const archive = await writeTestImage(join(folder, "test.tar"));
  await importer.importImages(archive.path, { images: archive.images });

  const podsCgroup = `/kubepods-test-${id}`;
  let kubeletStop = new AbortController();
  let kubeletRun: Promise<unknown> = Promise.resolve();
  const startKubelet = (): Kubelet => {
    kubeletStop = new AbortController();
    const informers = createInformerFactory({}, { ...base, client });
    const kubelet = new Kubelet(
      { nodeName, nodeIP: "127.0.0.1", dataDir: join(folder, "kubelet"), version: "v1.36.0", clusterDns: ["10.96.0.10"], cgroupRoot: "/sys/fs/cgroup", podsCgroup },
      {
        ...base,
        log,
        client,
        informers,
        recorder: createEventRecorder({ ...base, client, component: "kubelet", host: nodeName }),
        runtime: connection.runtime,
        images: connection.images,
        files: nodeFiles,
        mounts: nodeMounts(),
        network: nodeNetwork,
        grpcHealth: nodeGrpcHealth,
        machine: nodeMachine,
        metrics: noMetrics,
      },
    );
    kubeletRun = Promise.all([informers.run(kubeletStop.signal), kubelet.run(kubeletStop.signal)]);
    return kubelet;
  };
  const world: World = {
    client,
    folder,
    connection,
    kubelet: startKubelet(),
    async restartKubelet() {
      kubeletStop.abort(new Error("stopped"));
      await kubeletRun.catch(() => {});
      world.kubelet = startKubelet();
    },
    async dispose() {
      kubeletStop.abort(new Error("stopped"));
      await kubeletRun.catch(() => {});
      importer.close();
      await containerd.stop();
      connection.close();
      stop.abort(new Error("stopped"));
      await Promise.allSettled(running);
      for (const point of await nodeMounts().below(folder)) await nodeMounts().unmount(point);
      await nodeProcesses.run("ip", ["link", "delete", bridge]);
      const { stdout } = await nodeProcesses.run("find", ["/sys/fs/cgroup", "-depth", "-type", "d", "-path", `*${podsCgroup}*`]);
      for (const path of stdout.split("\n").filter((line) => line !== "")) await nodeFiles.removeEmptyFolder(path);
      await nodeFiles.remove(folder);
    },
  };
  return world;
}

async function writeTestImage(path: string): ReturnType<typeof writeImageArchive> {
  const busybox = (await nodeProcesses.find("busybox")) ?? "";
  const programs = [
    "sh",
    "sleep",
    "true",
    "false",
    "echo",
    "cat",
    "ls",
    "id",
    "httpd",
    "nc",
    "stat",
    "hostname",
    "env",
    "mkdir",
    "touch",
    "dd",
    "wget",
    "rm",
    "test",
    "kill",
    "ps",
    "head",
    "tail",
  ];
  const layer = await layerBlob([
    { type: "folder", path: "bin" },
    { type: "folder", path: "etc" },
    { type: "folder", path: "tmp", mode: 0o1777 },
    { type: "file", path: "etc/passwd", content: "root:x:0:0:root:/:/bin/sh\n" },
    { type: "file", path: "bin/busybox", mode: 0o755, content: await readFile(busybox) },
    ...programs.map((name) => ({ type: "link", path: `bin/${name}`, target: "busybox" }) as const),
  ]);
  const settings = { entrypoint: ["/bin/sh", "-c"], command: ["sleep 3600"], environment: ["PATH=/bin"] };
  return writeImageArchive(path, [{ name: image, platforms: [{ architecture: machineArchitecture(), layers: [layer], settings }] }]);
}

describe.skipIf(skip !== undefined)(`kubelet on containerd${skip === undefined ? "" : ` (skipped: ${skip})`}`, () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
    await until("the node is ready", async () => {
      const node = await world.client.get(nodes, nodeName).catch(() => undefined);
      return node?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
    });
  }, 60_000);
  afterAll(async () => {
    await world?.dispose();
  }, 60_000);

  async function until(what: string, condition: () => Promise<boolean>, timeoutMs = 15_000): Promise<void> {
    const end = systemClock.now() + timeoutMs;
    while (!(await condition())) {
      if (systemClock.now() > end) throw new Error(`it never came to be that ${what}`);
      await sleep(systemClock, 20);
    }
  }
  async function create(name: string, spec: Partial<PodSpec>, metadata: ObjectMeta = {}): Promise<Pod> {
    return world.client.create(
      pods,
      { metadata: { name, namespace: "default", ...metadata }, spec: { nodeName, terminationGracePeriodSeconds: 1, containers: [{ name: "main", image }], ...spec } },
      { namespace: "default" },
    );
  }
  async function get(name: string): Promise<Pod | undefined> {
    try {
      return await world.client.get(pods, name, { namespace: "default" });
    } catch (error) {
      if (hasReason(error, "NotFound")) return undefined;
      throw error;
    }
  }
  async function pod(name: string): Promise<Pod> {
    const found = await get(name);
    if (found === undefined) throw new Error(`no pod ${name}`);
    return found;
  }
  async function statusOf(name: string, container = "main"): Promise<ContainerStatus | undefined> {
    const { status } = await pod(name);
    return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].find((each) => each.name === container);
  }
  const isReady = (name: string) => async (): Promise<boolean> => (await pod(name)).status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
  const hasPhase = (name: string, phase: string) => async (): Promise<boolean> => (await pod(name)).status?.phase === phase;
  async function remove(name: string, gracePeriodSeconds?: number): Promise<void> {
    await world.client.delete(pods, name, { namespace: "default", ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }) });
    await until(`${name} is gone`, async () => (await get(name)) === undefined);
  }
  async function run(name: string, command: readonly string[], container = "main"): Promise<string> {
    const id = world.kubelet.containerId("default", name, container) ?? "";
    const { stdout, stderr } = await world.connection.runtime.execSync(id, command, 5);
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  }
  async function logs(name: string, options: Partial<Parameters<Kubelet["containerLogs"]>[0]> = {}): Promise<string> {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of world.kubelet.containerLogs({ namespace: "default", pod: name, container: "main", signal: AbortSignal.timeout(10_000), ...options }))
      text += decoder.decode(chunk, { stream: true });
    return text;
  }
  const cgroupFile = async (podUid: string, qos: string, file: string): Promise<string> => {
    const { stdout } = await nodeProcesses.run("sh", [
      "-c",
      `cat /sys/fs/cgroup/*/kubepods-test-*/${qos}pod${podUid}/${file} /sys/fs/cgroup/kubepods-test-*/${qos}pod${podUid}/${file} 2>/dev/null | head -1`,
    ]);
    return stdout.trim();
  };

  it("says what the node is", async () => {
    const node = await world.client.get(nodes, nodeName);
    expect(node.status?.nodeInfo?.containerRuntimeVersion).toMatch(/^containerd:\/\/\d+\.\d+\.\d+$/);
    expect(node.status?.nodeInfo?.kubeletVersion).toBe("v1.36.0");
    expect(node.status?.nodeInfo?.osImage).not.toBe("");
  });

  it("runs a pod soon after it is bound: address, names, resolver, log; and leaves nothing behind", async () => {
    const startedMs = systemClock.now();
    await create("web", { containers: [{ name: "main", image, args: ["echo hello; sleep 0.1; echo there >&2; sleep 3600"] }], hostname: "hn1", subdomain: "sd1" });
    await until("web is ready", isReady("web"));
    const tookMs = systemClock.now() - startedMs;
    const { status, metadata } = await pod("web");
    expect(tookMs).toBeLessThan(15_000);
    expect(status?.podIP).toMatch(/^10\.213\.77\./);
    expect(status?.containerStatuses?.[0]).toMatchObject({
      restartCount: 0,
      image,
      imageID: expect.stringContaining("keles.dev/kubelet-test@sha256:"),
      containerID: expect.stringMatching(/^containerd:\/\//),
    });
    expect((await run("web", ["hostname"])).trim()).toBe("hn1");
    expect(await run("web", ["cat", "/etc/resolv.conf"])).toMatch(
      /search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local.*\nnameserver 10\.96\.0\.10\noptions ndots:5/,
    );
    expect(await run("web", ["cat", "/etc/hosts"])).toContain(`${status?.podIP}\thn1.sd1.default.svc.cluster.local\thn1`);
    expect(await run("web", ["env"])).toContain("HOSTNAME=hn1");
    await until("both lines are written", async () => (await logs("web")) === "hello\nthere\n");
    expect(await logs("web", { tailLines: 1, timestamps: true })).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+\S+ there\n$/);
    const summary = await world.kubelet.statsSummary();
    expect(summary.pods.find(({ podRef }) => podRef.name === "web")?.containers[0]?.memory.workingSetBytes).toBeGreaterThan(0);
    await remove("web");
    await until("the sandbox is gone", async () => (await world.connection.runtime.listPodSandbox()).length === 0);
    expect(await nodeFiles.list(`${world.folder}/kubelet/pods`)).not.toContain(metadata.uid);
    expect(await cgroupFile(metadata.uid ?? "", "besteffort/", "cgroup.procs")).toBe("");
  });

  it("gives limits to the kernel and reports a container that had too much memory", async () => {
    const resources = { requests: { cpu: "100m", memory: "16Mi" }, limits: { cpu: "500m", memory: "16Mi" } };
    await create("limited", { containers: [{ name: "main", image, resources }] });
    await until("limited is ready", isReady("limited"));
    const { metadata, status } = await pod("limited");
    expect(status?.qosClass).toBe("Burstable");
    const uid = metadata.uid ?? "";
    expect(["102", `${1 + Math.floor((100 * 9999) / 262_142)}`]).toContain(
      await cgroupFile(uid, "burstable/", "cpu.shares").then((shares) => (shares === "" ? cgroupFile(uid, "burstable/", "cpu.weight") : shares)),
    );
    expect(["16777216"]).toContain(
      await cgroupFile(uid, "burstable/", "memory.limit_in_bytes").then((limit) => (limit === "" ? cgroupFile(uid, "burstable/", "memory.max") : limit)),
    );
    await remove("limited");
    await create("greedy", { restartPolicy: "Never", containers: [{ name: "main", image, args: ["exec tail /dev/zero"], resources: { limits: { memory: "16Mi" } } }] });
    await until("greedy has ended", async () => ["Failed", "Succeeded"].includes((await pod("greedy")).status?.phase ?? ""));
    expect((await statusOf("greedy"))?.state?.terminated?.reason).toBe("OOMKilled");
    await remove("greedy");
  });

  it("puts volumes in place, with owners and modes, and updates them", async () => {
    await world.client.create(configMaps, { metadata: { name: "conf", namespace: "default" }, data: { key: "one", other: "x" } }, { namespace: "default" });
    await world.client.create(secrets, { metadata: { name: "hidden", namespace: "default" }, data: { password: "czNjcjN0" } }, { namespace: "default" });
    const mounts = [
      { name: "conf", mountPath: "/conf" },
      { name: "conf", mountPath: "/single/file", subPath: "key" },
      { name: "hidden", mountPath: "/hidden", readOnly: true },
      { name: "scratch", mountPath: "/scratch" },
      { name: "memory", mountPath: "/memory" },
      { name: "info", mountPath: "/info" },
    ];
    await create(
      "files",
      {
        securityContext: { fsGroup: 2000, runAsUser: 1000 },
        containers: [
          { name: "main", image, volumeMounts: mounts },
          { name: "second", image, volumeMounts: [{ name: "scratch", mountPath: "/shared" }] },
        ],
        volumes: [
          { name: "conf", configMap: { name: "conf", defaultMode: 0o640 } },
          { name: "hidden", secret: { secretName: "hidden", items: [{ key: "password", path: "deep/pw", mode: 0o400 }] } },
          { name: "scratch", emptyDir: {} },
          { name: "memory", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
          {
            name: "info",
            projected: {
              sources: [
                { downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
                { serviceAccountToken: { path: "token", expirationSeconds: 600 } },
              ],
            },
          },
        ],
      },
      { labels: { app: "files" } },
    );
    await until("files is ready", isReady("files"));
    expect(await run("files", ["cat", "/conf/key", "/single/file", "/hidden/deep/pw", "/info/labels"])).toBe('oneones3cr3tapp="files"');
    expect(await run("files", ["cat", "/info/token"])).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect((await run("files", ["id"])).trim()).toBe("uid=1000 gid=0 groups=0,2000");
    expect((await run("files", ["stat", "-L", "-c", "%a %g", "/conf/key", "/hidden/deep/pw", "/scratch"])).trim().split("\n")).toEqual(["640 2000", "440 2000", "2777 2000"]);
    expect(await run("files", ["sh", "-c", "echo shared > /scratch/x; echo no > /conf/key"])).toContain("Read-only file system");
    expect(await run("files", ["cat", "/shared/x"], "second")).toBe("shared\n");
    expect(await run("files", ["sh", "-c", "dd if=/dev/zero of=/memory/big bs=1k count=2000 2>&1 | head -1"])).toContain("No space left on device");
    await world.client.patch(configMaps, "conf", { type: "merge", value: { data: { key: "two" } } }, { namespace: "default" });
    await until("the file has changed", async () => (await run("files", ["cat", "/conf/key"])) === "two");
    expect(await run("files", ["cat", "/single/file"])).toBe("one");
    await remove("files");
    expect((await nodeMounts().below(`${world.folder}/kubelet/pods`)).length).toBe(0);
  });

  it("goes by probes", async () => {
    const args = ["mkdir -p /tmp/www; echo ok > /tmp/www/healthz; httpd -p 8080 -h /tmp/www; sleep 3600"];
    await create("probed", {
      containers: [
        {
          name: "main",
          image,
          args,
          ports: [{ name: "http", containerPort: 8080 }],
          startupProbe: { tcpSocket: { port: "http" }, periodSeconds: 1, failureThreshold: 30 },
          readinessProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 1, failureThreshold: 1 },
          livenessProbe: { exec: { command: ["test", "!", "-e", "/tmp/dead"] }, periodSeconds: 1, failureThreshold: 2 },
        },
      ],
    });
    await until("probed is ready", isReady("probed"));
    await run("probed", ["rm", "/tmp/www/healthz"]);
    await until("probed is not ready", async () => !(await isReady("probed")()));
    expect((await statusOf("probed"))?.restartCount).toBe(0);
    await run("probed", ["touch", "/tmp/dead"]);
    await until("probed has been restarted", async () => (await statusOf("probed"))?.restartCount === 1 && (await isReady("probed")()), 20_000);
    const { items } = await world.client.list(events, { namespace: "default" });
    const texts = items.filter(({ involvedObject }) => involvedObject.name === "probed").map(({ message }) => message);
    expect(texts).toContain("Readiness probe failed: HTTP probe failed with statuscode: 404");
    expect(texts).toContain("Container main failed liveness probe, will be restarted");
    await remove("probed");
  });

  it("tells the last words of a container, and the log of the one before", async () => {
    await create("talker", {
      containers: [{ name: "main", image, args: ["echo run; echo bye > /dev/termination-log; exit 4"], terminationMessagePath: "/dev/termination-log" }],
    });
    await until("talker has crashed twice", async () => (await statusOf("talker"))?.restartCount === 1 && (await statusOf("talker"))?.state?.waiting !== undefined);
    expect(await statusOf("talker")).toMatchObject({
      state: { waiting: { reason: "CrashLoopBackOff" } },
      lastState: { terminated: { exitCode: 4, reason: "Error", message: "bye\n" } },
    });
    expect(await logs("talker", { previous: true })).toBe("run\n");
    await remove("talker");
  });

  it("follows a log to its end", async () => {
    await create("counter", { restartPolicy: "Never", containers: [{ name: "main", image, args: ["for i in 1 2 3; do echo $i; sleep 0.3; done"] }] });
    await until("counter has begun", async () => {
      const state = (await statusOf("counter"))?.state;
      return state?.running !== undefined || state?.terminated !== undefined;
    });
    expect(await logs("counter", { follow: true })).toBe("1\n2\n3\n");
    await until("counter has succeeded", hasPhase("counter", "Succeeded"));
    await remove("counter");
  });

  it("runs hooks, and ends with the stop signal when it is heeded", async () => {
    await create("hooked", {
      terminationGracePeriodSeconds: 20,
      volumes: [{ name: "out", hostPath: { path: world.folder } }],
      containers: [
        {
          name: "main",
          image,
          args: ["trap 'echo term >> /out/order; exit 0' TERM; while true; do sleep 0.1; done"],
          volumeMounts: [{ name: "out", mountPath: "/out" }],
          lifecycle: { postStart: { exec: { command: ["sh", "-c", "echo start >> /out/order"] } }, preStop: { exec: { command: ["sh", "-c", "echo stop >> /out/order"] } } },
        },
      ],
    });
    await until("hooked is ready", isReady("hooked"));
    await remove("hooked");
    expect(new TextDecoder().decode(await nodeFiles.read(`${world.folder}/order`))).toBe("start\nstop\nterm\n");
  });

  it("adopts what runs when the kubelet begins again", async () => {
    await create("kept", { containers: [{ name: "main", image, readinessProbe: { exec: { command: ["true"] }, periodSeconds: 1 } }] });
    await until("kept is ready", isReady("kept"));
    const before = await statusOf("kept");
    await world.restartKubelet();
    await until("the kubelet knows it", async () => world.kubelet.containerId("default", "kept", "main") !== undefined);
    await sleep(systemClock, 1500);
    expect(await statusOf("kept")).toMatchObject({ containerID: before?.containerID, restartCount: 0, ready: true });
    await remove("kept");
  });
});
