/** Calls of scheduler extenders over HTTP or HTTPS. */
export interface ExtenderClient {
  /** Rejects with the reason when there is no answer in time. At most 64 MiB of an answer is read. */
  post(request: ExtenderRequest): Promise<{ readonly status: number; readonly body: string }>;
}

export interface ExtenderRequest {
  /** `https://extender.example.com:8443/scheduler/filter` */
  readonly url: string;
  /** JSON */
  readonly body: string;
  readonly timeoutMs: number;
  /** Of no effect for http. */
  readonly tls: ExtenderTlsOptions;
}

/** All in PEM. */
export interface ExtenderTlsOptions {
  /** Whoever answers is believed. */
  readonly insecure: boolean;
  /** What the certificate must be for; empty: the host of the URL. */
  readonly serverName: string;
  /** Empty: the system's own roots. */
  readonly ca: string;
  /** What we show of ourselves; empty: nothing. */
  readonly cert: string;
  readonly key: string;
}
