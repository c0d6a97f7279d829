import type { Taint } from "../api/generated/types/core-v1.ts";

/** How one kubelet is set up. Durations are milliseconds, sizes bytes. */
export interface KubeletOptions {
  readonly nodeName: string;
  /** The first address is the one that pods and the API see. */
  readonly nodeIP: string;
  readonly moreNodeIPs?: readonly string[];
  /** The machine's name for `kubernetes.io/hostname` and the Hostname address; the node's name when absent. */
  readonly hostname?: string;
  /** Where pods, volumes and logs are kept. */
  readonly dataDir: string;
  /** Shown as the node's version: `v1.36.0+keles.0`. */
  readonly version: string;
  readonly providerId?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Set when the node registers for the first time. */
  readonly taints?: readonly Taint[];
  readonly clusterDns?: readonly string[];
  readonly clusterDomain?: string;
  readonly resolvConf?: string;
  readonly maxPods?: number;
  readonly kubeletPort?: number;
  /** Where the control groups are mounted (`/sys/fs/cgroup`); absent: no control groups are made, as on simulated nodes. */
  readonly cgroupRoot?: string;
  /** Where pods' control groups hang; each kubelet of a machine needs its own: `/kubepods`. */
  readonly podsCgroup?: string;
  readonly reserved?: { readonly cpuMilli?: number; readonly memoryBytes?: number; readonly ephemeralStorageBytes?: number };
  /** Signals as upstream's `evictionHard`: `memory.available` to `100Mi` or `10%`. */
  readonly evictionHard?: Readonly<Record<string, string>>;
  readonly evictionSoft?: Readonly<Record<string, string>>;
  readonly evictionSoftGraceMs?: Readonly<Record<string, number>>;
  readonly evictionMaxPodGraceSeconds?: number;
  readonly imageGcHighPercent?: number;
  readonly imageGcLowPercent?: number;
  readonly imageMinimumAgeMs?: number;
  readonly containerLogMaxBytes?: number;
  readonly containerLogMaxFiles?: number;
  /** Dead instances kept per container, for `logs --previous`. */
  readonly maxDeadPerContainer?: number;
  readonly nodeStatusUpdateMs?: number;
  readonly nodeStatusReportMs?: number;
  readonly relistMs?: number;
  /** Whether the node asks for its own certificates. Who runs the kubelet does that: it is only told in `/configz`. */
  readonly rotateCertificates?: boolean;
  readonly serverTlsBootstrap?: boolean;
  readonly evictionIntervalMs?: number;
}

export interface KubeletSettings extends Required<Omit<KubeletOptions, "providerId" | "cgroupRoot">> {
  readonly providerId: string | undefined;
  readonly cgroupRoot: string | undefined;
}

/** @upstream pkg/kubelet/apis/config/v1beta1/defaults.go */
export const defaultEvictionHard: Readonly<Record<string, string>> = {
  "memory.available": "100Mi",
  "nodefs.available": "10%",
  "nodefs.inodesFree": "5%",
  "imagefs.available": "15%",
  "imagefs.inodesFree": "5%",
};

const mebibyte = 1024 * 1024;

/** The options with everything that was left out filled in. */
export function settingsOf(options: KubeletOptions): KubeletSettings {
  return {
    moreNodeIPs: [],
    hostname: options.nodeName,
    labels: {},
    annotations: {},
    taints: [],
    clusterDns: [],
    clusterDomain: "cluster.local",
    resolvConf: "/etc/resolv.conf",
    maxPods: 110,
    kubeletPort: 10250,
    podsCgroup: "/kubepods",
    reserved: {},
    evictionHard: defaultEvictionHard,
    evictionSoft: {},
    evictionSoftGraceMs: {},
    evictionMaxPodGraceSeconds: 0,
    imageGcHighPercent: 85,
    imageGcLowPercent: 80,
    imageMinimumAgeMs: 120_000,
    containerLogMaxBytes: 10 * mebibyte,
    containerLogMaxFiles: 5,
    maxDeadPerContainer: 1,
    nodeStatusUpdateMs: 10_000,
    nodeStatusReportMs: 300_000,
    relistMs: 1000,
    rotateCertificates: false,
    serverTlsBootstrap: false,
    evictionIntervalMs: 10_000,
    ...options,
    providerId: options.providerId,
    cgroupRoot: options.cgroupRoot,
  };
}
