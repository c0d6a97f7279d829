import type { HttpAnswer } from "./network.ts";

/** HTTPS requests to API servers that this one speaks for: it shows its identity as a front proxy. */
export interface PeerClient {
  /**
   * Resolves with the answer's head; the body comes as it arrives. Redirects are answers. Rejects with the reason, as
   * Go's dialer words it, or with the signal's.
   */
  request(request: PeerRequest): Promise<HttpAnswer>;
}

export interface PeerRequest {
  readonly method: string;
  /** Where to connect: an address or a name. */
  readonly host: string;
  readonly port: number;
  /** With query. */
  readonly path: string;
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
  readonly body?: Uint8Array | undefined;
  /** What the certificate must be for. */
  readonly serverName: string;
  /** PEM; absent: the system's own roots. */
  readonly ca?: string | undefined;
  /** Whether the certificate must be good. */
  readonly verify: boolean;
  readonly signal: AbortSignal;
}
