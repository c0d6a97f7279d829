import type { ServiceCIDR } from "../../api/generated/types/networking-v1.ts";
import { type Cidr, cidrContains, formatCidr, type IpAddress, networkOf, parseCidr } from "../../meta/ip.ts";
import type { StateCache } from "../cache/state-cache.ts";

const RANGES = "/registry/servicecidrs/";
/** The range that the server itself was given, and the object that stands for it. */
const DEFAULT = "kubernetes";

/** Where cluster IPs come from, the server's own range first. */
export interface ServiceRanges {
  all(): readonly Cidr[];
  contains(address: IpAddress): boolean;
  /** `10.43.0.0/16, 10.99.0.0/24` */
  text(): string;
}

/**
 * The ranges of all ServiceCIDRs that are ready and not going away. The server's own counts from the first moment, before
 * anybody has called it ready; the first family is the cluster's only one. @upstream pkg/registry/core/service/ipallocator/cidrallocator.go
 */
export function serviceRanges(own: Cidr, cache: StateCache): ServiceRanges {
  const ranges = cache.resource(RANGES);
  const parsed = new WeakMap<ServiceCIDR, readonly Cidr[]>();
  const cidrsOf = (object: ServiceCIDR): readonly Cidr[] => {
    const known = parsed.get(object) ?? (object.spec.cidrs ?? []).map(parseCidr).filter((cidr) => cidr !== undefined);
    parsed.set(object, known);
    return known;
  };
  const all = (): readonly Cidr[] => {
    const found = new Map<string, Cidr>();
    const objects = [...ranges.range(RANGES)].map(([, entry]) => entry.object as ServiceCIDR);
    const isOwnGone = objects.some((object) => object.metadata.name === DEFAULT && object.metadata.deletionTimestamp !== undefined);
    if (!isOwnGone) found.set(formatCidr(own), own);
    for (const object of objects)
      if (isReady(object)) for (const cidr of cidrsOf(object)) if (cidr.address.family === networkOf(own).family) found.set(formatCidr(cidr), found.get(formatCidr(cidr)) ?? cidr);
    return [...found.values()];
  };
  return {
    all,
    contains: (address) => all().some((cidr) => cidrContains(cidr, address)),
    text: () => all().map(formatCidr).join(", "),
  };
}

function isReady({ metadata, status }: ServiceCIDR): boolean {
  return metadata.deletionTimestamp === undefined && status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
}
