import type { CertificateSigningRequest } from "../../api/generated/types/certificates-v1.ts";
import type { KubeObject } from "../../meta/object.ts";
import { forbidden, type StatusError } from "../../meta/status-error.ts";
import { nodeOf } from "../authz/node-identity.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { isAbout } from "./new-pod.ts";

const CLIENT = "kubernetes.io/kube-apiserver-client";
const nodeSigners = new Set(["kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet"]);

/** Reads a PKCS #10 request in PEM; undefined when it is none. */
export type DescribeRequest = (pem: string) => Promise<{ readonly commonName: string; readonly organizations: readonly string[] } | undefined>;

/**
 * Nobody asks for a certificate of the group that may do everything, and a kubelet only for its own.
 * @upstream plugin/pkg/admission/certificates/subjectrestriction, plugin/pkg/admission/noderestriction
 */
export function certificateSubjectRestriction(describe: DescribeRequest): AdmissionPlugin {
  const check = async (request: AdmissionRequest): Promise<void> => {
    const { signerName, request: encoded } = (request.object as KubeObject as CertificateSigningRequest).spec;
    const isNodes = nodeOf(request.user) !== undefined && nodeSigners.has(signerName);
    if (signerName !== CLIENT && !isNodes) return;
    const refuse = (why: string): StatusError => forbidden({ ...request.served.resource, name: request.name }, why);
    const subject = await describe(atob(encoded));
    if (subject === undefined) throw refuse("unable to parse csr: PEM block type must be CERTIFICATE REQUEST");
    if (signerName === CLIENT && subject.organizations.includes("system:masters")) throw refuse(`use of ${CLIENT} signer with system:masters group is not allowed`);
    if (isNodes && subject.commonName !== request.user.name) throw refuse(`can only create a node CSR with CN=${request.user.name}`);
  };
  return {
    name: "CertificateSubjectRestriction",
    validate(request) {
      return request.operation === "CREATE" && isAbout(request, "certificates.k8s.io", "certificatesigningrequests") ? check(request) : undefined;
    },
  };
}
