import { describe, expect, it } from "vitest";
import type { ConfigMap, Container, Pod, PodSpec, Secret, Service } from "../../api/generated/types/core-v1.ts";
import { containerConfig } from "./container-config.ts";
import { containerEnvironment, ContainerConfigError } from "./container-environment.ts";
import { parseResolvConf, podDnsConfig } from "./dns-config.ts";
import { expandVariables } from "./expand-variables.ts";
import { cpuQuota, cpuShares, linuxResources, oomScoreAdjust } from "./linux-resources.ts";
import { hostsFile, kernelHostname } from "./pod-hostname.ts";
import { sandboxConfig } from "./sandbox-config.ts";
import { containerSecurityContext, nonRootProblem } from "./security-context.ts";
import { serviceEnvironment } from "./service-environment.ts";

const pod = (spec: Partial<PodSpec> = {}, metadata: Partial<Pod["metadata"]> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web-0", namespace: "shop", uid: "u1", labels: { app: "web" }, ...metadata },
  spec: { containers: [{ name: "main", image: "i" }], ...spec },
});
const gibibyte = 1024 ** 3;

describe("expandVariables", () => {
  const value = (name: string): string | undefined => ({ A: "1", B: "$(A)" })[name];
  it.each([
    ["plain", "plain"],
    ["$(A)", "1"],
    ["x$(A)y$(A)", "x1y1"],
    ["$$(A)", "$(A)"],
    ["$$$(A)", "$1"],
    ["$(NONE)", "$(NONE)"],
    ["$(B)", "$(A)"],
    ["$(A", "$(A"],
    ["$A", "$A"],
    ["$", "$"],
    ["100$$", "100$"],
  ])("%s is %s", (text, expected) => expect(expandVariables(text, value)).toBe(expected));
});

describe("the resolver", () => {
  const host = parseResolvConf("# c\nnameserver 1.1.1.1\nnameserver 8.8.8.8\nsearch corp.example home.\noptions edns0 ndots:2\n");
  const input = { host, clusterDns: ["10.96.0.10"], clusterDomain: "cluster.local" };
  it.each<readonly [string, Partial<PodSpec>, unknown]>([
    ["ClusterFirst", {}, { servers: ["10.96.0.10"], searches: ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "corp.example", "home"], options: ["ndots:5"] }],
    ["Default", { dnsPolicy: "Default" }, { servers: ["1.1.1.1", "8.8.8.8"], searches: ["corp.example", "home"], options: ["edns0", "ndots:2"] }],
    ["ClusterFirst on the host's network", { hostNetwork: true }, { servers: ["1.1.1.1", "8.8.8.8"], searches: ["corp.example", "home"], options: ["edns0", "ndots:2"] }],
    [
      "ClusterFirstWithHostNet",
      { hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet", dnsConfig: { options: [{ name: "ndots", value: "1" }, { name: "rotate" }] } },
      { servers: ["10.96.0.10"], searches: ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "corp.example", "home"], options: ["ndots:1", "rotate"] },
    ],
    ["None", { dnsPolicy: "None", dnsConfig: { nameservers: ["9.9.9.9"], searches: ["a.b"] } }, { servers: ["9.9.9.9"], searches: ["a.b"], options: [] }],
  ])("%s", (_what, spec, expected) => expect(podDnsConfig(pod(spec), input).config).toEqual(expected));

  it("says what it had to leave out", () => {
    const { config, warnings } = podDnsConfig(pod({ dnsPolicy: "None", dnsConfig: { nameservers: ["1.0.0.1", "1.0.0.2", "1.0.0.3", "1.0.0.4"] } }), input);
    expect(config.servers).toHaveLength(3);
    expect(warnings).toEqual([
      { reason: "DNSConfigForming", message: "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 1.0.0.1 1.0.0.2 1.0.0.3" },
    ]);
    expect(podDnsConfig(pod(), { ...input, clusterDns: [] }).warnings[0]?.reason).toBe("MissingClusterDNS");
  });
});

describe("names", () => {
  it("come from the pod, with the domain where it has one", () => {
    expect(kernelHostname(pod(), "cluster.local")).toBe("web-0");
    expect(kernelHostname(pod({ hostname: "h", subdomain: "s", setHostnameAsFQDN: true }), "cluster.local")).toBe("h.s.shop.svc.cluster.local");
    expect(kernelHostname(pod({}, { name: `${"x".repeat(62)}-y` }), "cluster.local")).toBe("x".repeat(62));
  });

  it("stand in the hosts file with aliases", () => {
    const text = hostsFile(pod({ subdomain: "s", hostAliases: [{ ip: "1.2.3.4", hostnames: ["a", "b"] }] }), {
      podIPs: ["10.0.0.9"],
      clusterDomain: "cluster.local",
      hostContent: "",
    });
    expect(text.split("\n").slice(-5)).toEqual(["10.0.0.9\tweb-0.s.shop.svc.cluster.local\tweb-0", "", "# Entries added by HostAliases.", "1.2.3.4\ta\tb", ""]);
  });
});

describe("the environment", () => {
  const services: readonly Service[] = [
    { apiVersion: "v1", kind: "Service", metadata: { name: "kubernetes", namespace: "default" }, spec: { clusterIP: "10.96.0.1", ports: [{ name: "https", port: 443 }] } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "db-main", namespace: "shop" },
      spec: {
        clusterIP: "10.96.0.7",
        ports: [
          { name: "sql", port: 5432 },
          { port: 9, protocol: "UDP" },
        ],
      },
    },
    { apiVersion: "v1", kind: "Service", metadata: { name: "headless", namespace: "shop" }, spec: { clusterIP: "None", ports: [{ port: 1 }] } },
    { apiVersion: "v1", kind: "Service", metadata: { name: "far", namespace: "other" }, spec: { clusterIP: "10.96.0.8", ports: [{ port: 1 }] } },
  ];

  it("tells of services", () => {
    const variables = serviceEnvironment(services, { namespace: "shop", links: true });
    expect(Object.fromEntries([...variables].filter(([name]) => name.startsWith("DB_")))).toEqual({
      DB_MAIN_SERVICE_HOST: "10.96.0.7",
      DB_MAIN_SERVICE_PORT: "5432",
      DB_MAIN_SERVICE_PORT_SQL: "5432",
      DB_MAIN_PORT: "tcp://10.96.0.7:5432",
      DB_MAIN_PORT_5432_TCP: "tcp://10.96.0.7:5432",
      DB_MAIN_PORT_5432_TCP_PROTO: "tcp",
      DB_MAIN_PORT_5432_TCP_PORT: "5432",
      DB_MAIN_PORT_5432_TCP_ADDR: "10.96.0.7",
      DB_MAIN_PORT_9_UDP: "udp://10.96.0.7:9",
      DB_MAIN_PORT_9_UDP_PROTO: "udp",
      DB_MAIN_PORT_9_UDP_PORT: "9",
      DB_MAIN_PORT_9_UDP_ADDR: "10.96.0.7",
    });
    expect([...variables.keys()].some((name) => name.startsWith("HEADLESS") || name.startsWith("FAR"))).toBe(false);
    expect([...serviceEnvironment(services, { namespace: "shop", links: false }).keys()].every((name) => name.startsWith("KUBERNETES_"))).toBe(true);
  });

  const configMap: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "conf" }, data: { a: "from map", KEY: "map", "bad=name": "x" } };
  const secret: Secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "hid" }, data: { KEY: btoa("hidden") } };
  const environment = (container: Partial<Container>): Promise<ReadonlyMap<string, string>> => {
    const main: Container = { name: "main", image: "i", ...container };
    return containerEnvironment({
      pod: pod({ containers: [main], serviceAccountName: "sa" }),
      container: main,
      services: [],
      fields: { nodeName: "node-1", hostIPs: ["192.168.0.1"], podIPs: ["10.0.0.9"] },
      allocatable: { cpu: "4", memory: "8Gi" },
      configMap: async (name) => (name === "conf" ? configMap : undefined),
      secret: async (name) => (name === "hid" ? secret : undefined),
      volumeFile: async () => "FROM_FILE='v v'\n# no\n",
    });
  };

  it("comes from everywhere, the later over the earlier", async () => {
    const variables = await environment({
      resources: { limits: { cpu: "1500m" }, requests: { memory: "100Mi" } },
      envFrom: [{ configMapRef: { name: "conf" }, prefix: "P_" }, { configMapRef: { name: "conf" } }, { secretRef: { name: "hid" } }],
      env: [
        { name: "PLAIN", value: "$(KEY)/$(P_a)/$(LATER)" },
        { name: "LATER", value: "l" },
        { name: "ESCAPED", value: "$$(LATER)" },
        { name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "LABEL", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
        { name: "MEMORY", valueFrom: { resourceFieldRef: { resource: "requests.memory", divisor: "1Mi" } } },
        { name: "NODE_MEMORY", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Gi" } } },
        { name: "MAYBE", valueFrom: { secretKeyRef: { name: "none", key: "x", optional: true } } },
        { name: "FILE", valueFrom: { fileKeyRef: { volumeName: "v", path: "env", key: "FROM_FILE" } } },
      ],
    });
    expect(Object.fromEntries(variables)).toEqual({
      P_a: "from map",
      P_KEY: "map",
      a: "from map",
      KEY: "hidden",
      PLAIN: "hidden/from map/$(LATER)",
      LATER: "l",
      ESCAPED: "$(LATER)",
      NAME: "web-0",
      LABEL: "web",
      IP: "10.0.0.9",
      CPU: "2",
      MEMORY: "100",
      NODE_MEMORY: "8",
      FILE: "v v",
    });
  });

  it.each<readonly [Partial<Container>, string]>([
    [{ envFrom: [{ configMapRef: { name: "none" } }] }, 'configmap "none" not found'],
    [{ env: [{ name: "A", valueFrom: { secretKeyRef: { name: "none", key: "x" } } }] }, 'secret "none" not found'],
    [{ env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "conf", key: "x" } } }] }, "couldn't find key x in ConfigMap shop/conf"],
    [{ env: [{ name: "A", valueFrom: { secretKeyRef: { name: "hid", key: "x" } } }] }, "couldn't find key x in Secret shop/hid"],
  ])("fails with %o", async (container, message) => {
    await expect(environment(container)).rejects.toThrow(message);
    await expect(environment(container)).rejects.toThrow(ContainerConfigError);
  });
});

describe("resources", () => {
  it.each([
    [0, 2],
    [1, 2],
    [100, 102],
    [1000, 1024],
    [1_000_000, 262_144],
  ])("%i thousandths of a CPU are %i shares", (milli, shares) => expect(cpuShares(milli)).toBe(shares));
  it.each([
    [0, 0],
    [5, 1000],
    [500, 50_000],
    [2000, 200_000],
  ])("%i thousandths of a CPU are a quota of %i", (milli, quota) => expect(cpuQuota(milli)).toBe(quota));

  const main = (requests: Record<string, string>, limits: Record<string, string>): Container => ({ name: "main", image: "i", resources: { requests, limits } });
  it.each<readonly [string, Partial<PodSpec>, number]>([
    ["guaranteed", { containers: [main({ cpu: "1", memory: "1Gi" }, { cpu: "1", memory: "1Gi" })] }, -997],
    ["best effort", {}, 1000],
    ["burstable with half of the memory", { containers: [main({ memory: "8Gi" }, {})] }, 500],
    ["burstable with next to nothing", { containers: [main({ memory: "1Ki" }, {})] }, 999],
    ["burstable with all", { containers: [main({ memory: "16Gi" }, {})] }, 3],
    ["critical for the node", { priority: 2_000_001_000 }, -997],
  ])("a %s pod is killed by score", (_what, spec, score) => {
    const one = pod(spec);
    expect(oomScoreAdjust(one, one.spec.containers[0] ?? { name: "" }, 16 * gibibyte)).toBe(score);
  });

  it("reach the runtime, the limit standing in for a request", () => {
    const container = main({}, { cpu: "250m", memory: "64Mi" });
    expect(linuxResources(pod({ containers: [container] }), container, { memoryBytes: gibibyte, cgroupVersion: 1 })).toEqual({
      cpuShares: 256,
      cpuQuota: 25_000,
      cpuPeriod: 100_000,
      memoryLimitInBytes: 67_108_864,
      oomScoreAdj: expect.any(Number),
    });
  });
});

describe("security", () => {
  it("takes the container's word before the pod's before the image's", () => {
    const one = pod({ securityContext: { runAsUser: 1, runAsGroup: 2, fsGroup: 3, supplementalGroups: [4], seccompProfile: { type: "RuntimeDefault" } } });
    const context = containerSecurityContext(
      one,
      { name: "main", securityContext: { runAsUser: 9, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } } },
      { imageUser: { uid: 7 }, seccompRoot: "/s/" },
    );
    expect(context).toMatchObject({
      runAsUser: { value: 9 },
      runAsGroup: { value: 2 },
      supplementalGroups: [4, 3],
      noNewPrivs: true,
      capabilities: { addCapabilities: [], dropCapabilities: ["ALL"] },
      seccomp: { profileType: "RuntimeDefault" },
      namespaceOptions: { network: "POD", pid: "CONTAINER", ipc: "POD" },
    });
    expect(context.maskedPaths).toContain("/proc/kcore");
    const bare = containerSecurityContext(
      pod(),
      { name: "main", securityContext: { procMount: "Unmasked", seccompProfile: { type: "Localhost", localhostProfile: "p.json" } } },
      { imageUser: { username: "app" }, seccompRoot: "/s/" },
    );
    expect(bare).toMatchObject({ runAsUsername: "app", maskedPaths: [], readonlyPaths: [], seccomp: { profileType: "Localhost", localhostRef: "/s/p.json" } });
  });

  it.each<readonly [Partial<Container>, { uid?: number; username?: string }, RegExp | undefined]>([
    [{}, { uid: 0 }, /image will run as root/],
    [{}, { uid: 5 }, undefined],
    [{}, { username: "app" }, /non-numeric user \(app\)/],
    [{ securityContext: { runAsUser: 0 } }, { uid: 5 }, /runAsUser breaks non-root policy/],
    [{ securityContext: { runAsNonRoot: false } }, { uid: 0 }, undefined],
  ])("must not run as root: %o with an image of %o", (container, user, expected) => {
    const problem = nonRootProblem(pod({ securityContext: { runAsNonRoot: true } }), { name: "main", ...container }, user);
    if (expected === undefined) expect(problem).toBeUndefined();
    else expect(problem).toMatch(expected);
  });
});

describe("configurations", () => {
  it("of a sandbox name the pod, its ports and its place", () => {
    const config = sandboxConfig({
      pod: pod({
        containers: [{ name: "main", ports: [{ containerPort: 80, hostPort: 8080 }, { containerPort: 81 }], securityContext: { privileged: true } }],
        securityContext: { sysctls: [{ name: "a.b", value: "1" }] },
      }),
      attempt: 2,
      dns: { servers: [], searches: [], options: [] },
      clusterDomain: "cluster.local",
      logDirectory: "/logs",
      cgroupParent: "/kubepods/besteffort/podu1",
    });
    expect(config).toMatchObject({
      metadata: { name: "web-0", namespace: "shop", uid: "u1", attempt: 2 },
      hostname: "web-0",
      portMappings: [{ containerPort: 80, hostPort: 8080, protocol: "TCP" }],
      labels: { app: "web", "io.kubernetes.pod.uid": "u1" },
      linux: { cgroupParent: "/kubepods/besteffort/podu1", sysctls: { "a.b": "1" }, securityContext: { privileged: true } },
    });
  });

  it("of a container expand its command and mark it for later", () => {
    const main: Container = { name: "main", image: "i", command: ["run", "$(A)"], args: ["$(NONE)"], terminationMessagePath: "/t", lifecycle: { stopSignal: "SIGUSR1" } };
    const config = containerConfig({
      pod: pod({ containers: [main] }),
      container: main,
      restartCount: 3,
      imageRef: "sha256:1",
      environment: new Map([["A", "1"]]),
      mounts: [],
      imageUser: { uid: 0 },
      machine: { memoryBytes: 1, cgroupVersion: 2 },
      seccompRoot: "/",
    });
    expect(config).toMatchObject({
      metadata: { name: "main", attempt: 3 },
      image: { image: "sha256:1", userSpecifiedImage: "i" },
      command: ["run", "1"],
      args: ["$(NONE)"],
      logPath: "main/3.log",
      stopSignal: "SIGNAL_SIGUSR1",
      annotations: { "io.kubernetes.container.restartCount": "3", "io.kubernetes.container.terminationMessagePath": "/t" },
      labels: { "io.kubernetes.container.name": "main", "io.kubernetes.pod.uid": "u1" },
    });
    expect(config.labels?.["app"]).toBeUndefined();
  });
});
