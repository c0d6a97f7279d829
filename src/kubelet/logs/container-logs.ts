import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { Clock } from "../../base/clock.ts";
import { badRequest, notFound } from "../../meta/status-error.ts";
import type { Files } from "../../platform/files.ts";
import { findContainer } from "../pods/pod-containers.ts";
import type { RuntimeContainer, RuntimePod } from "../runtime/runtime-pod.ts";
import { readLogs, type LogOptions } from "./read-logs.ts";

export interface ContainerLogRequest extends LogOptions {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Of the instance before the present one. */
  readonly previous?: boolean;
  readonly signal: AbortSignal;
}

export interface ContainerLogDeps {
  readonly files: Pick<Files, "stat" | "readAt" | "list">;
  readonly clock: Clock;
  readonly pod: Pod | undefined;
  runtimePod(): RuntimePod | undefined;
}

/** Chooses the instance and reads what it wrote. @upstream pkg/kubelet/kubelet_pods.go GetKubeletContainerLogs */
export async function* containerLogs(request: ContainerLogRequest, deps: ContainerLogDeps): AsyncIterable<Uint8Array> {
  const { pod } = deps;
  if (pod === undefined) throw notFound({ group: "", resource: "pods", name: request.pod });
  if (findContainer(pod, request.container) === undefined) throw badRequest(`container ${request.container} is not valid for pod ${request.pod}`);
  const instance = chooseInstance(request, pod, deps.runtimePod());
  const isRunning = (): boolean => deps.runtimePod()?.containers.find(({ id }) => id === instance.id)?.state === "running";
  yield* readLogs(instance.logPath, request, { files: deps.files, clock: deps.clock, isRunning, signal: request.signal });
}

function chooseInstance(request: ContainerLogRequest, pod: Pod, runtimePod: RuntimePod | undefined): RuntimeContainer {
  const instances = (runtimePod?.containers ?? []).filter(({ name }) => name === request.container);
  const started = instances.filter(({ state }) => state !== "created");
  const [current] = started;
  const lists = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? []), ...(pod.status?.ephemeralContainerStatuses ?? [])];
  const status = lists.find(({ name }) => name === request.container);
  if (request.previous === true) {
    // While a restart waits, the instance that ended last is the previous one already.
    const told = status?.lastState?.terminated?.containerID?.split("://").at(-1);
    const previous = started.find(({ id }) => id === told) ?? started.find(({ id, state }) => id !== instances[0]?.id && state !== "running");
    if (previous === undefined) throw badRequest(`previous terminated container "${request.container}" in pod "${request.pod}" not found`);
    return previous;
  }
  if (current !== undefined) return current;
  const waiting = status?.state?.waiting;
  const reason = waiting?.reason ?? "ContainerCreating";
  if (reason === "ErrImagePull" || reason === "ImagePullBackOff")
    throw badRequest(`container "${request.container}" in pod "${request.pod}" is waiting to start: trying and failing to pull image`);
  throw badRequest(`container "${request.container}" in pod "${request.pod}" is waiting to start: ${reason}`);
}
