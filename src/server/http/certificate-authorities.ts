import { X509Certificate } from "node:crypto";

const MAX_DEPTH = 6;
const KNOWN_LIMIT = 4_096;

/**
 * Those who may sign client certificates of one purpose. TLS trusts all purposes in one bundle, and Node builds the chain
 * that it shows by names alone: whose signature a certificate really bears is looked at here, link by link.
 */
export class CertificateAuthorities {
  readonly #roots: readonly X509Certificate[];
  /** Until when a certificate's chain holds, by fingerprint: a resumed session shows the leaf without its chain. */
  readonly #known = new Map<string, number>();

  /** `pem` may hold several certificates. Throws when it holds none, or one that cannot be read. */
  constructor(pem: string) {
    this.#roots = certificatesIn(pem);
    if (this.#roots.length === 0) throw new Error("no certificate in PEM form");
  }

  /** Whether one of them stands at the end of a chain of good signatures; `sent` are what the peer offered as links. */
  signed(leaf: X509Certificate, sent: readonly X509Certificate[], nowMs: number): boolean {
    const known = this.#known.get(leaf.fingerprint256);
    if (known !== undefined && nowMs <= known) return true;
    const until = this.#chainUntil(leaf, sent, nowMs, 0);
    if (until === undefined) return false;
    if (this.#known.size >= KNOWN_LIMIT) this.#known.clear();
    this.#known.set(leaf.fingerprint256, until);
    return true;
  }

  #chainUntil(certificate: X509Certificate, sent: readonly X509Certificate[], nowMs: number, depth: number): number | undefined {
    if (depth > MAX_DEPTH || !holds(certificate, nowMs)) return undefined;
    const end = Date.parse(certificate.validTo);
    for (const root of this.#roots) if (isSignedBy(certificate, root) && holds(root, nowMs)) return Math.min(end, Date.parse(root.validTo));
    for (const link of sent) {
      if (!link.ca || link.fingerprint256 === certificate.fingerprint256 || !isSignedBy(certificate, link)) continue;
      const until = this.#chainUntil(link, sent, nowMs, depth + 1);
      if (until !== undefined) return Math.min(end, until);
    }
    return undefined;
  }
}

/** Throws when one cannot be read. */
export function certificatesIn(pem: string): readonly X509Certificate[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((text) => new X509Certificate(text));
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    // A key that the certificate's algorithm cannot be checked with.
    return false;
  }
}

function holds(certificate: X509Certificate, nowMs: number): boolean {
  return Date.parse(certificate.validFrom) <= nowMs && nowMs <= Date.parse(certificate.validTo);
}
