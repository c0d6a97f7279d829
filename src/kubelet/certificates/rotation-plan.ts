import { formatIp, parseIp } from "../../meta/ip.ts";
import type { NodeAddress } from "../../api/generated/types/core-v1.ts";
import type { CertificateFacts, RequestedNames } from "../../platform/certificates.ts";

/** PEM certificates, the node's own first, and the key of that. */
export interface CertificatePair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** When a certificate is asked for anew: after 70 to 90 % of its life. `share` is in [0, 1). @upstream client-go/util/certificate nextRotationDeadline */
export function rotateAtMs({ notBeforeMs, notAfterMs }: CertificateFacts, share: number): number {
  return notBeforeMs + (notAfterMs - notBeforeMs) * (0.7 + 0.2 * share);
}

/** Whether a certificate has everything that is asked for; it may have more. */
export function satisfies(facts: CertificateFacts, { commonName, dnsNames = [], ips = [] }: RequestedNames): boolean {
  return (commonName === undefined || commonName === facts.commonName) && dnsNames.every((name) => facts.dnsNames.includes(name)) && ips.every((ip) => facts.ips.includes(ip));
}

/** As whom a node speaks. */
export function clientNames(nodeName: string): RequestedNames {
  return { commonName: `system:node:${nodeName}`, organizations: ["system:nodes"] };
}

/** Under which names and addresses a node serves; undefined while it has no address. @upstream pkg/kubelet/certificate/kubelet.go addressesToHostnamesAndIPs */
export function servingNames(nodeName: string, addresses: readonly NodeAddress[]): RequestedNames | undefined {
  const dnsNames = new Set<string>();
  const ips = new Set<string>();
  for (const { type, address } of addresses) {
    const ip = parseIp(address);
    if (ip !== undefined) ips.add(formatIp(ip));
    else if (type === "Hostname" || type === "InternalDNS" || type === "ExternalDNS") dnsNames.add(address);
  }
  if (ips.size === 0) return undefined;
  return { ...clientNames(nodeName), dnsNames: [...dnsNames].sort(), ips: [...ips].sort() };
}

const firstRetryMs = 2000;
const longestRetryMs = 32_000;

/** How long to wait after so many failures in a row: 2 s, 4 s … 32 s, and up to a tenth more. */
export function retryMs(failures: number, share: number): number {
  return Math.min(firstRetryMs * 2 ** (failures - 1), longestRetryMs) * (1 + 0.1 * share);
}
