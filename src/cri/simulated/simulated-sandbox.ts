import type { PodSandbox, PodSandboxConfig, PodSandboxStatus } from "../generated/cri-v1.ts";

/** A sandbox on paper. */
export interface SimulatedSandbox {
  readonly id: string;
  readonly config: PodSandboxConfig;
  readonly runtimeHandler: string;
  readonly createdAt: number;
  /** The first is the pod's own; none on the host's network. */
  readonly addresses: readonly string[];
  readonly containers: Set<string>;
  /** PERF: as listed; made again only when the state changes, so that listing allocates nothing. */
  record: PodSandbox;
}

export function sandboxRecord(sandbox: Omit<SimulatedSandbox, "record">, state: "SANDBOX_READY" | "SANDBOX_NOTREADY"): PodSandbox {
  const { id, config, createdAt, runtimeHandler } = sandbox;
  return { id, metadata: config.metadata, state, createdAt, labels: config.labels ?? {}, annotations: config.annotations ?? {}, runtimeHandler };
}

export function sandboxStatus(sandbox: SimulatedSandbox): PodSandboxStatus {
  const [ip = "", ...others] = sandbox.addresses;
  return {
    ...sandbox.record,
    network: { ip, additionalIps: others.map((other) => ({ ip: other })) },
    linux: { namespaces: { options: sandbox.config.linux?.securityContext?.namespaceOptions ?? {} } },
  };
}

/** One sandbox may bear these metadata at a time. */
export const sandboxName = ({ metadata }: PodSandboxConfig): string => [metadata?.name, metadata?.namespace, metadata?.uid, metadata?.attempt ?? 0].join("_");

/** Every label that is asked for is there with its value. */
export function matchesLabels(labels: { readonly [key: string]: string } | undefined, selector: { readonly [key: string]: string } | undefined): boolean {
  if (selector === undefined) return true;
  for (const key in selector) if (labels?.[key] !== selector[key]) return false;
  return true;
}
