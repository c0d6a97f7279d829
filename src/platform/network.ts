/** Outgoing connections. */
export interface Network {
  /** Resolves when a TCP connection stands (and is closed again); rejects with the reason. */
  probeTcp(host: string, port: number, timeoutMs: number): Promise<void>;
  /** One request; never follows redirects and never verifies certificates: for probes. At most 10 KiB of body is read. */
  probeHttp(request: ProbeRequest): Promise<{ readonly status: number; readonly body: string; readonly location?: string | undefined }>;
}

export interface ProbeRequest {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly timeoutMs: number;
}

/** A byte stream that goes both ways: a socket, an upgraded connection. */
export interface ByteStream extends AsyncIterable<Uint8Array> {
  /** Resolves when more can be taken. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends our side; the other may still send. */
  end(): void;
  /** Ends both sides at once. */
  destroy(): void;
}

/** Where a client's requests go: one HTTPS server with its trust and our identity. */
export interface HttpsEndpoint {
  /** `https://10.0.0.1:6443` */
  readonly url: string;
  /** PEM */
  readonly ca?: string;
  readonly certificate?: string;
  readonly privateKey?: string;
  /** Sent as `Authorization: Bearer`; read again for every request. */
  readonly token?: () => string;
  readonly skipVerify?: boolean;
  /** The name to verify in the server's certificate when it is not the URL's host. */
  readonly serverName?: string;
}

/** HTTP requests to one endpoint over shared connections. */
export interface HttpTransport {
  request(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

export interface HttpRequest {
  readonly method: string;
  /** With query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | undefined };
  /** As it arrives; leaving the loop early cancels the request. */
  readonly body: AsyncIterable<Uint8Array>;
  /** All of the body, instead of reading it as it arrives; rejects when it ends too early or the request's signal aborts. PERF: cheaper for small answers. */
  readonly whole?: () => Promise<Uint8Array>;
}
