import type { IncomingHttpHeaders } from "node:http2";
import type { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { badRequest, failure } from "../../meta/status-error.ts";
import type { RequestBody } from "../../meta/wire.ts";

/** @upstream apiserver/pkg/server/config.go MaxRequestBodyBytes */
const LIMIT = 3 * 1024 * 1024;

const endedEarly = (): Error => badRequest("the body ended early");
const tooLarge = (): Error => failure("RequestEntityTooLarge", `Request entity too large: limit is ${LIMIT}`);

/** The body of a request, read when asked for and never beyond 3 MiB. */
export function requestBody(source: Readable, headers: IncomingHttpHeaders): RequestBody {
  return {
    type: "bytes",
    read() {
      const declared = Number(headers["content-length"] ?? "0");
      if (declared > LIMIT) return Promise.reject(tooLarge());
      return headers["content-encoding"] === "gzip" ? collect(source).then(unzipped) : collect(source);
    },
  };
}

function unzipped(body: Buffer): Buffer {
  try {
    return gunzipSync(body, { maxOutputLength: LIMIT });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge();
    throw badRequest("the body is not valid gzip");
  }
}

function collect(source: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // Its end has been told already, to nobody.
    if (source.destroyed) {
      reject(endedEarly());
      return;
    }
    const chunks: Buffer[] = [];
    let length = 0;
    let rejected = false;
    source.on("data", (chunk: Buffer) => {
      if (rejected) return;
      length += chunk.length;
      if (length > LIMIT) {
        // What still comes is thrown away, so that the answer can be read.
        rejected = true;
        chunks.length = 0;
        reject(tooLarge());
        return;
      }
      chunks.push(chunk);
    });
    let complete = false;
    source.on("end", () => {
      complete = true;
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    });
    source.on("error", reject);
    source.on("close", () => {
      // PERF: an error captures its stack; none is made for the close that follows every request.
      if (!complete && !rejected) reject(endedEarly());
    });
  });
}
