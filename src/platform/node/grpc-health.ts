import { connect } from "node:http2";
import type { GrpcHealth, GrpcHealthStatus } from "../grpc-health.ts";

const statuses: readonly GrpcHealthStatus[] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
const mostAnswerBytes = 4096;
const notFound = "5";

/** `grpc.health.v1.Health/Check` over plain HTTP/2. Its two messages have one field each, so they are written by hand. */
export const nodeGrpcHealth: GrpcHealth = {
  check({ host, port, service, timeoutMs }) {
    const target = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    return new Promise((resolve, reject) => {
      const session = connect(`http://${target}`);
      const settle = (done: () => void): void => {
        clearTimeout(timer);
        session.destroy();
        done();
      };
      const fail = (reason: string): void => settle(() => reject(new Error(reason)));
      const timer = setTimeout(() => fail(`timeout: failed to connect service "${target}" within ${timeoutMs / 1000}s: context deadline exceeded`), timeoutMs);
      session.on("error", (error) => fail(`failed to connect service "${target}": ${error.message}`));
      const stream = session.request({
        ":method": "POST",
        ":path": "/grpc.health.v1.Health/Check",
        "content-type": "application/grpc",
        te: "trailers",
        "user-agent": "kube-probe/1.36",
        "grpc-timeout": `${timeoutMs}m`,
      });
      let answer = Buffer.alloc(0);
      let grpcStatus: string | undefined;
      let message = "";
      const note = (headers: Readonly<Record<string, unknown>>): void => {
        const status = headers["grpc-status"];
        if (typeof status === "string") grpcStatus = status;
        const text = headers["grpc-message"];
        if (typeof text === "string") message = decodeURIComponent(text);
      };
      stream.on("response", note);
      stream.on("trailers", note);
      stream.on("data", (chunk: Buffer) => {
        answer = Buffer.concat([answer, chunk]);
        if (answer.length > mostAnswerBytes) fail("the answer is too long");
      });
      stream.on("error", (error) => fail(error.message));
      stream.on("end", () => {
        if (grpcStatus === notFound) settle(() => resolve("SERVICE_UNKNOWN"));
        else if (grpcStatus !== "0") fail(`rpc error: code = ${grpcStatus ?? "Unknown"} desc = ${message}`);
        else settle(() => resolve(statuses[statusOf(answer.subarray(5))] ?? "UNKNOWN"));
      });
      stream.end(framed(request(service)));
    });
  },
};

/** `string service = 1` */
function request(service: string): Buffer {
  const name = Buffer.from(service, "utf8");
  if (name.length === 0) return Buffer.alloc(0);
  const length: number[] = [];
  for (let left = name.length; ; left >>= 7) {
    length.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) break;
  }
  return Buffer.concat([Buffer.from([0x0a, ...length]), name]);
}

/** `ServingStatus status = 1`; absent is UNKNOWN. */
function statusOf(message: Buffer): number {
  return message[0] === 0x08 ? (message[1] ?? 0) : 0;
}

function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
