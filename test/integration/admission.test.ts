import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  deviceClasses,
  ingressClasses,
  limitRanges,
  namespaces,
  nodes,
  persistentVolumeClaims,
  pods,
  resourceQuotas,
  runtimeClasses,
  serviceAccounts,
  storageClasses,
} from "../../src/api/generated/resources.ts";
import type { PodSpec, ResourceQuotaSpec } from "../../src/api/generated/types/core-v1.ts";
import { type Answer, type Person, serveCluster, type ServedCluster } from "./served-cluster.ts";

let cluster: ServedCluster;
const root: Person = { name: "root", groups: ["system:masters"] };
const container = { name: "a", image: "a" };

async function namespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
  await cluster.admin.create(namespaces, { metadata: { name, labels } });
  await cluster.admin.create(serviceAccounts, { metadata: { name: "default", namespace: name } });
}
const post = (url: string, body: unknown): Promise<Answer> => cluster.ask("POST", url, { as: root, body });
const postPod = (place: string, name: string, spec: Partial<PodSpec> = {}): Promise<Answer> =>
  post(`/api/v1/namespaces/${place}/pods`, { metadata: { name }, spec: { containers: [container], ...spec } });

beforeAll(async () => {
  cluster = await serveCluster();
});
afterAll(() => cluster.stop());

describe("LimitRanger", () => {
  beforeAll(async () => {
    await namespace("limits");
    await cluster.admin.create(limitRanges, {
      metadata: { name: "bounds", namespace: "limits" },
      spec: {
        limits: [
          {
            type: "Container",
            default: { cpu: "500m" },
            defaultRequest: { cpu: "100m" },
            max: { cpu: "1", memory: "1Gi" },
            min: { cpu: "50m" },
            maxLimitRequestRatio: { cpu: "10" },
          },
          { type: "Pod", max: { cpu: "1500m" } },
          { type: "PersistentVolumeClaim", max: { storage: "5Gi" } },
        ],
      },
    });
  });

  it("fills in what containers leave open, and says so", async () => {
    const { status, body } = await postPod("limits", "plain", { containers: [{ ...container, resources: { limits: { memory: "1Gi" } } }] });
    expect(status).toBe(201);
    expect(body.spec.containers[0].resources).toEqual({ limits: { cpu: "500m", memory: "1Gi" }, requests: { cpu: "100m", memory: "1Gi" } });
    expect(body.metadata.annotations["kubernetes.io/limit-ranger"]).toBe("LimitRanger plugin set: cpu request for container a; cpu limit for container a");
  });

  it.each<readonly [string, NonNullable<PodSpec["containers"][number]["resources"]>, string]>([
    ["too much", { limits: { cpu: "2", memory: "1Gi" }, requests: { cpu: "1" } }, "maximum cpu usage per Container is 1, but limit is 2"],
    ["too little", { limits: { cpu: "40m", memory: "1Gi" }, requests: { cpu: "40m" } }, "minimum cpu usage per Container is 50m, but request is 40m"],
    ["too far apart", { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "50m" } }, "cpu max limit to request ratio per Container is 10, but provided ratio is 20.000000"],
  ])("refuses %s", async (_, resources, problem) => {
    const { status, body } = await postPod("limits", "wrong", { containers: [{ ...container, resources }] });
    expect(status).toBe(403);
    expect(body.message).toContain('pods "wrong" is forbidden: ');
    expect(body.message).toContain(problem);
  });

  it("bounds the pod as a whole, and claims", async () => {
    const resources = { limits: { cpu: "800m", memory: "1Gi" } };
    expect(
      (
        await postPod("limits", "two", {
          containers: [
            { ...container, resources },
            { ...container, name: "b", resources },
          ],
        })
      ).body.message,
    ).toContain("maximum cpu usage per Pod is 1500m, but limit is 1600m");
    const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "6Gi" } } };
    expect((await post("/api/v1/namespaces/limits/persistentvolumeclaims", { metadata: { name: "big" }, spec })).body.message).toContain(
      "maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 6Gi",
    );
  });
});

describe("ResourceQuota", () => {
  async function quota(place: string, name: string, spec: ResourceQuotaSpec): Promise<void> {
    const made = await cluster.admin.create(resourceQuotas, { metadata: { name, namespace: place }, spec });
    const used = Object.fromEntries(Object.keys(spec.hard ?? {}).map((key) => [key, "0"]));
    // As the controller does with a new one.
    await cluster.admin.update(resourceQuotas, { ...made, status: { hard: spec.hard ?? {}, used } }, { subresource: "status" });
  }
  const usedBy = async (place: string, name: string): Promise<unknown> => (await cluster.admin.get(resourceQuotas, name, { namespace: place })).status?.used;

  it("charges for what is made, and refuses what is too much", async () => {
    await namespace("quota");
    await quota("quota", "q", { hard: { pods: "2", "requests.cpu": "1", "count/configmaps": "1", "services.loadbalancers": "0" } });
    const small = { containers: [{ ...container, resources: { requests: { cpu: "400m" } } }] };
    expect((await postPod("quota", "none")).body.message).toBe('pods "none" is forbidden: failed quota: q: must specify requests.cpu for: a');
    expect((await postPod("quota", "whole", { resources: { requests: { memory: "2Gi", cpu: "2" } } })).body.message).toContain("exceeded quota: q, requested: requests.cpu=2");
    expect((await postPod("quota", "one", small)).status).toBe(201);
    expect(await usedBy("quota", "q")).toMatchObject({ pods: "1", "requests.cpu": "400m" });
    expect((await postPod("quota", "big", { containers: [{ ...container, resources: { requests: { cpu: "700m" } } }] })).body.message).toBe(
      'pods "big" is forbidden: exceeded quota: q, requested: requests.cpu=700m, used: requests.cpu=400m, limited: requests.cpu=1',
    );
    expect((await postPod("quota", "two", small)).status).toBe(201);
    expect((await postPod("quota", "three", { containers: [{ ...container, resources: { requests: { cpu: "1m" } } }] })).body.message).toContain(
      "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2",
    );
    expect((await post("/api/v1/namespaces/quota/configmaps", { metadata: { name: "a" } })).status).toBe(201);
    expect((await post("/api/v1/namespaces/quota/configmaps", { metadata: { name: "b" } })).status).toBe(403);
    expect((await post("/api/v1/namespaces/quota/configmaps", { metadata: { name: "a" } })).status).toBe(403);
    const service = { metadata: { name: "lb" }, spec: { type: "LoadBalancer", ports: [{ port: 80 }] } };
    expect((await post("/api/v1/namespaces/quota/services", service)).body.message).toContain("exceeded quota: q, requested: services.loadbalancers=1");
  });

  it("charges for extended resources that are devices whoever asks for them, and once", async () => {
    await namespace("extended");
    await cluster.admin.create(deviceClasses, { metadata: { name: "fpga" }, spec: { extendedResourceName: "example.com/fpga" } });
    const fpgas = "requests.example.com/fpga";
    await quota("extended", "q", { hard: { [fpgas]: "3" } });
    const asking = (count: string) => ({ containers: [{ ...container, resources: { limits: { "example.com/fpga": count } } }] });
    const claims = "/apis/resource.k8s.io/v1/namespaces/extended/resourceclaims";
    const spec = (count: number) => ({ devices: { requests: [{ name: "r", exactly: { deviceClassName: "fpga", count } }] } });
    const { body: pod } = await postPod("extended", "one", asking("2"));
    expect(await usedBy("extended", "q")).toEqual({ [fpgas]: "2" });
    const metadata = {
      generateName: "one-extended-resources-",
      annotations: { "resource.kubernetes.io/extended-resource-claim": "true" },
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "one", uid: pod.metadata.uid, controller: true }],
    };
    // What the scheduler claims for the pod is what the pod was charged for; a second such claim would be more.
    expect((await post(claims, { metadata, spec: spec(2) })).status).toBe(201);
    expect(await usedBy("extended", "q")).toEqual({ [fpgas]: "2" });
    expect((await post(claims, { metadata: { ...metadata, generateName: "zz-" }, spec: spec(2) })).status).toBe(403);
    expect((await post(claims, { metadata: { name: "b" }, spec: spec(2) })).body.message).toBe(
      `resourceclaims.resource.k8s.io "b" is forbidden: exceeded quota: q, requested: ${fpgas}=2, used: ${fpgas}=2, limited: ${fpgas}=3`,
    );
    expect((await post(claims, { metadata: { name: "c" }, spec: spec(1) })).status).toBe(201);
    expect((await postPod("extended", "two", asking("1"))).body.message).toContain(`exceeded quota: q, requested: ${fpgas}=1, used: ${fpgas}=3, limited: ${fpgas}=3`);
  });

  it("charges claims for devices, and volume claims of the class that is meant", async () => {
    await namespace("devices");
    const gpus = "gpu.deviceclass.resource.k8s.io/devices";
    await quota("devices", "q", { hard: { [gpus]: "3" } });
    await quota("devices", "gold", {
      hard: { persistentvolumeclaims: "0" },
      scopeSelector: { matchExpressions: [{ scopeName: "VolumeAttributesClass", operator: "In", values: ["gold"] }] },
    });
    const claim = (name: string, count: number) =>
      post("/apis/resource.k8s.io/v1/namespaces/devices/resourceclaims", {
        metadata: { name },
        spec: { devices: { requests: [{ name: "r", exactly: { deviceClassName: "gpu", count } }] } },
      });
    expect((await claim("a", 2)).status).toBe(201);
    expect(await usedBy("devices", "q")).toEqual({ [gpus]: "2" });
    expect((await claim("b", 2)).body.message).toBe(
      `resourceclaims.resource.k8s.io "b" is forbidden: exceeded quota: q, requested: ${gpus}=2, used: ${gpus}=2, limited: ${gpus}=3`,
    );
    const volume = (name: string, volumeAttributesClassName?: string) =>
      post("/api/v1/namespaces/devices/persistentvolumeclaims", {
        metadata: { name },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, volumeAttributesClassName },
      });
    expect([(await volume("plain")).status, (await volume("gold", "gold")).status]).toEqual([201, 403]);
  });

  it("lets no more through when many come at once", async () => {
    await namespace("rush");
    await quota("rush", "q", { hard: { pods: "7" } });
    const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => postPod("rush", `p${index}`)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(7);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 403]));
    expect(await usedBy("rush", "q")).toEqual({ pods: "7" });
  });

  it("charges nothing for a dry run or a refused object", async () => {
    await namespace("dry");
    await quota("dry", "q", { hard: { pods: "1" } });
    expect((await cluster.ask("POST", "/api/v1/namespaces/dry/pods?dryRun=All", { as: root, body: { metadata: { name: "a" }, spec: { containers: [container] } } })).status).toBe(
      201,
    );
    expect((await post("/api/v1/namespaces/dry/pods", { metadata: { name: "a" }, spec: { containers: [] } })).status).toBe(422);
    expect(await usedBy("dry", "q")).toEqual({ pods: "0" });
  });

  it("means only what its scopes say", async () => {
    await namespace("scoped");
    await quota("scoped", "best-effort", { hard: { pods: "0" }, scopes: ["BestEffort"] });
    expect((await postPod("scoped", "a")).status).toBe(403);
    expect((await postPod("scoped", "b", { containers: [{ ...container, resources: { requests: { cpu: "1m" } } }] })).status).toBe(201);
  });

  it("bounds nothing until it is counted, and waits for what is half known", async () => {
    await namespace("fresh");
    const made = await cluster.admin.create(resourceQuotas, { metadata: { name: "q", namespace: "fresh" }, spec: { hard: { pods: "0" } } });
    expect((await postPod("fresh", "a")).status).toBe(201);
    await cluster.admin.update(resourceQuotas, { ...made, status: { hard: { pods: "0" } } }, { subresource: "status" });
    expect((await postPod("fresh", "b")).body.message).toBe('pods "b" is forbidden: status unknown for quota: q, resources: pods');
  });
});

describe("PodSecurity", () => {
  it("enforces, warns about templates, and warns about what stands", async () => {
    await namespace("safe", { "pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/warn": "restricted" });
    const refused = await postPod("safe", "host", { hostNetwork: true });
    expect(refused.body.message).toBe('pods "host" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)');
    const warned = await postPod("safe", "plain");
    expect(warned.status).toBe(201);
    expect(String(warned.headers["warning"])).toContain('would violate PodSecurity \\"restricted:latest\\": allowPrivilegeEscalation != false');
    const template = { metadata: { labels: { a: "b" } }, spec: { hostPID: true, containers: [container] } };
    const workload = await post("/apis/apps/v1/namespaces/safe/deployments", { metadata: { name: "d" }, spec: { selector: { matchLabels: { a: "b" } }, template } });
    expect(workload.status).toBe(201);
    expect(String(workload.headers["warning"])).toContain("host namespaces (hostPID=true)");
    const merge = { "content-type": "application/merge-patch+json" };
    const stricter = await cluster.ask("PATCH", "/api/v1/namespaces/safe", {
      as: root,
      headers: merge,
      body: { metadata: { labels: { "pod-security.kubernetes.io/enforce": "restricted" } } },
    });
    expect(stricter.headers["warning"]).toEqual([
      '299 - "existing pods in namespace \\"safe\\" violate the new PodSecurity enforce level \\"restricted:latest\\""',
      '299 - "plain: allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile"',
    ]);
    const unknown = await cluster.ask("PATCH", "/api/v1/namespaces/safe", {
      as: root,
      headers: merge,
      body: { metadata: { labels: { "pod-security.kubernetes.io/warn": "none" } } },
    });
    expect(unknown.body.message).toContain('metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: "none": must be one of privileged, baseline, restricted');
  });
});

describe("classes", () => {
  it("have defaults: the newest that says so", async () => {
    await namespace("classes");
    const isDefault = { "storageclass.kubernetes.io/is-default-class": "true" };
    await cluster.admin.create(storageClasses, { metadata: { name: "slow", annotations: isDefault }, provisioner: "a.b/c" });
    await cluster.clock.advance(2_000);
    await cluster.admin.create(storageClasses, { metadata: { name: "fast", annotations: isDefault }, provisioner: "a.b/c" });
    const claim = async (spec: object): Promise<string> => {
      const made = await post("/api/v1/namespaces/classes/persistentvolumeclaims", {
        metadata: { generateName: "c" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
      });
      expect(made.body.metadata.finalizers).toEqual(["kubernetes.io/pvc-protection"]);
      return made.body.spec.storageClassName;
    };
    expect(await claim({})).toBe("fast");
    expect(await claim({ storageClassName: "" })).toBe("");
    await cluster.admin.create(ingressClasses, { metadata: { name: "web", annotations: { "ingressclass.kubernetes.io/is-default-class": "true" } }, spec: { controller: "a/b" } });
    const ingress = await post("/apis/networking.k8s.io/v1/namespaces/classes/ingresses", {
      metadata: { name: "i" },
      spec: { defaultBackend: { service: { name: "s", port: { number: 80 } } } },
    });
    expect(ingress.body.spec.ingressClassName).toBe("web");
  });

  it("let claims grow or not", async () => {
    await namespace("grow");
    await cluster.admin.create(storageClasses, { metadata: { name: "stiff" }, provisioner: "a.b/c" });
    await cluster.admin.create(storageClasses, { metadata: { name: "elastic" }, provisioner: "a.b/c", allowVolumeExpansion: true });
    const place = { namespace: "grow" };
    for (const [name, phase] of [
      ["stiff", "Bound"],
      ["elastic", "Bound"],
      ["pending", "Pending"],
    ] as const) {
      const storageClassName = name === "pending" ? "elastic" : name;
      const made = await cluster.admin.create(persistentVolumeClaims, {
        metadata: { name, ...place },
        spec: { accessModes: ["ReadWriteOnce"], storageClassName, volumeName: "v", resources: { requests: { storage: "1Gi" } } },
      });
      await cluster.admin.update(persistentVolumeClaims, { ...made, status: { phase } }, { subresource: "status" });
    }
    const grow = async (name: string): Promise<string | number> => {
      const { status, body } = await cluster.ask("PATCH", `/api/v1/namespaces/grow/persistentvolumeclaims/${name}`, {
        as: root,
        headers: { "content-type": "application/merge-patch+json" },
        body: { spec: { resources: { requests: { storage: "2Gi" } } } },
      });
      return status === 200 ? 200 : body.message;
    };
    expect(await grow("elastic")).toBe(200);
    expect(await grow("stiff")).toContain("only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize");
    expect(await grow("pending")).toContain("spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims");
  });

  it("of runtimes bring overhead and nodes", async () => {
    await namespace("runtimes");
    await cluster.admin.create(runtimeClasses, {
      metadata: { name: "vm" },
      handler: "vm",
      overhead: { podFixed: { memory: "100Mi" } },
      scheduling: { nodeSelector: { vm: "yes" }, tolerations: [{ key: "vm", operator: "Exists" }] },
    });
    const { body } = await postPod("runtimes", "a", { runtimeClassName: "vm" });
    expect(body.spec).toMatchObject({ overhead: { memory: "100Mi" }, nodeSelector: { vm: "yes" } });
    expect(body.spec.tolerations).toContainEqual({ key: "vm", operator: "Exists" });
    expect((await postPod("runtimes", "b", { runtimeClassName: "none" })).body.message).toBe('pods "b" is forbidden: pod rejected: RuntimeClass "none" not found');
    expect((await postPod("runtimes", "c", { runtimeClassName: "vm", nodeSelector: { vm: "no" } })).body.message).toContain(
      "conflict: runtimeClass.scheduling.nodeSelector[vm] = yes",
    );
  });
});

describe("nodes", () => {
  it("begin with a taint, and their pods learn where they are", async () => {
    await namespace("places");
    const made = await cluster.admin.create(nodes, { metadata: { name: "n1", labels: { "topology.kubernetes.io/zone": "z1" } } });
    expect(made.spec.taints).toEqual([{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }]);
    await postPod("places", "a");
    await post("/api/v1/namespaces/places/pods/a/binding", { metadata: { name: "a" }, target: { kind: "Node", name: "n1" } });
    expect((await cluster.admin.get(pods, "a", { namespace: "places" })).metadata.labels).toEqual({ "topology.kubernetes.io/zone": "z1" });
  });
});
