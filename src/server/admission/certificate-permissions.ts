import type { CertificateSigningRequest } from "../../api/generated/types/certificates-v1.ts";
import type { ClusterTrustBundle, PodCertificateRequest } from "../../api/generated/types/certificates-v1beta1.ts";
import { deepEqual } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import { forbidden } from "../../meta/status-error.ts";
import type { Authorizer } from "../authz/authorizer.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";

const GROUP = "certificates.k8s.io";

/**
 * Whoever approves a request, or signs it, or says by which certificates a signer is known, must be allowed to for that
 * signer. @upstream plugin/pkg/admission/certificates/{approval,signing,ctbattest}
 */
export function certificatePermissions(deps: { readonly authorizer: Authorizer }): AdmissionPlugin {
  const may = async ({ user }: AdmissionRequest, verb: string, signer: string): Promise<boolean> => {
    // `example.com/one` is also meant by `example.com/*`.
    for (const name of [signer, `${signer.split("/")[0] ?? ""}/*`]) {
      const attributes = { user, verb, group: GROUP, version: "*", resource: "signers", subresource: "", namespace: "", name, path: "", isResource: true };
      if ((await deps.authorizer.authorize(attributes)).verdict === "allow") return true;
    }
    return false;
  };
  const mayAttest = async (request: AdmissionRequest): Promise<void> => {
    if (request.operation !== "CREATE" && request.operation !== "UPDATE") return;
    const { spec } = request.object as KubeObject as ClusterTrustBundle;
    const { signerName = "", trustBundle } = spec;
    const old = (request.previous as ClusterTrustBundle | undefined)?.spec;
    if (signerName === "" || (old !== undefined && old.signerName === signerName && old.trustBundle === trustBundle)) return;
    if (!(await may(request, "attest", signerName)))
      throw forbidden({ ...request.served.resource, name: request.name }, `user not permitted to attest for signerName ${JSON.stringify(signerName)}`);
  };
  const maySign = async (request: AdmissionRequest): Promise<void> => {
    if (request.operation !== "UPDATE" || request.subresource !== "status") return;
    const { signerName } = (request.previous as PodCertificateRequest).spec;
    if (!(await may(request, "sign", signerName)))
      throw forbidden({ ...request.served.resource, name: request.name }, `user not permitted to sign PodCertificateRequests with signerName ${JSON.stringify(signerName)}`);
  };
  const mayDecide = async (request: AdmissionRequest): Promise<void> => {
    const { served, subresource, operation } = request;
    if (operation !== "UPDATE") return;
    const next = request.object as KubeObject as CertificateSigningRequest;
    const old = request.previous as CertificateSigningRequest;
    const refuse = (what: string): Error =>
      forbidden({ ...served.resource, name: request.name }, `user not permitted to ${what} requests with signerName ${JSON.stringify(old.spec.signerName)}`);
    if (subresource === "approval" && !(await may(request, "approve", old.spec.signerName))) throw refuse("approve");
    // Who reports only how it goes need not be able to sign.
    const isSigning = subresource === "status" && (next.status?.certificate !== old.status?.certificate || !deepEqual(next.status?.conditions ?? [], old.status?.conditions ?? []));
    if (isSigning && !(await may(request, "sign", old.spec.signerName))) throw refuse("sign");
  };
  return {
    name: "CertificatePermissions",
    validate(request) {
      const { group, resource } = request.served.resource;
      if (group !== GROUP) return undefined;
      if (resource === "clustertrustbundles") return mayAttest(request);
      if (resource === "podcertificaterequests") return maySign(request);
      return resource === "certificatesigningrequests" ? mayDecide(request) : undefined;
    },
  };
}
