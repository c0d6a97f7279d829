import { childAbort } from "../../base/abort.ts";
import type { Clock } from "../../base/clock.ts";
import type { HttpAnswer } from "../../platform/network.ts";
import type { PeerClient } from "../../platform/peer-client.ts";
import type { PeerTrust } from "./api-services.ts";
import { identityHeaders } from "./front-proxy-headers.ts";
import type { Location } from "./resolve-service.ts";

/** As whom this server asks others about themselves: no rule of theirs may stand in the way. */
const aggregator = { name: "system:kube-aggregator", groups: ["system:masters"] } as const;

export interface PeerQuestion {
  readonly location: Location;
  readonly trust: PeerTrust;
  readonly path: string;
  readonly headers?: { readonly [name: string]: string };
  readonly withinMs: number;
}

/**
 * GET as the aggregator; `read` takes the answer, all of it within the time. Rejects as Go's HTTP client words it:
 * `Get "https://10.0.0.1:443/apis/…": dial tcp 10.0.0.1:443: connect: connection refused`.
 */
export async function askPeer<T>(
  { location, trust, path, headers = {}, withinMs }: PeerQuestion,
  read: (answer: HttpAnswer) => Promise<T>,
  { peers, clock, signal }: { readonly peers: PeerClient; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<T> {
  const limit = childAbort(signal);
  const cancel = clock.after(withinMs, () => limit.abort(new Error("context deadline exceeded (Client.Timeout exceeded while awaiting headers)")));
  try {
    const answer = await peers.request({
      method: "GET",
      ...location,
      ...trust,
      path,
      headers: { accept: "application/json", ...headers, ...identityHeaders(aggregator) },
      signal: limit.signal,
    });
    return await read(answer);
  } catch (error) {
    throw new Error(`Get ${JSON.stringify(urlOf(location, path))}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    cancel();
    limit.dispose();
  }
}

export function urlOf({ host, port }: Location, path: string): string {
  return `https://${host.includes(":") ? `[${host}]` : host}:${port}${path}`;
}
