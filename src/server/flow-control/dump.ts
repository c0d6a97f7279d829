import { textResponse } from "../respond/response.ts";
import type { PathHandler } from "../server.ts";
import type { PriorityLevel } from "./priority-level.ts";
import type { Ticket } from "./ticket.ts";

type Row = readonly (string | number | boolean)[];

const NONE = "<none>";
const PATH = "/debug/api_priority_and_fairness/";

/** What waits and executes where, for people who look for the cause of a delay. @upstream apiserver/pkg/util/flowcontrol/apf_controller_debug.go */
export function dumpPaths(levelsNow: () => readonly PriorityLevel[]): PathHandler {
  return (_request, { path }, query) => {
    if (!path.startsWith(PATH)) return undefined;
    const levels = [...levelsNow()].sort((one, other) => (one.name < other.name ? -1 : 1));
    switch (path.slice(PATH.length)) {
      case "dump_priority_levels":
        return answer(levelRows(levels));
      case "dump_queues":
        return answer(queueRows(levels));
      case "dump_requests":
        return answer(requestRows(levels, (query.get("includeRequestDetails") ?? "") !== ""));
      default:
        return undefined;
    }
  };
}

function* levelRows(levels: readonly PriorityLevel[]): Generator<Row> {
  yield [
    "PriorityLevelName",
    "ActiveQueues",
    "IsIdle",
    "IsQuiescing",
    "WaitingRequests",
    "ExecutingRequests",
    "DispatchedRequests",
    "RejectedRequests",
    "TimedoutRequests",
    "CancelledRequests",
  ];
  for (const { name, set, quiescing } of levels) {
    const { dispatched, rejected, timedOut, cancelled } = set.totals;
    const active = set.queues.filter(({ waiting }) => waiting.length > 0).length;
    yield [name, active, set.isIdle, quiescing, set.waiting, set.running, dispatched, rejected, timedOut, cancelled];
  }
}

function* queueRows(levels: readonly PriorityLevel[]): Generator<Row> {
  yield ["PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR", "InitialSeatsSum", "MaxSeatsSum", "TotalWorkSum"];
  for (const { name, set } of levels) {
    if (set.queues.length === 0) yield [name, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE];
    for (const [index, { waiting, executing, seatsInUse, nextDispatch, waitingWork }] of set.queues.entries()) {
      let initial = 0;
      let most = 0;
      for (const { initialSeats, seats } of waiting) {
        initial += initialSeats;
        most += seats;
      }
      yield [name, index, waiting.length, executing.length, seatsInUse, seatSeconds(nextDispatch), initial, most, seatSeconds(waitingWork)];
    }
  }
}

const requestColumns = [
  "PriorityLevelName",
  "FlowSchemaName",
  "QueueIndex",
  "RequestIndexInQueue",
  "FlowDistingsher",
  "ArriveTime",
  "InitialSeats",
  "FinalSeats",
  "AdditionalLatency",
  "StartTime",
];
const detailColumns = ["UserName", "Verb", "APIPath", "Namespace", "Name", "APIVersion", "Resource", "SubResource"];

function* requestRows(levels: readonly PriorityLevel[], details: boolean): Generator<Row> {
  yield details ? [...requestColumns, ...detailColumns] : requestColumns;
  for (const { name, set } of levels) {
    for (const ticket of set.executing) yield requestRow(name, ticket, -1, -1, details);
    for (const [index, { waiting, executing }] of set.queues.entries()) {
      let place = 0;
      for (const ticket of waiting) yield requestRow(name, ticket, index, place++, details);
      for (const ticket of executing) yield requestRow(name, ticket, index, -1, details);
    }
  }
}

function requestRow(level: string, ticket: Ticket, queue: number, place: number, details: boolean): Row {
  const { flow, arrivedMs, startedMs, initialSeats, finalSeats, lingerMs, user, info } = ticket;
  const started = ticket.state === "executing" ? new Date(startedMs).toISOString() : "0001-01-01T00:00:00Z";
  const row = [level, flow.schema, queue, place, flow.distinguisher, new Date(arrivedMs).toISOString(), initialSeats, finalSeats, `${lingerMs}ms`, started];
  if (!details) return row;
  const { resource } = info;
  const apiVersion = resource === undefined ? "" : resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
  return [...row, user.name, info.verb, info.path, resource?.namespace ?? "", resource?.name ?? "", apiVersion, resource?.resource ?? "", resource?.subresource ?? ""];
}

const seatSeconds = (seatMs: number): string => `${(seatMs / 1000).toFixed(8)}ss`;

/** Columns under each other, as Go's tabwriter sets them: at least eight wide, one blank between. */
function answer(rows: Iterable<Row>): ReturnType<typeof textResponse> {
  const cells = [...rows].map((row) => row.map((cell, index) => (index === row.length - 1 ? String(cell) : `${cell},`)));
  const widths: number[] = [];
  for (const row of cells) for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 8, cell.length + 1);
  const lines = cells.map((row) => row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join(""));
  return textResponse(200, lines.map((line) => `${line}\n`).join(""), "text/plain; charset=utf-8");
}
