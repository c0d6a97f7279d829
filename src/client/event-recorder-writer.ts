import { type Clock, rfc3339, sleep } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { type Random, uuid } from "../base/random.ts";
import { events } from "../api/generated/resources.ts";
import type { Event } from "../api/generated/types/core-v1.ts";
import type { KubeObject } from "../meta/object.ts";
import { hasReason, StatusError } from "../meta/status-error.ts";
import type { Client } from "./client.ts";
import { type Correlated, EventCorrelator } from "./event-correlator.ts";
import type { EventRecorder } from "./event-recorder.ts";

export interface EventRecorderDeps {
  readonly client: Pick<Client, "create" | "patch">;
  readonly clock: Clock;
  readonly random: Random;
  /** Who speaks: `deployment-controller`, `kubelet`. */
  readonly component: string;
  /** The node it speaks from. */
  readonly host?: string;
  readonly log: Logger;
}

/** Events that wait to be written; further ones are dropped. */
const WAITING_MAX = 1000;
const TRIES = 12;
const RETRY_MS = 10_000;

/**
 * Writes core/v1 Events in the background, one after another. What the server refuses is dropped; while it cannot be
 * reached an event is tried for about two minutes. `flush` resolves when everything recorded so far is written or dropped.
 * @upstream client-go/tools/record/event.go
 */
export function createEventRecorder(deps: EventRecorderDeps): EventRecorder & { flush(): Promise<void> } {
  const { clock, random, log } = deps;
  const correlator = new EventCorrelator(deps);
  const waiting: Event[] = [];
  let draining: Promise<void> | undefined;
  let sequence = Math.floor(random.next() * 1_000_000);

  const nameFor = (about: string): string => {
    // Nanoseconds in hex, of which the clock knows the milliseconds; the rest keeps names apart.
    sequence = (sequence + 1) % 1_000_000;
    const name = `${about}.${(BigInt(Math.floor(clock.now())) * 1_000_000n + BigInt(sequence)).toString(16)}`;
    return /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name) && name.length <= 253 ? name : uuid(random);
  };

  const eventOf = (...[about, type, reason, message, options]: Parameters<EventRecorder["event"]>): Event => {
    const { name = "", namespace, uid, resourceVersion } = about.metadata;
    const now = rfc3339(clock.now());
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: {
        name: nameFor(name),
        namespace: (namespace ?? "") === "" ? "default" : namespace,
        ...(options?.annotations === undefined ? {} : { annotations: options.annotations }),
      },
      involvedObject: {
        kind: about.kind,
        ...(namespace === undefined ? {} : { namespace }),
        name,
        ...(uid === undefined ? {} : { uid }),
        apiVersion: about.apiVersion,
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
        ...(options?.fieldPath === undefined ? {} : { fieldPath: options.fieldPath }),
      },
      reason,
      message,
      source: { component: deps.component, ...(deps.host === undefined ? {} : { host: deps.host }) },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type,
      reportingComponent: deps.component,
      reportingInstance: deps.host ?? "",
    };
  };

  const drain = async (): Promise<void> => {
    for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) {
      const correlated = correlator.correlate(event);
      if (correlated.action !== "drop") await write(correlated);
    }
    draining = undefined;
  };

  const write = async (what: Exclude<Correlated, { action: "drop" }>): Promise<void> => {
    const { involvedObject, reason } = what.event;
    const fields = { about: `${involvedObject.kind ?? ""} ${involvedObject.namespace ?? ""}/${involvedObject.name ?? ""}`, reason };
    for (let attempt = 1; ; attempt += 1) {
      try {
        correlator.wrote(what.key, await send(deps.client, what));
        return;
      } catch (error) {
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
      if (waiting.length >= WAITING_MAX) {
        log.warn("event dropped, too many wait", { reason, name: about.metadata.name });
        return;
      }
      waiting.push(eventOf(about, type, reason, message, options));
      draining ??= Promise.resolve().then(drain);
    },
    async flush() {
      await draining;
    },
  };
}

async function send(client: EventRecorderDeps["client"], what: Exclude<Correlated, { action: "drop" }>): Promise<Event> {
  const { namespace, name = "" } = what.event.metadata;
  if (what.action === "count") {
    try {
      return await client.patch(events, name, { type: "strategic", value: what.patch }, { namespace });
    } catch (error) {
      // The counted one has expired: tell it anew.
      if (!hasReason(error, "NotFound")) throw error;
    }
  }
  return client.create(events, what.event, { namespace });
}

function isNamespaceEnding(error: StatusError): boolean {
  return error.status.details?.causes?.some((cause) => cause.reason === "NamespaceTerminating") ?? false;
}
