import { type Duplex, Writable } from "node:stream";

/** Of a frame's head: the longest there is. RFC 6455 5.2 */
const LONGEST_HEAD = 14;

/** Cuts a stream of bytes where one WebSocket frame ends and the next begins. */
export class FrameCutter {
  /** The beginning of a head whose rest has not come yet. */
  #head: Buffer = Buffer.alloc(0);
  /** Bytes that the current frame still has. */
  #left = 0n;

  /** The chunk in pieces, none with bytes of two frames. What the head of a frame needs stays here until it is whole. */
  cut(chunk: Buffer): Buffer[] {
    const pieces: Buffer[] = [];
    let rest = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    this.#head = Buffer.alloc(0);
    while (rest.length > 0) {
      let length = this.#left;
      if (length === 0n) {
        const whole = frameLength(rest);
        if (whole === undefined) {
          this.#head = rest;
          break;
        }
        length = whole;
      }
      const taken = length < BigInt(rest.length) ? Number(length) : rest.length;
      pieces.push(rest.subarray(0, taken));
      this.#left = length - BigInt(taken);
      rest = rest.subarray(taken);
    }
    return pieces;
  }

  /** What was kept back when nothing more comes. */
  rest(): Buffer {
    return this.#head;
  }
}

/** How long the frame is that begins here, head and all; undefined when that cannot be told yet. */
function frameLength(bytes: Buffer): bigint | undefined {
  const second = bytes[1];
  if (second === undefined) return undefined;
  const masked = (second & 0x80) === 0 ? 0 : 4;
  const short = second & 0x7f;
  if (short < 126) return BigInt(2 + masked + short);
  if (short === 126) return bytes.length < 4 ? undefined : BigInt(4 + masked + bytes.readUInt16BE(2));
  return bytes.length < LONGEST_HEAD - 4 ? undefined : BigInt(10 + masked) + bytes.readBigUInt64BE(2);
}

/**
 * Takes frames from a server and gives each to the socket alone, once the one before it is out: two frames in one TLS record
 * are one too many for clients that wait for the socket to become readable while the second is decrypted already (the
 * Python client does). Go's TLS hands records on one by one, so upstream's proxies never join frames either.
 */
export function frameByFrame(socket: Duplex): Writable {
  const cutter = new FrameCutter();
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      writeEach(socket, cutter.cut(chunk), done);
    },
    final(done) {
      writeEach(socket, [cutter.rest()], (error) => {
        socket.end();
        done(error);
      });
    },
  });
  // Who has left takes nothing more.
  sink.on("error", () => socket.destroy());
  return sink;
}

function writeEach(socket: Duplex, pieces: readonly Buffer[], done: (error?: Error | null) => void, from = 0): void {
  const piece = pieces[from];
  if (piece === undefined || piece.length === 0) done();
  else
    socket.write(piece, (error) => {
      if (error === undefined || error === null) writeEach(socket, pieces, done, from + 1);
      else done(error);
    });
}
