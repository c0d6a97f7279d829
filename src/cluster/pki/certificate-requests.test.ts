import "reflect-metadata";
import { webcrypto, X509Certificate } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { beforeAll, describe, expect, it } from "vitest";
import { certificateAuthority } from "./certificate-authority.ts";
import { type KeyPair, makeAuthority } from "./certificates.ts";

const nowMs = Date.UTC(2026, 5, 1);
let ca: KeyPair;
let request: string;

beforeAll(async () => {
  ca = await makeAuthority("kubernetes", { days: 30, nowMs });
  const keys = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ O: ["system:nodes"] }, { CN: ["system:node:n1"] }],
    keys,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        { type: "dns", value: "n1.example.com" },
        { type: "ip", value: "10.0.0.1" },
      ]),
    ],
  });
  request = made.toString("pem");
});

describe("the cluster's authority", () => {
  it("reads a request", async () => {
    expect(await certificateAuthority(ca).describe(request)).toEqual({
      commonName: "system:node:n1",
      organizations: ["system:nodes"],
      dnsNames: ["n1.example.com"],
      ips: ["10.0.0.1"],
      emails: [],
      uris: [],
    });
  });

  it("signs it with the usages asked for, no longer than its own life", async () => {
    const usages = ["digital signature", "key encipherment", "server auth"];
    const text = await certificateAuthority(ca).sign(request, { usages, notBeforeMs: nowMs - 300_000, notAfterMs: nowMs + 365 * 86_400_000 });
    const certificate = new X509Certificate(text);
    expect(certificate.verify(new X509Certificate(ca.certificate).publicKey)).toBe(true);
    expect(certificate.subject).toBe("O=system:nodes\nCN=system:node:n1");
    expect(certificate.subjectAltName).toBe("DNS:n1.example.com, IP Address:10.0.0.1");
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(certificate.ca).toBe(false);
    expect(Date.parse(certificate.validTo)).toBe(nowMs + 30 * 86_400_000);
  });

  it("takes neither junk nor a request whose signature is wrong", async () => {
    const authority = certificateAuthority(ca);
    expect(await authority.describe("junk")).toBeUndefined();
    const der = Buffer.from(request.replace(/-----.*-----|\s/g, ""), "base64");
    der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
    expect(await authority.describe(`-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`)).toBeUndefined();
    await expect(authority.sign("junk", { usages: [], notBeforeMs: 0, notAfterMs: 1 })).rejects.toThrow("unable to parse the certificate request");
  });
});
