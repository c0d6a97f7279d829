import type { WatchEvent } from "./watch-event.ts";

/**
 * The API server as a function of values. HTTP/1.1, HTTP/2 and the in-process client are its callers.
 * It answers failures as responses too; a rejection is a bug.
 */
export type Handle = (request: ApiRequest, waiter: Waiter) => Promise<ApiResponse>;

/** Whoever waits for an answer; an AbortController is one. */
export interface Waiter {
  /** Aborts when nobody waits any more. PERF: may be made when it is read: most answers are there before anybody looks. */
  readonly signal: AbortSignal;
}

export interface ApiRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS";
  /** Percent-encoded, without the query. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** By lower-case name. */
  readonly headers: { readonly [name: string]: string | undefined };
  /** The values of a header that came several times, as they came; absent: only `headers` is known, where they are joined. */
  readonly values?: (name: string) => readonly string[];
  readonly body: RequestBody;
  readonly caller: Caller;
}

export type RequestBody =
  | { readonly type: "none" }
  /** Reads all of it; rejects with a StatusError 413 beyond the limit of 3 MiB. */
  | { readonly type: "bytes"; read(): Promise<Uint8Array> }
  /** In-process: an object, used as it is and never changed by the server. */
  | { readonly type: "value"; readonly value: unknown };

/** Who is at the other end, as far as the transport knows. */
export type Caller =
  | {
      readonly type: "network";
      readonly address: string;
      readonly certificate?: ClientCertificate | undefined;
      /** The certificate of a proxy that may say in headers who asks: verified against that authority, which is not the client CA. */
      readonly frontProxy?: ClientCertificate | undefined;
      readonly upgradable: boolean;
    }
  /** In-process: trusted, and answered with values instead of bytes. */
  | { readonly type: "local"; readonly user: UserInfo };

/** A client certificate that the transport has verified against the client CA. */
export interface ClientCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** Hex SHA-256 of the certificate, for credential-id. */
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

export interface UserInfo {
  readonly name: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra?: { readonly [key: string]: readonly string[] } | undefined;
}

export interface ApiResponse {
  readonly status: number;
  /** By lower-case name; content-type and content-length follow from the body. */
  readonly headers: { readonly [name: string]: string | readonly string[] };
  readonly body: ResponseBody;
}

export type ResponseBody =
  | { readonly type: "empty" }
  | { readonly type: "bytes"; readonly contentType: string; readonly chunks: readonly Uint8Array[] }
  | { readonly type: "stream"; readonly contentType: string; readonly chunks: AsyncIterable<Uint8Array> }
  /** In-process: a frozen object, list or Status. */
  | { readonly type: "value"; readonly value: unknown }
  /** In-process: a watch; objects are frozen and shared with the cache. */
  | { readonly type: "events"; readonly events: AsyncIterable<readonly WatchEvent[]> }
  /** The transport forwards the request, upgrades included, and pipes both ways. */
  | { readonly type: "proxy"; readonly target: ProxyTarget };

/** Where a proxied request goes: a kubelet, a pod, a service or an aggregated API server. */
export interface ProxyTarget {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
  /** Percent-encoded path with query. */
  readonly path: string;
  /** By lower-case name. Replaces the caller's headers of the same name; `undefined` removes one. */
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
  /** Which of the server's client identities to present. */
  readonly identity: "kubelet-client" | "front-proxy" | "none";
  /** PEM bundle that must have signed the target's certificate; absent: not verified, unless `verify` says so. */
  readonly ca?: string | undefined;
  /** Whether the target's certificate must be good, by the system's own roots when there is no `ca`. */
  readonly verify?: boolean | undefined;
  /** The name to verify when it is not the host. */
  readonly serverName?: string | undefined;
}
