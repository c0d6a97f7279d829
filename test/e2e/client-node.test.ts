import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import {
  ApiException,
  AppsV1Api,
  Attach,
  AuthenticationV1Api,
  CoreV1Api,
  Cp,
  CustomObjectsApi,
  Exec,
  Health,
  KubeConfig,
  KubernetesObjectApi,
  Log,
  makeInformer,
  PatchStrategy,
  PortForward,
  setHeaderOptions,
  VersionApi,
  type V1ConfigMap,
  type V1Status,
  Watch,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { Cluster } from "./cluster.ts";
import { until } from "./until.ts";

const noContainers = inject("noContainers");

/** What a program hears, and as which text. */
class Heard extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString("utf8");
    done();
  }
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "no error",
    (error: unknown) => (error instanceof ApiException ? error.code : error),
  );

/** The JavaScript client that everybody uses, as it is on the registry. */
describe("@kubernetes/client-node", () => {
  let cluster: Cluster;
  let config: KubeConfig;
  let core: CoreV1Api;
  const namespace = "default";
  beforeAll(async () => {
    cluster = await Cluster.start(noContainers === "" ? { runtime: "containerd", registry: inject("registry") } : { runtime: "simulated" });
    config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    core = config.makeApiClient(CoreV1Api);
  });
  afterAll(async () => {
    await cluster?.dispose();
  });

  const settings = (name: string, data: Record<string, string> = {}): V1ConfigMap => ({ metadata: { name, labels: { made: "here" } }, data });

  it("asks for version, health and nodes", async () => {
    expect((await config.makeApiClient(VersionApi).getCode()).gitVersion).toMatch(/^v1\.36\./);
    const health = new Health(config);
    expect([await health.readyz({}), await health.livez({})]).toEqual([true, true]);
    const { items } = await core.listNode();
    expect(items.map(({ status }) => status?.conditions?.find(({ type }) => type === "Ready")?.status)).toEqual(["True"]);
    expect(items[0]?.metadata?.creationTimestamp).toBeInstanceOf(Date);
    expect((await core.listComponentStatus()).items.map(({ metadata }) => metadata?.name)).toEqual(["controller-manager", "scheduler", "etcd-0"]);
  });

  it("creates, reads, replaces, patches in every way, lists in pages and deletes", async () => {
    const made = await core.createNamespacedConfigMap({ namespace, body: settings("one", { a: "1" }) });
    expect(made.metadata?.uid).toMatch(/^[\da-f-]{36}$/);
    expect(await codeOf(core.createNamespacedConfigMap({ namespace, body: settings("one") }))).toBe(409);
    expect(await codeOf(core.readNamespacedConfigMap({ namespace, name: "none" }))).toBe(404);
    made.data = { a: "2" };
    const replaced = await core.replaceNamespacedConfigMap({ namespace, name: "one", body: made });
    expect(replaced.data).toEqual({ a: "2" });
    expect(await codeOf(core.replaceNamespacedConfigMap({ namespace, name: "one", body: made }))).toBe(409);
    const patch = (body: unknown, strategy: PatchStrategy, more: object = {}) =>
      core.patchNamespacedConfigMap({ namespace, name: "one", body, ...more }, setHeaderOptions("Content-Type", strategy));
    expect((await patch([{ op: "add", path: "/data/b", value: "3" }], PatchStrategy.JsonPatch)).data).toEqual({ a: "2", b: "3" });
    expect((await patch({ data: { a: null } }, PatchStrategy.MergePatch)).data).toEqual({ b: "3" });
    expect((await patch({ data: { c: "4" } }, PatchStrategy.StrategicMergePatch)).data).toEqual({ b: "3", c: "4" });
    const applied = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "one" }, data: { d: "5" } };
    expect((await patch(applied, PatchStrategy.ServerSideApply, { fieldManager: "test" })).data).toEqual({ b: "3", c: "4", d: "5" });
    await core.createNamespacedConfigMap({ namespace, body: settings("two") });
    const labelSelector = "made=here";
    const first = await core.listNamespacedConfigMap({ namespace, labelSelector, limit: 1 });
    const second = await core.listNamespacedConfigMap({ namespace, labelSelector, limit: 1, _continue: first.metadata?._continue ?? "" });
    expect([...first.items, ...second.items].map(({ metadata }) => metadata?.name)).toEqual(["one", "two"]);
    expect(second.metadata?._continue).toBeUndefined();
    expect((await core.deleteNamespacedConfigMap({ namespace, name: "two" })).status).toBe("Success");
    await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector });
    expect((await core.listNamespacedConfigMap({ namespace, labelSelector })).items).toEqual([]);
  });

  it("watches, and keeps an informer's cache", async () => {
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const seen: string[] = [];
    const ended = new Promise<unknown>((resolve) => {
      void new Watch(config)
        .watch(
          path,
          { labelSelector: "made=here", timeoutSeconds: 3 },
          (phase, object: V1ConfigMap) => void seen.push(`${phase} ${object.metadata?.name ?? ""} ${object.data?.["a"] ?? ""}`),
          resolve,
        )
        .catch(resolve);
    });
    const informer = makeInformer(config, path, () => core.listNamespacedConfigMap({ namespace, labelSelector: "made=here" }), "made=here");
    const told: string[] = [];
    for (const verb of ["add", "update", "delete"] as const) informer.on(verb, (object) => void told.push(`${verb} ${object.metadata?.name ?? ""}`));
    await informer.start();
    await core.createNamespacedConfigMap({ namespace, body: settings("w", { a: "1" }) });
    await core.replaceNamespacedConfigMap({ namespace, name: "w", body: settings("w", { a: "2" }) });
    await until("the informer has the change", () => informer.get("w", namespace)?.data?.["a"] === "2");
    await core.deleteNamespacedConfigMap({ namespace, name: "w" });
    await until("the informer has let it go", () => informer.get("w", namespace) === undefined && told.includes("delete w"));
    expect(told).toEqual(["add w", "update w", "delete w"]);
    await informer.stop();
    // The server ends the watch after its timeout, and that is no failure.
    expect([null, Watch.SERVER_SIDE_CLOSE]).toContain(await ended);
    expect(seen).toEqual(["ADDED w 1", "MODIFIED w 2", "DELETED w 2"]);
  });

  it("works with custom resources, typed and untyped", async () => {
    const objects = KubernetesObjectApi.makeApiClient(config);
    await objects.create({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "ships.example.com" },
      spec: {
        group: "example.com",
        names: { plural: "ships", kind: "Ship" },
        scope: "Namespaced",
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            subresources: { status: {} },
            schema: { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties: { oars: { type: "integer" } } }, status: { type: "object" } } } },
          },
        ],
      },
    } as never);
    const ship = { apiVersion: "example.com/v1", kind: "Ship", metadata: { name: "argo", namespace }, spec: { oars: 50 } };
    await until("ships are served", async () => (await codeOf(objects.create(ship))) === "no error");
    expect(await objects.read({ apiVersion: "example.com/v1", kind: "Ship", metadata: { name: "argo", namespace } })).toMatchObject({ spec: { oars: 50 } });
    expect(await objects.patch({ ...ship, spec: { oars: 30 } }, undefined, undefined, "test", undefined, PatchStrategy.MergePatch)).toMatchObject({ spec: { oars: 30 } });
    const custom = config.makeApiClient(CustomObjectsApi);
    const place = { group: "example.com", version: "v1", namespace, plural: "ships" };
    expect(await custom.listNamespacedCustomObject(place)).toMatchObject({ kind: "ShipList", items: [{ metadata: { name: "argo" } }] });
    expect(await codeOf(custom.createNamespacedCustomObject({ ...place, body: { ...ship, metadata: { name: "bad" }, spec: { oars: "many" } } }))).toBe(422);
    await objects.delete(ship);
    expect(await codeOf(objects.read(ship))).toBe(404);
  });

  it("scales and waits for a deployment", async () => {
    const apps = config.makeApiClient(AppsV1Api);
    const labels = { app: "web" };
    await apps.createNamespacedDeployment({
      namespace,
      body: {
        metadata: { name: "web" },
        spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: "web", image: "nginx:1.27" }] } } },
      },
    });
    await apps.patchNamespacedDeploymentScale({ namespace, name: "web", body: { spec: { replicas: 2 } } }, setHeaderOptions("Content-Type", PatchStrategy.MergePatch));
    await until("two are ready", async () => (await apps.readNamespacedDeploymentStatus({ namespace, name: "web" })).status?.readyReplicas === 2);
    await apps.deleteNamespacedDeployment({ namespace, name: "web" });
  });

  it("is somebody with a token of a service account, as in a pod", async () => {
    const folder = mkdtempSync(join(tmpdir(), "keles-in-cluster-"));
    const account = join(folder, "var/run/secrets/kubernetes.io/serviceaccount");
    const token = await core.createNamespacedServiceAccountToken({ namespace, name: "default", body: { spec: { audiences: [], expirationSeconds: 600 } } });
    const root = await until("the cluster's authority is in the namespace", () => core.readNamespacedConfigMap({ namespace, name: "kube-root-ca.crt" }));
    for (const [name, text] of Object.entries({ token: token.status?.token ?? "", "ca.crt": root.data?.["ca.crt"] ?? "", namespace })) {
      mkdirSync(dirname(join(account, name)), { recursive: true });
      writeFileSync(join(account, name), text);
    }
    const before = { ...process.env };
    try {
      process.env["KUBERNETES_SERVICE_HOST"] = "127.0.0.1";
      process.env["KUBERNETES_SERVICE_PORT"] = String(cluster.apiPort);
      const inside = new KubeConfig();
      inside.loadFromCluster(folder);
      expect((await inside.makeApiClient(AuthenticationV1Api).createSelfSubjectReview({ body: {} })).status?.userInfo?.username).toBe("system:serviceaccount:default:default");
      expect(await codeOf(inside.makeApiClient(CoreV1Api).listNamespacedSecret({ namespace }))).toBe(403);
    } finally {
      process.env = before;
      rmSync(folder, { recursive: true, force: true });
    }
  });

  describe.skipIf(noContainers !== "")(`with containers${noContainers === "" ? "" : ` (skipped: ${noContainers})`}`, () => {
    beforeAll(async () => {
      const pod = (name: string, image: string, command?: string[]) => ({
        metadata: { name },
        spec: { terminationGracePeriodSeconds: 0, containers: [{ name: "main", image, stdin: command !== undefined, ...(command === undefined ? {} : { command }) }] },
      });
      await core.createNamespacedPod({
        namespace,
        body: pod("shell", "busybox:1.36", ["sh", "-c", "echo first; echo second; while read line; do echo heard $line; done; sleep 36000"]),
      });
      await core.createNamespacedPod({ namespace, body: pod("page", "nginx:1.27") });
      for (const name of ["shell", "page"])
        await until(`${name} runs`, async () => (await core.readNamespacedPodStatus({ namespace, name })).status?.phase === "Running", { timeoutMs: 90_000 });
    });

    const exec = async (command: string[], stdin: string | null = null): Promise<{ readonly out: string; readonly err: string; readonly status: V1Status }> => {
      const [out, err] = [new Heard(), new Heard()];
      const status = await new Promise<V1Status>((resolve, reject) => {
        new Exec(config).exec(namespace, "shell", "main", command, out, err, stdin === null ? null : Readable.from([stdin]), false, resolve).catch(reject);
      });
      return { out: out.text, err: err.text, status };
    };

    it("exec: both outputs, input, and the exit code", async () => {
      expect(await exec(["sh", "-c", "echo out; echo err >&2"])).toMatchObject({ out: "out\n", err: "err\n", status: { status: "Success" } });
      expect((await exec(["head", "-n1"], "line\n")).out).toBe("line\n");
      const failed = await exec(["sh", "-c", "exit 7"]);
      expect(failed.status).toMatchObject({ status: "Failure", reason: "NonZeroExitCode", details: { causes: [{ reason: "ExitCode", message: "7" }] } });
    });

    it("logs, at once and as they come", async () => {
      const stream = new PassThrough();
      const all = new Heard();
      stream.pipe(all);
      await new Log(config).log(namespace, "shell", "main", stream, { tailLines: 1 });
      await once(all, "finish");
      expect(all.text).toBe("second\n");
      const following = new PassThrough();
      const heard = new Heard();
      following.on("error", () => {});
      following.pipe(heard);
      const stop = await new Log(config).log(namespace, "shell", "main", following, { follow: true });
      await until("the log is followed", () => heard.text === "first\nsecond\n");
      stop.abort();
      expect(await core.readNamespacedPodLog({ namespace, name: "shell", timestamps: true })).toMatch(/^\d{4}-\d\d-\d\dT\S+Z first\n/);
    });

    it("attach: what is said from now on, and a way to answer", async () => {
      const heard = new Heard();
      const stdin = new PassThrough();
      const socket = await new Attach(config).attach(namespace, "shell", "main", heard, null, stdin, false);
      stdin.write("this\n");
      await until("it has been heard", () => heard.text.includes("heard this\n"));
      socket.close();
    });

    it("cp of a folder", async () => {
      const folder = mkdtempSync(join(tmpdir(), "keles-cp-"));
      try {
        writeFileSync(join(folder, "told.txt"), "carried");
        await new Cp(config).cpToPod(namespace, "shell", "main", folder, "/tmp");
        await until("the file is there", async () => (await exec(["cat", "/tmp/told.txt"])).out === "carried");
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });

    it("port-forward", async () => {
      const forward = new PortForward(config);
      const server = createServer((socket) => {
        socket.on("error", () => {});
        forward.portForward(namespace, "page", [80], socket, null, socket).catch((error: unknown) => socket.destroy(error as Error));
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      try {
        const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
        const heard = new Heard();
        socket.pipe(heard);
        socket.write("GET / HTTP/1.1\r\nHost: page\r\nConnection: close\r\n\r\n");
        await until("the page is there", () => heard.text.includes("nginx 1.27"));
        expect(heard.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
        socket.destroy();
      } finally {
        server.close();
      }
    });
  });
});
