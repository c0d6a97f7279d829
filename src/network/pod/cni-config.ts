/** What the CNI plugins need to know to give this node's pods their addresses. */
export interface CniConfigOptions {
  /** The bridge's link name, at most 15 characters; also the CNI network's name. */
  readonly bridge: string;
  /** This node's range: `10.244.1.0/24`. */
  readonly podCidr: string;
  /** Where host-local keeps its leases, in a folder of the network's name. */
  readonly leasesDir: string;
  /** Bytes; the plugin's choice when absent. */
  readonly mtu?: number | undefined;
}

/**
 * The conflist: a bridge that is the pods' gateway, addresses from the node's range, host ports. Masquerading stays with
 * the service proxy, which alone knows the whole cluster's range.
 */
export function cniConfig({ bridge, podCidr, leasesDir, mtu }: CniConfigOptions): string {
  const config = {
    cniVersion: "1.0.0",
    name: bridge,
    plugins: [
      {
        type: "bridge",
        bridge,
        isGateway: true,
        // A bridge left by a cluster with another range gets the new gateway address instead of failing every pod.
        forceAddress: true,
        ipMasq: false,
        hairpinMode: true,
        promiscMode: false,
        ...(mtu === undefined ? {} : { mtu }),
        ipam: { type: "host-local", dataDir: leasesDir, ranges: [[{ subnet: podCidr }]], routes: [{ dst: "0.0.0.0/0" }] },
      },
      { type: "portmap", capabilities: { portMappings: true }, snat: true },
    ],
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
