import { since } from "../columns.ts";
import type { Event } from "../generated/types/core-v1.ts";
import type { Column } from "../kind.ts";

/** @upstream pkg/printers/internalversion/printers.go printEvent */
export const eventColumns: readonly Column<Event>[] = [
  { name: "Last Seen", type: "string", value: (event, { nowMs }) => lastSeen(event, nowMs) },
  { name: "Type", type: "string", value: ({ type }) => type ?? "" },
  { name: "Reason", type: "string", value: ({ reason }) => reason ?? "" },
  { name: "Object", type: "string", value: objectText },
  { name: "Subobject", type: "string", priority: 1, value: ({ involvedObject }) => involvedObject.fieldPath ?? "" },
  { name: "Source", type: "string", priority: 1, value: sourceText },
  { name: "Message", type: "string", value: ({ message }) => (message ?? "").trim() },
  { name: "First Seen", type: "string", priority: 1, value: (event, { nowMs }) => firstSeen(event, nowMs) },
  // An event that happened once has no count in the newer form.
  { name: "Count", type: "string", priority: 1, value: ({ series, count }) => (series === undefined ? count || 1 : (series.count ?? 0)) },
  { name: "Name", type: "string", format: "name", priority: 1, value: ({ metadata }) => metadata.name ?? "" },
];

function firstSeen({ firstTimestamp, eventTime }: Event, nowMs: number): string {
  return since(firstTimestamp ?? eventTime, nowMs);
}

function lastSeen(event: Event, nowMs: number): string {
  if (event.series !== undefined) return since(event.series.lastObservedTime, nowMs);
  return event.lastTimestamp === undefined ? firstSeen(event, nowMs) : since(event.lastTimestamp, nowMs);
}

function objectText({ involvedObject: { kind = "", name = "" } }: Event): string {
  return name === "" ? kind.toLowerCase() : `${kind.toLowerCase()}/${name}`;
}

function sourceText({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source?.component || (reportingComponent ?? "");
  const instance = source?.host || (reportingInstance ?? "");
  return instance === "" ? component : `${component}, ${instance}`;
}
