import type { HttpAnswer } from "../../platform/network.ts";
import type { PeerClient, PeerRequest } from "../../platform/peer-client.ts";

/** What a server on paper answers; `hang` never does. */
export type TrialAnswer = { readonly status: number; readonly headers?: HttpAnswer["headers"]; readonly json?: unknown } | { readonly error: string } | "hang";

export interface TrialPeers extends PeerClient {
  readonly asked: PeerRequest[];
}

/** For tests: other servers without a network. */
export function trialPeers(answer: (request: PeerRequest) => TrialAnswer): TrialPeers {
  const asked: PeerRequest[] = [];
  return {
    asked,
    request(request) {
      asked.push(request);
      const given = answer(request);
      if (given === "hang")
        return new Promise((_, reject) => {
          request.signal.addEventListener("abort", () => reject(request.signal.reason instanceof Error ? request.signal.reason : new Error("aborted")), { once: true });
        });
      if ("error" in given) return Promise.reject(new Error(given.error));
      return Promise.resolve({ status: given.status, headers: given.headers ?? {}, body: bodyOf(given.json) });
    },
  };
}

async function* bodyOf(json: unknown): AsyncGenerator<Uint8Array, void, undefined> {
  await Promise.resolve();
  if (json !== undefined) yield new TextEncoder().encode(JSON.stringify(json));
}
