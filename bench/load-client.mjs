// A load generator in a process of its own: TLS connections that each send one HTTP/1.1 request, wait for its answer and
// send the next. It does as little as it can, so that the server is what is measured. Started by fork with a job.
import { connect } from "node:tls";

// Says "connected" when it is ready to begin, and begins with the next message.
process.once("message", (job) => void prepare(job));

async function prepare(job) {
  const connections = await Promise.all(Array.from({ length: job.clients }, () => Connection.open(job)));
  process.once("message", () => void run(job, connections));
  process.send("connected");
}

async function run(job, connections) {
  const { seconds = 0, requests = Number.POSITIVE_INFINITY } = job;
  const latencies = [];
  const failures = new Map();
  let sent = 0;
  let bytes = 0;
  const started = performance.now();
  const end = seconds === 0 ? Number.POSITIVE_INFINITY : started + seconds * 1000;
  await Promise.all(
    connections.map(async (connection) => {
      for (let previous; sent < requests && performance.now() < end; ) {
        sent += 1;
        const from = performance.now();
        const answer = await connection.send(requestOf(job, sent, previous));
        latencies.push(performance.now() - from);
        bytes += answer.body.length;
        if (answer.status >= 300) failures.set(answer.status, (failures.get(answer.status) ?? 0) + 1);
        previous = answer;
      }
    }),
  );
  const took = (performance.now() - started) / 1000;
  for (const connection of connections) connection.close();
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  process.send({ count: latencies.length, seconds: took, perSecond: latencies.length / took, bytes, p50: at(0.5), p99: at(0.99), failures: [...failures] }, () => process.exit(0));
}

/** `{n}` in path and body becomes the request's number; a `cycle` GETs an object and PUTs it back with a change. */
function requestOf({ host, method, path, body, cycle, names, accept }, number, previous) {
  if (cycle === true) {
    if (previous?.method === "GET" && previous.status === 200) {
      const text = previous.body.toString("utf8").replace(/"turn":"[^"]*"/, `"turn":"${number}"`);
      return encode("PUT", previous.path, { host, body: text, accept });
    }
    return encode("GET", path.replace("{n}", String(number % names)), { host, accept });
  }
  const index = String(names === undefined ? number : number % names);
  return encode(method, path.replace("{n}", index), { host, body: body?.replaceAll("{n}", index), accept });
}

function encode(method, path, { host, body, accept = "application/json" }) {
  const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: ${accept}\r\n`;
  const text = body === undefined ? `${head}\r\n` : `${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  return { method, path, text };
}

const END_OF_HEAD = Buffer.from("\r\n\r\n");

class Connection {
  #socket;
  #pending;
  #chunks = [];
  #length = 0;
  #wanted = 0;
  #head;

  static open({ port, key, cert, ca }) {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, key, cert, ca, checkServerIdentity: () => undefined, ALPNProtocols: ["http/1.1"] });
      socket.once("error", reject);
      socket.once("secureConnect", () => {
        socket.setNoDelay(true);
        resolve(new Connection(socket));
      });
    });
  }

  constructor(socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("close", () => this.#pending?.reject(new Error("the connection was closed")));
  }

  send({ method, path, text }) {
    this.#socket.write(text);
    return new Promise((resolve, reject) => {
      this.#pending = { resolve: ({ status, body }) => resolve({ status, body, method, path }), reject };
    });
  }

  close() {
    this.#socket.destroy();
  }

  #take(chunk) {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#head === undefined) {
      const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
      this.#chunks = [all];
      const end = all.indexOf(END_OF_HEAD);
      if (end < 0) return;
      const head = all.toString("latin1", 0, end);
      this.#head = { status: Number(head.slice(9, 12)), start: end + 4 };
      this.#wanted = end + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? "0");
    }
    if (this.#length < this.#wanted) return;
    const { status, start } = this.#head;
    const body = (this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks)).subarray(start);
    this.#chunks = [];
    this.#length = 0;
    this.#head = undefined;
    this.#pending.resolve({ status, body });
  }
}
