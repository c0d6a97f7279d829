/** One line as the runtime writes it: `2026-01-31T08:00:00.123456789Z stdout F hello`. */
export interface LogLine {
  readonly timestamp: string;
  readonly stream: "stdout" | "stderr";
  /** The container's line goes on in the next entry of its stream. */
  readonly partial: boolean;
  /** With the newline, unless partial. */
  readonly content: Uint8Array;
}

const space = 0x20;
const newline = 0x0a;
const decoder = new TextDecoder();

/** Parses one entry, given without its newline; undefined when it is none. @upstream staging/src/k8s.io/cri-client/pkg/logs/logs.go */
export function parseLogLine(bytes: Uint8Array): LogLine | undefined {
  const first = bytes.indexOf(space);
  const second = first < 0 ? -1 : bytes.indexOf(space, first + 1);
  if (second < 0) return undefined;
  const thirdOrEnd = bytes.indexOf(space, second + 1);
  const third = thirdOrEnd < 0 ? bytes.length : thirdOrEnd;
  const stream = decoder.decode(bytes.subarray(first + 1, second));
  if (stream !== "stdout" && stream !== "stderr") return undefined;
  const [tag] = decoder.decode(bytes.subarray(second + 1, third)).split(":");
  const text = bytes.subarray(Math.min(third + 1, bytes.length));
  const partial = tag === "P";
  if (partial) return { timestamp: decoder.decode(bytes.subarray(0, first)), stream, partial, content: text };
  const content = new Uint8Array(text.length + 1);
  content.set(text);
  content[text.length] = newline;
  return { timestamp: decoder.decode(bytes.subarray(0, first)), stream, partial, content };
}
