import { type Clock, rfc3339, sleep } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { Draft } from "../base/values.ts";
import { events } from "../api/generated/resources.ts";
import type { Event, ObjectReference } from "../api/generated/types/core-v1.ts";
import type { KubeObject } from "../meta/object.ts";
import { hasReason, StatusError } from "../meta/status-error.ts";
import type { Client } from "./client.ts";
import { type Correlated, EventCorrelator, noteWritten } from "./event-correlator.ts";
import { EventNames } from "./event-name.ts";
import type { EventRecorder } from "./event-recorder.ts";

export interface EventRecorderDeps {
  readonly client: Pick<Client, "create" | "patch">;
  readonly clock: Clock;
  readonly random: Random;
  /** Who speaks: `deployment-controller`, `kubelet`. */
  readonly component: string;
  /** The node it speaks from. */
  readonly host?: string;
  /** Writes under way at once, 16 when left out: those about one object follow each other. */
  readonly atOnce?: number;
  readonly log: Logger;
}

/** Events that wait to be written; further ones are dropped. */
const WAITING_MAX = 10_000;
const AT_ONCE = 16;
const TRIES = 12;
const RETRY_MS = 10_000;

/** Events about one object, the oldest first. */
interface Lane {
  readonly about: string;
  readonly events: Event[];
}

/**
 * Writes core/v1 Events in the background, those about one object in their order. What the server refuses is dropped; while it cannot be
 * reached an event is tried for about two minutes. `flush` resolves when everything recorded so far is written or dropped.
 * @upstream client-go/tools/record/event.go
 */
export function createEventRecorder(deps: EventRecorderDeps): EventRecorder & { flush(): Promise<void> } {
  const { clock, random, log, atOnce = AT_ONCE } = deps;
  const correlator = new EventCorrelator(deps);
  /** Objects that events wait about; those that nobody works on stand in `ready` too. */
  const lanes = new Map<string, Lane>();
  const ready: Lane[] = [];
  const workers = new Set<Promise<void>>();
  let waiting = 0;
  let atWork = 0;
  const names = new EventNames(deps);
  const source = Object.freeze({ component: deps.component, ...(deps.host === undefined ? {} : { host: deps.host }) });

  const eventOf = (...[about, type, reason, message, options]: Parameters<EventRecorder["event"]>): Event => {
    const { name = "", namespace = "" } = about.metadata;
    const now = rfc3339(clock.now());
    const metadata: Draft<Event["metadata"]> = { name: names.next(name), namespace: namespace === "" ? "default" : namespace };
    if (options?.annotations !== undefined) metadata.annotations = { ...options.annotations };
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata,
      involvedObject: referenceTo(about, options?.fieldPath),
      reason,
      message,
      source,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type,
      reportingComponent: deps.component,
      reportingInstance: deps.host ?? "",
    };
  };

  const work = async (): Promise<void> => {
    for (let lane = ready.shift(); lane !== undefined; lane = ready.shift()) {
      for (let event = lane.events.shift(); event !== undefined; event = lane.events.shift()) {
        waiting -= 1;
        const correlated = correlator.correlate(event, lane.about);
        if (correlated.action !== "drop") await write(correlated);
      }
      lanes.delete(lane.about);
    }
    // Here and not when the promise settles: a lane that is opened in between must find a worker.
    atWork -= 1;
  };

  const startWorker = (): void => {
    atWork += 1;
    const worker: Promise<void> = Promise.resolve()
      .then(work)
      .finally(() => workers.delete(worker));
    workers.add(worker);
  };

  const enqueue = (event: Event): void => {
    const about = aboutOf(event);
    const lane = lanes.get(about);
    waiting += 1;
    if (lane !== undefined) {
      lane.events.push(event);
      return;
    }
    const opened: Lane = { about, events: [event] };
    lanes.set(about, opened);
    ready.push(opened);
    if (atWork < atOnce) startWorker();
  };

  const write = async (what: Exclude<Correlated, { action: "drop" }>): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        noteWritten(what.written, await send(deps.client, what));
        return;
      } catch (error) {
        const fields = fieldsOf(what.event);
        if (error instanceof StatusError) {
          if (hasReason(error, "AlreadyExists") || isNamespaceEnding(error)) log.debug("event not written", { ...fields, error });
          else log.error("server refused event", { ...fields, error });
          return;
        }
        if (attempt >= TRIES) {
          log.error("event dropped, the server cannot be reached", { ...fields, error });
          return;
        }
        // The first wait is random, so that a server that comes back is not met by all at once.
        await sleep(clock, attempt === 1 ? RETRY_MS * random.next() : RETRY_MS);
      }
    }
  };

  return {
    event(about: KubeObject, type, reason, message, options) {
      if (waiting >= WAITING_MAX) {
        log.warn("event dropped, too many wait", { reason, name: about.metadata.name });
        return;
      }
      enqueue(eventOf(about, type, reason, message, options));
    },
    async flush() {
      while (workers.size > 0) await Promise.all(workers);
    },
  };
}

function send(client: EventRecorderDeps["client"], what: Exclude<Correlated, { action: "drop" }>): Promise<Event> {
  return what.action === "create" ? client.create(events, what.event) : count(client, what);
}

async function count(client: EventRecorderDeps["client"], { event, patch }: Extract<Correlated, { action: "count" }>): Promise<Event> {
  const { namespace, name = "" } = event.metadata;
  try {
    return await client.patch(events, name, { type: "strategic", value: patch }, { namespace });
  } catch (error) {
    // The counted one has expired: tell it anew.
    if (!hasReason(error, "NotFound")) throw error;
  }
  return client.create(events, event);
}

/** PERF: an object that the server knows has everything; spreading what may be left out costs as much as the rest of the event. */
function referenceTo(about: KubeObject, fieldPath: string | undefined): ObjectReference {
  const { apiVersion, kind } = about;
  const { name = "", namespace, uid, resourceVersion } = about.metadata;
  if (namespace !== undefined && uid !== undefined && resourceVersion !== undefined && fieldPath === undefined) return { kind, namespace, name, uid, apiVersion, resourceVersion };
  return {
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(uid === undefined ? {} : { uid }),
    apiVersion,
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}

function fieldsOf({ involvedObject: { kind, namespace, name }, reason }: Event) {
  return { about: `${kind ?? ""} ${namespace ?? ""}/${name ?? ""}`, reason };
}

function aboutOf({ involvedObject: { apiVersion, kind, namespace, name, uid } }: Event): string {
  return `${uid ?? ""}/${name ?? ""}/${namespace ?? ""}/${kind ?? ""}/${apiVersion ?? ""}`;
}

function isNamespaceEnding(error: StatusError): boolean {
  return error.status.details?.causes?.some((cause) => cause.reason === "NamespaceTerminating") ?? false;
}
