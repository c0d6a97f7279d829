/** What a node is made of, as far as it is reported in its Node object. */
export interface MachineInfo {
  readonly hostname: string;
  readonly operatingSystem: string;
  /** As Go names it: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly kernelVersion: string;
  /** `Debian GNU/Linux 12 (bookworm)` */
  readonly osImage: string;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
  /** Whether a cgroup v2 hierarchy carries the controllers. */
  readonly cgroupVersion: 1 | 2;
  readonly hugePages: readonly { readonly pageSizeBytes: number; readonly count: number }[];
}

/** What of it is in use at the moment. */
export interface MachineUsage {
  /** What the kernel can give without swapping. */
  readonly memoryAvailableBytes: number;
  /** Nanoseconds of one CPU since boot. */
  readonly cpuNanoseconds: number;
  readonly processes: number;
  readonly maxProcesses: number;
  readonly networkReceivedBytes: number;
  readonly networkSentBytes: number;
}

/** The machine (or the pretence of one) that a kubelet stands on. */
export interface Machine {
  info(): Promise<MachineInfo>;
  usage(): Promise<MachineUsage>;
}
