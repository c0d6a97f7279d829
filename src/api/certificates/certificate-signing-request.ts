import { clone } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import { humanDuration } from "../../meta/human-duration.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { decodeBase64 } from "../base64.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { certificateSigningRequests } from "../generated/resources.ts";
import type { CertificateSigningRequest, CertificateSigningRequestSpec, CertificateSigningRequestStatus } from "../generated/types/certificates-v1.ts";
import { kind } from "../kind.ts";
import { validateCertificateConditions, validateCertificateProgress } from "./progress.ts";
import { validateSignerName } from "./signer-name.ts";

const minExpirationSeconds = 600;
const usages = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
];

/** Who asks is set by the server, which knows the caller: `stampRequester`. @upstream pkg/registry/certificates/certificates/strategy.go */
export const certificateSigningRequestKind = kind<CertificateSigningRequest>({
  resource: certificateSigningRequests,
  shortNames: ["csr"],
  generation: "none",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= { request: "", signerName: "" };
    draft.status ??= {};
  },
  prepareUpdate(draft, { spec }) {
    draft.spec = clone(spec);
  },
  *validate({ spec, status }) {
    yield* validateSpec(new FieldPath("spec"), spec);
    yield* validateCertificateConditions(status ?? {});
  },
  validateStatusUpdate: ({ status }, previous) => validateCertificateProgress(status ?? {}, previous.status ?? {}, { approving: false }),
  columns: [
    nameColumn,
    ageColumn,
    { name: "SignerName", type: "string", value: ({ spec }) => spec.signerName || "<none>" },
    { name: "Requestor", type: "string", value: ({ spec }) => spec.username ?? "" },
    { name: "RequestedDuration", type: "string", value: ({ spec }) => (spec.expirationSeconds === undefined ? "<none>" : humanDuration(spec.expirationSeconds * 1000)) },
    { name: "Condition", type: "string", value: ({ status }) => conditionText(status ?? {}) },
  ],
  fieldSelectors: { "spec.signerName": ({ spec }) => spec.signerName },
});

/** `Approved,Issued`. @upstream pkg/printers/internalversion/printers.go extractCSRStatus */
function conditionText({ conditions, certificate }: CertificateSigningRequestStatus): string {
  const has = (type: string): boolean => conditions?.some((condition) => condition.type === type) === true;
  const verdict = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  return `${verdict}${has("Failed") ? ",Failed" : ""}${(certificate ?? "") === "" ? "" : ",Issued"}`;
}

/** That the request parses is the signer's and the server's business, who can read ASN.1. @upstream pkg/apis/certificates/validation/validation.go */
function* validateSpec(path: FieldPath, spec: Partial<CertificateSigningRequestSpec>): Iterable<FieldError> {
  const { request = "", usages: wanted = [], signerName, expirationSeconds } = spec;
  const body = request === "" ? "" : decodeBase64(request);
  if (!/-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----/.test(body)) yield path.child("request").invalid(request, "PEM block type must be CERTIFICATE REQUEST");
  if (wanted.length === 0) yield path.child("usages").required();
  for (const [index, usage] of wanted.entries()) {
    const at = path.child("usages").index(index);
    if (!usages.includes(usage)) yield at.notSupported(usage, usages);
    if (wanted.indexOf(usage) < index) yield at.duplicate(usage);
  }
  yield* validateSignerName(path.child("signerName"), signerName);
  if (expirationSeconds !== undefined && expirationSeconds < minExpirationSeconds) {
    yield path.child("expirationSeconds").invalid(expirationSeconds, "may not specify a duration less than 600 seconds (10 minutes)");
  }
}
