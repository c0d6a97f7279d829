import type { Container, EphemeralContainer, LifecycleHandler, Probe, SELinuxOptions } from "../../../api/generated/types/core-v1.ts";
import { type Check, containersOf, hasOwnUsers, named, type PodShape, quoted, setters, sorted } from "./check.ts";

type AnyContainer = Container | EphemeralContainer;
const APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/";
const capabilities = new Set([
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
]);
const profiles: readonly (string | undefined)[] = ["RuntimeDefault", "Localhost"];
const seLinuxTypes = ["", "container_t", "container_init_t", "container_kvm_t"];
/** Safe kernel settings, by the version that took them in. */
const sysctls: { readonly [name: string]: number | undefined } = {
  "kernel.shm_rmid_forced": 0,
  "net.ipv4.ip_local_port_range": 0,
  "net.ipv4.tcp_syncookies": 0,
  "net.ipv4.ping_group_range": 0,
  "net.ipv4.ip_unprivileged_port_start": 0,
  "net.ipv4.ip_local_reserved_ports": 27,
  "net.ipv4.tcp_keepalive_time": 29,
  "net.ipv4.tcp_fin_timeout": 29,
  "net.ipv4.tcp_keepalive_intvl": 29,
  "net.ipv4.tcp_keepalive_probes": 29,
  "net.ipv4.tcp_rmem": 32,
  "net.ipv4.tcp_wmem": 32,
};

/** Names of the containers that are as `isBad` says. */
function namesOf(pod: PodShape, isBad: (container: AnyContainer) => boolean): readonly string[] {
  return containersOf(pod)
    .filter(isBad)
    .map(({ name }) => name);
}

/** What the baseline level forbids, in the order in which upstream reports it. @upstream pod-security-admission/policy/check_*.go */
export const baselineChecks: readonly Check[] = [
  { id: "appArmorProfile", find: forbiddenAppArmor },
  {
    id: "capabilities_baseline",
    find(pod) {
      const added = (container: AnyContainer): readonly string[] => (container.securityContext?.capabilities?.add ?? []).filter((one) => !capabilities.has(one));
      const bad = namesOf(pod, (container) => added(container).length > 0);
      if (bad.length === 0) return undefined;
      const list = quoted(sorted(containersOf(pod).flatMap(added)));
      return { reason: "non-default capabilities", detail: `${named("container", bad)} must not include ${list} in securityContext.capabilities.add` };
    },
  },
  {
    id: "hostNamespaces",
    find({ spec }) {
      const shared = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((field) => spec[field] === true);
      return shared.length === 0 ? undefined : { reason: "host namespaces", detail: shared.map((field) => `${field}=true`).join(", ") };
    },
  },
  {
    id: "hostPathVolumes",
    find({ spec }) {
      const bad = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name);
      return bad.length === 0 ? undefined : { reason: "hostPath volumes", detail: named("volume", bad) };
    },
  },
  {
    id: "hostPorts",
    find(pod) {
      const portsOf = (container: AnyContainer): readonly string[] => (container.ports ?? []).filter(({ hostPort = 0 }) => hostPort !== 0).map(({ hostPort }) => String(hostPort));
      const bad = namesOf(pod, (container) => portsOf(container).length > 0);
      if (bad.length === 0) return undefined;
      const ports = sorted(containersOf(pod).flatMap(portsOf));
      return { reason: "hostPort", detail: `${named("container", bad)} ${bad.length === 1 ? "uses" : "use"} hostPort${ports.length === 1 ? "" : "s"} ${ports.join(", ")}` };
    },
  },
  {
    id: "hostProbesAndHostLifecycle",
    since: 34,
    find(pod) {
      const bad = sorted(namesOf(pod, (container) => hostsOf(container).length > 0));
      if (bad.length === 0) return undefined;
      const hosts = sorted(containersOf(pod).flatMap(hostsOf));
      const what = "probe or lifecycle host";
      return { reason: what, detail: `${named("container", bad)} ${bad.length === 1 ? "uses" : "use"} ${named(what, hosts)}` };
    },
  },
  {
    id: "privileged",
    find(pod) {
      const bad = namesOf(pod, ({ securityContext }) => securityContext?.privileged === true);
      return bad.length === 0 ? undefined : { reason: "privileged", detail: `${named("container", bad)} must not set securityContext.privileged=true` };
    },
  },
  {
    id: "procMount",
    find(pod, minor) {
      if (hasOwnUsers(pod, minor)) return undefined;
      const typeOf = ({ securityContext }: AnyContainer): string => securityContext?.procMount ?? "Default";
      const bad = namesOf(pod, (container) => typeOf(container) !== "Default");
      if (bad.length === 0) return undefined;
      const types = quoted(sorted(containersOf(pod).map(typeOf)).filter((type) => type !== "Default"));
      return { reason: "procMount", detail: `${named("container", bad)} must not set securityContext.procMount to ${types}` };
    },
  },
  { id: "seLinuxOptions", find: forbiddenSeLinux },
  {
    id: "seccompProfile_baseline",
    since: 19,
    find(pod) {
      const typeOf = (context: { readonly seccompProfile?: { readonly type: string } | undefined } | undefined): string | undefined => context?.seccompProfile?.type;
      const isBad = (type: string | undefined): boolean => type !== undefined && !profiles.includes(type);
      const own = typeOf(pod.spec.securityContext);
      const bad = namesOf(pod, ({ securityContext }) => isBad(typeOf(securityContext)));
      if (!isBad(own) && bad.length === 0) return undefined;
      const types = [own, ...containersOf(pod).map(({ securityContext }) => typeOf(securityContext))].filter((type) => type !== undefined && isBad(type)) as string[];
      return { reason: "seccompProfile", detail: `${setters(isBad(own), bad)} must not set securityContext.seccompProfile.type to ${quoted(sorted(types))}` };
    },
  },
  {
    id: "sysctls",
    find({ spec }, minor) {
      const bad = (spec.securityContext?.sysctls ?? [])
        .map(({ name }) => name)
        .filter((name) => (sysctls[name] ?? Number.POSITIVE_INFINITY) > minor || sysctls[name] === undefined);
      return bad.length === 0 ? undefined : { reason: "forbidden sysctls", detail: bad.join(", ") };
    },
  },
  {
    id: "windowsHostProcess",
    find(pod) {
      const own = pod.spec.securityContext?.windowsOptions?.hostProcess === true;
      const bad = namesOf(pod, ({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true);
      if (!own && bad.length === 0) return undefined;
      return { reason: "hostProcess", detail: `${setters(own, bad)} must not set securityContext.windowsOptions.hostProcess=true` };
    },
  },
];

function forbiddenAppArmor(pod: PodShape): ReturnType<Check["find"]> {
  const isBad = (type: string | undefined): type is string => type !== undefined && !profiles.includes(type);
  const own = pod.spec.securityContext?.appArmorProfile?.type;
  const bad = namesOf(pod, ({ securityContext }) => isBad(securityContext?.appArmorProfile?.type));
  const types = [own, ...containersOf(pod).map(({ securityContext }) => securityContext?.appArmorProfile?.type)].filter(isBad);
  const annotations = Object.entries(pod.metadata?.annotations ?? {})
    .filter(([key, value]) => key.startsWith(APPARMOR_ANNOTATION) && value !== "" && value !== "runtime/default" && !value.startsWith("localhost/"))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort();
  const values = [...sorted(types), ...annotations];
  if (values.length === 0) return undefined;
  const who = [setters(isBad(own), bad), annotations.length === 0 ? "" : `annotation${annotations.length === 1 ? "" : "s"}`].filter((text) => text !== "").join(" and ");
  return { reason: `forbidden AppArmor profile${values.length === 1 ? "" : "s"}`, detail: `${who} must not set AppArmor profile type to ${quoted(values)}` };
}

function forbiddenSeLinux(pod: PodShape, minor: number): ReturnType<Check["find"]> {
  const allowed = minor >= 31 ? [...seLinuxTypes, "container_engine_t"] : seLinuxTypes;
  const isBadType = ({ type = "" }: SELinuxOptions): boolean => !allowed.includes(type);
  const isBad = (options: SELinuxOptions | undefined): options is SELinuxOptions =>
    options !== undefined && (isBadType(options) || (options.user ?? "") !== "" || (options.role ?? "") !== "");
  const own = pod.spec.securityContext?.seLinuxOptions;
  const bad = namesOf(pod, ({ securityContext }) => isBad(securityContext?.seLinuxOptions));
  if (!isBad(own) && bad.length === 0) return undefined;
  const all = [own, ...containersOf(pod).map(({ securityContext }) => securityContext?.seLinuxOptions)].filter(isBad);
  const types = sorted(all.filter(isBadType).map(({ type = "" }) => type));
  const data = [
    ...(types.length === 0 ? [] : [named("type", types)]),
    ...(all.some(({ user = "" }) => user !== "") ? ["user may not be set"] : []),
    ...(all.some(({ role = "" }) => role !== "") ? ["role may not be set"] : []),
  ];
  return { reason: "seLinuxOptions", detail: `${setters(isBad(own), bad)} set forbidden securityContext.seLinuxOptions: ${data.join("; ")}` };
}

function hostsOf({ livenessProbe, readinessProbe, startupProbe, lifecycle }: AnyContainer): readonly string[] {
  const handlers: readonly (Probe | LifecycleHandler | undefined)[] = [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop];
  return handlers.flatMap((handler) => [handler?.httpGet?.host ?? "", handler?.tcpSocket?.host ?? ""]).filter((host) => host !== "");
}
