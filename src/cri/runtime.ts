import type {
  AttachRequest,
  AttachResponse,
  ContainerConfig,
  ContainerFilter,
  ContainerStats,
  ContainerStatsFilter,
  Container,
  ContainerStatusResponse,
  ExecRequest,
  ExecResponse,
  ExecSyncResponse,
  FilesystemUsage,
  Image,
  ImageSpec,
  ImageStatusResponse,
  AuthConfig,
  LinuxContainerResources,
  PodSandbox,
  PodSandboxConfig,
  PodSandboxFilter,
  PodSandboxStatusResponse,
  PortForwardRequest,
  PortForwardResponse,
  RuntimeConfig,
  StatusResponse,
  VersionResponse,
} from "./generated/cri-v1.ts";

/** CRI v1's RuntimeService as promises. containerd's client and the simulated runtime pass one contract suite. */
export interface RuntimeService {
  version(): Promise<VersionResponse>;
  status(options?: { readonly verbose?: boolean }): Promise<StatusResponse>;
  runPodSandbox(config: PodSandboxConfig, options?: { readonly runtimeHandler?: string }): Promise<string>;
  /** No error when it is stopped or gone already; so for the three calls like it below. */
  stopPodSandbox(podSandboxId: string): Promise<void>;
  removePodSandbox(podSandboxId: string): Promise<void>;
  podSandboxStatus(podSandboxId: string, options?: { readonly verbose?: boolean }): Promise<PodSandboxStatusResponse>;
  listPodSandbox(filter?: PodSandboxFilter): Promise<readonly PodSandbox[]>;
  createContainer(podSandboxId: string, config: ContainerConfig, sandboxConfig: PodSandboxConfig): Promise<string>;
  startContainer(containerId: string): Promise<void>;
  /** SIGKILL follows the stop signal after `timeoutSeconds`. */
  stopContainer(containerId: string, timeoutSeconds: number): Promise<void>;
  removeContainer(containerId: string): Promise<void>;
  listContainers(filter?: ContainerFilter): Promise<readonly Container[]>;
  containerStatus(containerId: string, options?: { readonly verbose?: boolean }): Promise<ContainerStatusResponse>;
  updateContainerResources(containerId: string, linux: LinuxContainerResources): Promise<void>;
  reopenContainerLog(containerId: string): Promise<void>;
  execSync(containerId: string, command: readonly string[], timeoutSeconds: number): Promise<ExecSyncResponse>;
  /** Answers with the URL of the runtime's streaming server. */
  exec(request: ExecRequest): Promise<ExecResponse>;
  attach(request: AttachRequest): Promise<AttachResponse>;
  portForward(request: PortForwardRequest): Promise<PortForwardResponse>;
  listContainerStats(filter?: ContainerStatsFilter): Promise<readonly ContainerStats[]>;
  updateRuntimeConfig(config: RuntimeConfig): Promise<void>;
}

/** CRI v1's ImageService as promises. */
export interface ImageService {
  listImages(): Promise<readonly Image[]>;
  imageStatus(image: ImageSpec, options?: { readonly verbose?: boolean }): Promise<ImageStatusResponse>;
  /** Answers with the image's reference (its id). */
  pullImage(image: ImageSpec, options?: { readonly auth?: AuthConfig; readonly sandboxConfig?: PodSandboxConfig }): Promise<string>;
  removeImage(image: ImageSpec): Promise<void>;
  imageFsInfo(): Promise<readonly FilesystemUsage[]>;
}

/** What the runtime answered instead: a gRPC code by name (`NOT_FOUND`) and its text. */
export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
