import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { type KeyPair, makeLeaf } from "../../src/cluster/pki/certificates.ts";

export interface TrialRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
  /** Common name of the caller's certificate, when the authority signed it. */
  readonly caller: string | undefined;
}

/** A small server of HTTPS on loopback that answers JSON, and keeps what it was asked. */
export class TrialHttps {
  readonly asked: TrialRequest[] = [];
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  /** `answer` undefined is a 404. */
  static async start(authority: KeyPair, answer: (request: TrialRequest, url: string) => unknown): Promise<TrialHttps> {
    const leaf = await makeLeaf(authority, { commonName: "trial", usage: "server", ips: ["127.0.0.1"], days: 1, nowMs: Date.now() });
    const server = createServer({ cert: leaf.certificate, key: leaf.privateKey, ca: authority.certificate, requestCert: true, rejectUnauthorized: false });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const made = new TrialHttps(server, `https://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const socket = request.socket as TLSSocket;
        const text = Buffer.concat(chunks).toString("utf8");
        const subject = socket.authorized ? (socket.getPeerCertificate().subject as { readonly CN?: string } | undefined) : undefined;
        const asked: TrialRequest = { path: request.url ?? "/", headers: request.headers, body: text === "" ? undefined : JSON.parse(text), caller: subject?.CN };
        made.asked.push(asked);
        const value = answer(asked, made.url);
        response.writeHead(value === undefined ? 404 : 200, { "content-type": "application/json" }).end(JSON.stringify(value ?? {}));
      });
    });
    return made;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
