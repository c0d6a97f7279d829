import "reflect-metadata";
import { webcrypto, X509Certificate } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { beforeAll, describe, expect, it } from "vitest";
import { type KeyPair, keyForSigning, makeAuthority, makeLeaf, newSerial } from "../../cluster/pki/certificates.ts";
import { CertificateAuthorities } from "./certificate-authorities.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const nowMs = Date.now();
const read = ({ certificate }: KeyPair): X509Certificate => new X509Certificate(certificate);

/** An authority that says it stands between `issuer` and `subject`, signed with a key of anybody's choice. */
async function between(subject: KeyPair, issuer: KeyPair, signer: KeyPair): Promise<X509Certificate> {
  const own = new x509.X509Certificate(subject.certificate);
  const above = new x509.X509Certificate(issuer.certificate);
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: own.subjectName,
    issuer: above.subjectName,
    notBefore: new Date(nowMs - 1_000),
    notAfter: new Date(nowMs + 3_600_000),
    publicKey: own.publicKey,
    signingKey: await keyForSigning(signer.privateKey),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      await x509.SubjectKeyIdentifierExtension.create(await own.publicKey.export(algorithm, ["verify"], webcrypto as never)),
    ],
  });
  return new X509Certificate(made.toString("pem"));
}

describe("who signed a certificate", () => {
  let clients: KeyPair;
  let proxies: KeyPair;
  let user: X509Certificate;
  let proxy: X509Certificate;
  beforeAll(async () => {
    clients = await makeAuthority("clients", { days: 1, nowMs });
    proxies = await makeAuthority("proxies", { days: 1, nowMs });
    const leaf = async (authority: KeyPair): Promise<X509Certificate> => read(await makeLeaf(authority, { commonName: "x", usage: "client", days: 1, nowMs }));
    user = await leaf(clients);
    proxy = await leaf(proxies);
  });
  const by = (pem: string): CertificateAuthorities => new CertificateAuthorities(pem);

  it("is one authority, and not another", () => {
    for (const round of [1, 2]) {
      expect([round, by(clients.certificate).signed(user, [], nowMs)]).toEqual([round, true]);
      expect(by(proxies.certificate).signed(user, [], nowMs)).toBe(false);
      expect(by(proxies.certificate).signed(proxy, [], nowMs)).toBe(true);
      expect(by(`${clients.certificate}\n${proxies.certificate}`).signed(proxy, [], nowMs)).toBe(true);
    }
  });

  it("may stand behind another that it signed, which a resumed session does not show again", async () => {
    const link = await between(clients, proxies, proxies);
    const authorities = by(proxies.certificate);
    expect(authorities.signed(user, [], nowMs)).toBe(false);
    expect(authorities.signed(user, [link], nowMs)).toBe(true);
    expect(authorities.signed(user, [], nowMs)).toBe(true);
    expect(authorities.signed(user, [], nowMs + 7_200_000)).toBe(false);
  });

  it("is not whom a link only names", async () => {
    // The names fit, so that Node shows this chain; the signature is not the authority's.
    const forged = await between(clients, proxies, clients);
    expect(by(proxies.certificate).signed(user, [forged], nowMs)).toBe(false);
    // A leaf is no authority, whatever it has signed.
    const leaf = await makeLeaf(proxies, { commonName: "x", usage: "client", days: 1, nowMs });
    const below = read(await makeLeaf(leaf, { commonName: "y", usage: "client", days: 1, nowMs }));
    expect(by(proxies.certificate).signed(below, [read(leaf)], nowMs)).toBe(false);
  });

  it("counts for as long as certificates do", () => {
    expect(by(clients.certificate).signed(user, [], nowMs + 2 * 86_400_000)).toBe(false);
    expect(by(clients.certificate).signed(user, [], nowMs - 86_400_000)).toBe(false);
  });

  it("must be said with a certificate", () => {
    expect(() => by("nothing")).toThrow("no certificate in PEM form");
  });
});
