import type { Endpoint, EndpointSlice } from "../../api/generated/types/discovery-v1.ts";

/** Where a connection can be sent. */
export interface Backend {
  readonly ip: string;
  readonly port: number;
  readonly local: boolean;
}

/** The endpoints of one service port by the use that may be made of them; see `chooseBackends`. */
export interface Backends {
  /** For traffic that may go to any node. */
  readonly cluster: readonly Backend[];
  /** For traffic that must stay on this node. */
  readonly local: readonly Backend[];
  /** Whether there is any at all, here or elsewhere: decides between refusing and dropping. */
  readonly any: boolean;
}

interface Candidate extends Backend {
  readonly ready: boolean;
  readonly servingTerminating: boolean;
}

/**
 * Ready endpoints; where there is none, those that still serve while they terminate. The choice is made once for the
 * whole cluster and once for this node. @upstream pkg/proxy/topology.go
 */
export function chooseBackends(slices: Iterable<EndpointSlice>, portName: string, protocol: string, nodeName: string): Backends {
  const candidates = collect(slices, portName, protocol, nodeName);
  const best = (from: readonly Candidate[]): readonly Candidate[] => {
    const ready = from.filter((candidate) => candidate.ready);
    return ready.length > 0 ? ready : from.filter((candidate) => candidate.servingTerminating);
  };
  const cluster = best(candidates);
  return { cluster, local: best(candidates.filter((candidate) => candidate.local)), any: cluster.length > 0 };
}

function collect(slices: Iterable<EndpointSlice>, portName: string, protocol: string, nodeName: string): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    if (slice.addressType !== "IPv4") continue;
    for (const slicePort of slice.ports ?? []) {
      if ((slicePort.name ?? "") !== portName || (slicePort.protocol ?? "TCP") !== protocol || slicePort.port === undefined) continue;
      for (const endpoint of slice.endpoints ?? []) {
        const ip = endpoint.addresses[0];
        if (ip === undefined) continue;
        const key = `${ip}:${slicePort.port}`;
        const candidate = { ip, port: slicePort.port, local: endpoint.nodeName === nodeName, ...conditions(endpoint) };
        // While an address moves between slices both name it for a moment: the one that can be used counts.
        const known = found.get(key);
        if (known === undefined || (!known.ready && candidate.ready)) found.set(key, candidate);
      }
    }
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, candidate]) => candidate);
}

/** Absent means ready, serving and not terminating. */
function conditions({ conditions: told }: Endpoint): { readonly ready: boolean; readonly servingTerminating: boolean } {
  const ready = told?.ready ?? true;
  return { ready, servingTerminating: (told?.serving ?? ready) && (told?.terminating ?? false) };
}
