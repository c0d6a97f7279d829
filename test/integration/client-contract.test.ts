import { silentLogger } from "../../src/base/log.ts";
import { clientContract } from "../../src/client/client-contract.ts";
import { httpsClient } from "../../src/client/https-client.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import { makeAuthority, makeLeaf } from "../../src/cluster/pki/certificates.ts";
import { systemClock } from "../../src/platform/node/clock.ts";
import { http2Transport } from "../../src/platform/node/http-transport.ts";
import { systemRandom } from "../../src/platform/node/random.ts";
import { Listener } from "../../src/server/http/listener.ts";
import { admin, serveMemory } from "./served-memory.ts";

clientContract("the in-process client", async () => {
  const server = await serveMemory();
  return { client: inProcessClient(server.api.handle, admin), dispose: () => server.stop() };
});

const made = (async () => {
  const nowMs = Date.now();
  const authority = await makeAuthority("test", { days: 1, nowMs });
  return { authority, leaf: await makeLeaf(authority, { commonName: "server", usage: "server", ips: ["127.0.0.1"], days: 1, nowMs }) };
})();

clientContract("the HTTPS client", async () => {
  const { authority, leaf } = await made;
  const server = await serveMemory();
  const listener = new Listener(
    { certificate: leaf.certificate, privateKey: leaf.privateKey, clientCa: authority.certificate },
    { handle: server.api.handle, identities: { "kubelet-client": leaf, "front-proxy": leaf }, log: silentLogger },
  );
  const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
  const transport = http2Transport({ url: `https://127.0.0.1:${port}`, ca: authority.certificate }, { clock: systemClock, random: systemRandom });
  return {
    client: httpsClient(transport),
    async dispose() {
      transport.close();
      await listener.closeGracefully(1_000);
      await server.stop();
    },
  };
});
