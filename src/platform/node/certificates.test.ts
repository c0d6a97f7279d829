import { createPublicKey, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { describeRequest } from "../../cluster/pki/certificate-requests.ts";
import { makeAuthority, makeLeaf } from "../../cluster/pki/certificates.ts";
import { nodeCertificates } from "./certificates.ts";

const pem = (der: Uint8Array): string => `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
const nobody = { commonName: "", organizations: [], dnsNames: [], ips: [], emails: [], uris: [] };

describe("keys", () => {
  // Large prime numbers are found by chance.
  it.each<[string, object]>([
    ["RSA3072", { asymmetricKeyType: "rsa", asymmetricKeyDetails: { modulusLength: 3072 } }],
    ["ECDSAP256", { asymmetricKeyType: "ec", asymmetricKeyDetails: { namedCurve: "prime256v1" } }],
    ["ECDSAP384", { asymmetricKeyType: "ec", asymmetricKeyDetails: { namedCurve: "secp384r1" } }],
    ["ECDSAP521", { asymmetricKeyType: "ec", asymmetricKeyDetails: { namedCurve: "secp521r1" } }],
    ["ED25519", { asymmetricKeyType: "ed25519" }],
  ])(
    "%s is made, and signs an empty request that others can read",
    async (type, expected) => {
      const key = await nodeCertificates.makeKey(type);
      expect(key.privateKey).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
      expect(createPublicKey(key.privateKey)).toMatchObject(expected);
      expect(await describeRequest(pem(key.request()))).toEqual(nobody);
      const broken = key.request();
      broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
      expect(await describeRequest(pem(broken))).toBeUndefined();
    },
    120_000,
  );

  it("of other types are not made", async () => {
    await expect(nodeCertificates.makeKey("RSA1024")).rejects.toThrow('unknown key type "RSA1024"');
  });

  it("ask for names and addresses", async () => {
    const key = await nodeCertificates.makeKey("ECDSAP256");
    const names = { commonName: "system:node:ä", organizations: ["system:nodes"], dnsNames: ["n1", `${"long.".repeat(40)}example`], ips: ["10.0.0.1", "fd00::1:0", "::1"] };
    expect(await describeRequest(pem(key.request(names)))).toMatchObject({ ...names, ips: ["10.0.0.1", "fd00::1:0", "::1"] });
    expect(() => key.request({ ips: ["10.0.0"] })).toThrow('"10.0.0" is not an IP address');
  });
});

describe("certificates", () => {
  it("are read, and known to be for a key", async () => {
    const nowMs = Date.UTC(2026, 5, 1);
    const authority = await makeAuthority("ca", { days: 30, nowMs });
    const leaf = await makeLeaf(authority, {
      commonName: "system:node:n1",
      organizations: ["system:nodes"],
      usage: "server",
      dnsNames: ["n1"],
      ips: ["10.0.0.1", "fd00::1"],
      days: 10,
      nowMs,
    });
    expect(nodeCertificates.read(leaf.certificate + authority.certificate)).toEqual({
      notBeforeMs: nowMs - 300_000,
      notAfterMs: nowMs + 10 * 86_400_000,
      commonName: "system:node:n1",
      dnsNames: ["n1"],
      ips: ["10.0.0.1", "fd00::1"],
    });
    expect(new X509Certificate(leaf.certificate).subject).toContain("O=system:nodes");
    expect(nodeCertificates.read("no")).toBeUndefined();
    expect(nodeCertificates.isFor(leaf.certificate, leaf.privateKey)).toBe(true);
    expect(nodeCertificates.isFor(leaf.certificate, authority.privateKey)).toBe(false);
    expect(nodeCertificates.isFor("no", leaf.privateKey)).toBe(false);
    const other = await makeAuthority("ca", { days: 30, nowMs });
    expect([authority, other, leaf].map(({ certificate }) => nodeCertificates.isSignedBy(leaf.certificate, certificate))).toEqual([true, false, false]);
    expect([nodeCertificates.isSignedBy("no", authority.certificate), nodeCertificates.isSignedBy(leaf.certificate, "no")]).toEqual([false, false]);
  });
});
