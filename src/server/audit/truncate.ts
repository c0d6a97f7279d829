import type { AuditEvent } from "./event.ts";

const encoder = new TextEncoder();

/** The event's JSON, without its bodies when it is larger than `mostBytes` with them; undefined when it is too large even so. @upstream apiserver/plugin/pkg/audit/truncate */
export function truncatedJson(event: AuditEvent, mostBytes: number): string | undefined {
  const whole = JSON.stringify(event);
  if (fits(whole, mostBytes)) return whole;
  const { requestObject: _request, responseObject: _response, ...rest } = event;
  const short: AuditEvent = { ...rest, annotations: { ...event.annotations, "audit.k8s.io/truncated": "true" } };
  const text = JSON.stringify(short);
  return fits(text, mostBytes) ? text : undefined;
}

/** PERF: a text of so few characters that it fits in any case is not encoded. */
function fits(text: string, mostBytes: number): boolean {
  return text.length * 3 <= mostBytes || encoder.encode(text).length <= mostBytes;
}

/** Batches of texts that each fit, in order. A text alone is never too large. */
export function batchesOf(texts: readonly string[], mostBytes: number): readonly (readonly string[])[] {
  const batches: string[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const text of texts) {
    const bytes = encoder.encode(text).length;
    if (size + bytes > mostBytes) {
      batches.push([]);
      size = 0;
    }
    batches.at(-1)?.push(text);
    size += bytes;
  }
  return batches;
}
