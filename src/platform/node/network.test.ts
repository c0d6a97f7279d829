import { createServer, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeNetwork } from "./network.ts";

describe("nodeNetwork", () => {
  let server: Server;
  let port = 0;
  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === "/moved") response.writeHead(302, { location: "http://elsewhere/" }).end();
      else if (request.url === "/big") response.end("x".repeat(1_000_000));
      else if (request.url === "/slow") response.flushHeaders();
      else if (request.url === "/headers") response.end(JSON.stringify(request.headers));
      else if (request.url !== "/never") response.writeHead(503).end("not yet");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  const probe = (path: string, timeoutMs = 2_000, headers: readonly { name: string; value: string }[] = []) =>
    nodeNetwork.probeHttp({ scheme: "http", host: "127.0.0.1", port, path, headers, timeoutMs });

  it("gives status and body", async () => {
    expect(await probe("/healthz")).toMatchObject({ status: 503, body: "not yet" });
  });

  it("does not follow redirects", async () => {
    expect(await probe("/moved")).toMatchObject({ status: 302, location: "http://elsewhere/" });
  });

  it("reads no more than 10 KiB", async () => {
    expect((await probe("/big")).body).toHaveLength(10 * 1024);
  });

  it("sends the given headers, Host among them", async () => {
    const { body } = await probe("/headers", 2_000, [
      { name: "Host", value: "example.org" },
      { name: "X-Twice", value: "a" },
      { name: "x-twice", value: "b" },
    ]);
    expect(JSON.parse(body)).toMatchObject({ host: "example.org", "x-twice": "a, b" });
  });

  it("gives up in time, before and within the answer", async () => {
    await expect(probe("/never", 50)).rejects.toThrow("context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
    await expect(probe("/slow", 50)).rejects.toThrow("while reading body");
  });

  it("says why a connection failed", async () => {
    const gone = createTcpServer();
    await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", resolve));
    const closed = (gone.address() as AddressInfo).port;
    await new Promise<void>((resolve) => gone.close(() => resolve()));
    const reason = `dial tcp 127.0.0.1:${closed}: connect: connection refused`;
    await expect(nodeNetwork.probeTcp("127.0.0.1", closed, 1_000)).rejects.toThrow(reason);
    await expect(nodeNetwork.probeHttp({ scheme: "http", host: "127.0.0.1", port: closed, path: "/", headers: [], timeoutMs: 1_000 })).rejects.toThrow(reason);
    await nodeNetwork.probeTcp("127.0.0.1", port, 1_000);
  });
});
