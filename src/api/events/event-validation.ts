import { deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dnsSubdomainErrors, invalidEach, utf8Length, validateImmutable } from "../../meta/validation.ts";
import { checkQualifiedName } from "../field-checks.ts";
import type { Event } from "../generated/types/core-v1.ts";

const root = new FieldPath();
const at = (...names: readonly string[]): FieldPath => root.child(...names);
const maxInstanceBytes = 128;
const maxActionBytes = 128;
const maxReasonBytes = 128;
const maxNoteBytes = 1024;

/** What holds whichever group it came by; `reporter` names the controller's field there. @upstream pkg/apis/core/validation/events.go legacyValidateEvent */
export function* validateEvent(event: Event, { reporter }: { readonly reporter: string }): Iterable<FieldError> {
  const { namespace = "" } = event.metadata;
  const { namespace: about = "" } = event.involvedObject;
  const mismatch = at("involvedObject", "namespace").invalid(about, "does not match event.namespace");
  if (event.eventTime === undefined) {
    if (about === "" ? namespace !== "" && namespace !== "default" : namespace !== about) yield mismatch;
  } else {
    if (about === "" && namespace !== "default" && namespace !== "kube-system") yield mismatch;
    const { reportingComponent = "", message = "" } = event;
    if (reportingComponent === "") yield at(reporter).required();
    yield* checkQualifiedName(at(reporter), reportingComponent);
    yield* requiredUpTo("reportingInstance", event.reportingInstance, maxInstanceBytes);
    yield* requiredUpTo("action", event.action, maxActionBytes);
    yield* requiredUpTo("reason", event.reason, maxReasonBytes);
    if (utf8Length(message) > maxNoteBytes) yield at("message").invalid("", `can have at most ${maxNoteBytes} characters`);
  }
  yield* invalidEach(at("namespace"), namespace, dnsSubdomainErrors(namespace));
}

function* requiredUpTo(field: string, value = "", most: number): Iterable<FieldError> {
  if (value === "") yield at(field).required();
  if (utf8Length(value) > most) yield at(field).invalid("", `can have at most ${most} characters`);
}

/** What events.k8s.io demands of a new event besides. @upstream ValidateEventCreate */
export function* validateNewEventV1(event: Event): Iterable<FieldError> {
  yield* validateSeries(event);
  if (event.eventTime === undefined) yield at("eventTime").required();
  const { type = "" } = event;
  if (type !== "Normal" && type !== "Warning") yield at("type").invalid("", `has invalid value: ${type}`);
  const unset = "needs to be unset";
  if (event.firstTimestamp !== undefined) yield at("firstTimestamp").invalid("", unset);
  if (event.lastTimestamp !== undefined) yield at("lastTimestamp").invalid("", unset);
  if ((event.count ?? 0) !== 0) yield at("count").invalid("", unset);
  if ((event.source?.component ?? "") !== "" || (event.source?.host ?? "") !== "") yield at("source").invalid("", unset);
}

function* validateSeries({ series }: Event): Iterable<FieldError> {
  if (series === undefined) return;
  if ((series.count ?? 0) < 2) yield at("series.count").invalid("", "should be at least 2");
  if ((series.lastObservedTime ?? "") === "") yield at("series.lastObservedTime").required();
}

/** Only the series of an event may go on. @upstream ValidateEventUpdate */
export function* validateEventV1Update(next: Event, previous: Event): Iterable<FieldError> {
  if (!deepEqual(next.series, previous.series)) yield* validateSeries(next);
  const fields = ["involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "type", "eventTime", "action", "related"] as const;
  for (const field of fields) yield* validateImmutable(next[field], previous[field], at(field));
  yield* validateImmutable(next.reportingComponent ?? "", previous.reportingComponent ?? "", at("reportingController"));
  yield* validateImmutable(next.reportingInstance ?? "", previous.reportingInstance ?? "", at("reportingInstance"));
}
