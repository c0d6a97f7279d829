/** How servers behind this one can know who is asking: the content of a ConfigMap that every one of them reads. */
export interface AuthenticationTrust {
  /** PEM bundle of who signs clients' certificates. */
  readonly clientCa: string;
  /** PEM bundle of who signs the front proxy's certificate. */
  readonly requestHeaderCa: string;
  /** Common names of front proxies. */
  readonly allowedNames: readonly string[];
}

type Data = { readonly [key: string]: string };

/** Certificates of several servers, or of before and after a change of authority, stand side by side; more than these are not kept. */
const MOST_CERTIFICATES = 32;
/** Clocks differ a little. */
const SLACK_MS = 300_000;
const certificatePattern = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/**
 * What the ConfigMap should hold, given what it holds: what other servers wrote stays as long as it is good.
 * `notAfterMs` is when a certificate (PEM) ends; undefined when it is none.
 * @upstream pkg/controlplane/controller/clusterauthenticationtrust/cluster_authentication_trust_controller.go
 */
export function authenticationData(current: Data, own: AuthenticationTrust, { nowMs, notAfterMs }: { readonly nowMs: number; notAfterMs(pem: string): number | undefined }): Data {
  const bundle = (key: string, pem: string): string => {
    const kept = new Set<string>();
    for (const [one] of `${current[key] ?? ""}\n${pem}`.matchAll(certificatePattern)) {
      const end = notAfterMs(one);
      if (end !== undefined && end > nowMs - SLACK_MS) kept.add(one.replaceAll("\r", ""));
    }
    // Our own stand last: they are never among those that are dropped.
    return [...kept]
      .slice(-MOST_CERTIFICATES)
      .map((one) => `${one}\n`)
      .join("");
  };
  const names = (key: string, values: readonly string[]): string => JSON.stringify([...new Set([...readNames(current[key]), ...values])]);
  return {
    "client-ca-file": bundle("client-ca-file", own.clientCa),
    "requestheader-allowed-names": names("requestheader-allowed-names", own.allowedNames),
    "requestheader-client-ca-file": bundle("requestheader-client-ca-file", own.requestHeaderCa),
    "requestheader-extra-headers-prefix": names("requestheader-extra-headers-prefix", ["X-Remote-Extra-"]),
    "requestheader-group-headers": names("requestheader-group-headers", ["X-Remote-Group"]),
    "requestheader-uid-headers": names("requestheader-uid-headers", ["X-Remote-Uid"]),
    "requestheader-username-headers": names("requestheader-username-headers", ["X-Remote-User"]),
  };
}

/** What does not read is made anew. */
function readNames(text = "[]"): readonly string[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
  } catch {
    return [];
  }
}
