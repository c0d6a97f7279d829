import type { HttpAnswer } from "../../platform/network.ts";

/** All of an answer's body. Throws when it is longer than `mostBytes`; what is not read is cancelled. */
export async function boundedBody({ body }: Pick<HttpAnswer, "body">, mostBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > mostBytes) throw new Error(`the answer is longer than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Lets go of an answer whose body nobody reads. */
export async function dropBody({ body }: Pick<HttpAnswer, "body">): Promise<void> {
  try {
    for await (const _ of body) return;
  } catch {
    // It ended by itself.
  }
}
