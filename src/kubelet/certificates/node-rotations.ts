import type { Node } from "../../api/generated/types/core-v1.ts";
import { CertificateRotation, type RotationDeps } from "./certificate-rotation.ts";
import { clientNames, servingNames } from "./rotation-plan.ts";

export interface NodeRotationOptions {
  readonly nodeName: string;
  readonly authority?: string | undefined;
}

/** The certificate with which a node speaks to the API server. A key on an elliptic curve enciphers no other keys. */
export function clientRotation({ nodeName, authority }: NodeRotationOptions, deps: Omit<RotationDeps, "names">): CertificateRotation {
  const names = clientNames(nodeName);
  return new CertificateRotation(
    { signerName: "kubernetes.io/kube-apiserver-client-kubelet", usages: ["digital signature", "client auth"], authority },
    { ...deps, names: () => names },
  );
}

/** The certificate that a node presents to those who speak to it: for the names and addresses that its status tells. */
export function servingRotation({ nodeName, authority }: NodeRotationOptions, deps: Omit<RotationDeps, "names"> & { node(): Node | undefined }): CertificateRotation {
  return new CertificateRotation(
    { signerName: "kubernetes.io/kubelet-serving", usages: ["digital signature", "server auth"], authority },
    { ...deps, names: () => servingNames(nodeName, deps.node()?.status?.addresses ?? []) },
  );
}
