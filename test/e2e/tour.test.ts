import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { Cluster } from "./cluster.ts";
import { until } from "./until.ts";

const noContainers = inject("noContainers");

/** What a first-time user does, in order, with the kubectl of this machine and containers that run. */
describe.skipIf(noContainers !== "")(`a tour with kubectl${noContainers === "" ? "" : ` (skipped: ${noContainers})`}`, () => {
  let cluster: Cluster;
  let nodeIp = "";
  beforeAll(async () => {
    cluster = await Cluster.start({ runtime: "containerd", registry: inject("registry") });
  });
  afterAll(async () => {
    await cluster?.dispose();
  });

  const kubectl = (args: string | readonly string[], stdin?: string): Promise<string> => cluster.kubectl(args, stdin === undefined ? {} : { stdin });
  const inPod = (pod: string, script: string): Promise<string> => kubectl(["exec", pod, "--", "sh", "-c", script]);
  const page = async (url: string): Promise<string> => (await fetch(url, { signal: AbortSignal.timeout(5_000) })).text();
  const podNames = async (label: string): Promise<readonly string[]> => (await kubectl(`get pods -l ${label} -o name`)).trim().split("\n").sort();
  /** Which pods answer at an address, asked often from inside a pod. */
  const answering = async (address: string): Promise<readonly string[]> =>
    [...new Set((await inPod("client", `for i in $(seq 40); do timeout 5 wget -qO- http://${address}/hostname || echo failed; done`)).trim().split("\n"))]
      .sort()
      .map((name) => `pod/${name}`);
  const row = (text: string, name: string): readonly string[] => {
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
    if (line === undefined) throw new Error(`no row ${name} in\n${text}`);
    return line.trim().split(/\s{2,}/);
  };

  it("get nodes: one that is Ready, and what it is", async () => {
    const text = await kubectl("get nodes -o wide");
    const [name = "", status, , , version, internal = "", external, image, kernel, runtime] = row(text, await cluster.field("nodes", ".items[0].metadata.name"));
    expect({ status, version, external, image, kernel, runtime }).toEqual({
      status: "Ready",
      version: expect.stringMatching(/^v1\.36\.\d+/),
      external: "<none>",
      image: expect.stringMatching(/\w/),
      kernel: expect.stringMatching(/^\d+\.\d+/),
      runtime: expect.stringMatching(/^containerd:\/\/\d/),
    });
    expect(name).not.toBe("");
    expect(internal).toMatch(/^\d+(\.\d+){3}$/);
    nodeIp = internal;
  });

  it("namespaces and the API's own service are there from the start", async () => {
    expect((await kubectl("get namespaces -o name")).trim().split("\n").sort()).toEqual(
      ["default", "kube-node-lease", "kube-public", "kube-system"].map((name) => `namespace/${name}`),
    );
    expect(await kubectl("get service kubernetes")).toMatch(/kubernetes +ClusterIP +\d+\.\d+\.0\.1 +<none> +443\/TCP/);
  });

  it("run: a pod with an address on the node", async () => {
    expect(await kubectl("run web --image=nginx --port=80")).toBe("pod/web created\n");
    await kubectl("run client --image=busybox:1.36 -- sleep 36000");
    expect(await kubectl("wait pod web client --for=condition=Ready --timeout=90s")).toBe("pod/web condition met\npod/client condition met\n");
    const [, ready, status, restarts, , ip = "", node] = row(await kubectl("get pod web -o wide"), "web");
    expect({ ready, status, restarts, node }).toEqual({ ready: "1/1", status: "Running", restarts: "0", node: await cluster.field("nodes", ".items[0].metadata.name") });
    expect(await inPod("client", `timeout 5 wget -qO- http://${ip}`)).toBe("nginx latest\n");
    expect(await page(`http://${ip}`)).toBe("nginx latest\n");
  });

  it("logs", async () => {
    expect(await kubectl("logs web")).toContain('"GET / HTTP/1.1" 200');
    await kubectl(["run", "talker", "--image=busybox", "--restart=Never", "--", "sh", "-c", "echo one; echo two >&2; echo three"]);
    await kubectl("wait pod talker --for=jsonpath={.status.phase}=Succeeded --timeout=90s");
    expect((await kubectl("logs talker")).trim().split("\n").sort()).toEqual(["one", "three", "two"]);
    expect(await kubectl("logs talker --tail=1")).toMatch(/^(one|two|three)\n$/);
    expect(await kubectl("logs talker --timestamps")).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z (one|two|three)\n/);
    expect(await kubectl("logs talker --limit-bytes=7")).toHaveLength(7);
    expect((await cluster.tryKubectl("logs talker -c other")).stderr).toContain("container other is not valid for pod talker");
  });

  it("exec: output, input, and the command's own exit code", async () => {
    expect(await inPod("client", "echo out; echo err >&2")).toBe("out\n");
    expect(await cluster.tryKubectl(["exec", "client", "--", "sh", "-c", "exit 42"])).toMatchObject({
      code: 42,
      stderr: expect.stringContaining("command terminated with exit code 42"),
    });
    expect(await cluster.kubectl("exec -i client -- cat", { stdin: "through and back\n" })).toBe("through and back\n");
    expect(await cluster.kubectl("exec -i client -- wc -c", { stdin: "x".repeat(1_000_000) })).toBe("1000000\n");
    expect(await inPod("client", "hostname")).toBe("client\n");
    const missing = await cluster.tryKubectl("exec client -- no-such-program");
    expect(missing.code).not.toBe(0);
    expect(missing.stderr).toContain("no-such-program");
  });

  it("cp and port-forward", async () => {
    await kubectl(["cp", "client:/etc/passwd", "passwd.copy"]);
    await kubectl(["cp", "passwd.copy", "client:/tmp/copied"]);
    expect(await inPod("client", "cat /tmp/copied")).toContain("root:x:0:0");
    const forward = cluster.follow("port-forward pod/web :80");
    try {
      const port = await until("port-forward listens", () => /Forwarding from 127\.0\.0\.1:(\d+) -> 80/.exec(forward.text())?.[1]);
      expect(await page(`http://127.0.0.1:${port}`)).toBe("nginx latest\n");
      expect(await page(`http://127.0.0.1:${port}/hostname`)).toBe("web\n");
    } finally {
      await forward.stop();
    }
  });

  it("create deployment, scale, and a deleted pod is replaced", async () => {
    expect(await kubectl("create deployment hello --image=nginx:1.14.0 --port=80")).toBe("deployment.apps/hello created\n");
    expect(await kubectl("scale deployment/hello --replicas=3")).toBe("deployment.apps/hello scaled\n");
    expect(await kubectl("rollout status deployment/hello --timeout=90s")).toContain('deployment "hello" successfully rolled out');
    expect(row(await kubectl("get deployment hello"), "hello").slice(0, 4)).toEqual(["hello", "3/3", "3", "3"]);
    const before = await podNames("app=hello");
    expect(before).toHaveLength(3);
    expect(await kubectl(["delete", before[0] ?? ""])).toMatch(/^pod "hello-[\w-]+" deleted/);
    await until("there are three ready pods again", async () => row(await kubectl("get deployment hello"), "hello")[1] === "3/3");
    const after = await podNames("app=hello");
    expect(after.filter((name) => before.includes(name))).toHaveLength(2);
    expect(await kubectl("describe deployment hello")).toMatch(/ScalingReplicaSet.*deployment-controller +Scaled up replica set hello-\w+ from 1 to 3/);
  });

  it("expose: a ClusterIP spreads over all pods, by address and by name", async () => {
    expect(await kubectl("expose deployment hello --port=8080 --target-port=80")).toBe("service/hello exposed\n");
    const ip = await cluster.field("service hello", ".spec.clusterIP");
    const pods = await podNames("app=hello");
    await until(
      "every pod is in the endpoints",
      async () => (await kubectl("get endpointslices -l kubernetes.io/service-name=hello -o jsonpath={.items[*].endpoints[*].addresses[0]}")).split(" ").length === 3,
    );
    await until("all pods answer", async () => JSON.stringify(await answering(`${ip}:8080`)) === JSON.stringify(pods));
    expect(await inPod("client", `wget -qO- http://${ip}:8080`)).toBe("nginx 1.14.0\n");
    for (const name of ["hello", "hello.default", "hello.default.svc", "hello.default.svc.cluster.local"])
      expect(await inPod("client", `timeout 5 wget -qO- http://${name}:8080`), name).toBe("nginx 1.14.0\n");
    expect(await inPod("client", "cat /etc/resolv.conf")).toMatch(/search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local/);
  });

  it("NodePort answers on the node's address", async () => {
    await kubectl("expose deployment hello --name=np --type=NodePort --port=80");
    const port = Number(await cluster.field("service np", ".spec.ports[0].nodePort"));
    expect(port).toBeGreaterThanOrEqual(30_000);
    expect(port).toBeLessThanOrEqual(32_767);
    expect(await until("the node port answers", () => page(`http://${nodeIp}:${port}`))).toBe("nginx 1.14.0\n");
    expect(await inPod("client", `timeout 5 wget -qO- http://${nodeIp}:${port}`)).toBe("nginx 1.14.0\n");
    expect(row(await kubectl("get service np"), "np")).toContain(`80:${port}/TCP`);
  });

  it("LoadBalancer: an external address appears and answers, from outside and by name inside", async () => {
    await kubectl("expose deployment hello --name=lb --type=LoadBalancer --port=80");
    const external = await until("there is an external address", async () => (await cluster.field("service lb", ".status.loadBalancer.ingress[0].ip")) || undefined);
    expect(row(await kubectl("get service lb"), "lb")[3]).toBe(external);
    expect(await until("it answers", () => page(`http://${external}`))).toBe("nginx 1.14.0\n");
    expect(await inPod("client", "timeout 5 wget -qO- http://lb.default.svc.cluster.local")).toBe("nginx 1.14.0\n");
  });

  it("a service without pods refuses, and one that is gone is unknown", async () => {
    await kubectl("create service clusterip empty --tcp=80:80");
    expect(await inPod("client", "timeout 5 wget -qO- http://empty 2>&1 || true")).toContain("refused");
    await kubectl("delete service empty");
    await until("the name is gone", async () => (await inPod("client", "nslookup empty.default.svc.cluster.local 2>&1 || true")).includes("NXDOMAIN"));
  });

  it("set image rolls out, history tells, undo rolls back", async () => {
    await kubectl(["annotate", "deployment/hello", "kubernetes.io/change-cause=first"]);
    expect(await kubectl("set image deployment/hello nginx=nginx:1.14.2")).toBe("deployment.apps/hello image updated\n");
    await kubectl(["annotate", "--overwrite", "deployment/hello", "kubernetes.io/change-cause=to 1.14.2"]);
    expect(await kubectl("rollout status deployment/hello --timeout=90s")).toContain("successfully rolled out");
    await until("the new pods answer", async () => (await page(`http://${nodeIp}:${await cluster.field("service np", ".spec.ports[0].nodePort")}`)) === "nginx 1.14.2\n");
    expect(await kubectl("rollout history deployment/hello")).toMatch(/REVISION +CHANGE-CAUSE\n1 +first\n2 +to 1\.14\.2\n/);
    expect(await kubectl("rollout history deployment/hello --revision=2")).toContain("nginx:1.14.2");
    expect((await kubectl("get rs -l app=hello -o jsonpath={.items[*].spec.replicas}")).split(" ").sort()).toEqual(["0", "3"]);
    expect(await kubectl("rollout undo deployment/hello")).toBe("deployment.apps/hello rolled back\n");
    await kubectl("rollout status deployment/hello --timeout=90s");
    expect(await cluster.field("deployment hello", ".spec.template.spec.containers[0].image")).toBe("nginx:1.14.0");
    expect(await kubectl("rollout history deployment/hello")).toMatch(/2 +to 1\.14\.2\n3 +first\n/);
    await until("the old pods answer again", async () => (await page(`http://${nodeIp}:${await cluster.field("service np", ".spec.ports[0].nodePort")}`)) === "nginx 1.14.0\n");
  });

  it("rollout pause, resume and restart", async () => {
    const template = ".spec.template.metadata.annotations.kubectl\\.kubernetes\\.io/restartedAt";
    const before = await podNames("app=hello");
    expect(await kubectl("rollout pause deployment/hello")).toBe("deployment.apps/hello paused\n");
    await kubectl("set env deployment/hello COLOUR=blue");
    expect(await cluster.field("deployment hello", ".spec.paused")).toBe("true");
    expect(await podNames("app=hello")).toEqual(before);
    expect(await kubectl("rollout resume deployment/hello")).toBe("deployment.apps/hello resumed\n");
    await kubectl("rollout restart deployment/hello");
    await kubectl("rollout status deployment/hello --timeout=90s");
    expect(await cluster.field("deployment hello", template)).toMatch(/^\d{4}-/);
    const [pod = ""] = await until("only new pods are left", async () => {
      const names = await podNames("app=hello");
      return names.length === 3 && names.every((name) => !before.includes(name)) ? names : undefined;
    });
    expect(await kubectl(["exec", pod, "--", "sh", "-c", "echo $COLOUR"])).toBe("blue\n");
  });

  it("apply: created, unchanged, configured", async () => {
    const manifest = (replicas: number): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: applied, labels: { app: applied } }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: applied } }
  template:
    metadata: { labels: { app: applied } }
    spec: { containers: [{ name: nginx, image: "nginx:1.27", ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: applied }
spec: { selector: { app: applied }, ports: [{ port: 80 }] }
`;
    expect(await kubectl("apply -f -", manifest(1))).toBe("deployment.apps/applied created\nservice/applied created\n");
    expect(await kubectl("apply -f -", manifest(1))).toBe("deployment.apps/applied unchanged\nservice/applied unchanged\n");
    expect(await kubectl("apply -f -", manifest(2))).toBe("deployment.apps/applied configured\nservice/applied unchanged\n");
    await kubectl("rollout status deployment/applied --timeout=90s");
    expect(await until("it answers", () => inPod("client", "timeout 5 wget -qO- http://applied"))).toBe("nginx 1.27\n");
    expect(await kubectl("delete -f -", manifest(2))).toMatch(/deployment\.apps "applied" deleted.*\nservice "applied" deleted/);
  });

  it("get --watch shows a pod's life line by line", async () => {
    const watch = cluster.follow("get pods --watch");
    const lines = (): readonly string[] =>
      watch
        .text()
        .split("\n")
        .filter((line) => line.startsWith("watched "));
    try {
      // What is there already comes first: from then on nothing is missed.
      await until("the watch stands", () => /^NAME +READY +STATUS +RESTARTS +AGE\n(.*\n)*web +1\/1 +Running/.test(watch.text()));
      await kubectl("run watched --image=busybox --restart=Never -- true");
      await until("it has completed before our eyes", () => lines().some((line) => /^watched +0\/1 +Completed/.test(line)), { timeoutMs: 90_000 });
      await kubectl("delete pod watched");
      expect(lines()[0]).toMatch(/^watched +0\/1 +Pending/);
      expect(lines().join("\n")).toMatch(/ContainerCreating/);
    } finally {
      await watch.stop();
    }
  });

  it("describe tells of a pod with its events", async () => {
    const text = await kubectl("describe pod web");
    for (const wanted of [/^Name: +web$/m, /^Status: +Running$/m, /^IP: +\d/m, /^ +Image: +nginx$/m, /^ +Ready: +True$/m, /^QoS Class: +BestEffort$/m])
      expect(text).toMatch(wanted);
    for (const reason of ["Scheduled", "Pulling", "Pulled", "Created", "Started"]) expect(text).toMatch(new RegExp(`Normal +${reason} `));
    expect(text).toContain("Successfully assigned default/web to");
  });

  it("deleting a deployment collects all that belongs to it", async () => {
    expect(await kubectl("delete deployment hello")).toMatch(/^deployment\.apps "hello" deleted/);
    expect(await kubectl("delete service hello np lb")).toMatch(/service "hello" deleted.*\nservice "np" deleted.*\nservice "lb" deleted/);
    await until("replica sets and pods are gone", async () => (await kubectl("get rs,pods -l app=hello -o name")) === "");
    await until("endpoint slices are gone", async () => !(await kubectl("get endpointslices -o name")).includes("hello"));
    expect((await cluster.tryKubectl("get deployment hello")).stderr).toBe('Error from server (NotFound): deployments.apps "hello" not found\n');
  });

  it("a namespace goes with all that is inside", async () => {
    await kubectl("create namespace short-lived");
    await kubectl("-n short-lived create deployment gone --image=nginx --replicas=2");
    await kubectl("-n short-lived create configmap gone --from-literal=key=value");
    await kubectl("-n short-lived rollout status deployment/gone --timeout=90s");
    expect(await kubectl("delete namespace short-lived --timeout=90s")).toMatch(/^namespace "short-lived" deleted/);
    expect((await cluster.tryKubectl("get namespace short-lived")).stderr).toContain('namespaces "short-lived" not found');
    expect(await kubectl("get pods -A -o name")).not.toContain("gone");
  });
});
