import type { Event } from "../generated/types/core-v1.ts";
import type { Event as EventV1 } from "../generated/types/events-v1.ts";

// Both groups serve the same stored objects; only field names differ. @upstream pkg/apis/events/v1/conversion.go

/** As the core group has it; also the stored form. */
export function eventFromV1(event: EventV1): Event {
  const { metadata, action, reason, type, related, reportingInstance, eventTime } = event;
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata,
    involvedObject: event.regarding ?? {},
    ...compact({
      action,
      reason,
      type,
      related,
      reportingInstance,
      eventTime,
      message: event.note,
      reportingComponent: event.reportingController,
      source: event.deprecatedSource,
      firstTimestamp: event.deprecatedFirstTimestamp,
      lastTimestamp: event.deprecatedLastTimestamp,
      count: event.deprecatedCount,
      series: event.series,
    }),
  };
}

/** As events.k8s.io has it. `eventTime` is absent, although its type says otherwise, for events of the older form. */
export function eventToV1(event: Event): EventV1 {
  const { metadata, action, reason, type, related, reportingInstance, eventTime, series } = event;
  return {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata,
    regarding: event.involvedObject,
    ...compact({
      action,
      reason,
      type,
      related,
      reportingInstance,
      eventTime,
      note: event.message,
      reportingController: event.reportingComponent,
      deprecatedSource: event.source,
      deprecatedFirstTimestamp: event.firstTimestamp,
      deprecatedLastTimestamp: event.lastTimestamp,
      deprecatedCount: event.count,
      series: series === undefined ? undefined : { count: series.count ?? 0, lastObservedTime: series.lastObservedTime ?? "" },
    }),
  } as EventV1;
}

/** Without the properties that are undefined, so that what is stored has none of them. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
}
