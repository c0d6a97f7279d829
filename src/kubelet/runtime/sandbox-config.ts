import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { PodSandboxConfig, PortMapping, Protocol } from "../../cri/generated/cri-v1.ts";
import { containersOf } from "../pods/pod-containers.ts";
import type { DnsConfig } from "./dns-config.ts";
import { kernelHostname } from "./pod-hostname.ts";
import { sandboxLabels } from "./runtime-labels.ts";
import { sandboxSecurityContext } from "./security-context.ts";

export interface SandboxConfigInput {
  readonly pod: Pod;
  readonly attempt: number;
  readonly dns: DnsConfig;
  readonly clusterDomain: string;
  readonly logDirectory: string;
  readonly cgroupParent: string;
}

/** What the runtime is asked to make a pod's surroundings of. @upstream pkg/kubelet/kuberuntime/kuberuntime_sandbox.go */
export function sandboxConfig(input: SandboxConfigInput): PodSandboxConfig {
  const { pod } = input;
  const { name = "", namespace = "", uid = "" } = pod.metadata;
  const sysctls = Object.fromEntries((pod.spec.securityContext?.sysctls ?? []).map((sysctl) => [sysctl.name, sysctl.value]));
  return {
    metadata: { name, namespace, uid, attempt: input.attempt },
    ...(pod.spec.hostNetwork === true ? {} : { hostname: kernelHostname(pod, input.clusterDomain) }),
    logDirectory: input.logDirectory,
    dnsConfig: input.dns,
    portMappings: portMappings(pod),
    labels: sandboxLabels(pod),
    annotations: pod.metadata.annotations ?? {},
    linux: { cgroupParent: input.cgroupParent, securityContext: sandboxSecurityContext(pod), sysctls },
  };
}

function portMappings(pod: Pod): readonly PortMapping[] {
  if (pod.spec.hostNetwork === true) return [];
  return containersOf(pod).flatMap(({ container }) =>
    (container.ports ?? [])
      .filter(({ hostPort = 0 }) => hostPort > 0)
      .map(({ containerPort, hostPort = 0, hostIP, protocol }) => ({
        containerPort,
        hostPort,
        protocol: (protocol ?? "TCP") as Protocol,
        ...(hostIP === undefined ? {} : { hostIp: hostIP }),
      })),
  );
}
