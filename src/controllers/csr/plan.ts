import type { CertificateSigningRequest } from "../../api/generated/types/certificates-v1.ts";
import { findCondition } from "../conditions.ts";
import type { RequestDetails } from "./authority.ts";

const clientSigner = "kubernetes.io/kube-apiserver-client";
const kubeletClientSigner = "kubernetes.io/kube-apiserver-client-kubelet";
const kubeletServingSigner = "kubernetes.io/kubelet-serving";
const legacySigner = "kubernetes.io/legacy-unknown";
const nodeGroup = "system:nodes";
const nodePrefix = "system:node:";

const hour = 3_600_000;

export const hasCondition = ({ status }: CertificateSigningRequest, type: string): boolean => findCondition(status?.conditions, type)?.status === "True";

/** The approval that somebody may ask for without a human: which permission it takes, and what is written then. */
export interface Recognizer {
  readonly subresource: "selfnodeclient" | "nodeclient";
  readonly message: string;
}

/** Whether a request is a kubelet's for its client certificate, and by which right. @upstream pkg/controller/certificates/approver/sarapprove.go */
export function recognize(csr: CertificateSigningRequest, details: RequestDetails): Recognizer | undefined {
  if (csr.spec.signerName !== kubeletClientSigner || kubeletClientFault(csr, details) !== undefined) return undefined;
  if (csr.spec.username === details.commonName) {
    return { subresource: "selfnodeclient", message: "Auto approving self kubelet client certificate after SubjectAccessReview." };
  }
  return { subresource: "nodeclient", message: "Auto approving kubelet client certificate after SubjectAccessReview." };
}

const ownSigners: ReadonlySet<string> = new Set([clientSigner, kubeletClientSigner, kubeletServingSigner, legacySigner]);

/** Whether one of Kubernetes' own signers is named: all others are somebody else's, whatever they ask for. */
export const isForOwnSigner = ({ spec: { signerName } }: CertificateSigningRequest): boolean => ownSigners.has(signerName);

/** Why a built-in signer must not sign an approved request; undefined when it may. @upstream pkg/controller/certificates/signer/signer.go */
export function signingFault(csr: CertificateSigningRequest, details: RequestDetails): string | undefined {
  switch (csr.spec.signerName) {
    case clientSigner:
      return usageFault(csr, ["client auth"], ["digital signature", "key encipherment", "client auth"]);
    case kubeletClientSigner:
      return kubeletClientFault(csr, details);
    case kubeletServingSigner:
      return kubeletServingFault(csr, details);
    default:
      return undefined;
  }
}

function kubeletClientFault(csr: CertificateSigningRequest, details: RequestDetails): string | undefined {
  const { dnsNames, ips, emails, uris } = details;
  if (!isNodeSubject(details)) return nodeSubjectFault(details);
  if (dnsNames.length > 0) return "DNS subjectAltNames are not allowed";
  if (emails.length > 0) return "Email subjectAltNames are not allowed";
  if (ips.length > 0) return "IP subjectAltNames are not allowed";
  if (uris.length > 0) return "URI subjectAltNames are not allowed";
  return usageFault(csr, ["digital signature", "client auth"], ["digital signature", "key encipherment", "client auth"]);
}

function kubeletServingFault(csr: CertificateSigningRequest, details: RequestDetails): string | undefined {
  const { dnsNames, ips, emails, uris } = details;
  if (!isNodeSubject(details)) return nodeSubjectFault(details);
  if (dnsNames.length + ips.length === 0) return "DNS or IP subjectAltName is required";
  if (emails.length > 0) return "Email subjectAltNames are not allowed";
  if (uris.length > 0) return "URI subjectAltNames are not allowed";
  return usageFault(csr, ["digital signature", "server auth"], ["digital signature", "key encipherment", "server auth"]);
}

const isNodeSubject = ({ organizations, commonName }: RequestDetails): boolean => organizations.length === 1 && organizations[0] === nodeGroup && commonName.startsWith(nodePrefix);

function nodeSubjectFault({ organizations }: RequestDetails): string {
  return organizations.length === 1 && organizations[0] === nodeGroup ? "subject common name does not begin with system:node:" : "subject organization is not system:nodes";
}

function usageFault({ spec: { usages = [] } }: CertificateSigningRequest, needed: readonly string[], allowed: readonly string[]): string | undefined {
  const missing = needed.filter((usage) => !usages.includes(usage));
  const extra = usages.filter((usage) => !allowed.includes(usage));
  return missing.length + extra.length === 0 ? undefined : `usages did not match ${JSON.stringify(allowed)}`;
}

/** How long a certificate lives: as asked, at least ten minutes, at most `maxMs`. */
export function lifetimeMs({ spec: { expirationSeconds } }: CertificateSigningRequest, maxMs: number): number {
  return expirationSeconds === undefined ? maxMs : Math.max(600_000, Math.min(maxMs, expirationSeconds * 1000));
}

/** Requests that nobody will come back for: unanswered for a day, answered for an hour. @upstream pkg/controller/certificates/cleaner */
export function isStale(csr: CertificateSigningRequest, nowMs: number): boolean {
  const { conditions = [], certificate = "" } = csr.status ?? {};
  const since = (text: string | undefined): number => (text === undefined ? 0 : nowMs - Date.parse(text));
  if (conditions.length === 0) return since(csr.metadata.creationTimestamp) > 24 * hour;
  const done = conditions.filter(({ type }) => type === "Denied" || type === "Failed" || (type === "Approved" && certificate !== ""));
  return done.some(({ lastUpdateTime }) => since(lastUpdateTime) > hour);
}
