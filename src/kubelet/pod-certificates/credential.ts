import { pemBlocks, pemOf } from "../../api/certificates/pem-blocks.ts";
import type { PodCertificateRequest } from "../../api/generated/types/certificates-v1beta1.ts";

/** What a pod is given. */
export interface Issued {
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** The pod's certificate, then those that lead to the authority; PEM. */
  readonly chain: string;
  /** With jitter. */
  readonly refreshMs: number;
  readonly notAfterMs: number;
}

/** A request under way. */
export interface Asked {
  readonly privateKey: string;
  /** `ns/name` */
  readonly request: string;
  /** A request that is not to be seen by then has been deleted. */
  readonly abandonMs: number;
}

/**
 * Where one source stands. `asked` with `issued` is a refresh; neither: nothing has been asked for yet. A verdict against
 * a request is final for the pod.
 */
export type Credential =
  | { readonly verdict?: undefined; readonly issued?: Issued | undefined; readonly asked?: Asked | undefined }
  | { readonly verdict: "Denied" | "Failed"; readonly reason: string; readonly message: string };

/** What a request under way leads to; undefined while there is no verdict. `jitterMs` is added to when it is to be made anew. */
export function afterAnswer({ privateKey }: Asked, { status = {} }: PodCertificateRequest, jitterMs: number): Credential | undefined {
  for (const { type, reason = "", message = "" } of status.conditions ?? []) {
    if (type === "Denied" || type === "Failed") return { verdict: type, reason, message };
    if (type !== "Issued") continue;
    const { certificateChain = "", beginRefreshAt = "", notAfter = "" } = status;
    return { issued: { privateKey, chain: bare(certificateChain), refreshMs: Date.parse(beginRefreshAt) + jitterMs, notAfterMs: Date.parse(notAfter) } };
  }
  return undefined;
}

/** Nothing but the blocks. */
function bare(chain: string): string {
  const blocks = pemBlocks(chain);
  return typeof blocks === "string" ? chain : blocks.map(({ der }) => pemOf("CERTIFICATE", der)).join("");
}

export const overdueMs = 10 * 60_000;

/** The metric's name for it. */
export function stateOf(credential: Credential, nowMs: number): "fresh" | "overdue_for_refresh" | "expired" | "not_yet_issued" | "denied" | "failed" {
  if (credential.verdict !== undefined) return credential.verdict === "Denied" ? "denied" : "failed";
  const { issued } = credential;
  if (issued === undefined) return "not_yet_issued";
  if (nowMs > issued.notAfterMs) return "expired";
  return nowMs > issued.refreshMs + overdueMs ? "overdue_for_refresh" : "fresh";
}
