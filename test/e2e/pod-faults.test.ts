import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { Cluster } from "./cluster.ts";
import { until } from "./until.ts";

const noContainers = inject("noContainers");

/** What goes wrong with pods, and what a user is told. Every pod is made first, so that their waits pass side by side. */
describe.skipIf(noContainers !== "")(`pods that have trouble${noContainers === "" ? "" : ` (skipped: ${noContainers})`}`, () => {
  let cluster: Cluster;
  const kubectl = (args: string | readonly string[], stdin?: string): Promise<string> => cluster.kubectl(args, stdin === undefined ? {} : { stdin });
  const create = (object: unknown): Promise<string> => kubectl("create -f - --validate=false", JSON.stringify(object));
  const inPod = (pod: string, script: string): Promise<string> => kubectl(["exec", pod, "--", "sh", "-c", script]);
  const waiting = (pod: string): Promise<string> => cluster.field(`pod ${pod}`, ".status.containerStatuses[0].state.waiting.reason");
  const restarts = async (pod: string): Promise<number> => Number(await cluster.field(`pod ${pod}`, ".status.containerStatuses[0].restartCount"));
  const shell = (script: string, more: object = {}): object => ({ name: "main", image: "busybox", command: ["sh", "-c", script], ...more });
  const pod = (name: string, container: object, more: object = {}): object => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name } },
    spec: { terminationGracePeriodSeconds: 1, containers: [container], ...more },
  });
  const events = async (name: string): Promise<string> =>
    kubectl(["get", "events", `--field-selector=involvedObject.name=${name}`, "-o", "jsonpath={range .items[*]}{.type} {.reason} {.message}{'\\n'}{end}"]);

  beforeAll(async () => {
    cluster = await Cluster.start({ runtime: "containerd", registry: inject("registry") });
    for (const object of [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { COLOUR: "blue", "app.conf": "level=1\n" } },
      { apiVersion: "v1", kind: "Secret", metadata: { name: "keys" }, stringData: { PASSWORD: "hunter2", "tls.key": "key\n" } },
      pod("absent", { name: "main", image: "nginx:no-such-tag" }),
      pod("never", { name: "main", image: "nginx:never-pulled", imagePullPolicy: "Never" }),
      pod("misnamed", { name: "main", image: "Not A Name" }),
      pod("crashing", shell("echo about to fail; exit 1")),
      pod("greedy", shell("sleep 3600", { resources: { requests: { cpu: "1000" } } })),
      pod("picky", shell("sleep 3600"), { nodeSelector: { disk: "golden" } }),
      pod(
        "dying",
        shell("touch /tmp/alive; sleep 2; rm /tmp/alive; sleep 3600", { livenessProbe: { exec: { command: ["cat", "/tmp/alive"] }, periodSeconds: 1, failureThreshold: 2 } }),
      ),
      pod("shy", shell("sleep 3600", { readinessProbe: { exec: { command: ["cat", "/tmp/ready"] }, periodSeconds: 1, failureThreshold: 1 } })),
      { apiVersion: "v1", kind: "Service", metadata: { name: "shy" }, spec: { selector: { app: "shy" }, ports: [{ port: 80 }] } },
      pod("hungry", shell("dd if=/dev/zero of=/dev/null bs=200M count=1", { resources: { limits: { memory: "32Mi" } } }), { restartPolicy: "Never" }),
      pod("unconfigured", shell("sleep 3600", { env: [{ name: "X", valueFrom: { configMapKeyRef: { name: "nope", key: "x" } } }] })),
      pod("blocked", shell("sleep 3600"), { initContainers: [{ ...shell("echo no; exit 3"), name: "first" }] }),
      pod(
        "configured",
        shell("sleep 3600", {
          envFrom: [{ configMapRef: { name: "settings" } }, { secretRef: { name: "keys" }, prefix: "S_" }],
          env: [
            { name: "ONE", valueFrom: { configMapKeyRef: { name: "settings", key: "COLOUR" } } },
            { name: "TWO", valueFrom: { secretKeyRef: { name: "keys", key: "PASSWORD" } } },
            { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
            { name: "BOTH", value: "$(ONE)-$(TWO)" },
          ],
          volumeMounts: [
            { name: "settings", mountPath: "/etc/settings" },
            { name: "keys", mountPath: "/etc/keys", readOnly: true },
            { name: "settings", mountPath: "/etc/one.conf", subPath: "app.conf" },
            { name: "scratch", mountPath: "/scratch" },
          ],
        }),
        {
          volumes: [
            { name: "settings", configMap: { name: "settings" } },
            { name: "keys", secret: { secretName: "keys", defaultMode: 0o400, items: [{ key: "tls.key", path: "private/key.pem" }] } },
            { name: "scratch", emptyDir: {} },
          ],
        },
      ),
    ])
      await create(object);
  });
  afterAll(async () => {
    await cluster?.dispose();
  });

  it("an image that does not exist: ErrImagePull, then ImagePullBackOff, with the reason", async () => {
    await until("the pull is held back", async () => (await waiting("absent")) === "ImagePullBackOff");
    const text = await events("absent");
    expect(text).toMatch(/Warning Failed Failed to pull image "nginx:no-such-tag": .*docker\.io\/library\/nginx:no-such-tag/);
    expect(text).toContain("Warning Failed Error: ErrImagePull");
    expect(text).toContain('Normal BackOff Back-off pulling image "nginx:no-such-tag"');
    expect(text).toContain("Warning Failed Error: ImagePullBackOff");
    expect(await cluster.field("pod absent", ".status.containerStatuses[0].state.waiting.message")).toContain('Back-off pulling image "nginx:no-such-tag"');
    expect(await kubectl("get pod absent")).toMatch(/absent +0\/1 +(ImagePullBackOff|ErrImagePull) +0 /);
    expect(await cluster.field("pod absent", ".status.phase")).toBe("Pending");
    await kubectl("set image pod/absent main=nginx:1.27");
    await kubectl("wait pod absent --for=condition=Ready --timeout=90s");
  });

  it("an image that may not be pulled, and a name that is none", async () => {
    await until("it says so", async () => (await waiting("never")) === "ErrImageNeverPull");
    expect(await cluster.field("pod never", ".status.containerStatuses[0].state.waiting.message")).toBe(
      'Container image "nginx:never-pulled" is not present with pull policy of Never',
    );
    await until("it says so", async () => (await waiting("misnamed")) === "InvalidImageName");
    expect(await events("misnamed")).toMatch(/Warning InspectFailed Failed to apply default image tag "Not A Name"/);
  });

  it("a container that exits 1: CrashLoopBackOff with a truthful restart count", async () => {
    await until("it has been restarted twice and waits", async () => (await restarts("crashing")) >= 2 && (await waiting("crashing")) === "CrashLoopBackOff");
    const last = JSON.parse(await cluster.field("pod crashing", ".status.containerStatuses[0].lastState.terminated")) as Record<string, unknown>;
    expect(last).toMatchObject({ exitCode: 1, reason: "Error" });
    expect(Date.parse(String(last["finishedAt"]))).toBeGreaterThanOrEqual(Date.parse(String(last["startedAt"])));
    expect(await cluster.field("pod crashing", ".status.containerStatuses[0].state.waiting.message")).toMatch(
      /^back-off \d+s restarting failed container=main pod=crashing_default\(/,
    );
    expect(await kubectl("get pod crashing")).toMatch(/crashing +0\/1 +CrashLoopBackOff +\d+ \(\d+s ago\)/);
    expect(await events("crashing")).toContain("Warning BackOff Back-off restarting failed container main in pod crashing_default(");
    expect(await kubectl("logs crashing --previous")).toBe("about to fail\n");
  });

  it("a pod that is too big, or wants another node: Pending, and why", async () => {
    const text = await until("the scheduler has said why", async () => (await events("greedy")) || undefined);
    expect(text).toMatch(
      /^Warning FailedScheduling 0\/1 nodes are available: 1 Insufficient cpu\..* preemption: 0\/1 nodes are available: 1 (No preemption victims found for incoming pod|Preemption is not helpful for scheduling)\.$/m,
    );
    expect(await kubectl("get pod greedy -o wide")).toMatch(/greedy +0\/1 +Pending +0 +\S+ +<none> +<none>/);
    expect(await cluster.field("pod greedy", ".status.conditions[?(@.type=='PodScheduled')].reason")).toBe("Unschedulable");
    expect(await until("the scheduler has said why", async () => (await events("picky")) || undefined)).toMatch(
      /0\/1 nodes are available: 1 node\(s\) didn't match Pod's node affinity\/selector\./,
    );
    await kubectl(["label", "node", await cluster.field("nodes", ".items[0].metadata.name"), "disk=golden"]);
    await kubectl("wait pod picky --for=condition=Ready --timeout=90s");
  });

  it("a liveness probe that fails restarts the container", async () => {
    await until("it was restarted", async () => (await restarts("dying")) >= 1);
    const text = await events("dying");
    expect(text).toMatch(/Warning Unhealthy Liveness probe failed: cat: can't open '\/tmp\/alive': No such file or directory/);
    expect(text).toContain("Normal Killing Container main failed liveness probe, will be restarted");
  });

  it("a readiness probe gates the endpoints", async () => {
    const ready = (): Promise<string> => kubectl(["get", "endpointslices", "-l", "kubernetes.io/service-name=shy", "-o", "jsonpath={.items[*].endpoints[*].conditions.ready}"]);
    await until("it runs without being ready", async () => (await cluster.field("pod shy", ".status.phase")) === "Running" && (await ready()) === "false");
    expect(await kubectl("get pod shy")).toMatch(/shy +0\/1 +Running/);
    await inPod("shy", "touch /tmp/ready");
    await until("it is an endpoint", async () => (await ready()) === "true");
    await inPod("shy", "rm /tmp/ready");
    await until("it is none again", async () => (await ready()) === "false");
    expect(await restarts("shy")).toBe(0);
  });

  it("more memory than allowed: OOMKilled", async () => {
    await until("it has failed", async () => (await cluster.field("pod hungry", ".status.phase")) === "Failed");
    expect(JSON.parse(await cluster.field("pod hungry", ".status.containerStatuses[0].state.terminated"))).toMatchObject({ exitCode: 137, reason: "OOMKilled" });
    expect(await kubectl("get pod hungry")).toMatch(/hungry +0\/1 +OOMKilled/);
  });

  it("a missing config map: CreateContainerConfigError until it is there", async () => {
    await until("it says so", async () => (await waiting("unconfigured")) === "CreateContainerConfigError");
    expect(await cluster.field("pod unconfigured", ".status.containerStatuses[0].state.waiting.message")).toBe('configmap "nope" not found');
    await kubectl("create configmap nope --from-literal=x=found");
    await kubectl("wait pod unconfigured --for=condition=Ready --timeout=90s");
    expect(await inPod("unconfigured", "echo $X")).toBe("found\n");
  });

  it("an init container that fails holds the others back", async () => {
    await until("it is held back", async () => /blocked +0\/1 +Init:(CrashLoopBackOff|Error)/.test(await kubectl("get pod blocked")));
    expect(await kubectl("logs blocked -c first")).toBe("no\n");
    expect(await cluster.field("pod blocked", ".status.conditions[?(@.type=='Initialized')].message")).toBe("containers with incomplete status: [first]");
  });

  it("config maps and secrets as variables and as files", async () => {
    await kubectl("wait pod configured --for=condition=Ready --timeout=90s");
    expect(await inPod("configured", "echo $COLOUR $S_PASSWORD $ONE $TWO $BOTH $NODE")).toBe(
      `blue hunter2 blue hunter2 blue-hunter2 ${await cluster.field("nodes", ".items[0].metadata.name")}\n`,
    );
    expect(await inPod("configured", "cat /etc/settings/app.conf /etc/one.conf /etc/keys/private/key.pem")).toBe("level=1\nlevel=1\nkey\n");
    expect(await inPod("configured", "stat -L -c %a /etc/keys/private/key.pem; grep -c ' /etc/keys tmpfs ro' /proc/mounts")).toBe("400\n1\n");
    expect(await inPod("configured", "touch /etc/settings/x 2>&1 || true")).toContain("Read-only file system");
    await kubectl(["patch", "configmap", "settings", "-p", '{"data":{"app.conf":"level=2\\n"}}']);
    await until("the file follows the config map", async () => (await inPod("configured", "cat /etc/settings/app.conf")) === "level=2\n", { timeoutMs: 150_000 });
    // A file mounted by subPath stays as it was.
    expect(await inPod("configured", "cat /etc/one.conf")).toBe("level=1\n");
  }, 180_000);

  it("a container that ignores SIGTERM is killed when its grace is over, and a preStop hook runs first", async () => {
    await create(
      pod(
        "stubborn",
        shell("trap '' TERM; while true; do sleep 0.1; done", {
          lifecycle: { preStop: { exec: { command: ["sh", "-c", "echo bye > /host/said"] } } },
          volumeMounts: [{ name: "host", mountPath: "/host" }],
        }),
        {
          volumes: [{ name: "host", hostPath: { path: `${cluster.dataDir}/said`, type: "DirectoryOrCreate" } }],
          terminationGracePeriodSeconds: 2,
        },
      ),
    );
    await create(
      pod("reader", shell("sleep 3600", { volumeMounts: [{ name: "host", mountPath: "/host" }] }), { volumes: [{ name: "host", hostPath: { path: `${cluster.dataDir}/said` } }] }),
    );
    await kubectl("wait pod stubborn --for=condition=Ready --timeout=90s");
    const before = performance.now();
    await kubectl("delete pod stubborn --timeout=60s");
    expect(performance.now() - before).toBeGreaterThan(1_500);
    await kubectl("wait pod reader --for=condition=Ready --timeout=90s");
    expect(await inPod("reader", "cat /host/said")).toBe("bye\n");
  });

  it("delete --now and --force", async () => {
    expect(await kubectl("delete pod picky --now --timeout=60s")).toMatch(/^pod "picky" deleted/);
    expect(await kubectl("delete pod configured --force --grace-period=0")).toMatch(/^pod "configured" force deleted/);
    expect((await cluster.tryKubectl("get pod configured")).code).toBe(1);
  });
});
