import type { ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Writable } from "node:stream";
import type { ApiResponse } from "../../meta/wire.ts";

type Headers = Record<string, string | string[] | number>;

/** PERF: below this a list is written as one buffer; above, chunk by chunk in groups, so that memory stays flat. */
const GROUP_BYTES = 256 * 1024;

function headersOf({ headers, body }: ApiResponse): Headers {
  const out: Headers = { "cache-control": "no-cache, private" };
  for (const [name, value] of Object.entries(headers)) out[name] = typeof value === "string" ? value : [...value];
  if (body.type === "bytes") {
    out["content-type"] = body.contentType;
    out["content-length"] = body.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  } else if (body.type === "stream") out["content-type"] = body.contentType;
  return out;
}

export async function writeHttp1(response: ServerResponse, answer: ApiResponse, headOnly: boolean): Promise<void> {
  response.writeHead(answer.status, headersOf(answer));
  if (headOnly) response.end();
  else await writeBody(response, answer);
}

export async function writeHttp2(stream: ServerHttp2Stream, answer: ApiResponse, headOnly: boolean): Promise<void> {
  const { body } = answer;
  const empty = headOnly || body.type === "empty";
  stream.respond({ ":status": answer.status, ...headersOf(answer) }, { endStream: empty });
  if (!empty) await writeBody(stream, answer);
}

async function writeBody(out: Writable, { body }: ApiResponse): Promise<void> {
  if (body.type === "bytes") {
    await writeChunks(out, body.chunks);
    return;
  }
  if (body.type === "stream") {
    if ("flushHeaders" in out) (out as ServerResponse).flushHeaders();
    for await (const chunk of body.chunks) {
      if (out.destroyed) break;
      if (!out.write(chunk)) await drained(out);
    }
  }
  out.end();
}

async function writeChunks(out: Writable, chunks: readonly Uint8Array[]): Promise<void> {
  let group: Uint8Array[] = [];
  let bytes = 0;
  for (const chunk of chunks) {
    group.push(chunk);
    bytes += chunk.length;
    if (bytes < GROUP_BYTES) continue;
    const more = out.write(Buffer.concat(group, bytes));
    group = [];
    bytes = 0;
    if (!more) await drained(out);
    if (out.destroyed) return;
  }
  if (group.length === 0) out.end();
  else out.end(group.length === 1 ? group[0] : Buffer.concat(group, bytes));
}

/** PERF: plain listeners; an AbortSignal to take them off again would make an error with a stack each time. */
function drained(out: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (out.destroyed) {
      resolve();
      return;
    }
    const done = (): void => {
      out.off("drain", done);
      out.off("close", done);
      resolve();
    };
    out.on("drain", done);
    out.on("close", done);
  });
}
