// What the figures are compared with: Node's own HTTPS server, doing the least that a server can do. POST and PUT read
// a body, parse it and answer it; GET answers a body of the size that is asked for. Started by fork with {key, cert}.
import { createServer } from "node:https";

const bodies = new Map();
const bodyOf = (bytes) => {
  if (!bodies.has(bytes)) bodies.set(bytes, Buffer.alloc(bytes, "x"));
  return bodies.get(bytes);
};

process.once("message", ({ key, cert, ca }) => {
  const server = createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const answer = (body) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
      response.end(body);
    };
    if (request.method === "GET") {
      answer(bodyOf(Number(new URL(request.url, "https://localhost").searchParams.get("bytes") ?? "2")));
      return;
    }
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => answer(Buffer.from(JSON.stringify(JSON.parse(Buffer.concat(chunks).toString("utf8"))))));
  });
  server.keepAliveTimeout = 120_000;
  server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
});
process.on("disconnect", () => process.exit(0));
