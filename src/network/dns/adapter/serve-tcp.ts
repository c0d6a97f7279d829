import type { Server, Socket } from "node:net";

const idleMs = 10_000;
const mostConnections = 1_000;
/** Queries of one connection that wait for their answers; more end it. */
const mostOpen = 100;

/** Reads length-prefixed queries (RFC 7766) from a server's connections; returns how to end them all. */
export function serveTcp(server: Server, answer: (message: Uint8Array, reply: (bytes: Uint8Array) => void) => void): () => void {
  const connections = new Set<Socket>();
  server.maxConnections = mostConnections;
  server.on("connection", (socket) => {
    connections.add(socket);
    let received: Buffer = Buffer.alloc(0);
    let open = 0;
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => connections.delete(socket));
    socket.on("data", (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      for (;;) {
        if (received.length < 2) return;
        const end = 2 + received.readUInt16BE(0);
        if (received.length < end) return;
        const message = new Uint8Array(received.subarray(2, end));
        received = received.subarray(end);
        open += 1;
        if (open > mostOpen) {
          socket.destroy();
          return;
        }
        answer(message, (bytes) => {
          open -= 1;
          if (!socket.destroyed) socket.write(Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]));
        });
      }
    });
  });
  return () => {
    for (const socket of connections) socket.destroy();
  };
}
