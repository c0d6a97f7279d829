import { describe, expect, it } from "vitest";
import type { CertificateSigningRequest, CertificateSigningRequestSpec, CertificateSigningRequestStatus } from "../../api/generated/types/certificates-v1.ts";
import { at, epochMs } from "../sample-objects.ts";
import type { RequestDetails } from "./authority.ts";
import { isForOwnSigner, isStale, lifetimeMs, recognize, signingFault } from "./plan.ts";

const csr = (spec: Partial<CertificateSigningRequestSpec> = {}, status: CertificateSigningRequestStatus = {}): CertificateSigningRequest => ({
  apiVersion: "certificates.k8s.io/v1",
  kind: "CertificateSigningRequest",
  metadata: { name: "r", creationTimestamp: at(0) },
  spec: { request: "", signerName: "kubernetes.io/kube-apiserver-client-kubelet", usages: ["digital signature", "client auth"], username: "system:bootstrap:abc", ...spec },
  status,
});
const details = (rest: Partial<RequestDetails> = {}): RequestDetails => ({
  commonName: "system:node:n1",
  organizations: ["system:nodes"],
  dnsNames: [],
  ips: [],
  emails: [],
  uris: [],
  ...rest,
});

describe("recognize", () => {
  it.each([
    ["a bootstrapping kubelet", csr(), details(), "nodeclient"],
    ["a kubelet that renews", csr({ username: "system:node:n1" }), details(), "selfnodeclient"],
    ["another signer", csr({ signerName: "kubernetes.io/kubelet-serving" }), details(), undefined],
    ["another group", csr(), details({ organizations: ["system:masters"] }), undefined],
    ["another name", csr(), details({ commonName: "admin" }), undefined],
    ["names beside the subject", csr(), details({ dnsNames: ["n1"] }), undefined],
    ["more usages", csr({ usages: ["digital signature", "client auth", "server auth"] }), details(), undefined],
  ])("%s", (_name, request, given, right) => {
    expect(recognize(request, given)?.subresource).toBe(right);
  });
});

it.each([
  ["kubernetes.io/kubelet-serving", ["digital signature", "server auth"], details({ ips: ["10.0.0.1"] }), undefined],
  ["kubernetes.io/kubelet-serving", ["digital signature", "server auth"], details(), "DNS or IP subjectAltName is required"],
  ["kubernetes.io/kube-apiserver-client", ["client auth"], details({ commonName: "jane" }), undefined],
  ["kubernetes.io/kube-apiserver-client", ["server auth"], details(), expect.stringContaining("usages did not match")],
  ["kubernetes.io/kube-apiserver-client-kubelet", ["client auth", "digital signature"], details({ organizations: [] }), "subject organization is not system:nodes"],
])("%s for %j", (signerName, usages, given, fault) => {
  expect(signingFault(csr({ signerName, usages }), given)).toEqual(fault);
});

it.each([
  ["waiting", {}, 23, false],
  ["never answered", {}, 25, true],
  ["denied", { conditions: [{ type: "Denied", status: "True", lastUpdateTime: at(0) }] }, 2, true],
  ["approved, not signed", { conditions: [{ type: "Approved", status: "True", lastUpdateTime: at(0) }] }, 2, false],
  ["signed", { certificate: "x", conditions: [{ type: "Approved", status: "True", lastUpdateTime: at(0) }] }, 2, true],
  ["just signed", { certificate: "x", conditions: [{ type: "Approved", status: "True", lastUpdateTime: at(0) }] }, 0.5, false],
])("a request %s", (_name, status, hours, stale) => {
  expect(isStale(csr({}, status), epochMs + hours * 3_600_000)).toBe(stale);
});

it("gives as long a life as asked, within bounds", () => {
  expect([undefined, 60, 7200, 1e9].map((expirationSeconds) => lifetimeMs(csr({ expirationSeconds }), 86_400_000))).toEqual([86_400_000, 600_000, 7_200_000, 86_400_000]);
});

it("leaves requests for the signers of others to them", () => {
  expect([isForOwnSigner(csr({ signerName: "example.com/mine" })), isForOwnSigner(csr({ signerName: "kubernetes.io/kubelet-serving" }))]).toEqual([false, true]);
});
