import type { IPAddress, ServiceCIDR } from "../../api/generated/types/networking-v1.ts";
import { type Cidr, cidrContains, parseCidr, parseIp } from "../../meta/ip.ts";

export const finalizer = "networking.k8s.io/service-cidr-finalizer";
/** How long servers may take to see that a range is going, and to stop giving its addresses away. */
export const graceMs = 10_000;

const rangesOf = ({ spec }: ServiceCIDR): readonly Cidr[] => (spec.cidrs ?? []).map(parseCidr).filter((cidr) => cidr !== undefined);

/** The ServiceCIDRs whose ranges an address lies in. */
export function holding(address: string, all: readonly ServiceCIDR[]): readonly ServiceCIDR[] {
  const ip = parseIp(address);
  return ip === undefined ? [] : all.filter((one) => rangesOf(one).some((range) => cidrContains(range, ip)));
}

/** Whether a range that is being deleted holds an address in use that no other range, which stays, holds as well. @upstream pkg/controller/servicecidrs canDeleteCIDR */
export function isNeeded(going: ServiceCIDR, all: readonly ServiceCIDR[], addresses: readonly IPAddress[]): boolean {
  const others = all.filter(({ metadata }) => metadata.name !== going.metadata.name && metadata.deletionTimestamp === undefined);
  return addresses.some(({ metadata: { name = "" } }) => holding(name, [going]).length > 0 && holding(name, others).length === 0);
}

/** Those whose ranges and this one's have addresses in common. */
export function overlapping(one: ServiceCIDR, all: readonly ServiceCIDR[]): readonly ServiceCIDR[] {
  const mine = rangesOf(one);
  return all.filter((other) => rangesOf(other).some((range) => mine.some((own) => cidrContains(own, range.address) || cidrContains(range, own.address))));
}
