import type { ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Writable } from "node:stream";
import { createGzip } from "node:zlib";
import type { ApiResponse } from "../../meta/wire.ts";

type Headers = Record<string, string | string[] | number>;

/** PERF: below this a list is written as one buffer; above, chunk by chunk in groups, so that memory stays flat. */
const GROUP_BYTES = 256 * 1024;

/** Answers above this are compressed for who takes that. @upstream apiserver/pkg/endpoints/handlers/responsewriters/writers.go */
const GZIP_BYTES = 128 * 1024;

/** Whether an answer goes out as gzip. */
export function isCompressed({ headers, body }: ApiResponse, acceptEncoding: string | string[] | undefined): boolean {
  if (body.type !== "bytes" || acceptEncoding === undefined || headers["content-encoding"] !== undefined) return false;
  if (lengthOf(body.chunks) <= GZIP_BYTES) return false;
  return String(acceptEncoding)
    .split(",")
    .some((part) => {
      const [name = "", ...params] = part.split(";").map((word) => word.trim().toLowerCase());
      return name === "gzip" && !params.some((param) => /^q=0(\.0*)?$/.test(param));
    });
}

function headersOf({ headers, body }: ApiResponse, gzip: boolean): Headers {
  const out: Headers = { "cache-control": "no-cache, private" };
  // PERF: every answer comes through here.
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) out[name] = typeof value === "string" ? value : [...value];
  }
  if (body.type === "bytes") {
    out["content-type"] = body.contentType;
    if (gzip) {
      out["content-encoding"] = "gzip";
      out["vary"] = "Accept-Encoding";
    } else out["content-length"] = lengthOf(body.chunks);
  } else if (body.type === "stream") out["content-type"] = body.contentType;
  return out;
}

/** How an answer is written: `headOnly` leaves the body out, `gzip` compresses it. */
export interface WriteOptions {
  readonly headOnly: boolean;
  readonly gzip: boolean;
}

/** Undefined when the answer is written already: one that fits into one buffer does not wait for anything. */
export function writeHttp1(response: ServerResponse, answer: ApiResponse, { headOnly, gzip }: WriteOptions): Promise<void> | undefined {
  response.writeHead(answer.status, headersOf(answer, gzip));
  if (headOnly) {
    response.end();
    return undefined;
  }
  return writeWhole(response, answer, gzip) ? undefined : writeBody(response, answer, gzip);
}

/** The same for a stream of HTTP/2. */
export function writeHttp2(stream: ServerHttp2Stream, answer: ApiResponse, { headOnly, gzip }: WriteOptions): Promise<void> | undefined {
  const { body } = answer;
  const empty = headOnly || body.type === "empty";
  stream.respond({ ":status": answer.status, ...headersOf(answer, gzip) }, { endStream: empty });
  return empty || writeWhole(stream, answer, gzip) ? undefined : writeBody(stream, answer, gzip);
}

/** Whether the body was written at once. */
function writeWhole(out: Writable, { body }: ApiResponse, gzip: boolean): boolean {
  if (gzip || body.type !== "bytes") return false;
  const { chunks } = body;
  const length = lengthOf(chunks);
  if (length > GROUP_BYTES) return false;
  out.end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, length));
  return true;
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  return length;
}

async function writeBody(out: Writable, { body }: ApiResponse, gzip: boolean): Promise<void> {
  if (body.type === "bytes") {
    await writeChunks(gzip ? compressor(out) : out, body.chunks);
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

/** PERF: level 1, as upstream; the work is done by threads of libuv, a group of chunks at a time. */
function compressor(out: Writable): Writable {
  const gzip = createGzip({ level: 1 });
  gzip.on("error", () => out.destroy());
  out.on("close", () => gzip.destroy());
  gzip.pipe(out);
  return gzip;
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
export function drained(out: Writable): Promise<void> {
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
