import type { Pod } from "../../api/generated/types/core-v1.ts";

const longestHostname = 63;

/** A pod's name inside, and its domain when it has a subdomain. @upstream pkg/kubelet/kubelet_pods.go GeneratePodHostNameAndDomain */
export function podHostname(pod: Pod, clusterDomain: string): { readonly hostname: string; readonly domain: string } {
  const override = pod.spec.hostnameOverride;
  if (override !== undefined && override !== "") return { hostname: override, domain: "" };
  const wanted = pod.spec.hostname === undefined || pod.spec.hostname === "" ? (pod.metadata.name ?? "") : pod.spec.hostname;
  const hostname = wanted.slice(0, longestHostname).replace(/[-.]+$/, "");
  const subdomain = pod.spec.subdomain ?? "";
  return { hostname, domain: subdomain === "" ? "" : `${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` };
}

/** The name the kernel is given: with the domain when the pod asks for it. */
export function kernelHostname(pod: Pod, clusterDomain: string): string {
  const { hostname, domain } = podHostname(pod, clusterDomain);
  return pod.spec.setHostnameAsFQDN === true && domain !== "" ? `${hostname}.${domain}` : hostname;
}

/** The managed `/etc/hosts`. `hostContent` is the host's own, for pods on its network. @upstream pkg/kubelet/kubelet_pods.go */
export function hostsFile(pod: Pod, options: { readonly podIPs: readonly string[]; readonly clusterDomain: string; readonly hostContent: string }): string {
  const { hostname, domain } = podHostname(pod, options.clusterDomain);
  const own =
    pod.spec.hostNetwork === true
      ? `# Kubernetes-managed hosts file (host network).\n${options.hostContent}`
      : [
          "# Kubernetes-managed hosts file.",
          "127.0.0.1\tlocalhost",
          "::1\tlocalhost ip6-localhost ip6-loopback",
          "fe00::0\tip6-localnet",
          "fe00::0\tip6-mcastprefix",
          "fe00::1\tip6-allnodes",
          "fe00::2\tip6-allrouters",
          ...options.podIPs.map((ip) => (domain === "" ? `${ip}\t${hostname}` : `${ip}\t${hostname}.${domain}\t${hostname}`)),
          "",
        ].join("\n");
  const aliases = pod.spec.hostAliases ?? [];
  if (aliases.length === 0) return own;
  return `${own}\n# Entries added by HostAliases.\n${aliases.map(({ ip, hostnames }) => `${ip}\t${(hostnames ?? []).join("\t")}\n`).join("")}`;
}
