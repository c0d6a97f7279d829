import type { MachineSettings } from "./machine-settings.ts";
import { UserError } from "../user-error.ts";
import { flag, type SettingGroup } from "./setting-group.ts";

/** How nodes come by their certificates. */
export interface NodeCertificateSettings {
  readonly rotateCertificates: boolean;
  readonly serverTlsBootstrap: boolean;
}

export const nodeCertificateSettings: SettingGroup<NodeCertificateSettings> = {
  settings: {
    rotateCertificates: flag("nodes ask for their client certificates by CertificateSigningRequest, and renew them in time"),
    serverTlsBootstrap: flag("the node asks for its serving certificate too; somebody has to approve it (kubectl certificate approve)"),
  },
};

/** The node's server is one for all simulated nodes, and a certificate asked for by a node is for that node alone. */
export function checkServingNode({ nodes, serverTlsBootstrap }: Pick<MachineSettings, "nodes"> & NodeCertificateSettings): void {
  if (serverTlsBootstrap && nodes > 1) throw new UserError("--server-tls-bootstrap is for one node", "leave --nodes out, or --server-tls-bootstrap");
}
