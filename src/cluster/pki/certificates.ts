import "reflect-metadata";
import { webcrypto, createPrivateKey, createPublicKey } from "node:crypto";
import * as x509 from "@peculiar/x509";

// Loaded only when a certificate has to be made: it costs more start-up time than everything else here.
x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A certificate with its key, PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface LeafOptions {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly usage: "server" | "client" | "both";
  readonly dnsNames?: readonly string[];
  readonly ips?: readonly string[];
  readonly days: number;
  readonly nowMs: number;
}

const DAY_MS = 86_400_000;
/** Clocks of several machines differ a little. */
const BACKDATE_MS = 300_000;

function subjectOf(commonName: string, organizations: readonly string[] = []): x509.JsonName {
  return [...organizations.map((organization) => ({ O: [organization] })), { CN: [commonName] }];
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const text = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key)).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${(text.match(/.{1,64}/g) ?? []).join("\n")}\n-----END PRIVATE KEY-----\n`;
}

/** An authority's key, ready to sign. */
export function keyForSigning(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ format: "der", type: "pkcs8" });
  return webcrypto.subtle.importKey("pkcs8", der, algorithm, true, ["sign"]);
}

interface Signing {
  readonly ca: x509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
  /** What all leaves of this authority carry. */
  readonly extensions: readonly x509.Extension[];
}

/** PERF: hundreds of nodes get their certificates at once, and reading the authority again is a third of each. */
const signings = new WeakMap<KeyPair, Promise<Signing>>();

function signingOf(authority: KeyPair): Promise<Signing> {
  let signing = signings.get(authority);
  if (signing === undefined) {
    signing = readSigning(authority);
    signings.set(authority, signing);
  }
  return signing;
}

async function readSigning({ certificate, privateKey }: KeyPair): Promise<Signing> {
  const ca = new x509.X509Certificate(certificate);
  const extensions = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
    await x509.AuthorityKeyIdentifierExtension.create(ca),
  ];
  return { ca, key: await keyForSigning(privateKey), extensions };
}

/** Sixteen random bytes, positive. */
export function newSerial(): string {
  return Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)).map((byte, index) => (index === 0 ? byte & 0x7f : byte))).toString("hex");
}

/** A self-signed certificate authority. */
export async function makeAuthority(commonName: string, options: { readonly days: number; readonly nowMs: number }): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: subjectOf(commonName),
    notBefore: new Date(options.nowMs - BACKDATE_MS),
    notAfter: new Date(options.nowMs + options.days * DAY_MS),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString("pem")}\n`, privateKey: await exportKey(keys.privateKey) };
}

/** A certificate for a server or a client, signed by the authority. */
export async function makeLeaf(authority: KeyPair, options: LeafOptions): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const { ca, key, extensions } = await signingOf(authority);
  const names: x509.JsonGeneralNames = [
    ...(options.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
    ...(options.ips ?? []).map((value) => ({ type: "ip" as const, value })),
  ];
  const usages: x509.ExtendedKeyUsageType[] = [];
  if (options.usage !== "client") usages.push(x509.ExtendedKeyUsage.serverAuth);
  if (options.usage !== "server") usages.push(x509.ExtendedKeyUsage.clientAuth);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: subjectOf(options.commonName, options.organizations),
    issuer: ca.subjectName,
    notBefore: new Date(options.nowMs - BACKDATE_MS),
    notAfter: new Date(Math.min(options.nowMs + options.days * DAY_MS, ca.notAfter.getTime())),
    publicKey: keys.publicKey,
    signingKey: key,
    signingAlgorithm: algorithm,
    extensions: [...extensions, new x509.ExtendedKeyUsageExtension(usages), ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)])],
  });
  return { certificate: `${certificate.toString("pem")}\n`, privateKey: await exportKey(keys.privateKey) };
}

/** A key pair for signing service-account tokens (ES256), PEM. */
export async function makeSigningKey(): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const privateKey = await exportKey(keys.privateKey);
  return { privateKey, publicKey: createPublicKey(privateKey).export({ format: "pem", type: "spki" }) as string };
}
