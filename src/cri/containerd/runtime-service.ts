import type {
  AttachResponse,
  CreateContainerResponse,
  ContainerStatusResponse,
  ExecResponse,
  ExecSyncResponse,
  ListContainersResponse,
  ListContainerStatsResponse,
  ListPodSandboxResponse,
  PodSandboxStatusResponse,
  PortForwardResponse,
  RunPodSandboxResponse,
  StatusResponse,
  VersionResponse,
} from "../generated/cri-v1.ts";
import { RuntimeError, type RuntimeService } from "../runtime.ts";
import type { UnaryCalls } from "./grpc-channel.ts";

/** Time for one call, beyond what the call itself says it may take. @upstream pkg/kubelet/apis/config/v1beta1/defaults.go */
const callMs = 120_000;
/** Making a sandbox may wait for the network to be set up. @upstream staging/src/k8s.io/cri-client/pkg/remote_runtime.go */
const sandboxMs = 2 * callMs;
/** Reading what the runtime holds in memory. */
const readMs = 30_000;
/** An exec without a time limit of its own. */
const endlessMs = 24 * 60 * 60_000;

/** RuntimeService over gRPC. */
export function grpcRuntimeService({ call }: UnaryCalls): RuntimeService {
  return {
    version: () => call<VersionResponse>("Version", { version: "v1" }, readMs),
    status: (options = {}) => call<StatusResponse>("Status", { verbose: options.verbose }, readMs),
    async runPodSandbox(config, options = {}) {
      const { podSandboxId } = await call<RunPodSandboxResponse>("RunPodSandbox", { config, runtimeHandler: options.runtimeHandler }, sandboxMs);
      return podSandboxId ?? "";
    },
    stopPodSandbox: (podSandboxId) => goneIsDone(call("StopPodSandbox", { podSandboxId }, callMs)),
    removePodSandbox: (podSandboxId) => goneIsDone(call("RemovePodSandbox", { podSandboxId }, callMs)),
    podSandboxStatus: (podSandboxId, options = {}) => call<PodSandboxStatusResponse>("PodSandboxStatus", { podSandboxId, verbose: options.verbose }, readMs),
    async listPodSandbox(filter) {
      return (await call<ListPodSandboxResponse>("ListPodSandbox", { filter }, readMs)).items ?? [];
    },
    async createContainer(podSandboxId, config, sandboxConfig) {
      const { containerId } = await call<CreateContainerResponse>("CreateContainer", { podSandboxId, config, sandboxConfig }, callMs);
      return containerId ?? "";
    },
    async startContainer(containerId) {
      await call("StartContainer", { containerId }, callMs);
    },
    stopContainer: (containerId, timeoutSeconds) => goneIsDone(call("StopContainer", { containerId, timeout: Math.ceil(timeoutSeconds) }, timeoutSeconds * 1_000 + callMs)),
    removeContainer: (containerId) => goneIsDone(call("RemoveContainer", { containerId }, callMs)),
    async listContainers(filter) {
      return (await call<ListContainersResponse>("ListContainers", { filter }, readMs)).containers ?? [];
    },
    containerStatus: (containerId, options = {}) => call<ContainerStatusResponse>("ContainerStatus", { containerId, verbose: options.verbose }, readMs),
    async updateContainerResources(containerId, linux) {
      await call("UpdateContainerResources", { containerId, linux }, callMs);
    },
    async reopenContainerLog(containerId) {
      await call("ReopenContainerLog", { containerId }, callMs);
    },
    execSync: (containerId, command, timeoutSeconds) =>
      call<ExecSyncResponse>("ExecSync", { containerId, cmd: command, timeout: Math.ceil(timeoutSeconds) }, timeoutSeconds > 0 ? timeoutSeconds * 1_000 + callMs : endlessMs),
    exec: (request) => call<ExecResponse>("Exec", request, callMs),
    attach: (request) => call<AttachResponse>("Attach", request, callMs),
    portForward: (request) => call<PortForwardResponse>("PortForward", request, callMs),
    async listContainerStats(filter) {
      return (await call<ListContainerStatsResponse>("ListContainerStats", { filter }, callMs)).stats ?? [];
    },
    async updateRuntimeConfig(runtimeConfig) {
      await call("UpdateRuntimeConfig", { runtimeConfig }, callMs);
    },
  };
}

/** CRI wants stopping and removing to be repeatable; containerd before 1.7 says NotFound where nothing is left to do. */
async function goneIsDone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof RuntimeError && error.code === "NOT_FOUND")) throw error;
  }
}
