import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { nodeGrpcHealth } from "./grpc-health.ts";

let server: Http2Server | undefined;
afterEach(() => new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve()))));

/** Answers each service with a message, or with a gRPC status. */
async function serve(answers: Readonly<Record<string, Buffer | string>>): Promise<number> {
  const made = createServer();
  server = made;
  made.on("stream", (stream) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const service = Buffer.concat(chunks).subarray(7).toString();
      const answer = answers[service];
      if (!Buffer.isBuffer(answer)) {
        stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": answer ?? "12", "grpc-message": "no%20such" }, { endStream: true });
        return;
      }
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, answer.length]), answer]));
    });
  });
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  return (made.address() as AddressInfo).port;
}

it.each([
  ["up", "SERVING"],
  ["down", "NOT_SERVING"],
  ["blank", "UNKNOWN"],
  ["absent", "SERVICE_UNKNOWN"],
])("reads the answer about service %s as %s", async (service, expected) => {
  const port = await serve({ up: Buffer.from([8, 1]), down: Buffer.from([8, 2]), blank: Buffer.alloc(0), absent: "5" });
  expect(await nodeGrpcHealth.check({ host: "127.0.0.1", port, service, timeoutMs: 2000 })).toBe(expected);
});

it("fails when the server does not know health, or is not there", async () => {
  const port = await serve({});
  await expect(nodeGrpcHealth.check({ host: "127.0.0.1", port, service: "x", timeoutMs: 2000 })).rejects.toThrow("no such");
  await expect(nodeGrpcHealth.check({ host: "127.0.0.1", port: 1, service: "x", timeoutMs: 2000 })).rejects.toThrow("ECONNREFUSED");
});
