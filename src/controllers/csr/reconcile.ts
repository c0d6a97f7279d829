import { certificateSigningRequests, subjectAccessReviews } from "../../api/generated/resources.ts";
import type { CertificateSigningRequest } from "../../api/generated/types/certificates-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { enqueueSelf, LateQueue } from "../enqueue.ts";
import type { CertificateAuthority } from "./authority.ts";
import { hasCondition, isForOwnSigner, isStale, lifetimeMs, recognize, signingFault } from "./plan.ts";

const cleanKey = "clean";
const cleanPeriodMs = 3_600_000;
const backdateMs = 5 * 60_000;
const yearMs = 365 * 24 * 3_600_000;

/** Removes certificate requests that have been answered, or never will be. @upstream pkg/controller/certificates/cleaner */
export function csrCleaner(deps: ControllerDeps): Controller {
  const requests = deps.informers.informer(certificateSigningRequests);
  const late = new LateQueue();

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    late.addAfter(key, cleanPeriodMs);
    for (const csr of requests.lister.list()) {
      if (!isStale(csr, deps.clock.now())) continue;
      await deps.client.delete(certificateSigningRequests, csr.metadata.name ?? "", { signal, preconditions: { uid: csr.metadata.uid ?? "" } }).catch((error: unknown) => {
        if (!hasReason(error, "NotFound")) throw error;
      });
    }
  }

  function setup(queue: Enqueue): void {
    late.bind(queue);
    queue.addAfter(cleanKey, 0);
  }

  return { name: "certificatesigningrequest-cleaner", setup, reconcile };
}

/** Approves kubelets' requests for client certificates when they have the right to ask. @upstream pkg/controller/certificates/approver */
export function csrApprover(deps: ControllerDeps, { authority }: { readonly authority: CertificateAuthority }): Controller {
  const requests = deps.informers.informer(certificateSigningRequests);

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const csr = requests.lister.get(key);
    if (csr === undefined || (csr.status?.certificate ?? "") !== "" || hasCondition(csr, "Approved") || hasCondition(csr, "Denied")) return;
    const details = await authority.describe(requestText(csr));
    const recognized = details === undefined ? undefined : recognize(csr, details);
    if (recognized === undefined || !(await mayAsk(csr, recognized.subresource, signal))) return;
    const now = rfc3339(deps.clock.now());
    const condition = { type: "Approved", status: "True", reason: "AutoApproved", message: recognized.message, lastUpdateTime: now, lastTransitionTime: now };
    const status = { ...csr.status, conditions: [...(csr.status?.conditions ?? []), condition] };
    await deps.client.update(certificateSigningRequests, { ...csr, status }, { subresource: "approval", signal });
  }

  async function mayAsk({ spec }: CertificateSigningRequest, subresource: string, signal: AbortSignal): Promise<boolean> {
    const resourceAttributes = { group: "certificates.k8s.io", resource: "certificatesigningrequests", verb: "create", subresource, version: "*" };
    const review = { metadata: {}, spec: { user: spec.username, uid: spec.uid, groups: spec.groups, extra: spec.extra, resourceAttributes } };
    return (await deps.client.create(subjectAccessReviews, review, { signal })).status?.allowed === true;
  }

  return { name: "certificatesigningrequest-approver", setup: (queue) => enqueueSelf(queue, requests), reconcile };
}

export interface CsrSignerOptions {
  readonly authority: CertificateAuthority;
  /** The longest life of a certificate; a year when absent. */
  readonly durationMs?: number;
}

/** Signs approved requests that name one of Kubernetes' own signers. @upstream pkg/controller/certificates/signer */
export function csrSigner(deps: ControllerDeps, { authority, durationMs = yearMs }: CsrSignerOptions): Controller {
  const requests = deps.informers.informer(certificateSigningRequests);

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const csr = requests.lister.get(key);
    if (csr === undefined || !hasCondition(csr, "Approved") || hasCondition(csr, "Denied") || hasCondition(csr, "Failed") || (csr.status?.certificate ?? "") !== "") return;
    if (!isForOwnSigner(csr)) return;
    const details = await authority.describe(requestText(csr));
    const fault = details === undefined ? "unable to parse the certificate request" : signingFault(csr, details);
    const nowMs = deps.clock.now();
    const write = (status: CertificateSigningRequest["status"]): Promise<unknown> =>
      deps.client.update(certificateSigningRequests, { ...csr, status: { ...csr.status, ...status } }, { subresource: "status", signal });
    if (fault !== undefined) {
      const now = rfc3339(nowMs);
      const condition = { type: "Failed", status: "True", reason: "SignerValidationFailure", message: fault, lastUpdateTime: now, lastTransitionTime: now };
      await write({ conditions: [...(csr.status?.conditions ?? []), condition] });
      return;
    }
    const certificate = await authority.sign(requestText(csr), { usages: csr.spec.usages ?? [], notBeforeMs: nowMs - backdateMs, notAfterMs: nowMs + lifetimeMs(csr, durationMs) });
    await write({ certificate: btoa(certificate) });
  }

  return { name: "certificatesigningrequest-signer", setup: (queue) => enqueueSelf(queue, requests), reconcile };
}

/** The PEM that spec.request carries in base64. */
function requestText({ spec: { request } }: CertificateSigningRequest): string {
  try {
    return atob(request);
  } catch {
    return "";
  }
}
