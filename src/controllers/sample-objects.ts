import type { Deployment, ReplicaSet } from "../api/generated/types/apps-v1.ts";
import type { Node, Pod, PodSpec, PodStatus, Service } from "../api/generated/types/core-v1.ts";
import { rfc3339 } from "../base/clock.ts";
import type { ObjectMeta } from "../meta/generated/meta-v1.ts";

/** Objects for the tests of this folder. Times are counted in seconds from here. */
export const epochMs = Date.UTC(2026, 0, 1);

export const at = (seconds: number): string => rfc3339(epochMs + seconds * 1000);

export interface SamplePod extends Partial<ObjectMeta> {
  readonly phase?: string;
  /** Seconds after the epoch; absent: not ready. */
  readonly readyAt?: number;
  readonly createdAt?: number;
  readonly deleted?: boolean;
  readonly node?: string;
  readonly restarts?: number;
  readonly spec?: Partial<PodSpec>;
  readonly status?: PodStatus;
}

export function samplePod(name: string, sample: SamplePod = {}): Pod {
  const { phase = "Running", readyAt, createdAt = 0, deleted = false, node = "n1", restarts, spec, status, ...metadata } = sample;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "ns", uid: `uid-${name}`, creationTimestamp: at(createdAt), ...(deleted ? { deletionTimestamp: at(createdAt + 100) } : {}), ...metadata },
    spec: { containers: [{ name: "main" }], ...(node === "" ? {} : { nodeName: node }), ...spec },
    status: {
      phase,
      ...(readyAt === undefined ? {} : { conditions: [{ type: "Ready", status: "True", lastTransitionTime: at(readyAt) }] }),
      ...(restarts === undefined ? {} : { containerStatuses: [{ name: "main", image: "", imageID: "", ready: true, restartCount: restarts }] }),
      ...status,
    },
  };
}

export const template = (image = "web:1") => ({
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "main", image }] },
});

export function sampleDeployment(spec: Partial<Deployment["spec"]> = {}, rest: Partial<Deployment> = {}): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "ns", uid: "uid-web", generation: 1, creationTimestamp: at(0), ...rest.metadata },
    spec: {
      replicas: 3,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      selector: { matchLabels: { app: "web" } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
      template: template(),
      ...spec,
    },
    ...(rest.status === undefined ? {} : { status: rest.status }),
  };
}

export function sampleReplicaSet(
  name: string,
  sample: { readonly replicas: number; readonly available?: number; readonly image?: string; readonly createdAt?: number; readonly annotations?: Record<string, string> },
): ReplicaSet {
  const { replicas, available = replicas, image = "web:1", createdAt = 0, annotations } = sample;
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name, namespace: "ns", uid: `uid-${name}`, generation: 1, creationTimestamp: at(createdAt), ...(annotations === undefined ? {} : { annotations }) },
    spec: { replicas, selector: { matchLabels: { app: "web" } }, template: template(image) },
    status: { replicas, readyReplicas: available, availableReplicas: available, terminatingReplicas: 0, observedGeneration: 1 },
  };
}

export function sampleService(spec: Service["spec"] = {}, metadata: Partial<ObjectMeta> = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "ns", uid: "uid-web", creationTimestamp: at(0), ...metadata },
    spec: { clusterIP: "10.96.0.10", ipFamilies: ["IPv4"], selector: { app: "web" }, ports: [{ port: 80, protocol: "TCP", targetPort: 8080 }], ...spec },
  };
}

export function sampleNode(
  name: string,
  rest: { readonly labels?: Record<string, string>; readonly spec?: Node["spec"]; readonly status?: Node["status"]; readonly deletionTimestamp?: string } = {},
): Node {
  const { labels = {}, spec = {}, status, deletionTimestamp } = rest;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, uid: `uid-${name}`, labels, creationTimestamp: at(0), ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
    spec,
    ...(status === undefined ? {} : { status }),
  };
}
