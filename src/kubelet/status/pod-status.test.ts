import { describe, expect, it } from "vitest";
import type { Container, ContainerState, ContainerStatus, Pod, PodSpec, PodStatus } from "../../api/generated/types/core-v1.ts";
import { emptyRuntimePod, type RuntimeContainer, type RuntimePod } from "../runtime/runtime-pod.ts";
import { podPhase } from "./pod-phase.ts";
import { podStatus, type PodStatusInput } from "./pod-status.ts";
import { statusPatch } from "./status-patch.ts";

const nowMs = Date.UTC(2026, 0, 1, 8);
const pod = (spec: Partial<PodSpec> = {}, status?: PodStatus): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "n", uid: "u", generation: 3 },
  spec: { containers: [{ name: "a", image: "i" }], ...spec },
  ...(status === undefined ? {} : { status }),
});

describe("podPhase", () => {
  const state = (text: string): ContainerStatus => {
    const [name = "", what = ""] = text.split(":");
    const exit = Number(what.replace(/\D/g, "") || 0);
    const states: Readonly<Record<string, { readonly state: ContainerState; readonly lastState?: ContainerState; readonly started?: boolean }>> = {
      waiting: { state: { waiting: {} } },
      running: { state: { running: {} }, started: true },
      exited: { state: { terminated: { exitCode: exit } } },
      crashed: { state: { waiting: { reason: "CrashLoopBackOff" } }, lastState: { terminated: { exitCode: exit } } },
      none: { state: {} },
    };
    return { name, image: "", imageID: "", ready: false, restartCount: 0, ...(states[what.replace(/\d/g, "")] ?? { state: {} }) };
  };
  const containers = (names: string): Container[] =>
    names === "" ? [] : names.split(" ").map((name) => ({ name: name.replace("+", ""), ...(name.endsWith("+") ? { restartPolicy: "Always" } : {}) }));

  const cases: [policy: string, init: string, apps: string, states: string, phase: string, ended?: boolean][] = [
    ["Always", "", "a", "a:waiting", "Pending"],
    ["Always", "", "a b", "a:running b:waiting", "Pending"],
    ["Always", "", "a b", "a:running b:running", "Running"],
    ["Always", "", "a b", "a:running b:exited1", "Running"],
    ["Always", "", "a b", "a:running b:crashed1", "Running"],
    ["Always", "", "a", "a:crashed1", "Running"],
    ["Always", "", "a", "a:exited0", "Running"],
    ["OnFailure", "", "a", "a:exited0", "Succeeded"],
    ["OnFailure", "", "a b", "a:exited0 b:exited2", "Running"],
    ["Never", "", "a b", "a:exited0 b:exited0", "Succeeded"],
    ["Never", "", "a b", "a:exited0 b:exited2", "Failed"],
    ["Always", "", "a", "a:none", "Pending"],
    ["Always", "i", "a", "i:running a:waiting", "Pending"],
    ["Always", "i", "a", "i:exited0 a:waiting", "Pending"],
    ["Always", "i", "a", "i:crashed1 a:waiting", "Pending"],
    ["Never", "i", "a", "i:exited1 a:waiting", "Failed"],
    ["Always", "i", "a", "i:exited0 a:running", "Running"],
    ["Always", "s+", "a", "s:waiting a:waiting", "Pending"],
    ["Always", "s+", "a", "s:waiting a:running", "Running"],
    ["Never", "s+", "a", "s:running a:exited0", "Succeeded"],
    ["Always", "", "a", "a:exited0", "Succeeded", true],
    ["Always", "", "a", "a:exited137", "Failed", true],
    ["Always", "", "a", "a:waiting", "Failed", true],
  ];
  it.each(cases.map(([restartPolicy, init, apps, states, phase, ended = false]) => ({ restartPolicy, init, apps, states, phase, ended })))(
    "$restartPolicy, init $init, containers $apps: $states is $phase",
    ({ restartPolicy, init, apps, states, phase, ended }) => {
      const statuses = states.split(" ").map(state);
      const spec = { restartPolicy, initContainers: containers(init), containers: containers(apps) };
      const isInit = (status: ContainerStatus): boolean => spec.initContainers.some(({ name }) => name === status.name);
      expect(podPhase(pod(spec), { initStatuses: statuses.filter(isInit), statuses: statuses.filter((status) => !isInit(status)), ended })).toBe(phase);
    },
  );
});

const instance = (name: string, fields: Partial<RuntimeContainer> = {}): RuntimeContainer => ({
  id: `${name}1`,
  name,
  sandboxId: "s",
  restartCount: 0,
  state: "running",
  resources: "",
  hash: "",
  createdMs: 1,
  startedMs: nowMs,
  finishedMs: 0,
  exitCode: 0,
  reason: "",
  message: "",
  image: "repo/i:1",
  imageId: "repo/i@sha256:1",
  logPath: "",
  mounts: [],
  user: undefined,
  stopSignal: undefined,
  ...fields,
});
const runtime = (...containers: RuntimeContainer[]): RuntimePod => ({
  ...emptyRuntimePod("u", "p", "n"),
  sandboxes: [{ id: "s", attempt: 0, ready: true, createdMs: 1, ips: ["10.0.0.9", "fd00::9"], hostNetwork: false }],
  containers,
});
const status = (one: Pod, runtimePod: RuntimePod, fields: Partial<PodStatusInput> = {}): PodStatus =>
  podStatus({
    pod: one,
    runtimePod,
    previous: one.status ?? {},
    hostIPs: ["192.168.0.1"],
    runtimeName: "containerd",
    nowMs,
    waitingFor: () => undefined,
    startup: () => undefined,
    readiness: () => undefined,
    starting: false,
    appliedResources: () => undefined,
    ended: false,
    ...fields,
  });

describe("podStatus", () => {
  it("tells all of a running pod", () => {
    expect(status(pod(), runtime(instance("a")))).toEqual({
      observedGeneration: 3,
      phase: "Running",
      hostIP: "192.168.0.1",
      hostIPs: [{ ip: "192.168.0.1" }],
      podIP: "10.0.0.9",
      podIPs: [{ ip: "10.0.0.9" }, { ip: "fd00::9" }],
      startTime: "2026-01-01T08:00:00Z",
      qosClass: "BestEffort",
      conditions: ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"].map((type) => ({
        type,
        status: "True",
        observedGeneration: 3,
        lastTransitionTime: "2026-01-01T08:00:00Z",
      })),
      containerStatuses: [
        {
          name: "a",
          state: { running: { startedAt: "2026-01-01T08:00:00Z" } },
          lastState: {},
          ready: true,
          started: true,
          restartCount: 0,
          image: "repo/i:1",
          imageID: "repo/i@sha256:1",
          containerID: "containerd://a1",
          resources: {},
        },
      ],
    });
  });

  it("keeps a condition's time while it stays as it is", () => {
    const before: PodStatus = {
      phase: "Running",
      conditions: [
        { type: "Ready", status: "True", lastTransitionTime: "2025-01-01T00:00:00Z" },
        { type: "Mine", status: "True" },
      ],
    };
    const { conditions = [] } = status(pod({}, before), runtime(instance("a")));
    expect(conditions.find(({ type }) => type === "Ready")?.lastTransitionTime).toBe("2025-01-01T00:00:00Z");
    expect(conditions.find(({ type }) => type === "Mine")).toEqual({ type: "Mine", status: "True" });
  });

  it("counts readiness gates of others", () => {
    const spec = { readinessGates: [{ conditionType: "gate/one" }, { conditionType: "gate/two" }] };
    const { conditions = [] } = status(pod(spec, { conditions: [{ type: "gate/two", status: "False" }] }), runtime(instance("a")));
    expect(conditions.find(({ type }) => type === "Ready")).toMatchObject({
      status: "False",
      reason: "ReadinessGatesNotReady",
      message: 'corresponding condition of pod readiness gate "gate/one" does not exist., the status of pod readiness gate "gate/two" is not "True", but False',
    });
    expect(conditions.find(({ type }) => type === "ContainersReady")?.status).toBe("True");
  });

  it("goes by probes, and by what was known before their first answer", () => {
    const probed = pod({ containers: [{ name: "a", readinessProbe: {}, startupProbe: {} }] });
    const ready = (one: Pod, fields: Partial<PodStatusInput>): readonly unknown[] => {
      const first = status(one, runtime(instance("a")), fields).containerStatuses?.[0];
      return [first?.started, first?.ready];
    };
    expect(ready(probed, {})).toEqual([false, false]);
    expect(ready(probed, { startup: () => "success" })).toEqual([true, false]);
    expect(ready(probed, { startup: () => "success", readiness: () => "success" })).toEqual([true, true]);
    const known = {
      ...probed,
      status: { containerStatuses: [{ name: "a", image: "", imageID: "", restartCount: 0, ready: true, started: true, containerID: "containerd://a1" }] },
    };
    expect(ready(known, {})).toEqual([true, true]);
    expect(ready(known, { readiness: () => "failure" })).toEqual([true, false]);
  });

  it("shows why a container waits, and how it ended before", () => {
    const ended = instance("a", { state: "exited", exitCode: 137, reason: "OOMKilled", finishedMs: nowMs + 5000, restartCount: 2 });
    const first = status(pod(), runtime(ended), { waitingFor: () => ({ reason: "CrashLoopBackOff", message: "back-off" }) }).containerStatuses?.[0];
    expect(first).toMatchObject({
      restartCount: 2,
      state: { waiting: { reason: "CrashLoopBackOff", message: "back-off" } },
      lastState: { terminated: { exitCode: 137, reason: "OOMKilled", finishedAt: "2026-01-01T08:00:05Z", containerID: "containerd://a1" } },
    });
  });

  it("remembers what the runtime has forgotten", () => {
    const before: PodStatus = {
      phase: "Running",
      containerStatuses: [{ name: "a", image: "i", imageID: "x", restartCount: 1, ready: true, state: { running: { startedAt: "2026-01-01T07:00:00Z" } } }],
    };
    expect(status(pod({}, before), emptyRuntimePod("u", "p", "n")).containerStatuses?.[0]).toMatchObject({
      restartCount: 2,
      state: { waiting: { reason: "ContainerCreating" } },
      lastState: { terminated: { exitCode: 137, reason: "ContainerStatusUnknown" } },
    });
    expect(status(pod({}, before), emptyRuntimePod("u", "p", "n"), { ended: true })).toMatchObject({
      phase: "Failed",
      containerStatuses: [
        { state: { terminated: { exitCode: 137, reason: "ContainerStatusUnknown", message: "The container could not be located when the pod was terminated" } } },
      ],
    });
  });

  it("does not call a pod done while a sidecar of it runs, and never undoes what is done", () => {
    const spec = { restartPolicy: "Never", initContainers: [{ name: "s", restartPolicy: "Always" }] };
    const state = runtime(instance("s"), instance("a", { state: "exited" }));
    expect(status(pod(spec, { phase: "Running" }), state).phase).toBe("Running");
    expect(status(pod(spec, { phase: "Running" }), runtime(instance("s", { state: "exited" }), instance("a", { state: "exited" }))).phase).toBe("Succeeded");
    expect(status(pod({}, { phase: "Failed", reason: "Evicted", message: "m" }), runtime(instance("a")))).toMatchObject({ phase: "Failed", reason: "Evicted", message: "m" });
  });

  it("says why the kubelet ended a pod, and that the pod was not to blame", () => {
    const failure = { reason: "Evicted", message: "no room", disruption: "TerminationByKubelet" };
    const ended = status(pod(), runtime(instance("a", { state: "exited", exitCode: 137 })), { failure, ended: true });
    expect(ended).toMatchObject({ phase: "Failed", reason: "Evicted", message: "no room" });
    expect(ended.conditions?.find(({ type }) => type === "DisruptionTarget")).toMatchObject({ status: "True", reason: "TerminationByKubelet", message: "no room" });
  });

  it("sorts containers by name, and init containers as they run", () => {
    const spec = { initContainers: [{ name: "z" }, { name: "b" }], containers: [{ name: "y" }, { name: "x" }] };
    const { containerStatuses = [], initContainerStatuses = [] } = status(pod(spec), runtime());
    expect(containerStatuses.map(({ name }) => name)).toEqual(["x", "y"]);
    expect(initContainerStatuses.map(({ name }) => name)).toEqual(["z", "b"]);
    expect(containerStatuses[0]?.state?.waiting?.reason).toBe("PodInitializing");
  });
});

describe("statusPatch", () => {
  it("is nothing when nothing differs", () => {
    const one = status(pod(), runtime(instance("a")));
    expect(statusPatch(one, structuredClone(one))).toBeUndefined();
  });

  it("holds what differs: conditions of its own, addresses by what goes, fields that are gone", () => {
    expect(
      statusPatch(
        {
          phase: "Failed",
          reason: "R",
          podIPs: [{ ip: "1" }],
          conditions: [
            { type: "Ready", status: "False", reason: "X" },
            { type: "Other", status: "True" },
            { type: "Initialized", status: "True" },
          ],
        },
        {
          phase: "Running",
          podIPs: [{ ip: "2" }],
          conditions: [
            { type: "Ready", status: "True" },
            { type: "Other", status: "False" },
            { type: "Initialized", status: "True" },
          ],
        },
      ),
    ).toEqual({ phase: "Running", reason: null, podIPs: [{ ip: "2" }, { ip: "1", $patch: "delete" }], conditions: [{ type: "Ready", status: "True", reason: null }] });
  });
});
