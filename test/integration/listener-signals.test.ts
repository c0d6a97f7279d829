import { once } from "node:events";
import type { ClientRequest } from "node:http";
import { Agent, request, type RequestOptions } from "node:https";
import { connect } from "node:tls";
import { afterAll, beforeAll, expect, it } from "vitest";
import { silentLogger } from "../../src/base/log.ts";
import { makeAuthority, makeLeaf } from "../../src/cluster/pki/certificates.ts";
import type { ApiRequest, ApiResponse } from "../../src/meta/wire.ts";
import { Listener } from "../../src/server/http/listener.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let listener: Listener;
let port: number;
let handle: (request: ApiRequest, signal: AbortSignal) => Promise<ApiResponse> = () => Promise.reject(new Error("not set"));

beforeAll(async () => {
  const nowMs = Date.now();
  const authority = await makeAuthority("test", { days: 1, nowMs });
  const leaf = await makeLeaf(authority, { commonName: "server", usage: "server", ips: ["127.0.0.1"], days: 1, nowMs });
  listener = new Listener(
    { certificate: leaf.certificate, privateKey: leaf.privateKey, clientCa: authority.certificate },
    { handle: (asked, { signal }) => handle(asked, signal), identities: {}, log: silentLogger },
  );
  ({ port } = await listener.listen({ host: "127.0.0.1", port: 0 }));
});
afterAll(() => {
  agent.destroy();
});

const ask = (options: RequestOptions = {}): ClientRequest => {
  const asked = request({ host: "127.0.0.1", port, path: "/", rejectUnauthorized: false, agent, ...options });
  asked.on("error", () => {});
  return asked;
};

/** Answers with a stream whose first chunk is there and whose second never comes; resolves its signal. */
function streaming(): Promise<AbortSignal> {
  return new Promise((resolve) => {
    handle = (_asked, signal) => {
      resolve(signal);
      async function* chunks(): AsyncGenerator<Uint8Array> {
        yield bytes("first");
        if (!signal.aborted) await once(signal, "abort");
      }
      return Promise.resolve({ status: 200, headers: {}, body: { type: "stream", contentType: "text/plain", chunks: chunks() } });
    };
  });
}

async function bodyOf(asked: ClientRequest): Promise<string> {
  asked.end();
  const [response] = (await once(asked, "response")) as [AsyncIterable<Uint8Array>];
  let text = "";
  for await (const chunk of response) text += new TextDecoder().decode(chunk);
  return text;
}

it("leaves the signal of a request alone that was answered, though its connection closes", async () => {
  const signals: AbortSignal[] = [];
  handle = (_asked, signal) => {
    signals.push(signal);
    return Promise.resolve({ status: 200, headers: {}, body: { type: "bytes", contentType: "text/plain", chunks: [bytes("hello")] } });
  };
  const own = new Agent({ keepAlive: true });
  expect(await bodyOf(ask({ agent: own }))).toBe("hello");
  own.destroy();
  expect(await bodyOf(ask())).toBe("hello");
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
});

it("aborts a stream when its reader leaves", async () => {
  const given = streaming();
  const asked = ask();
  asked.end();
  const signal = await given;
  await once(asked, "response");
  expect(signal.aborted).toBe(false);
  asked.destroy();
  if (!signal.aborted) await once(signal, "abort");
});

it("refuses a body that ends early, without an answer to anybody", async () => {
  const outcome = new Promise<unknown>((resolve) => {
    handle = async ({ body }) => {
      const read = body.type === "bytes" ? body.read() : Promise.resolve(new Uint8Array());
      resolve(
        await read.then(
          () => "read",
          (error: Error) => error.message,
        ),
      );
      return { status: 200, headers: {}, body: { type: "empty" } };
    };
  });
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
  await once(socket, "secureConnect");
  socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  socket.end();
  expect(await outcome).toMatch(/ended early|aborted/);
  socket.destroy();
});

it("ends streams when it closes, also those that only begin, and lets everything else finish", async () => {
  const given = streaming();
  const asked = ask({ agent: false });
  const text = bodyOf(asked);
  const signal = await given;
  await once(asked, "response");
  const answers = new Map<string, () => void>();
  const signals = new Map<string, AbortSignal>();
  const bothAsked = new Promise<void>((resolve) => {
    handle = async ({ path }, own) => {
      signals.set(path, own);
      await new Promise<void>((answer) => {
        answers.set(path, answer);
        if (answers.size === 2) resolve();
      });
      if (path === "/plain") return { status: 200, headers: {}, body: { type: "bytes", contentType: "text/plain", chunks: [bytes("finished")] } };
      async function* chunks(): AsyncGenerator<Uint8Array> {
        yield bytes("late");
        if (!own.aborted) await once(own, "abort");
      }
      return { status: 200, headers: {}, body: { type: "stream", contentType: "text/plain", chunks: chunks() } };
    };
  });
  const plain = bodyOf(ask({ agent: false, path: "/plain" }));
  const late = bodyOf(ask({ agent: false, path: "/late" }));
  await bothAsked;
  const closed = listener.closeGracefully(5_000);
  expect(signal.aborted).toBe(true);
  expect(await text).toBe("first");
  expect([signals.get("/plain")?.aborted, signals.get("/late")?.aborted]).toEqual([false, false]);
  for (const answer of answers.values()) answer();
  expect([await plain, await late]).toEqual(["finished", "late"]);
  await closed;
});
