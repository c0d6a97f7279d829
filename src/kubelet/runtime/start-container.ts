import type { ConfigMap, Pod, Secret, Service } from "../../api/generated/types/core-v1.ts";
import type { Clock } from "../../base/clock.ts";
import { nameSuffix, type Random } from "../../base/random.ts";
import type { EventRecorder } from "../../client/event-recorder.ts";
import type { Mount, PodSandboxConfig } from "../../cri/generated/cri-v1.ts";
import { RuntimeError, type RuntimeService } from "../../cri/runtime.ts";
import type { Files } from "../../platform/files.ts";
import type { Mounts } from "../../platform/mounts.ts";
import type { Network } from "../../platform/network.ts";
import type { ImagePuller, PulledImage } from "../images/image-puller.ts";
import { runHook } from "../lifecycle/run-hook.ts";
import type { PodDevices } from "../plugins/dra/pod-devices.ts";
import type { PodPaths } from "../pod-paths.ts";
import { containerFieldPath, uidOf, type PodContainer } from "../pods/pod-containers.ts";
import { errorText } from "../rpc-error-text.ts";
import type { KubeletSettings } from "../settings.ts";
import { containerMounts } from "../volumes/container-mounts.ts";
import { resolveInside } from "../volumes/resolve-inside.ts";
import type { MountedVolume } from "../volumes/volume-type.ts";
import { containerConfig } from "./container-config.ts";
import { containerEnvironment } from "./container-environment.ts";
import { killContainer } from "./kill-container.ts";
import { hostsFile } from "./pod-hostname.ts";
import type { PodFieldContext } from "./pod-field.ts";
import { currentContainer, type RuntimePod } from "./runtime-pod.ts";
import { nonRootProblem } from "./security-context.ts";
import { StartError } from "./start-error.ts";

export interface StartDeps {
  readonly settings: KubeletSettings;
  readonly paths: PodPaths;
  readonly runtime: RuntimeService;
  readonly files: Files;
  readonly mounts: Mounts;
  readonly network: Network;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly puller: ImagePuller;
  readonly machine: { readonly memoryBytes: number; readonly cgroupVersion: 1 | 2 };
  /** Absent: every device is ready at once. */
  readonly devices?: PodDevices | undefined;
  services(): readonly Service[];
  configMap(key: string): Promise<ConfigMap | undefined>;
  secret(key: string): Promise<Secret | undefined>;
  fields(pod: Pod, podIPs: readonly string[]): PodFieldContext;
  allocatable(): Readonly<Record<string, string>>;
}

export interface StartRequest {
  readonly pod: Pod;
  readonly target: PodContainer;
  readonly runtimePod: RuntimePod;
  readonly sandboxId: string;
  readonly sandboxConfig: PodSandboxConfig;
  readonly podIPs: readonly string[];
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  readonly signal: AbortSignal;
  waiting(): void;
}

/** Image, configuration, create, start, postStart; throws StartError. @upstream pkg/kubelet/kuberuntime/kuberuntime_container.go startContainer */
export async function startContainer(request: StartRequest, deps: StartDeps): Promise<void> {
  const { pod, target } = request;
  const { container } = target;
  const fieldPath = containerFieldPath(target);
  const fail = (reason: string, message: string): StartError => {
    deps.recorder.event(pod, "Warning", "Failed", `Error: ${message}`, { fieldPath });
    return new StartError(reason, message);
  };
  const image = await pull(request, fieldPath, deps);
  const known = currentContainer(request.runtimePod, container.name);
  const restartCount = known === undefined ? await restartsByLogs(pod, container.name, deps) : known.restartCount + 1;
  const problem = nonRootProblem(pod, container, image.user);
  if (problem !== undefined) throw fail("CreateContainerConfigError", problem);

  let config: Awaited<ReturnType<typeof configure>>;
  try {
    config = await configure(request, { image, restartCount }, deps);
  } catch (error) {
    throw fail("CreateContainerConfigError", errorText(error));
  }
  request.signal.throwIfAborted();
  let id: string;
  try {
    id = await deps.runtime.createContainer(request.sandboxId, config, request.sandboxConfig);
  } catch (error) {
    throw fail("CreateContainerError", errorText(error));
  }
  deps.recorder.event(pod, "Normal", "Created", "Container created", { fieldPath });
  try {
    await deps.runtime.startContainer(id);
  } catch (error) {
    throw fail("RunContainerError", errorText(error));
  }
  deps.recorder.event(pod, "Normal", "Started", "Container started", { fieldPath });
  const postStart = container.lifecycle?.postStart;
  if (postStart === undefined) return;
  try {
    await runHook({ handler: postStart, container, containerId: id, podIP: request.podIPs[0] ?? "", timeoutSeconds: 0, signal: request.signal }, deps);
  } catch (error) {
    if (request.signal.aborted) throw error;
    deps.recorder.event(pod, "Warning", "FailedPostStartHook", "PostStartHook failed", { fieldPath });
    const started = { ...emptyContainer, id, name: container.name };
    await killContainer({ pod, container: started, podIP: request.podIPs[0] ?? "", message: "FailedPostStartHook", signal: request.signal }, deps);
    throw new StartError("PostStartHookError", "PostStart hook failed");
  }
}

const emptyContainer = {
  sandboxId: "",
  restartCount: 0,
  state: "running" as const,
  hash: "",
  resources: "",
  createdMs: 0,
  startedMs: 0,
  finishedMs: 0,
  exitCode: 0,
  reason: "",
  message: "",
  image: "",
  imageId: "",
  logPath: "",
  mounts: [],
  user: undefined,
  stopSignal: undefined,
};

async function pull(request: StartRequest, fieldPath: string, deps: StartDeps): Promise<PulledImage> {
  const { pod, target, sandboxConfig, signal } = request;
  const secrets = async (): Promise<readonly Secret[]> => {
    const found = await Promise.all((pod.spec.imagePullSecrets ?? []).map(({ name }) => deps.secret(`${pod.metadata.namespace}/${name}`)));
    return found.filter((secret) => secret !== undefined);
  };
  try {
    return await deps.puller.ensure({ pod, container: target.container, fieldPath, sandboxConfig, signal, secrets, waiting: () => request.waiting() });
  } catch (error) {
    if (error instanceof StartError) deps.recorder.event(pod, "Warning", "Failed", `Error: ${error.reason}`, { fieldPath });
    throw error;
  }
}

/** How often it has run already when the runtime has forgotten it: one more than its newest log says. */
async function restartsByLogs(pod: Pod, container: string, deps: StartDeps): Promise<number> {
  const names = await deps.files.list(`${deps.paths.podLogs(pod)}/${container}`);
  const counts = names.flatMap((name) => {
    const match = /^(\d+)\.log/.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
  return counts.length === 0 ? 0 : Math.max(...counts) + 1;
}

async function configure(
  request: StartRequest,
  options: { readonly image: PulledImage; readonly restartCount: number },
  deps: StartDeps,
): Promise<ReturnType<typeof containerConfig>> {
  const { pod, target, volumes } = request;
  const { container } = target;
  const namespace = pod.metadata.namespace ?? "";
  const environment = await containerEnvironment({
    pod,
    container,
    services: deps.services(),
    fields: deps.fields(pod, request.podIPs),
    allocatable: deps.allocatable(),
    configMap: (name) => deps.configMap(`${namespace}/${name}`),
    secret: (name) => deps.secret(`${namespace}/${name}`),
    volumeFile: async (volume, path) => {
      const root = volumes.get(volume)?.hostPath;
      if (root === undefined) return undefined;
      const bytes = await deps.files.readIfPresent(await resolveInside(deps.files, root, path));
      return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
    },
  });
  const mounts: Mount[] = [...(await containerMounts({ container, volumes, environment, podDir: deps.paths.pod(uidOf(pod)) }, deps))];
  const hosts = await hostsMount(request, mounts, deps);
  if (hosts !== undefined) mounts.push(hosts);
  const message = await terminationMount(request, deps);
  if (message !== undefined) mounts.push(message);
  await deps.files.mkdir(`${deps.paths.podLogs(pod)}/${container.name}`, { mode: 0o755 });
  const lookedInto = "targetContainerName" in container ? container.targetContainerName : undefined;
  return containerConfig({
    pod,
    container,
    restartCount: options.restartCount,
    imageRef: options.image.id,
    environment,
    mounts,
    imageUser: options.image.user,
    machine: deps.machine,
    seccompRoot: deps.paths.seccomp,
    cdiDevices: deps.devices?.cdiDevices(pod, container) ?? [],
    targetId: lookedInto === undefined || lookedInto === "" ? undefined : targetId(request.runtimePod, lookedInto),
  });
}

function targetId(runtimePod: RuntimePod, name: string): string {
  const found = currentContainer(runtimePod, name);
  if (found?.state === "running") return found.id;
  throw new RuntimeError("NOT_FOUND", `unable to find target container ${name}`);
}

/** The pod's own `/etc/hosts`, unless a volume stands there. */
async function hostsMount(request: StartRequest, mounts: readonly Mount[], deps: StartDeps): Promise<Mount | undefined> {
  const { pod, podIPs } = request;
  if (mounts.some(({ containerPath }) => containerPath === "/etc/hosts")) return undefined;
  if (pod.spec.hostNetwork !== true && podIPs.length === 0) return undefined;
  const path = deps.paths.hosts(uidOf(pod));
  const host = pod.spec.hostNetwork === true ? await deps.files.readIfPresent("/etc/hosts") : undefined;
  const content = hostsFile(pod, { podIPs, clusterDomain: deps.settings.clusterDomain, hostContent: host === undefined ? "" : new TextDecoder().decode(host) });
  await deps.files.mkdir(deps.paths.pod(uidOf(pod)), { mode: 0o750 });
  // Running containers hold on to the file itself, so it is written again only when it would differ.
  const present = await deps.files.readIfPresent(path);
  if (present === undefined || new TextDecoder().decode(present) !== content) await deps.files.write(path, content, { mode: 0o644 });
  return { hostPath: path, containerPath: "/etc/hosts", readonly: false };
}

/** A fresh file for each instance's last words. */
async function terminationMount(request: StartRequest, deps: StartDeps): Promise<Mount | undefined> {
  const { container } = request.target;
  const containerPath = container.terminationMessagePath ?? "";
  if (containerPath === "") return undefined;
  const folder = deps.paths.container(uidOf(request.pod), container.name);
  await deps.files.mkdir(folder, { mode: 0o750 });
  const path = `${folder}/${nameSuffix(deps.random, 8)}`;
  await deps.files.write(path, "", { mode: 0o666 });
  return { hostPath: path, containerPath, readonly: false };
}
