import { clone, deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateConditions } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { podCertificateRequests } from "../generated/resources.ts";
import type { PodCertificateRequest, PodCertificateRequestSpec, PodCertificateRequestStatus } from "../generated/types/certificates-v1beta1.ts";
import { kind } from "../kind.ts";
import { isDerSequence, pemBlocks } from "./pem-blocks.ts";
import { validateSignerName } from "./signer-name.ts";

const spec = new FieldPath("spec");
const status = new FieldPath("status");
const MIN_SECONDS = 3600;
const MAX_SECONDS = 91 * 86_400;
/** Kubernetes' own signers give no more than a day. */
const MAX_OWN_SECONDS = 86_400;
const MOST_REQUEST_BYTES = 10 * 1024;
const verdicts = ["Issued", "Denied", "Failed"];
const required = ["podName", "podUID", "serviceAccountName", "serviceAccountUID", "nodeName", "nodeUID"] as const;

/** A kubelet's request for a pod's certificate. @upstream pkg/registry/certificates/podcertificaterequest/strategy.go */
export const podCertificateRequestKind = kind<PodCertificateRequest>({
  resource: podCertificateRequests,
  shortNames: ["pcr"],
  generation: "none",
  defaults(draft) {
    draft.spec ??= { signerName: "", podName: "", podUID: "", serviceAccountName: "", serviceAccountUID: "", nodeName: "", nodeUID: "", stubPKCS10Request: "" };
    draft.spec.maxExpirationSeconds ??= MAX_OWN_SECONDS;
    draft.status ??= {};
  },
  prepareUpdate(draft, previous) {
    draft.spec = clone(previous.spec);
  },
  validate: (request) => validateSpec(request.spec),
  validateStatusUpdate: (next, previous) => validateStatus(next, previous),
  columns: [
    nameColumn,
    { name: "PodName", type: "string", value: (request) => request.spec.podName },
    { name: "ServiceAccountName", type: "string", value: (request) => request.spec.serviceAccountName },
    { name: "NodeName", type: "string", value: (request) => request.spec.nodeName },
    { name: "SignerName", type: "string", value: (request) => request.spec.signerName },
    { name: "State", type: "string", value: (request) => verdictOf(request.status)?.type ?? "Pending" },
    ageColumn,
  ],
  fieldSelectors: {
    "spec.signerName": (request) => request.spec.signerName,
    "spec.podName": (request) => request.spec.podName,
    "spec.nodeName": (request) => request.spec.nodeName,
  },
  indexedFields: ["spec.nodeName"],
});

const verdictOf = (of: PodCertificateRequestStatus | undefined) => of?.conditions?.find(({ type }) => verdicts.includes(type));

/** @upstream pkg/apis/certificates/validation/validation.go ValidatePodCertificateRequestCreate */
function* validateSpec(of: Partial<PodCertificateRequestSpec>): Iterable<FieldError> {
  yield* validateSignerName(spec.child("signerName"), of.signerName);
  for (const field of required) if ((of[field] ?? "") === "") yield spec.child(field).required();
  const { maxExpirationSeconds: seconds = 0, stubPKCS10Request: request = "", signerName = "" } = of;
  const most = signerName.startsWith("kubernetes.io/") ? MAX_OWN_SECONDS : MAX_SECONDS;
  if (seconds < MIN_SECONDS || seconds > most) yield spec.child("maxExpirationSeconds").invalid(seconds, `must be in the range [${MIN_SECONDS}, ${most}]`);
  const path = spec.child("stubPKCS10Request");
  if (request === "") yield path.required();
  else if (request.length > (MOST_REQUEST_BYTES * 4) / 3 + 4) yield path.tooLong(MOST_REQUEST_BYTES);
  else if (!isDerText(request)) yield path.invalid("<value omitted>", "must be a PKCS#10 certificate signing request in DER");
}

function isDerText(base64: string): boolean {
  try {
    return isDerSequence(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
  } catch {
    return false;
  }
}

/** One verdict for ever; a certificate with its times comes with the verdict Issued and no other. @upstream ValidatePodCertificateRequestStatusUpdate */
function* validateStatus(next: PodCertificateRequest, previous: PodCertificateRequest): Iterable<FieldError> {
  const { conditions = [], certificateChain = "", notBefore, notAfter, beginRefreshAt } = next.status ?? {};
  yield* validateConditions(conditions, status.child("conditions"));
  const found = conditions.filter(({ type }) => verdicts.includes(type));
  for (const [index, { type, status: is }] of conditions.entries()) {
    const at = status.child("conditions").index(index);
    if (!verdicts.includes(type)) yield at.child("type").notSupported(type, verdicts);
    else if (is !== "True") yield at.child("status").notSupported(is, ["True"]);
  }
  if (found.length > 1) yield status.child("conditions").invalid("<value omitted>", 'there may be at most one condition with type "Issued", "Denied", or "Failed"');
  if (verdictOf(previous.status) !== undefined && !deepEqual(next.status, previous.status)) {
    yield status.forbidden("immutable after PodCertificateRequest is issued, denied, or failed");
    return;
  }
  const isIssued = found[0]?.type === "Issued";
  const fields = { certificateChain, notBefore, notAfter, beginRefreshAt };
  for (const [name, value] of Object.entries(fields)) {
    const isSet = value !== undefined && value !== "";
    if (isIssued && !isSet) yield status.child(name).required("must be set when the request is issued");
    if (!isIssued && isSet) yield status.child(name).forbidden("only for requests that are issued");
  }
  if (!isIssued) return;
  const [from, until, refresh] = [notBefore, notAfter, beginRefreshAt].map((time) => Date.parse(time ?? ""));
  if (from === undefined || until === undefined || refresh === undefined) return;
  if (from >= until) yield status.child("notBefore").invalid(notBefore, "must be before notAfter");
  if (refresh <= from || refresh >= until) yield status.child("beginRefreshAt").invalid(beginRefreshAt, "must be between notBefore and notAfter");
  if (until - from > (next.spec.maxExpirationSeconds ?? 0) * 1000 + 300_000) yield status.child("notAfter").invalid(notAfter, "lasts longer than spec.maxExpirationSeconds");
  const blocks = pemBlocks(certificateChain);
  if (typeof blocks === "string") yield status.child("certificateChain").invalid("<value omitted>", blocks);
  else if (blocks.length === 0 || blocks.some(({ type, der }) => type !== "CERTIFICATE" || !isDerSequence(der)))
    yield status.child("certificateChain").invalid("<value omitted>", "must be certificates in PEM");
}
