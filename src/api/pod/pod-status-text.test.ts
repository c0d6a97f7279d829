import { describe, expect, it } from "vitest";
import { podKind } from "../core/pod.ts";
import type { Pod, PodSpec, PodStatus } from "../generated/types/core-v1.ts";
import { rowOf } from "../kind-trial.ts";

const now = Date.parse("2026-01-31T08:10:00Z");
const two: PodSpec = { containers: [{ name: "a" }, { name: "b" }] };
const withInit: PodSpec = { containers: [{ name: "a" }], initContainers: [{ name: "i" }, { name: "s", restartPolicy: "Always" }] };

const pod = (spec: PodSpec, status: PodStatus, metadata: Pod["metadata"] = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", creationTimestamp: "2026-01-31T08:00:00Z", ...metadata },
  spec,
  status,
});
const container = (name: string, state: object, more: object = {}) => ({ name, state, ready: false, restartCount: 0, image: "", imageID: "", ...more });
const running = { running: {} };
const ended = (exitCode: number, reason?: string) => ({ terminated: { exitCode, ...(reason === undefined ? {} : { reason }) } });

describe("columns of a Pod", () => {
  it.each<[string, Pod, readonly [ready: string, status: string, restarts: string]]>([
    ["has only a phase", pod(two, { phase: "Pending" }), ["0/2", "Pending", "0"]],
    ["was evicted", pod(two, { phase: "Failed", reason: "Evicted" }), ["0/2", "Evicted", "0"]],
    ["is gated", pod(two, { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }] }), ["0/2", "SchedulingGated", "0"]],
    ["runs", pod(two, { phase: "Running", containerStatuses: [container("a", running, { ready: true }), container("b", running, { ready: true })] }), ["2/2", "Running", "0"]],
    [
      "waits for one container",
      pod(two, { phase: "Pending", containerStatuses: [container("a", running, { ready: true }), container("b", { waiting: { reason: "ContainerCreating" } })] }),
      ["1/2", "ContainerCreating", "0"],
    ],
    [
      "crashes again and again",
      pod(two, {
        phase: "Running",
        containerStatuses: [
          container("a", { waiting: { reason: "CrashLoopBackOff" } }, { restartCount: 3, lastState: { terminated: { exitCode: 1, finishedAt: "2026-01-31T08:07:30Z" } } }),
          container("b", running, { ready: true, restartCount: 1, lastState: { terminated: { exitCode: 1, finishedAt: "2026-01-31T08:01:00Z" } } }),
        ],
      }),
      ["1/2", "CrashLoopBackOff", "4 (2m30s ago)"],
    ],
    ["restarted, nobody knows when", pod(two, { phase: "Running", containerStatuses: [container("a", running, { restartCount: 2 })] }), ["0/2", "Running", "2"]],
    [
      "has completed",
      pod(two, { phase: "Succeeded", containerStatuses: [container("a", ended(0, "Completed")), container("b", ended(0, "Completed"))] }),
      ["0/2", "Completed", "0"],
    ],
    [
      "one has completed, the other runs",
      pod(two, {
        phase: "Running",
        conditions: [{ type: "Ready", status: "True" }],
        containerStatuses: [container("a", ended(0, "Completed")), container("b", running, { ready: true })],
      }),
      ["1/2", "Running", "0"],
    ],
    [
      "and the pod is not ready",
      pod(two, { phase: "Running", containerStatuses: [container("a", ended(0, "Completed")), container("b", running, { ready: true })] }),
      ["1/2", "NotReady", "0"],
    ],
    ["ended by a signal", pod(two, { phase: "Failed", containerStatuses: [container("a", { terminated: { exitCode: 137, signal: 9 } })] }), ["0/2", "Signal:9", "0"]],
    ["ended without a reason", pod(two, { phase: "Failed", containerStatuses: [container("a", ended(3))] }), ["0/2", "ExitCode:3", "0"]],
    ["is going", pod(two, { phase: "Running" }, { deletionTimestamp: "2026-01-31T08:09:00Z" }), ["0/2", "Terminating", "0"]],
    ["is going though it has ended", pod(two, { phase: "Succeeded" }, { deletionTimestamp: "2026-01-31T08:09:00Z" }), ["0/2", "Succeeded", "0"]],
    ["is lost with its node", pod(two, { phase: "Running", reason: "NodeLost" }, { deletionTimestamp: "2026-01-31T08:09:00Z" }), ["0/2", "Unknown", "0"]],
    ["initialises", pod(withInit, { phase: "Pending", initContainerStatuses: [container("i", running)] }), ["0/2", "Init:0/2", "0"]],
    [
      "waits with its sidecar",
      pod(withInit, { phase: "Pending", initContainerStatuses: [container("i", ended(0)), container("s", { waiting: { reason: "PodInitializing" } })] }),
      ["0/2", "Init:1/2", "0"],
    ],
    [
      "cannot pull an init image",
      pod(withInit, { phase: "Pending", initContainerStatuses: [container("i", { waiting: { reason: "ErrImagePull" } })] }),
      ["0/2", "Init:ErrImagePull", "0"],
    ],
    ["init failed", pod(withInit, { phase: "Failed", initContainerStatuses: [container("i", ended(1, "Error"), { restartCount: 2 })] }), ["0/2", "Init:Error", "2"]],
    ["init failed without a reason", pod(withInit, { phase: "Failed", initContainerStatuses: [container("i", ended(1))] }), ["0/2", "Init:ExitCode:1", "0"]],
    ["init was killed", pod(withInit, { phase: "Failed", initContainerStatuses: [container("i", { terminated: { exitCode: 1, signal: 9 } })] }), ["0/2", "Init:Signal:9", "0"]],
    [
      "runs with its sidecar; restarts of init containers no longer count",
      pod(withInit, {
        phase: "Running",
        initContainerStatuses: [container("i", ended(0), { restartCount: 5 }), container("s", running, { started: true, ready: true, restartCount: 1 })],
        containerStatuses: [container("a", running, { ready: true })],
      }),
      ["2/2", "Running", "1"],
    ],
  ])("%s", (_name, object, [ready, status, restarts]) => {
    expect(rowOf(podKind, object, now)).toMatchObject({ Name: "web", Ready: ready, Status: status, Restarts: restarts, Age: "10m" });
  });

  it("shows where a pod is with -o wide", () => {
    const spec = { ...two, nodeName: "n1", readinessGates: [{ conditionType: "a/x" }, { conditionType: "a/y" }] };
    const status = {
      podIP: "10.0.0.7",
      podIPs: [{ ip: "10.0.0.7" }, { ip: "fd00::7" }],
      conditions: [
        { type: "a/x", status: "True" },
        { type: "a/y", status: "False" },
      ],
    };
    expect(rowOf(podKind, pod(spec, status), now)).toMatchObject({ IP: "10.0.0.7", Node: "n1", "Nominated Node": "<none>", "Readiness Gates": "1/2" });
    expect(rowOf(podKind, pod(two, {}), now)).toMatchObject({ IP: "<none>", Node: "<none>", "Nominated Node": "<none>", "Readiness Gates": "<none>" });
    expect(podKind.columns?.map(({ name, priority = 0 }) => `${name}${priority === 0 ? "" : "*"}`)).toEqual([
      "Name",
      "Ready",
      "Status",
      "Restarts",
      "Age",
      "IP*",
      "Node*",
      "Nominated Node*",
      "Readiness Gates*",
    ]);
  });
});
