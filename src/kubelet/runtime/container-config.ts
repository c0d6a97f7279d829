import type { Container, EphemeralContainer, Pod } from "../../api/generated/types/core-v1.ts";
import type { ContainerConfig, Mount, Signal } from "../../cri/generated/cri-v1.ts";
import { containerHash } from "./container-hash.ts";
import { expandVariables } from "./expand-variables.ts";
import { linuxResources } from "./linux-resources.ts";
import { containerAnnotations, containerLabels } from "./runtime-labels.ts";
import { containerSecurityContext } from "./security-context.ts";

export interface ContainerConfigInput {
  readonly pod: Pod;
  readonly container: Container | EphemeralContainer;
  readonly restartCount: number;
  /** The image as the runtime knows it. */
  readonly imageRef: string;
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly Mount[];
  readonly imageUser: { readonly uid?: number | undefined; readonly username?: string | undefined };
  readonly machine: { readonly memoryBytes: number; readonly cgroupVersion: 1 | 2 };
  readonly seccompRoot: string;
  /** Devices by their CDI names: `vendor.example/gpu=0`. */
  readonly cdiDevices?: readonly string[];
  /** The container whose processes an ephemeral container sees. */
  readonly targetId?: string | undefined;
}

/** `<container>/<restart>.log` inside the pod's folder of logs. */
export function containerLogName(container: string, restartCount: number): string {
  return `${container}/${restartCount}.log`;
}

/** What the runtime is asked to start. @upstream pkg/kubelet/kuberuntime/kuberuntime_container.go generateContainerConfig */
export function containerConfig(input: ContainerConfigInput): ContainerConfig {
  const { pod, container, restartCount } = input;
  const expand = (text: string): string => expandVariables(text, (name) => input.environment.get(name));
  const encoder = new TextEncoder();
  const stopSignal = container.lifecycle?.stopSignal;
  return {
    metadata: { name: container.name, attempt: restartCount },
    image: { image: input.imageRef, userSpecifiedImage: container.image ?? "" },
    command: (container.command ?? []).map(expand),
    args: (container.args ?? []).map(expand),
    workingDir: container.workingDir ?? "",
    envs: [...input.environment].map(([key, value]) => ({ key, value: encoder.encode(value) })),
    mounts: input.mounts,
    devices: [],
    ...(input.cdiDevices === undefined || input.cdiDevices.length === 0 ? {} : { CDIDevices: input.cdiDevices.map((name) => ({ name })) }),
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, container, { restartCount, hash: containerHash(container) }),
    logPath: containerLogName(container.name, restartCount),
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    linux: {
      resources: linuxResources(pod, container, input.machine),
      securityContext: containerSecurityContext(pod, container, { imageUser: input.imageUser, seccompRoot: input.seccompRoot, targetId: input.targetId }),
    },
    ...(stopSignal === undefined ? {} : { stopSignal: `SIGNAL_${stopSignal}` as Signal }),
  };
}
