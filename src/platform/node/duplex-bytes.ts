import { once } from "node:events";
import type { Duplex } from "node:stream";
import type { ByteStream } from "../network.ts";

/** A socket as a ByteStream. `head`: bytes that were read from it before. */
export function duplexBytes(duplex: Duplex, head: Uint8Array = new Uint8Array()): ByteStream {
  // An error comes out of reading and writing; one that comes between them shows at the next.
  duplex.on("error", () => {});
  return {
    async write(bytes) {
      if (duplex.destroyed || duplex.writableEnded) throw new Error("the connection is closed");
      if (duplex.write(bytes)) return;
      const closed = new AbortController();
      const onClose = (): void => closed.abort(new Error("the connection is closed"));
      duplex.once("close", onClose);
      try {
        await once(duplex, "drain", { signal: closed.signal });
      } finally {
        duplex.off("close", onClose);
      }
    },
    end: () => void duplex.end(),
    destroy: () => void duplex.destroy(),
    async *[Symbol.asyncIterator]() {
      if (head.length > 0) yield head;
      yield* duplex.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
    },
  };
}
