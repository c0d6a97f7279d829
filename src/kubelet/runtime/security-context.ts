import type { Container, EphemeralContainer, Pod, SeccompProfile } from "../../api/generated/types/core-v1.ts";
import type { LinuxContainerSecurityContext, LinuxSandboxSecurityContext, NamespaceOption, SecurityProfile } from "../../cri/generated/cri-v1.ts";
import { containersOf } from "../pods/pod-containers.ts";

const maskedPaths: readonly string[] = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
const readonlyPaths: readonly string[] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** Which namespaces a pod's processes share. `targetId` is the container an ephemeral one looks into. */
export function namespaceOptions(pod: Pod, targetId?: string): NamespaceOption {
  const spec = pod.spec;
  const pid = spec.hostPID === true ? "NODE" : spec.shareProcessNamespace === true ? "POD" : "CONTAINER";
  return {
    network: spec.hostNetwork === true ? "NODE" : "POD",
    ipc: spec.hostIPC === true ? "NODE" : "POD",
    ...(targetId === undefined ? { pid } : { pid: "TARGET" as const, targetId }),
  };
}

function profile(given: SeccompProfile | undefined, folder: string): SecurityProfile {
  if (given === undefined || given.type === "Unconfined") return { profileType: "Unconfined" };
  if (given.type === "Localhost") return { profileType: "Localhost", localhostRef: `${folder}${given.localhostProfile ?? ""}` };
  return { profileType: "RuntimeDefault" };
}

/** Groups of every process: fsGroup and what the pod adds. */
function supplementalGroups(pod: Pod): readonly number[] {
  const { fsGroup, supplementalGroups: groups = [] } = pod.spec.securityContext ?? {};
  return fsGroup === undefined ? groups : [...groups, fsGroup];
}

/** @upstream pkg/kubelet/kuberuntime/security_context.go */
export function containerSecurityContext(
  pod: Pod,
  container: Container | EphemeralContainer,
  options: {
    readonly imageUser: { readonly uid?: number | undefined; readonly username?: string | undefined };
    readonly seccompRoot: string;
    readonly targetId?: string | undefined;
  },
): LinuxContainerSecurityContext {
  const own = container.securityContext ?? {};
  const shared = pod.spec.securityContext ?? {};
  const user = own.runAsUser ?? shared.runAsUser ?? options.imageUser.uid;
  const group = own.runAsGroup ?? shared.runAsGroup;
  const username = user === undefined ? options.imageUser.username : undefined;
  const apparmor = own.appArmorProfile ?? shared.appArmorProfile;
  const selinux = own.seLinuxOptions ?? shared.seLinuxOptions;
  const privileged = own.privileged === true;
  const unmasked = own.procMount === "Unmasked";
  return {
    namespaceOptions: namespaceOptions(pod, options.targetId),
    privileged,
    readonlyRootfs: own.readOnlyRootFilesystem === true,
    ...(user === undefined ? {} : { runAsUser: { value: user } }),
    ...(username === undefined || username === "" ? {} : { runAsUsername: username }),
    ...(group === undefined || (user === undefined && username === undefined) ? {} : { runAsGroup: { value: group } }),
    supplementalGroups: supplementalGroups(pod),
    supplementalGroupsPolicy: shared.supplementalGroupsPolicy === "Strict" ? "Strict" : "Merge",
    capabilities: { addCapabilities: own.capabilities?.add ?? [], dropCapabilities: own.capabilities?.drop ?? [] },
    noNewPrivs: own.allowPrivilegeEscalation === false,
    seccomp: profile(own.seccompProfile ?? shared.seccompProfile, options.seccompRoot),
    ...(apparmor === undefined ? {} : { apparmor: profile(apparmor, "") }),
    ...(selinux === undefined ? {} : { selinuxOptions: selinux }),
    maskedPaths: unmasked ? [] : maskedPaths,
    readonlyPaths: unmasked ? [] : readonlyPaths,
  };
}

/** @upstream pkg/kubelet/kuberuntime/kuberuntime_sandbox.go generatePodSandboxLinuxConfig */
export function sandboxSecurityContext(pod: Pod): LinuxSandboxSecurityContext {
  const shared = pod.spec.securityContext ?? {};
  return {
    privileged: containersOf(pod).some(({ container }) => container.securityContext?.privileged === true),
    namespaceOptions: namespaceOptions(pod),
    // The sandbox itself runs nothing of the user's.
    seccomp: { profileType: "RuntimeDefault" },
    ...(shared.runAsUser === undefined ? {} : { runAsUser: { value: shared.runAsUser } }),
    ...(shared.runAsUser === undefined || shared.runAsGroup === undefined ? {} : { runAsGroup: { value: shared.runAsGroup } }),
    supplementalGroups: supplementalGroups(pod),
    ...(shared.seLinuxOptions === undefined ? {} : { selinuxOptions: shared.seLinuxOptions }),
  };
}

/** Why a container that must not run as root would, or undefined. @upstream pkg/kubelet/kuberuntime/security_context.go verifyRunAsNonRoot */
export function nonRootProblem(
  pod: Pod,
  container: Container | EphemeralContainer,
  imageUser: { readonly uid?: number | undefined; readonly username?: string | undefined },
): string | undefined {
  const own = container.securityContext ?? {};
  const shared = pod.spec.securityContext ?? {};
  if ((own.runAsNonRoot ?? shared.runAsNonRoot) !== true) return undefined;
  const where = `(pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${container.name})`;
  const user = own.runAsUser ?? shared.runAsUser;
  if (user !== undefined) return user === 0 ? `container's runAsUser breaks non-root policy ${where}` : undefined;
  if (imageUser.uid !== undefined) return imageUser.uid === 0 ? `container has runAsNonRoot and image will run as root ${where}` : undefined;
  if (imageUser.username !== undefined && imageUser.username !== "")
    return `container has runAsNonRoot and image has non-numeric user (${imageUser.username}), cannot verify user is non-root ${where}`;
  return undefined;
}
