import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** A request that cannot be served. Clients of streams show the text after `unable to upgrade connection:`. */
export class HttpFailure extends Error {
  override readonly name = "HttpFailure";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
};

export function failureOf(error: unknown): HttpFailure {
  if (error instanceof HttpFailure) return error;
  return new HttpFailure(500, error instanceof Error ? error.message : String(error));
}

export function answerText(response: ServerResponse, code: number, text: string, contentType = "text/plain; charset=utf-8"): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  response.writeHead(code, { "content-type": contentType, "content-length": Buffer.byteLength(text), "x-content-type-options": "nosniff" });
  response.end(text);
}

export function answerJson(response: ServerResponse, value: unknown, code = 200): void {
  answerText(response, code, `${JSON.stringify(value)}\n`, "application/json");
}

/** The answer to an upgrade that is not done. */
export function refuseUpgrade(socket: Duplex, { code, message }: HttpFailure): void {
  if (socket.destroyed) return;
  const text = `${message}\n`;
  socket.end(
    `HTTP/1.1 ${code} ${reasons[code] ?? "Error"}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
}
