import { describe, expect, it } from "vitest";
import { clone } from "../../base/values.ts";
import { encodeBase64 } from "../base64.ts";
import type { CertificateSigningRequest, CertificateSigningRequestStatus } from "../generated/types/certificates-v1.ts";
import { rowOf, tryCreate, tryStatusUpdate, tryUpdate } from "../kind-trial.ts";
import { certificateSigningRequestKind } from "./certificate-signing-request.ts";
import { validateCertificateProgress } from "./progress.ts";
import { stampRequester } from "./requester.ts";

const pem = encodeBase64("-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n");
const create = (spec: string): ReturnType<typeof tryCreate<CertificateSigningRequest>> =>
  tryCreate(certificateSigningRequestKind, `apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: { name: c }\nspec: ${spec}`);
const sound = `request: ${pem}, signerName: kubernetes.io/kube-apiserver-client, usages: [client auth]`;

describe("a request", () => {
  it.each([
    [`{ ${sound} }`, []],
    ["{ signerName: a.b/c, usages: [client auth] }", ['spec.request: Invalid value: "": PEM block type must be CERTIFICATE REQUEST']],
    [`{ request: ${pem}, signerName: a.b/c }`, ["spec.usages: Required value"]],
    [`{ request: ${pem}, signerName: a.b/c, usages: [server auth, server auth] }`, ['spec.usages[1]: Duplicate value: "server auth"']],
    [`{ request: ${pem}, usages: [client auth] }`, ["spec.signerName: Required value"]],
    [
      `{ request: ${pem}, signerName: mine, usages: [client auth] }`,
      [`spec.signerName: Invalid value: "mine": must be a fully qualified domain and path of the form 'example.com/signer-name'`],
    ],
    [
      `{ request: ${pem}, signerName: host/mine, usages: [client auth] }`,
      ['spec.signerName: Invalid value: "host": should be a domain with at least two segments separated by dots'],
    ],
    [`{ ${sound}, expirationSeconds: 599 }`, ["spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)"]],
  ])("%.120s", (spec, expected) => {
    expect(create(spec).errors).toEqual(expected);
  });

  it("is its caller's, whatever it says", () => {
    const { object } = create(`{ ${sound}, username: admin, uid: x, groups: ['system:masters'], extra: { a: [b] } }`);
    const draft = clone(object);
    stampRequester(draft, { name: "u", groups: ["g"] });
    expect(draft.spec).toMatchObject({ username: "u", groups: ["g"] });
    expect(draft.spec).not.toHaveProperty("uid");
    expect(draft.spec).not.toHaveProperty("extra");
  });

  it("does not change", () => {
    const { object } = create(`{ ${sound}, groups: [a] }`);
    const updated = tryUpdate(certificateSigningRequestKind, object, ({ spec }) => {
      spec.signerName = "x.y/z";
      spec.groups = ["system:masters"];
    });
    expect(updated.object.spec).toEqual(object.spec);
  });

  it.each([
    [{}, "Pending"],
    [{ conditions: [{ type: "Approved", status: "True" }] }, "Approved"],
    [{ conditions: [{ type: "Approved", status: "True" }], certificate: "eA==" }, "Approved,Issued"],
    [
      {
        conditions: [
          { type: "Approved", status: "True" },
          { type: "Failed", status: "True" },
        ],
      },
      "Approved,Failed",
    ],
    [{ conditions: [{ type: "Denied", status: "True" }] }, "Denied"],
  ])("with %j is %s", (status, text) => {
    const { object } = create(`{ ${sound}, username: u, expirationSeconds: 86400 }`);
    expect(rowOf(certificateSigningRequestKind, { ...object, status }, 0)).toEqual({
      Name: "c",
      Age: "<unknown>",
      SignerName: "kubernetes.io/kube-apiserver-client",
      Requestor: "u",
      RequestedDuration: "24h",
      Condition: text,
    });
  });
});

describe("progress", () => {
  const approved: CertificateSigningRequestStatus = { conditions: [{ type: "Approved", status: "True" }] };
  const at = "status.conditions";
  it.each([
    ["a verdict is added by the status", {}, approved, false, ['updates may not add a condition of type "Approved"']],
    ["a verdict is added by the approval", {}, approved, true, []],
    ["a verdict is taken away", approved, {}, true, ['updates may not remove a condition of type "Approved"']],
    ["a certificate is issued", approved, { ...approved, certificate: "eA==" }, false, []],
    ["a certificate is replaced", { ...approved, certificate: "eA==" }, { ...approved, certificate: "eQ==" }, false, ["updates may not replace existing certificate data"]],
  ] as const)("%s", (_what, previous, next, approving, expected) => {
    expect([...validateCertificateProgress(next, previous, { approving })].map(({ detail }) => detail)).toEqual(expected);
  });

  it("never has both verdicts, nor one that is not True", () => {
    const { object } = create(`{ ${sound} }`);
    const { errors } = tryStatusUpdate(certificateSigningRequestKind, { ...object, status: approved }, (draft) => {
      draft.status = {
        conditions: [
          { type: "Approved", status: "True" },
          { type: "Denied", status: "False" },
        ],
      };
    });
    expect(errors).toEqual([
      `${at}[1].status: Unsupported value: "False": supported values: "True"`,
      `${at}[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive`,
      `${at}: Forbidden: updates may not add a condition of type "Denied"`,
    ]);
  });
});
