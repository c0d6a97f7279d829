import { describe, expect, it } from "vitest";
import type { Container, Pod, PodSpec } from "../../api/generated/types/core-v1.ts";
import { computePodActions, type PodActions } from "./compute-pod-actions.ts";
import { containerHash } from "./container-hash.ts";
import { resourcesText } from "./container-resources.ts";
import { emptyRuntimePod, type RuntimeContainer, type RuntimePod, type RuntimeSandbox } from "./runtime-pod.ts";

const container = (name: string, fields: Partial<Container> = {}): Container => ({ name, image: "i", ...fields });
const pod = (spec: Partial<PodSpec>, metadata: Partial<Pod["metadata"]> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "n", uid: "u", ...metadata },
  spec: { containers: [container("a")], ...spec },
});
const sandbox = (fields: Partial<RuntimeSandbox> = {}): RuntimeSandbox => ({ id: "s0", attempt: 0, ready: true, createdMs: 1, ips: ["10.0.0.1"], hostNetwork: false, ...fields });
const running = (name: string, fields: Partial<RuntimeContainer> = {}): RuntimeContainer => ({
  id: `${name}-id`,
  name,
  sandboxId: "s0",
  restartCount: 0,
  state: "running",
  resources: "",
  hash: containerHash(container(name)),
  createdMs: 1,
  startedMs: 2,
  finishedMs: 0,
  exitCode: 0,
  reason: "",
  message: "",
  image: "i",
  imageId: "",
  logPath: "",
  mounts: [],
  user: undefined,
  stopSignal: undefined,
  ...fields,
});
const exited = (name: string, exitCode: number): RuntimeContainer => running(name, { state: "exited", exitCode, finishedMs: 3 });
const has = (containers: readonly RuntimeContainer[], sandboxes: readonly RuntimeSandbox[] = [sandbox()]): RuntimePod => ({
  ...emptyRuntimePod("u", "p", "n"),
  sandboxes,
  containers,
});

interface Probes {
  readonly liveness?: Readonly<Record<string, "success" | "failure">>;
  readonly startup?: Readonly<Record<string, "success" | "failure">>;
}
const brief = (actions: PodActions): string =>
  [
    ...(actions.killPod ? ["kill pod"] : []),
    ...(actions.createSandbox ? [`sandbox ${actions.attempt}`] : []),
    ...actions.toKill.map(({ container: { name }, reason }) => `kill ${name} ${reason}`),
    ...actions.toResize.map(({ spec: { name } }) => `resize ${name}`),
    ...actions.ephemeralToStart.map(({ name }) => `debug ${name}`),
    ...actions.initToStart.map(({ name }) => `init ${name}`),
    ...actions.appsToStart.map(({ name }) => `start ${name}`),
  ].join(", ");

const init = { initContainers: [container("i1"), container("i2")] };
const sidecar = container("side", { restartPolicy: "Always" });
const withSide = { initContainers: [sidecar, container("i2")] };
const probed = { containers: [container("a", { livenessProbe: { exec: {} }, startupProbe: { exec: {} } })] };

type Case = [what: string, spec: Partial<PodSpec>, state: RuntimePod, expected: string, probes?: Probes, metadata?: Partial<Pod["metadata"]>];
const sized = (cpu: string, fields: Partial<Container> = {}): { readonly containers: readonly Container[] } => ({
  containers: [container("a", { resources: { requests: { cpu } }, ...fields })],
});
const had = (cpu: string): RuntimeContainer => running("a", { resources: resourcesText({ requests: { cpu } }) });
const cases: Case[] = [
  ["other resources", sized("2"), has([had("1")]), "resize a"],
  ["the same resources", sized("1"), has([had("1")]), ""],
  ["other resources that need a restart", sized("2", { resizePolicy: [{ resourceName: "cpu", restartPolicy: "RestartContainer" }] }), has([had("1")]), "kill a Resize, start a"],
  ["other resources whose policy is of another", sized("2", { resizePolicy: [{ resourceName: "memory", restartPolicy: "RestartContainer" }] }), has([had("1")]), "resize a"],
  ["a new pod", {}, has([], []), "kill pod, sandbox 0, start a"],
  ["a new pod with init containers", init, has([], []), "kill pod, sandbox 0, init i1"],
  ["a pod as it should be", {}, has([running("a")]), ""],
  ["a container missing in a ready sandbox", {}, has([]), "start a"],
  ["a container that exited, policy Always", {}, has([exited("a", 0)]), "start a"],
  ["a container that failed, policy OnFailure", { restartPolicy: "OnFailure" }, has([exited("a", 1)]), "start a"],
  ["a container that is done, policy OnFailure", { restartPolicy: "OnFailure" }, has([exited("a", 0)]), "kill pod"],
  ["a container that failed, policy Never", { restartPolicy: "Never" }, has([exited("a", 1)]), "kill pod"],
  ["one of two is done", { restartPolicy: "OnFailure", containers: [container("a"), container("b")] }, has([exited("a", 0), running("b")]), ""],
  ["its own policy beats the pod's", { restartPolicy: "Never", containers: [container("a", { restartPolicy: "OnFailure" })] }, has([exited("a", 1)]), "start a"],
  [
    "a rule restarts an exit code",
    { restartPolicy: "Never", containers: [container("a", { restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }] })] },
    has([exited("a", 42)]),
    "start a",
  ],
  ["a lost sandbox", {}, has([exited("a", 0)], [sandbox({ ready: false })]), "kill pod, sandbox 1, start a"],
  ["a lost sandbox of a finished job", { restartPolicy: "OnFailure" }, has([exited("a", 0)], [sandbox({ ready: false })]), "kill pod"],
  ["a lost sandbox of a pod that never restarts", { restartPolicy: "Never" }, has([exited("a", 1)], [sandbox({ ready: false })]), "kill pod"],
  ["a sandbox without its address", {}, has([running("a")], [sandbox({ ips: [] })]), "kill pod, sandbox 1, start a"],
  ["the host's network needs no address", { hostNetwork: true }, has([running("a")], [sandbox({ ips: [], hostNetwork: true })]), ""],
  ["two sandboxes at once", {}, has([running("a")], [sandbox({ id: "s1", attempt: 1, createdMs: 2 }), sandbox()]), "kill pod, sandbox 2, start a"],
  ["another image", {}, has([running("a", { hash: "other" })]), "kill a DefinitionChanged, start a"],
  ["another image, policy Never", { restartPolicy: "Never" }, has([running("a", { hash: "other" })]), "kill a DefinitionChanged, start a"],
  ["liveness fails", probed, has([running("a")]), "kill a LivenessProbe, start a", { liveness: { "a-id": "failure" } }],
  ["startup fails, policy Never", { ...probed, restartPolicy: "Never" }, has([running("a")]), "kill pod, kill a StartupProbe", { startup: { "a-id": "failure" } }],
  ["a container nobody can tell about", {}, has([running("a", { state: "unknown" })]), "kill a Unknown, start a"],
  ["a pod being deleted starts nothing", {}, has([exited("a", 1)]), "kill pod", {}, { deletionTimestamp: "2026-01-01T00:00:00Z" }],
  ["a debug container, even before initialization", { ...init, ephemeralContainers: [{ name: "dbg" }] }, has([running("i1")]), "debug dbg"],
  ["the first init container runs", init, has([running("i1")]), ""],
  ["the first init container is done", init, has([exited("i1", 0)]), "init i2"],
  ["an init container failed", init, has([exited("i1", 1)]), "init i1"],
  ["an init container failed, policy Never", { ...init, restartPolicy: "Never" }, has([exited("i1", 1)]), "kill pod"],
  ["all init containers are done", init, has([exited("i1", 0), exited("i2", 0)]), "start a"],
  ["init containers are not run again beside a running container", init, has([running("a")]), ""],
  ["a sidecar runs: on with the next", withSide, has([running("side")]), "init i2"],
  ["a sidecar has not started up", { initContainers: [container("side", { restartPolicy: "Always", startupProbe: { exec: {} } }), container("i2")] }, has([running("side")]), ""],
  [
    "a sidecar has started up",
    { initContainers: [container("side", { restartPolicy: "Always", startupProbe: { exec: {} } }), container("i2")] },
    has([running("side")]),
    "init i2",
    { startup: { "side-id": "success" } },
  ],
  ["a sidecar ended while a later init container runs", withSide, has([exited("side", 0), running("i2")]), "init side"],
  ["a sidecar ended beside the containers, policy Never", { ...withSide, restartPolicy: "Never" }, has([exited("side", 1), exited("i2", 0), running("a")]), "init side"],
  ["a sidecar last in the list", { initContainers: [container("i1"), sidecar] }, has([exited("i1", 0), running("side")]), "start a"],
  ["containers are done: the sidecar is not kept alive", { ...withSide, restartPolicy: "Never" }, has([running("side"), exited("i2", 0), exited("a", 0)]), "kill pod"],
  [
    "a sidecar's liveness fails",
    { initContainers: [container("side", { restartPolicy: "Always", livenessProbe: { exec: {} } })] },
    has([running("side"), running("a")]),
    "kill side LivenessProbe, init side",
    { liveness: { "side-id": "failure" } },
  ],
];

describe("computePodActions", () => {
  it.each(cases.map(([what, ...rest]) => ({ what, rest })))("$what", ({ rest: [spec, state, expected, probes = {}, metadata = {}] }) => {
    const actions = computePodActions({
      pod: pod(spec, metadata),
      runtimePod: state,
      liveness: (id) => probes.liveness?.[id],
      startup: (id) => probes.startup?.[id],
      appliedResources: ({ resources }) => resources,
    });
    expect(brief(actions)).toBe(expected);
  });

  it("words why a container is killed", () => {
    const kill = (restartPolicy: string): string | undefined =>
      computePodActions({
        pod: pod({ ...probed, restartPolicy }),
        runtimePod: has([running("a")]),
        liveness: () => "failure",
        startup: () => undefined,
        appliedResources: () => "",
      }).toKill[0]?.message;
    expect(kill("Always")).toBe("Container a failed liveness probe, will be restarted");
    expect(kill("Never")).toBe("Container a failed liveness probe");
  });
});
