import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { Cluster } from "./cluster.ts";
import { until } from "./until.ts";

const noContainers = inject("noContainers");

/** Workloads other than deployments, and what nodes do to them. All are made first, so that they start side by side. */
describe.skipIf(noContainers !== "")(`workloads in real containers${noContainers === "" ? "" : ` (skipped: ${noContainers})`}`, () => {
  let cluster: Cluster;
  let node = "";
  const kubectl = (args: string | readonly string[], stdin?: string): Promise<string> => cluster.kubectl(args, stdin === undefined ? {} : { stdin });
  const inPod = (pod: string, script: string): Promise<string> => kubectl(["exec", pod, "--", "sh", "-c", script]);
  const podSpec = (container: object, more: object = {}): object => ({ terminationGracePeriodSeconds: 1, containers: [{ name: "main", image: "busybox", ...container }], ...more });
  const template = (app: string, container: object, more: object = {}): object => ({
    selector: { matchLabels: { app } },
    template: { metadata: { labels: { app } }, spec: podSpec(container, more) },
  });
  const shell = (script: string): object => ({ command: ["sh", "-c", script] });
  const batch = "batch/v1";
  const once = { restartPolicy: "Never" };

  beforeAll(async () => {
    cluster = await Cluster.start({ runtime: "containerd", registry: inject("registry") });
    node = await cluster.field("nodes", ".items[0].metadata.name");
    const shared = [{ name: "shared", mountPath: "/shared" }];
    const objects = [
      {
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "db" },
        spec: { serviceName: "db", replicas: 2, ...template("db", { image: "nginx:1.27" }) },
      },
      { apiVersion: "v1", kind: "Service", metadata: { name: "db" }, spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 80, name: "http" }] } },
      { apiVersion: "apps/v1", kind: "DaemonSet", metadata: { name: "every" }, spec: template("every", shell("sleep 3600"), { hostNetwork: true }) },
      {
        apiVersion: batch,
        kind: "Job",
        metadata: { name: "sum" },
        spec: { completions: 3, parallelism: 2, completionMode: "Indexed", template: { spec: podSpec(shell("echo index $JOB_COMPLETION_INDEX"), once) } },
      },
      { apiVersion: batch, kind: "Job", metadata: { name: "failing" }, spec: { backoffLimit: 0, template: { spec: podSpec(shell("exit 7"), once) } } },
      {
        apiVersion: batch,
        kind: "CronJob",
        metadata: { name: "yearly" },
        spec: { schedule: "0 0 1 1 *", jobTemplate: { spec: { template: { spec: podSpec(shell("echo ticked"), once) } } } },
      },
      {
        apiVersion: "v1",
        kind: "PersistentVolume",
        metadata: { name: "disk" },
        spec: { capacity: { storage: "5Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: `${cluster.dataDir}/disk`, type: "DirectoryOrCreate" } },
      },
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "claim" },
        spec: { accessModes: ["ReadWriteOnce"], storageClassName: "", resources: { requests: { storage: "2Gi" } } },
      },
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "duo", labels: { app: "duo" } },
        spec: {
          hostname: "hn1",
          subdomain: "sd1",
          terminationGracePeriodSeconds: 1,
          volumes: [{ name: "shared", emptyDir: { medium: "Memory" } }],
          initContainers: [
            { name: "side", image: "busybox", restartPolicy: "Always", ...shell("while true; do date > /shared/now; sleep 1; done"), volumeMounts: shared },
            { name: "first", image: "busybox", ...shell("echo first > /shared/first"), volumeMounts: shared },
          ],
          containers: [
            {
              name: "web",
              image: "nginx:1.27",
              ports: [{ containerPort: 80 }],
              volumeMounts: [{ name: "shared", mountPath: "/usr/share/nginx/html" }],
              readinessProbe: { httpGet: { path: "/first", port: 80 }, periodSeconds: 1 },
              startupProbe: { tcpSocket: { port: 80 }, periodSeconds: 1, failureThreshold: 30 },
            },
            { name: "shell", image: "busybox", ...shell("sleep 3600"), resources: { requests: { cpu: "100m", memory: "32Mi" }, limits: { cpu: "200m", memory: "64Mi" } } },
          ],
        },
      },
      { apiVersion: "v1", kind: "Service", metadata: { name: "sd1" }, spec: { clusterIP: "None", selector: { app: "duo" }, ports: [{ port: 80 }] } },
    ];
    for (const object of objects) await kubectl("create -f -", JSON.stringify(object));
  });
  afterAll(async () => {
    await cluster?.dispose();
  });

  it("a job: indexed, in parallel, with its pods' logs", async () => {
    await kubectl("wait job sum --for=condition=Complete --timeout=90s");
    expect(await kubectl("get job sum")).toMatch(/sum +Complete +3\/3 +\d+s +\d+s/);
    expect((await kubectl("logs -l job-name=sum --tail=-1")).trim().split("\n").sort()).toEqual(["index 0", "index 1", "index 2"]);
  });

  it("a job that fails says why", async () => {
    await kubectl("wait job failing --for=condition=Failed --timeout=90s");
    expect(await kubectl("describe job failing")).toContain("Job has reached the specified backoff limit");
    expect(await cluster.field("pods -l job-name=failing", ".items[0].status.containerStatuses[0].state.terminated.exitCode")).toBe("7");
  });

  it("a cron job, run now; deleting it collects its jobs", async () => {
    await kubectl("create job now --from=cronjob/yearly");
    await kubectl("wait job now --for=condition=Complete --timeout=90s");
    expect(await kubectl("logs job/now")).toBe("ticked\n");
    expect(await kubectl("get cronjob yearly")).toMatch(/yearly +0 0 1 1 \* +<none> +False +0 +<none>/);
    await kubectl("delete cronjob yearly");
    await until("its job is gone", async () => (await kubectl("get job now --ignore-not-found -o name")) === "");
  });

  it("a daemon set in the host's network", async () => {
    await kubectl("rollout status daemonset/every --timeout=90s");
    expect(await kubectl("get daemonset every")).toMatch(/every +1 +1 +1 +1 +1 /);
    expect(await cluster.field("pods -l app=every", ".items[0].status.podIP")).toBe(await cluster.field(`node ${node}`, ".status.addresses[?(@.type=='InternalIP')].address"));
  });

  it("a pod of several containers: sidecar, init container, shared memory, loopback, probes, name and limits", async () => {
    await kubectl("wait pod duo --for=condition=Ready --timeout=90s");
    expect(await kubectl("get pod duo")).toMatch(/duo +3\/3 +Running +0 /);
    const said = (script: string): Promise<string> => kubectl(["exec", "duo", "-c", "shell", "--", "sh", "-c", script]);
    expect(await said("wget -qO- http://localhost/first")).toBe("first\n");
    expect(await said("wget -qO- http://localhost/now")).toMatch(/UTC 20\d\d\n$/);
    expect(await said("hostname -f")).toBe("hn1.sd1.default.svc.cluster.local\n");
    expect(await said("cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max")).toBe(`${64 * 2 ** 20}\n`);
    expect(await said("cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cut -d' ' -f1 /sys/fs/cgroup/cpu.max")).toBe("20000\n");
    expect(await cluster.field("pod duo", ".status.qosClass")).toBe("Burstable");
    expect(await inPod("db-0", "wget -qO- http://hn1.sd1/first")).toBe("first\n");
  });

  it("a debug container joins a pod that runs", async () => {
    await kubectl(["debug", "duo", "--image=busybox", "--container=probe", "--attach=false", "--", "sh", "-c", "wget -qO- http://localhost/first; sleep 3600"]);
    await until("it has looked", async () => (await kubectl("logs duo -c probe")) === "first\n");
  });

  it("run -i: input goes to a pod of its own, and its output comes back", async () => {
    expect(await kubectl("run once -i --rm --quiet --restart=Never --image=busybox -- sh", "echo from $HOSTNAME; hostname\n")).toContain("once\n");
    expect(await kubectl("get pod once --ignore-not-found")).toBe("");
  });

  it("a stateful set: names, DNS, order and replacement", async () => {
    await kubectl("rollout status statefulset/db --timeout=90s");
    expect(await kubectl("get pods -l app=db -o name --sort-by=.metadata.creationTimestamp")).toBe("pod/db-0\npod/db-1\n");
    expect(await inPod("db-1", "wget -qO- http://db-0.db/hostname; wget -qO- http://db-1.db.default.svc.cluster.local/hostname")).toBe("db-0\ndb-1\n");
    const uid = await cluster.field("pod db-0", ".metadata.uid");
    await kubectl("delete pod db-0");
    await until("db-0 is another one", async () => {
      const now = await cluster.field("pod db-0", ".metadata.uid");
      return now !== "" && now !== uid;
    });
    await kubectl("wait pod db-0 --for=condition=Ready --timeout=90s");
    await kubectl("scale statefulset db --replicas=1");
    await until("the last one is gone", async () => (await kubectl("get pods -l app=db -o name")) === "pod/db-0\n");
  });

  it("a volume is bound to a claim and outlives its pod", async () => {
    const user = (name: string, script: string): string =>
      JSON.stringify({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name },
        spec: podSpec(
          { ...shell(script), volumeMounts: [{ name: "disk", mountPath: "/disk" }] },
          { ...once, volumes: [{ name: "disk", persistentVolumeClaim: { claimName: "claim" } }] },
        ),
      });
    await until("the claim is bound", async () => (await cluster.field("pvc claim", ".status.phase")) === "Bound");
    expect(await kubectl("get pvc claim")).toMatch(/claim +Bound +disk +5Gi +RWO/);
    await kubectl("create -f -", user("writer", "echo kept > /disk/file"));
    await kubectl("wait pod writer --for=jsonpath={.status.phase}=Succeeded --timeout=90s");
    await kubectl("delete pod writer");
    await kubectl("create -f -", user("reader", "cat /disk/file"));
    await kubectl("wait pod reader --for=jsonpath={.status.phase}=Succeeded --timeout=90s");
    expect(await kubectl("logs reader")).toBe("kept\n");
    await kubectl("delete pod reader");
    await kubectl("delete pvc claim");
    await until("the volume is released, not deleted", async () => (await cluster.field("pv disk", ".status.phase")) === "Released");
  });

  it("cordon and drain: budgets hold, daemons stay, what cannot be placed waits", async () => {
    await kubectl("create deployment guarded --image=nginx:1.27 --replicas=2");
    await kubectl("create poddisruptionbudget guarded --selector=app=guarded --min-available=2");
    await kubectl("rollout status deployment/guarded --timeout=90s");
    await until("the budget counts", async () => (await cluster.field("pdb guarded", ".status.currentHealthy")) === "2");
    const refused = await cluster.tryKubectl(`drain ${node} --ignore-daemonsets --force --delete-emptydir-data --timeout=3s`);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
    await kubectl('patch pdb guarded --type=merge -p {"spec":{"minAvailable":0}}');
    expect(await kubectl(`drain ${node} --ignore-daemonsets --force --delete-emptydir-data --timeout=90s`)).toContain(`node/${node} drained`);
    expect(await kubectl("get nodes")).toMatch(/Ready,SchedulingDisabled/);
    expect(await kubectl("get pods -l app=every -o jsonpath={.items[*].status.phase}")).toBe("Running");
    await until("the scheduler has said why", async () => (await kubectl("get events")).includes("1 node(s) were unschedulable"));
    await kubectl(`uncordon ${node}`);
    await kubectl("rollout status deployment/guarded --timeout=90s");
  });

  it("a taint evicts whoever does not bear it", async () => {
    await kubectl(`taint node ${node} broken=yes:NoExecute`);
    await until("only what may be there is", async () => (await kubectl("get pods -l app=guarded --field-selector=status.phase=Running -o name")) === "");
    await kubectl(`taint node ${node} broken=yes:NoExecute-`);
    await kubectl("rollout status deployment/guarded --timeout=90s");
  });
});
