/** What a private containerd is told. Every path is absolute. */
export interface ContainerdSettings {
  /** First lines of the file, without `#`: what else must be the same for a running daemon to be taken over. */
  readonly comment: readonly string[];
  readonly rootDir: string;
  readonly stateDir: string;
  readonly socket: string;
  readonly sandboxImage: string;
  readonly snapshotter: "overlayfs" | "native";
  /** OCI runtimes by handler name: `[{ name: "runc", binary: "/usr/sbin/runc" }]`; the first is the default. */
  readonly runtimes: readonly { readonly name: string; readonly binary: string }[];
  readonly cniBinDir: string;
  readonly cniConfDir: string;
  /** Holds `<registry>/hosts.toml`, read at every pull. */
  readonly registryHostsDir: string;
  /** Without CAP_SYS_RESOURCE no process may lower its OOM score below its parent's. */
  readonly canLowerOomScore: boolean;
  /** Inside a user namespace the sysctls for unprivileged ports and ping are refused. */
  readonly inUserNamespace: boolean;
  readonly maxContainerLogLineBytes: number;
}

/** Plugins that Keles never uses; leaving them out makes the start quicker and the log quieter. */
const unusedPlugins = [
  "io.containerd.internal.v1.opt",
  "io.containerd.internal.v1.restart",
  "io.containerd.internal.v1.tracing",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
];

const cri = `plugins."io.containerd.grpc.v1.cri"`;

/** The text of config.toml, version 2: what containerd 1.6 and 1.7 read, and 2.x converts by itself. */
export function containerdConfig(settings: ContainerdSettings): string {
  const [standard] = settings.runtimes;
  const unprivileged = !settings.inUserNamespace;
  const lines = [
    ...settings.comment.map((line) => `# ${line}`),
    "version = 2",
    `root = ${text(settings.rootDir)}`,
    `state = ${text(settings.stateDir)}`,
    `oom_score = ${settings.canLowerOomScore ? -999 : 0}`,
    `disabled_plugins = ${list(unusedPlugins)}`,
    "[grpc]",
    `address = ${text(settings.socket)}`,
    "[debug]",
    `level = "info"`,
    `[${cri}]`,
    `sandbox_image = ${text(settings.sandboxImage)}`,
    `max_container_log_line_size = ${settings.maxContainerLogLineBytes}`,
    `restrict_oom_score_adj = ${!settings.canLowerOomScore}`,
    `enable_unprivileged_ports = ${unprivileged}`,
    `enable_unprivileged_icmp = ${unprivileged}`,
    // Devices of resource claims come as CDI names, which drivers describe in these folders. 1.6 knows neither.
    "enable_cdi = true",
    `cdi_spec_dirs = ${list(["/etc/cdi", "/var/run/cdi"])}`,
    "tolerate_missing_hugetlb_controller = true",
    "disable_hugetlb_controller = true",
    "netns_mounts_under_state_dir = true",
    `stream_server_address = "127.0.0.1"`,
    `stream_server_port = "0"`,
    `[${cri}.cni]`,
    `bin_dir = ${text(settings.cniBinDir)}`,
    `conf_dir = ${text(settings.cniConfDir)}`,
    "max_conf_num = 1",
    `[${cri}.registry]`,
    `config_path = ${text(settings.registryHostsDir)}`,
    `[${cri}.containerd]`,
    `snapshotter = ${text(settings.snapshotter)}`,
    `default_runtime_name = ${text(standard?.name ?? "runc")}`,
    ...settings.runtimes.flatMap(({ name, binary }) => [
      `[${cri}.containerd.runtimes.${text(name)}]`,
      `runtime_type = "io.containerd.runc.v2"`,
      `[${cri}.containerd.runtimes.${text(name)}.options]`,
      `BinaryName = ${text(binary)}`,
      `Root = ${text(`${settings.stateDir}/oci-${name}`)}`,
      "SystemdCgroup = false",
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

// JSON's strings are TOML's basic strings.
const text = (value: string): string => JSON.stringify(value);
const list = (values: readonly string[]): string => `[${values.map(text).join(", ")}]`;
