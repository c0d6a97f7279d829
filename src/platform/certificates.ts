/** What keys may be asked for; `ECDSAP256` is what the node asks for itself. */
export type KeyType = "RSA3072" | "RSA4096" | "ECDSAP256" | "ECDSAP384" | "ECDSAP521" | "ED25519";

/** For whom a certificate is asked; nothing of it need be said. */
export interface RequestedNames {
  readonly commonName?: string;
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ips?: readonly string[];
}

/** A private key that was just made. */
export interface CertificateKey {
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** A PKCS #10 request in DER, signed with the key. Throws RangeError for an address that is none. */
  request(names?: RequestedNames): Uint8Array;
}

/** What stands in a certificate. */
export interface CertificateFacts {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  readonly ips: readonly string[];
}

/** Makes keys, and reads what others have signed for them. */
export interface Certificates {
  /** Throws RangeError for a type that is not one of KeyType. */
  makeKey(type: string): Promise<CertificateKey>;
  /** The first certificate of a PEM text; undefined when there is none. */
  read(pem: string): CertificateFacts | undefined;
  /** Whether the first certificate of a PEM text is for this private key (PEM). */
  isFor(pem: string, privateKey: string): boolean;
  /** Whether the first certificate of a PEM text is signed by the first of another. */
  isSignedBy(pem: string, authority: string): boolean;
}
