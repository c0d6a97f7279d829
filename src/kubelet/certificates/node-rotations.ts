import type { Node } from "../../api/generated/types/core-v1.ts";
import { CertificateRotation, type RotationDeps } from "./certificate-rotation.ts";
import { clientNames, servingNames } from "./rotation-plan.ts";

/** The certificate with which a node speaks to the API server. A key on an elliptic curve enciphers no other keys. */
export function clientRotation({ nodeName }: { readonly nodeName: string }, deps: Omit<RotationDeps, "names">): CertificateRotation {
  const names = clientNames(nodeName);
  return new CertificateRotation({ signerName: "kubernetes.io/kube-apiserver-client-kubelet", usages: ["digital signature", "client auth"] }, { ...deps, names: () => names });
}

/** The certificate that a node presents to those who speak to it: for the names and addresses that its status tells. */
export function servingRotation({ nodeName }: { readonly nodeName: string }, deps: Omit<RotationDeps, "names"> & { node(): Node | undefined }): CertificateRotation {
  return new CertificateRotation(
    { signerName: "kubernetes.io/kubelet-serving", usages: ["digital signature", "server auth"] },
    { ...deps, names: () => servingNames(nodeName, deps.node()?.status?.addresses ?? []) },
  );
}
