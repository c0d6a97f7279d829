import { goDuration } from "./go-duration.ts";
import type { KubeletSettings } from "./settings.ts";

const mebibyte = 1024 * 1024;
const bytes = (amount: number): string => (amount % mebibyte === 0 ? `${amount / mebibyte}Mi` : String(amount));

/** How the kubelet is set up, as `/configz` tells it: those fields of upstream's configuration that have a meaning here. @upstream staging/src/k8s.io/kubelet/config/v1beta1/types.go KubeletConfiguration */
export function kubeletConfiguration(settings: KubeletSettings): Readonly<Record<string, unknown>> {
  const { reserved, evictionSoftGraceMs } = settings;
  const systemReserved = {
    ...(reserved.cpuMilli === undefined ? {} : { cpu: `${reserved.cpuMilli}m` }),
    ...(reserved.memoryBytes === undefined ? {} : { memory: bytes(reserved.memoryBytes) }),
    ...(reserved.ephemeralStorageBytes === undefined ? {} : { "ephemeral-storage": bytes(reserved.ephemeralStorageBytes) }),
  };
  return {
    kind: "KubeletConfiguration",
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    enableServer: true,
    port: settings.kubeletPort,
    rotateCertificates: settings.rotateCertificates,
    serverTLSBootstrap: settings.serverTlsBootstrap,
    clusterDomain: settings.clusterDomain,
    clusterDNS: settings.clusterDns,
    nodeStatusUpdateFrequency: goDuration(settings.nodeStatusUpdateMs),
    nodeStatusReportFrequency: goDuration(settings.nodeStatusReportMs),
    nodeLeaseDurationSeconds: 40,
    imageMinimumGCAge: goDuration(settings.imageMinimumAgeMs),
    imageGCHighThresholdPercent: settings.imageGcHighPercent,
    imageGCLowThresholdPercent: settings.imageGcLowPercent,
    ...(settings.cgroupRoot === undefined ? {} : { cgroupRoot: settings.podsCgroup, cgroupsPerQOS: true }),
    maxPods: settings.maxPods,
    resolvConf: settings.resolvConf,
    evictionHard: settings.evictionHard,
    evictionSoft: settings.evictionSoft,
    evictionSoftGracePeriod: Object.fromEntries(Object.entries(evictionSoftGraceMs).map(([signal, ms]) => [signal, goDuration(ms)])),
    evictionMaxPodGracePeriod: settings.evictionMaxPodGraceSeconds,
    containerLogMaxSize: bytes(settings.containerLogMaxBytes),
    containerLogMaxFiles: settings.containerLogMaxFiles,
    systemReserved,
    registerNode: true,
    registerWithTaints: settings.taints,
  };
}
