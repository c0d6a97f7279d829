/** What stands in a PKCS #10 request. */
export interface RequestDetails {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ips: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

/** Reads and signs certificate requests; the rim that holds the CA's key implements it. Texts are PEM. */
export interface CertificateAuthority {
  /** undefined when the text is no request, or its signature is wrong. */
  describe(request: string): RequestDetails | undefined | Promise<RequestDetails | undefined>;
  /** The certificate, followed by no chain. `usages` are Kubernetes' names: `client auth`. */
  sign(request: string, options: { readonly usages: readonly string[]; readonly notBeforeMs: number; readonly notAfterMs: number }): Promise<string>;
}
