/** What the agent is told, in order: first how to get the host ready, then whom to serve, at last to stop. */
export type ToAgent =
  | { readonly type: "prepare"; readonly host: HostConfig }
  | { readonly type: "join"; readonly cluster: ClusterConfig }
  /** Certificates that take the place of those that the agent has. */
  | { readonly type: "certificates"; readonly certificates: AgentCertificates }
  /** `keepPods`: the node goes on as it is, only the agent ends. */
  | { readonly type: "stop"; readonly keepPods: boolean };

export type FromAgent =
  | { readonly type: "stage"; readonly name: string }
  | { readonly type: "prepared"; readonly containerd?: ContainerdPlace | undefined }
  | { readonly type: "ready" }
  | { readonly type: "stopped" }
  | { readonly type: "failed"; readonly message: string; readonly remedy?: string | undefined };

/** How other commands reach the node's containerd. */
export interface ContainerdPlace {
  readonly socket: string;
  readonly ctr: string;
  readonly snapshotter: string;
}

export interface HostConfig {
  readonly dataDir: string;
  /** Short and particular to this cluster: names of links, tables and control groups end with it. */
  readonly instance: string;
  readonly runtime: "containerd" | "simulated";
  readonly mirrors: Readonly<Record<string, readonly string[]>>;
  readonly logLevel: "debug" | "info" | "warn" | "error";
}

/** PEM certificate and key. */
export interface NodeIdentity {
  readonly certificate: string;
  readonly privateKey: string;
}

/** As whom the agent speaks, and what it shows to those who speak to it. */
export interface AgentCertificates {
  readonly nodes: readonly { readonly name: string; readonly identity: NodeIdentity }[];
  /** Service proxy and DNS speak as system:kube-proxy, which may read services and endpoints. */
  readonly proxy: NodeIdentity;
  /** What the node agent's own server presents: valid for every node's name. */
  readonly serving: NodeIdentity;
}

export interface ClusterConfig extends AgentCertificates {
  readonly apiUrl: string;
  readonly ca: string;
  readonly nodeIp: string;
  readonly kubeletPort: number;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly clusterDns: string;
  readonly clusterDomain: string;
  readonly version: string;
  readonly requestedCertificates: RequestedCertificates;
}

/** What nodes ask for by CertificateSigningRequest, instead of using what they are given. */
export interface RequestedCertificates {
  /** Where they are kept, a folder for each node in it. */
  readonly directory: string;
  readonly client: boolean;
  readonly serving: boolean;
}
