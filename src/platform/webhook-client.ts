/** Calls of webhooks over HTTPS. */
export interface WebhookClient {
  /** Rejects with the reason, as Go's dialer words it, when there is no answer in time. At most 3 MiB of an answer is read. */
  post(request: WebhookRequest): Promise<{ readonly status: number; readonly body: string }>;
}

export interface WebhookRequest {
  /** Where to connect: an address or a name. */
  readonly host: string;
  readonly port: number;
  /** With query. */
  readonly path: string;
  /** What the certificate must be for, and the Host header says. */
  readonly serverName: string;
  /** PEM; absent: the system's own roots. */
  readonly ca?: string | undefined;
  /** JSON */
  readonly body: string;
  readonly timeoutMs: number;
  /** Ends the call early: nobody waits for it any more. */
  readonly signal?: AbortSignal | undefined;
}
