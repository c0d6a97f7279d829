import { describe, expect, it } from "vitest";
import { type Draft, deepFreeze } from "../../base/values.ts";
import type { Pod } from "../generated/types/core-v1.ts";
import { tryCreate, tryStatusUpdate, tryUpdate } from "../kind-trial.ts";
import { podKind } from "./pod.ts";

const minimal = "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: ns}, spec: {containers: [{name: a, image: nginx}]}}";

describe("a new Pod", () => {
  it("is filled in", () => {
    const { object, errors } = tryCreate(
      podKind,
      `
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ns}
spec:
  serviceAccount: builder
  hostNetwork: true
  schedulingGates: [{name: example.com/wait}]
  volumes:
  - name: none
  - {name: cm, configMap: {name: x}}
  - {name: host, hostPath: {path: /data}}
  - name: token
    projected: {sources: [{serviceAccountToken: {path: t}}, {downwardAPI: {items: [{path: l, fieldRef: {fieldPath: metadata.labels}}]}}]}
  containers:
  - name: a
    image: nginx:1.27
    ports: [{containerPort: 80}]
    env:
    - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
    resources: {limits: {cpu: 0.5, memory: 64Mi}, requests: {cpu: 250m}}
    livenessProbe: {httpGet: {port: 80}}
    lifecycle: {preStop: {httpGet: {path: /bye, port: 80}}}
`,
    );
    expect(errors).toEqual([]);
    expect(object.spec).toEqual({
      schedulingGates: [{ name: "example.com/wait" }],
      serviceAccount: "builder",
      serviceAccountName: "builder",
      hostNetwork: true,
      dnsPolicy: "ClusterFirst",
      restartPolicy: "Always",
      securityContext: {},
      terminationGracePeriodSeconds: 30,
      schedulerName: "default-scheduler",
      enableServiceLinks: true,
      volumes: [
        { name: "none", emptyDir: {} },
        { name: "cm", configMap: { name: "x", defaultMode: 420 } },
        { name: "host", hostPath: { path: "/data", type: "" } },
        {
          name: "token",
          projected: {
            defaultMode: 420,
            sources: [
              { serviceAccountToken: { path: "t", expirationSeconds: 3600 } },
              { downwardAPI: { items: [{ path: "l", fieldRef: { apiVersion: "v1", fieldPath: "metadata.labels" } }] } },
            ],
          },
        },
      ],
      containers: [
        {
          name: "a",
          image: "nginx:1.27",
          imagePullPolicy: "IfNotPresent",
          terminationMessagePath: "/dev/termination-log",
          terminationMessagePolicy: "File",
          ports: [{ containerPort: 80, hostPort: 80, protocol: "TCP" }],
          env: [
            { name: "IP", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "status.podIP" } } },
            { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "0" } } },
          ],
          resources: { limits: { cpu: "500m", memory: "64Mi" }, requests: { cpu: "250m", memory: "64Mi" } },
          livenessProbe: { httpGet: { path: "/", port: 80, scheme: "HTTP" }, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 },
          lifecycle: { preStop: { httpGet: { path: "/bye", port: 80, scheme: "HTTP" } } },
        },
      ],
    });
    expect(object.status).toEqual({
      phase: "Pending",
      conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated", message: "Scheduling is blocked due to non-empty scheduling gates" }],
      qosClass: "Burstable",
    });
  });

  it("takes its label keys into selectors once", () => {
    const { object, errors } = tryCreate(
      podKind,
      `
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ns, labels: {app: web, rev: "3"}}
spec:
  containers: [{name: a, image: nginx}]
  affinity:
    podAntiAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
      - {topologyKey: zone, labelSelector: {matchLabels: {app: web}}, matchLabelKeys: [rev], mismatchLabelKeys: [tenant]}
  topologySpreadConstraints:
  - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}, matchLabelKeys: [rev]}
`,
    );
    expect(errors).toEqual([]);
    const expected = { matchLabels: { app: "web" }, matchExpressions: [{ key: "rev", operator: "In", values: ["3"] }] };
    expect(object.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.[0]?.labelSelector).toEqual(expected);
    expect(object.spec.topologySpreadConstraints?.[0]?.labelSelector).toEqual(expected);
  });

  it("fills in what stands on the pod from its containers", () => {
    const { object } = tryCreate(
      podKind,
      "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {resources: {limits: {cpu: 2, memory: 1Gi}}, containers: [{name: a, image: x, resources: {requests: {cpu: 500m}}}]}}",
    );
    expect(object.spec.resources).toEqual({ limits: { cpu: "2", memory: "1Gi" }, requests: { cpu: "500m", memory: "1Gi" } });
  });
});

describe("deleting a Pod", () => {
  const pod = (nodeName: string, phase: string, terminationGracePeriodSeconds?: number): Pod => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {},
    spec: { containers: [], nodeName, terminationGracePeriodSeconds },
    status: { phase },
  });
  it.each([
    ["waits as the spec says", pod("n", "Running", 45), undefined, 45],
    ["or as asked", pod("n", "Running", 45), 5, 5],
    ["or not at all", pod("n", "Running", 45), 0, 0],
    ["at least a second for what is negative", pod("n", "Running", -3), undefined, 1],
    ["not when it was never scheduled", pod("", "Pending", 45), 5, 0],
    ["not when it has ended", pod("n", "Succeeded", 45), undefined, 0],
    ["not when it has failed", pod("n", "Failed", 45), undefined, 0],
  ])("%s", (_name, object, requested, seconds) => expect(podKind.gracePeriodSeconds?.(object, requested)).toBe(seconds));
});

describe("changing a Pod", () => {
  const made = (text: string): Pod => deepFreeze(tryCreate(podKind, text).object);
  const others =
    "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

  it.each<[string, (draft: Draft<Pod>) => void, readonly string[]]>([
    ["labels", (pod) => Object.assign(pod.metadata, { labels: { a: "b" } }), []],
    ["an image", (pod) => Object.assign(pod.spec.containers[0] ?? {}, { image: "nginx:2" }), []],
    ["a deadline", (pod) => Object.assign(pod.spec, { activeDeadlineSeconds: 5 }), []],
    ["one toleration more", (pod) => Object.assign(pod.spec, { tolerations: [...(pod.spec.tolerations ?? []), { key: "x", operator: "Exists" }] }), []],
    ["the seconds of a toleration", (pod) => Object.assign(pod.spec.tolerations?.[0] ?? {}, { tolerationSeconds: 7 }), []],
    [
      "a toleration less",
      (pod) => Object.assign(pod.spec, { tolerations: [] }),
      ["spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"],
    ],
    ["no image", (pod) => Object.assign(pod.spec.containers[0] ?? {}, { image: "" }), ["spec.containers[0].image: Required value"]],
    ["one container more", (pod) => pod.spec.containers.push({ name: "b", image: "x" }), ["spec.containers: Forbidden: pod updates may not add or remove containers"]],
    [
      "a new gate",
      (pod) => Object.assign(pod.spec, { schedulingGates: [{ name: "late" }] }),
      ["spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'late'"],
    ],
    ["its command", (pod) => Object.assign(pod.spec.containers[0] ?? {}, { command: ["sh"] }), [`${others}\n+ containers[0].command: ["sh"]`]],
    ["its restart policy", (pod) => Object.assign(pod.spec, { restartPolicy: "Never" }), [`${others}\n- restartPolicy: "Always"\n+ restartPolicy: "Never"`]],
    ["the node it is on, by hand", (pod) => Object.assign(pod.spec, { nodeName: "n2" }), [`${others}\n+ nodeName: "n2"`]],
    [
      "a mirror annotation",
      (pod) => Object.assign(pod.metadata, { annotations: { "kubernetes.io/config.mirror": "x" } }),
      [
        'metadata.annotations[kubernetes.io/config.mirror]: Invalid value: "x": must set spec.nodeName if mirror pod annotation is set',
        "metadata.annotations[kubernetes.io/config.mirror]: Forbidden: may not add mirror pod annotation",
      ],
    ],
  ])("%s", (_name, change, errors) => {
    const pod = made(
      "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: ns}, spec: {tolerations: [{key: dedicated, operator: Exists, effect: NoExecute, tolerationSeconds: 300}], containers: [{name: a, image: nginx}]}}",
    );
    expect(tryUpdate(podKind, pod, change).errors).toEqual(errors);
  });

  it("shortens a deadline and never lengthens or drops it", () => {
    const pod = made("{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {activeDeadlineSeconds: 10, containers: [{name: a, image: nginx}]}}");
    const set = (seconds: number | undefined) => tryUpdate(podKind, pod, (draft) => Object.assign(draft.spec, { activeDeadlineSeconds: seconds })).errors;
    expect(set(5)).toEqual([]);
    expect(set(11)).toEqual(["spec.activeDeadlineSeconds: Invalid value: 11: must be less than or equal to previous value"]);
    expect(set(undefined)).toEqual(['spec.activeDeadlineSeconds: Invalid value: "null": must not update from a positive integer to nil value']);
  });

  it("may narrow where a gated pod goes", () => {
    const pod = made("{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {nodeSelector: {a: b}, schedulingGates: [{name: x}], containers: [{name: a, image: nginx}]}}");
    expect(tryUpdate(podKind, pod, (draft) => Object.assign(draft.spec, { nodeSelector: { a: "b", c: "d" } })).errors).toEqual([]);
    expect(tryUpdate(podKind, pod, (draft) => Object.assign(draft.spec, { nodeSelector: { c: "d" } })).errors).toEqual([
      'spec.nodeSelector: Invalid value: {"c":"d"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
    ]);
  });

  it("keeps what has ended from starting again", () => {
    const pod = made("{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {restartPolicy: Never, containers: [{name: a, image: nginx}]}}");
    const ended = {
      ...pod,
      status: { ...pod.status, containerStatuses: [{ name: "a", image: "", imageID: "", ready: false, restartCount: 0, state: { terminated: { exitCode: 0 } } }] },
    };
    const errors = tryStatusUpdate(podKind, ended, (draft) => Object.assign(draft.status?.containerStatuses?.[0] ?? {}, { state: { running: {} } })).errors;
    expect(errors).toEqual(["status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"]);
  });

  it("keeps its class and checks its addresses", () => {
    const pod = made(minimal);
    const { object, errors } = tryStatusUpdate(podKind, pod, (draft) => {
      draft.status = { phase: "Running", podIPs: [{ ip: "10.0.0.1" }, { ip: "10.0.0.2" }] };
    });
    expect(object.status).toMatchObject({ qosClass: "BestEffort", podIP: "10.0.0.1" });
    expect(errors).toEqual(['status.podIPs: Invalid value: [{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}]: may specify no more than one IP for each IP family']);
    expect(tryStatusUpdate(podKind, pod, (draft) => Object.assign(draft.status ?? {}, { qosClass: "Guaranteed" })).errors).toEqual([
      'status.qosClass: Invalid value: "Guaranteed": field is immutable',
    ]);
  });
});
