import type { ContainerImage, Node, NodeAddress, NodeStatus, NodeSystemInfo } from "../../api/generated/types/core-v1.ts";
import type { NewObject } from "../../client/client.ts";
import type { Image, VersionResponse } from "../../cri/generated/cri-v1.ts";
import type { MachineInfo } from "../../platform/machine.ts";
import type { KubeletSettings } from "../settings.ts";

const mostImages = 50;
const mostNames = 5;

/** Labels that a node always has; what the user adds may not contradict. @upstream pkg/kubelet/kubelet_node_status.go initialNode */
export function nodeLabels(settings: KubeletSettings, machine: MachineInfo): Readonly<Record<string, string>> {
  return {
    ...settings.labels,
    "beta.kubernetes.io/arch": machine.architecture,
    "beta.kubernetes.io/os": machine.operatingSystem,
    "kubernetes.io/arch": machine.architecture,
    "kubernetes.io/hostname": settings.hostname,
    "kubernetes.io/os": machine.operatingSystem,
  };
}

export function nodeAddresses(settings: KubeletSettings): readonly NodeAddress[] {
  return [...[settings.nodeIP, ...settings.moreNodeIPs].map((address) => ({ type: "InternalIP", address })), { type: "Hostname", address: settings.hostname }];
}

export function nodeInfo(settings: KubeletSettings, machine: MachineInfo, runtime: VersionResponse): NodeSystemInfo {
  return {
    architecture: machine.architecture,
    bootID: machine.bootId,
    containerRuntimeVersion: `${runtime.runtimeName ?? ""}://${(runtime.runtimeVersion ?? "").replace(/^v/, "").split("~")[0]}`,
    kernelVersion: machine.kernelVersion,
    kubeProxyVersion: "",
    kubeletVersion: settings.version,
    machineID: machine.machineId,
    operatingSystem: machine.operatingSystem,
    osImage: machine.osImage,
    systemUUID: machine.systemUuid,
    ...(machine.swapBytes > 0 ? { swap: { capacity: machine.swapBytes } } : {}),
  };
}

/** The largest images first, each with a few of its names. */
export function nodeImages(images: readonly Image[]): readonly ContainerImage[] {
  return images
    .map(({ repoDigests = [], repoTags = [], size = 0 }) => ({ names: [...repoDigests, ...repoTags].slice(0, mostNames), sizeBytes: size }))
    .filter(({ names }) => names.length > 0)
    .sort((a, b) => b.sizeBytes - a.sizeBytes || ((a.names[0] ?? "") < (b.names[0] ?? "") ? -1 : 1))
    .slice(0, mostImages);
}

/** The object that a node registers with. */
export function newNode(settings: KubeletSettings, machine: MachineInfo, status: NodeStatus): NewObject<Node> {
  return {
    metadata: {
      name: settings.nodeName,
      labels: nodeLabels(settings, machine),
      annotations: { "volumes.kubernetes.io/controller-managed-attach-detach": "true", ...settings.annotations },
    },
    spec: {
      ...(settings.providerId === undefined ? {} : { providerID: settings.providerId }),
      ...(settings.taints.length === 0 ? {} : { taints: settings.taints }),
    },
    status,
  };
}
