import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import type { RequestDetails } from "../../controllers/csr/authority.ts";
import { type KeyPair, keyForSigning, newSerial } from "./certificates.ts";

const keyUsages: { readonly [usage: string]: x509.KeyUsageFlags | undefined } = {
  signing: x509.KeyUsageFlags.digitalSignature,
  "digital signature": x509.KeyUsageFlags.digitalSignature,
  "content commitment": x509.KeyUsageFlags.nonRepudiation,
  "key encipherment": x509.KeyUsageFlags.keyEncipherment,
  "data encipherment": x509.KeyUsageFlags.dataEncipherment,
  "key agreement": x509.KeyUsageFlags.keyAgreement,
  "cert sign": x509.KeyUsageFlags.keyCertSign,
  "crl sign": x509.KeyUsageFlags.cRLSign,
  "encipher only": x509.KeyUsageFlags.encipherOnly,
  "decipher only": x509.KeyUsageFlags.decipherOnly,
};
const extendedUsages: { readonly [usage: string]: string | undefined } = {
  any: "2.5.29.37.0",
  "server auth": x509.ExtendedKeyUsage.serverAuth,
  "client auth": x509.ExtendedKeyUsage.clientAuth,
  "code signing": x509.ExtendedKeyUsage.codeSigning,
  "email protection": x509.ExtendedKeyUsage.emailProtection,
  "s/mime": x509.ExtendedKeyUsage.emailProtection,
  timestamping: x509.ExtendedKeyUsage.timeStamping,
  "ocsp signing": x509.ExtendedKeyUsage.ocspSigning,
};
const ALTERNATIVE_NAMES = "2.5.29.17";

/** Undefined when the text is no request, or not signed by the key in it. */
async function parse(request: string): Promise<x509.Pkcs10CertificateRequest | undefined> {
  if (!/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(request)) return undefined;
  try {
    const parsed = new x509.Pkcs10CertificateRequest(request.replaceAll("NEW CERTIFICATE REQUEST", "CERTIFICATE REQUEST"));
    return (await parsed.verify()) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** What stands in a PKCS #10 request. */
export async function describeRequest(request: string): Promise<RequestDetails | undefined> {
  const parsed = await parse(request);
  if (parsed === undefined) return undefined;
  const names = namesIn(parsed)?.names.items ?? [];
  const of = (type: x509.GeneralNameType): string[] => names.filter((name) => name.type === type).map(({ value }) => value);
  return {
    commonName: parsed.subjectName.getField("CN")[0] ?? "",
    organizations: parsed.subjectName.getField("O"),
    dnsNames: of("dns"),
    ips: of("ip"),
    emails: of("email"),
    uris: of("url"),
  };
}

function namesIn(request: x509.Pkcs10CertificateRequest): x509.SubjectAlternativeNameExtension | undefined {
  const found = request.getExtension(ALTERNATIVE_NAMES);
  return found === null ? undefined : new x509.SubjectAlternativeNameExtension(found.rawData);
}

/** The certificate, PEM: the request's subject, names and key, with the usages that are asked for. @upstream pkg/controller/certificates/authority/policies.go */
export async function signRequest(
  authority: KeyPair,
  request: string,
  options: { readonly usages: readonly string[]; readonly notBeforeMs: number; readonly notAfterMs: number },
): Promise<string> {
  const parsed = await parse(request);
  if (parsed === undefined) throw new Error("unable to parse the certificate request");
  const ca = new x509.X509Certificate(authority.certificate);
  let flags = 0;
  const extended: string[] = [];
  for (const usage of options.usages) {
    flags |= keyUsages[usage] ?? 0;
    const long = extendedUsages[usage];
    if (long !== undefined && !extended.includes(long)) extended.push(long);
    if (long === undefined && keyUsages[usage] === undefined) throw new Error(`unrecognized usage values: ${JSON.stringify(usage)}`);
  }
  const names = namesIn(parsed);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: parsed.subjectName,
    issuer: ca.subjectName,
    notBefore: new Date(options.notBeforeMs),
    notAfter: new Date(Math.min(options.notAfterMs, ca.notAfter.getTime())),
    publicKey: parsed.publicKey,
    signingKey: await keyForSigning(authority.privateKey),
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the library takes a sum of flags
      ...(flags === 0 ? [] : [new x509.KeyUsagesExtension(flags, true)]),
      ...(extended.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(extended)]),
      await x509.AuthorityKeyIdentifierExtension.create(ca),
      ...(names === undefined ? [] : [names]),
    ],
  });
  return `${certificate.toString("pem")}\n`;
}
