import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { http2Transport, type RenewableTransport } from "../../platform/node/http-transport.ts";
import type { NodeIdentity } from "./agent-protocol.ts";

/** A connection to the API server in somebody's name, whose certificate may change while it is used. */
export interface Speaker {
  readonly transport: RenewableTransport;
  take(identity: NodeIdentity): void;
}

export function speakAs(server: { readonly url: string; readonly ca: string }, identity: NodeIdentity, deps: { readonly clock: Clock; readonly random: Random }): Speaker {
  let current = identity;
  // Read whenever a connection is made.
  const endpoint = {
    ...server,
    get certificate() {
      return current.certificate;
    },
    get privateKey() {
      return current.privateKey;
    },
  };
  const transport = http2Transport(endpoint, deps);
  return {
    transport,
    take(next) {
      if (next.certificate === current.certificate) return;
      current = next;
      transport.renew();
    },
  };
}
