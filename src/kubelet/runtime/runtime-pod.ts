import type { Mount } from "../../cri/generated/cri-v1.ts";

/** What the runtime has of one pod. Newest first, so `containers.find(by name)` is the present or last instance. */
export interface RuntimePod {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly sandboxes: readonly RuntimeSandbox[];
  readonly containers: readonly RuntimeContainer[];
}

export interface RuntimeSandbox {
  readonly id: string;
  readonly attempt: number;
  readonly ready: boolean;
  readonly createdMs: number;
  /** Empty until the network is there, and for pods on the host's network. */
  readonly ips: readonly string[];
  readonly hostNetwork: boolean;
}

export interface RuntimeContainer {
  readonly id: string;
  readonly name: string;
  readonly sandboxId: string;
  readonly restartCount: number;
  readonly state: "created" | "running" | "exited" | "unknown";
  readonly hash: string;
  /** What it was made with; empty when not known. */
  readonly resources: string;
  readonly createdMs: number;
  readonly startedMs: number;
  readonly finishedMs: number;
  readonly exitCode: number;
  readonly reason: string;
  /** The termination message, or what the runtime says. */
  readonly message: string;
  readonly image: string;
  readonly imageId: string;
  readonly logPath: string;
  readonly mounts: readonly Mount[];
  readonly user: { readonly uid: number; readonly gid: number; readonly supplementalGroups: readonly number[] } | undefined;
  readonly stopSignal: string | undefined;
}

export function emptyRuntimePod(uid: string, name: string, namespace: string): RuntimePod {
  return { uid, name, namespace, sandboxes: [], containers: [] };
}

/** The newest instance of a container. */
export function currentContainer(runtimePod: RuntimePod, name: string): RuntimeContainer | undefined {
  return runtimePod.containers.find((container) => container.name === name);
}

export function runningContainers(runtimePod: RuntimePod): readonly RuntimeContainer[] {
  return runtimePod.containers.filter((container) => container.state === "running");
}

/** The sandbox in use: the newest, when it is ready. */
export function readySandbox(runtimePod: RuntimePod): RuntimeSandbox | undefined {
  const [newest] = runtimePod.sandboxes;
  return newest?.ready === true ? newest : undefined;
}
