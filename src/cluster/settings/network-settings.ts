import { cidrContains, parseCidr, parseIp } from "../../meta/ip.ts";
import { dnsSubdomainErrors } from "../../meta/text-rules.ts";
import { UserError } from "../user-error.ts";
import { number, type SettingGroup, text } from "./setting-group.ts";

/** Where the API server listens, and the addresses and names inside the cluster. */
export interface NetworkSettings {
  readonly apiPort: number;
  readonly bindAddress: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly clusterDomain: string;
  readonly loadBalancerPool: string;
}

export const networkSettings: SettingGroup<NetworkSettings> = {
  settings: {
    apiPort: number("PORT", "port of the API server", 6443),
    bindAddress: text("ADDRESS", "address the API server listens on", () => "0.0.0.0"),
    clusterCidr: text("CIDR", "addresses of pods", () => "10.42.0.0/16"),
    serviceCidr: text("CIDR", "addresses of services", () => "10.43.0.0/16"),
    clusterDomain: text("DOMAIN", "DNS domain of the cluster", () => "cluster.local"),
    loadBalancerPool: text("CIDR", "addresses given to services of type LoadBalancer (default the node's own)"),
  },
  check(settings) {
    if (settings.apiPort < 1 || settings.apiPort > 65_535) throw new UserError("--api-port must be between 1 and 65535");
    if (parseIp(settings.bindAddress) === undefined) throw new UserError(`--bind-address must be an IP address, not ${JSON.stringify(settings.bindAddress)}`);
    const pods = parseCidr(settings.clusterCidr);
    const services = parseCidr(settings.serviceCidr);
    if (pods === undefined || pods.address.family !== 4)
      throw new UserError(`--cluster-cidr must be an IPv4 range such as 10.42.0.0/16, not ${JSON.stringify(settings.clusterCidr)}`);
    if (services === undefined || services.address.family !== 4)
      throw new UserError(`--service-cidr must be an IPv4 range such as 10.43.0.0/16, not ${JSON.stringify(settings.serviceCidr)}`);
    if (pods.prefixLength > 24) throw new UserError("--cluster-cidr must have room for a /24 per node");
    if (services.prefixLength < 12 || services.prefixLength > 27) throw new UserError("--service-cidr must be between /12 and /27");
    if (cidrContains(pods, services.address) || cidrContains(services, pods.address)) throw new UserError("--cluster-cidr and --service-cidr overlap");
    const [problem] = dnsSubdomainErrors(settings.clusterDomain);
    if (problem !== undefined) throw new UserError(`--cluster-domain: ${problem}`);
  },
};
