import { events, eventsV1 } from "../generated/resources.ts";
import type { Event } from "../generated/types/core-v1.ts";
import type { Event as EventV1 } from "../generated/types/events-v1.ts";
import { kind, type KindDefinition } from "../kind.ts";
import { eventFromV1 } from "./convert.ts";
import { eventColumns } from "./event-columns.ts";
import { validateEvent, validateEventV1Update, validateNewEventV1 } from "./event-validation.ts";

/** By the paths of the core group; events.k8s.io has its own for some. @upstream pkg/registry/core/event/strategy.go ToSelectableFields */
const selectors: { readonly [field: string]: (event: Event) => string } = {
  "involvedObject.kind": ({ involvedObject }) => involvedObject.kind ?? "",
  "involvedObject.namespace": ({ involvedObject }) => involvedObject.namespace ?? "",
  "involvedObject.name": ({ involvedObject }) => involvedObject.name ?? "",
  "involvedObject.uid": ({ involvedObject }) => involvedObject.uid ?? "",
  "involvedObject.apiVersion": ({ involvedObject }) => involvedObject.apiVersion ?? "",
  "involvedObject.resourceVersion": ({ involvedObject }) => involvedObject.resourceVersion ?? "",
  "involvedObject.fieldPath": ({ involvedObject }) => involvedObject.fieldPath ?? "",
  reason: ({ reason }) => reason ?? "",
  reportingComponent: ({ reportingComponent }) => reportingComponent ?? "",
  source: ({ source, reportingComponent }) => source?.component || (reportingComponent ?? ""),
  type: ({ type }) => type ?? "",
};

const shared = { shortNames: ["ev"], allowUnconditionalUpdate: true, allowCreateOnUpdate: true } as const;

/** Events of the core group: the form in which they are stored. @upstream pkg/registry/core/event/strategy.go */
export const eventKind = kind<Event>({
  ...shared,
  resource: events,
  defaults(draft) {
    draft.involvedObject ??= {};
    draft.source ??= {};
    draft.reportingComponent ??= "";
    draft.reportingInstance ??= "";
  },
  validate: (event) => validateEvent(event, { reporter: "reportingComponent" }),
  columns: eventColumns,
  fieldSelectors: selectors,
  indexedFields: ["involvedObject.uid", "involvedObject.name"],
});

/** The same events by events.k8s.io, which is stricter with those that it creates. */
export const eventV1Kind: KindDefinition<EventV1> = kind<EventV1>({
  ...shared,
  resource: eventsV1,
  validate: (event) => validateEvent(eventFromV1(event), { reporter: "reportingController" }),
  validateCreate: (event) => validateNewEventV1(eventFromV1(event)),
  validateUpdate: (next, previous) => validateEventV1Update(eventFromV1(next), eventFromV1(previous)),
  columns: eventColumns.map((column) => ({ ...column, value: (event: EventV1, context: { readonly nowMs: number }) => column.value(eventFromV1(event), context) })),
  fieldSelectors: Object.fromEntries(
    Object.entries(selectors).map(([field, value]) => [field.replace("involvedObject.", "regarding."), (event: EventV1) => value(eventFromV1(event))]),
  ),
});
