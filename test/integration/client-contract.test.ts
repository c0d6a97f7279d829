import { clientContract } from "../../src/client/client-contract.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import { serveHttps } from "./served-https.ts";
import { admin, serveMemory } from "./served-memory.ts";

clientContract("the in-process client", async () => {
  const server = await serveMemory();
  return { client: inProcessClient(server.api.handle, admin), dispose: () => server.stop() };
});

clientContract("the HTTPS client", async () => {
  const server = await serveMemory();
  const served = await serveHttps(server.api);
  return {
    client: served.client,
    async dispose() {
      await served.close();
      await server.stop();
    },
  };
});
