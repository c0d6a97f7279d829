import { FieldSelector } from "../../meta/field-selector.ts";
import { isTrue, type RequestInfo, type ResourceRequest } from "../request-info.ts";

/** How much of a level a request takes: seats while it runs, then seats for as long as its change is told to watchers. */
export interface Work {
  readonly initialSeats: number;
  readonly finalSeats: number;
  /** How long the final seats stay taken after the answer. */
  readonly lingerMs: number;
}

export const MAX_SEATS = 10;
const OBJECTS_PER_SEAT = 100;
const WATCHES_PER_SEAT = 10;
/** What one seat's worth of watchers takes for one event. */
const EVENT_MS = 5;

export const oneSeat: Work = { initialSeats: 1, finalSeats: 0, lingerMs: 0 };
// PERF: lists of one width share one estimate.
const wide: readonly Work[] = Array.from({ length: MAX_SEATS + 1 }, (_, seats) => (seats <= 1 ? oneSeat : { ...oneSeat, initialSeats: seats }));

/** What is known of the resource that a request is about. */
export interface Extent {
  /** Undefined: it is not stored here. */
  readonly objects: number | undefined;
  /** Watches that would be told of a change. */
  readonly watchers: number;
}

/** The most seats that one request of a level may take: none takes so many that the others of its queue stand still. @upstream apiserver/pkg/util/flowcontrol/max_seats.go */
export function maxSeatsOf(nominalSeats: number, handSize: number): number {
  return Math.max(1, Math.min(MAX_SEATS, Math.ceil(nominalSeats * 0.15), Math.floor(nominalSeats / Math.max(1, handSize))));
}

/** Whether the extent of the resource matters to the estimate. */
export function isWide({ verb, resource: target }: RequestInfo, query: URLSearchParams): boolean {
  if (target === undefined) return false;
  switch (verb) {
    case "list":
      return true;
    case "watch":
      return isTrue(query.get("sendInitialEvents"));
    case "create":
    case "update":
    case "patch":
    case "delete":
      // A token makes no event.
      return !(target.resource === "serviceaccounts" && target.subresource === "token");
    default:
      return false;
  }
}

/** @upstream apiserver/pkg/util/flowcontrol/request/{list,mutating}_work_estimator.go */
export function estimateWork(target: ResourceRequest, query: URLSearchParams, extent: Extent, maxSeats: number): Work {
  return target.verb === "list" || target.verb === "watch" ? estimateList(target, query, extent, maxSeats) : estimateChange(extent, maxSeats);
}

function estimateList({ name }: ResourceRequest, query: URLSearchParams, { objects }: Extent, maxSeats: number): Work {
  const selector = query.get("fieldSelector") ?? "";
  if (objects === undefined || name !== "" || namesOne(selector)) return oneSeat;
  const limit = Number(query.get("limit") ?? "0");
  // A page is as much work as its objects; a selection has to look at all.
  const all = !(limit > 0) || selector !== "" || (query.get("labelSelector") ?? "") !== "";
  const seats = Math.ceil((all ? objects : Math.min(objects, limit)) / OBJECTS_PER_SEAT);
  return wide[Math.max(1, Math.min(seats, maxSeats))] ?? oneSeat;
}

function namesOne(selector: string): boolean {
  if (!selector.includes("metadata.name")) return false;
  try {
    return FieldSelector.parse(selector).exactValue("metadata.name") !== undefined;
  } catch {
    return false;
  }
}

function estimateChange({ watchers }: Extent, maxSeats: number): Work {
  if (watchers < WATCHES_PER_SEAT) return oneSeat;
  const wanted = Math.ceil(watchers / WATCHES_PER_SEAT);
  const finalSeats = Math.min(wanted, maxSeats);
  // Fewer seats for longer: the work is the same.
  return { initialSeats: 1, finalSeats, lingerMs: (wanted * EVENT_MS) / finalSeats };
}
