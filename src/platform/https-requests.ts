import type { HttpsEndpoint } from "./network.ts";

/** Single questions over HTTPS to servers that are not ours: issuers of tokens, webhooks. Connections are kept and bounded. */
export interface HttpsRequests {
  /**
   * Rejects with the reason, as Go's dialer words it, when there is no answer in time. A GET follows up to five redirects
   * to other places of HTTPS; nothing else is followed.
   */
  send(request: HttpsRequest): Promise<HttpsReply>;
}

export interface HttpsRequest {
  readonly method: "GET" | "POST";
  /** The whole URL is `url`, with its path and query. */
  readonly endpoint: HttpsEndpoint;
  /** JSON */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export interface HttpsReply {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | undefined };
  /** At most 1 MiB; more rejects. */
  readonly body: string;
}
