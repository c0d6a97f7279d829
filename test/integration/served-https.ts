import { silentLogger } from "../../src/base/log.ts";
import type { Client } from "../../src/client/client.ts";
import { httpsClient } from "../../src/client/https-client.ts";
import { type KeyPair, makeAuthority, makeLeaf } from "../../src/cluster/pki/certificates.ts";
import { systemClock } from "../../src/platform/node/clock.ts";
import { http2Transport } from "../../src/platform/node/http-transport.ts";
import { systemRandom } from "../../src/platform/node/random.ts";
import { Listener } from "../../src/server/http/listener.ts";
import type { ApiServer } from "../../src/server/server.ts";

let made: Promise<{ readonly authority: KeyPair; readonly leaf: KeyPair }> | undefined;

/** Made once for all tests of a worker: keys take longest. */
function certificates(): NonNullable<typeof made> {
  made ??= (async () => {
    const nowMs = Date.now();
    const authority = await makeAuthority("test", { days: 1, nowMs });
    return { authority, leaf: await makeLeaf(authority, { commonName: "server", usage: "server", ips: ["127.0.0.1"], days: 1, nowMs }) };
  })();
  return made;
}

export interface ServedHttps {
  readonly client: Client;
  readonly port: number;
  /** PEM of who signed the server's certificate. */
  readonly ca: string;
  /** Ends the port but not the client. */
  closeListener(): Promise<void>;
  close(): Promise<void>;
}

/** Puts a TLS port of the loopback before an API server, and a client before that. */
export async function serveHttps(api: ApiServer, options: { readonly port?: number } = {}): Promise<ServedHttps> {
  const { authority, leaf } = await certificates();
  const listener = new Listener(
    { certificate: leaf.certificate, privateKey: leaf.privateKey, clientCa: authority.certificate },
    { handle: api.handle, identities: { "kubelet-client": leaf, "front-proxy": leaf }, log: silentLogger },
  );
  const { port } = await listener.listen({ host: "127.0.0.1", port: options.port ?? 0 });
  const transport = http2Transport({ url: `https://127.0.0.1:${port}`, ca: authority.certificate }, { clock: systemClock, random: systemRandom });
  return {
    client: httpsClient(transport),
    port,
    ca: authority.certificate,
    closeListener: () => listener.closeGracefully(1_000),
    async close() {
      transport.close();
      await listener.closeGracefully(1_000);
    },
  };
}
