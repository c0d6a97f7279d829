import { since } from "../columns.ts";
import type { Container, ContainerState, ContainerStatus, Pod } from "../generated/types/core-v1.ts";
import { isSidecar } from "./pod-resources.ts";

/** A pod in one line: `{ ready: 1, total: 2, status: "CrashLoopBackOff", restarts: 3, lastRestart: "2026-01-31T08:00:00Z" }`. */
export interface PodSummary {
  readonly ready: number;
  readonly total: number;
  readonly status: string;
  readonly restarts: number;
  /** RFC 3339; of the latest restart that is known. */
  readonly lastRestart: string | undefined;
}

interface Tally {
  count: number;
  last: string | undefined;
}

/** What `kubectl get pods` shows. @upstream pkg/printers/internalversion/printers.go printPod */
export function summarizePod(pod: Pod): PodSummary {
  const { spec, status = {}, metadata } = pod;
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const total = (spec.containers ?? []).length + sidecars.size;
  const gated = status.conditions?.some(({ type, reason }) => type === "PodScheduled" && reason === "SchedulingGated") === true;
  let text = gated ? "SchedulingGated" : status.reason || (status.phase ?? "");
  let ready = 0;

  const starting = summarizeStart(status.initContainerStatuses ?? [], sidecars, spec.initContainers ?? []);
  ready += starting.ready;
  let restarts = starting.all;
  if (starting.text !== undefined) text = starting.text;
  if (starting.text === undefined || hasCondition(pod, "Initialized")) {
    restarts = starting.ofSidecars;
    let running = false;
    for (const container of (status.containerStatuses ?? []).toReversed()) {
      tally(restarts, container);
      const reason = stateText(container.state);
      if (reason !== undefined) text = reason;
      else if (container.ready && container.state?.running !== undefined) {
        running = true;
        ready += 1;
      }
    }
    if (text === "Completed" && running) text = hasCondition(pod, "Ready") ? "Running" : "NotReady";
  }
  if (metadata.deletionTimestamp !== undefined) {
    if (status.reason === "NodeLost") text = "Unknown";
    else if (status.phase !== "Failed" && status.phase !== "Succeeded") text = "Terminating";
  }
  return { ready, total, status: text, restarts: restarts.count, lastRestart: restarts.last };
}

/** `3 (2m ago)`, or `0`. */
export function restartsText({ restarts, lastRestart }: PodSummary, nowMs: number): string {
  return restarts === 0 || lastRestart === undefined ? String(restarts) : `${restarts} (${since(lastRestart, nowMs)} ago)`;
}

/** Walks the init containers up to the first that has not done its part; `text` is set when there is one. */
function summarizeStart(statuses: readonly ContainerStatus[], sidecars: ReadonlySet<string>, containers: readonly Container[]) {
  const all: Tally = { count: 0, last: undefined };
  const ofSidecars: Tally = { count: 0, last: undefined };
  let ready = 0;
  let text: string | undefined;
  for (const [index, status] of statuses.entries()) {
    tally(all, status);
    const isSidecar = sidecars.has(status.name);
    if (isSidecar) tally(ofSidecars, status);
    const { terminated, waiting } = status.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (isSidecar && status.started === true) {
      if (status.ready) ready += 1;
      continue;
    }
    if (terminated !== undefined) text = `Init:${terminatedText(terminated)}`;
    else if (waiting?.reason !== undefined && waiting.reason !== "" && waiting.reason !== "PodInitializing") text = `Init:${waiting.reason}`;
    else text = `Init:${index}/${containers.length}`;
    break;
  }
  return { all, ofSidecars, ready, text };
}

function stateText({ waiting, terminated }: ContainerState = {}): string | undefined {
  if (waiting?.reason !== undefined && waiting.reason !== "") return waiting.reason;
  return terminated === undefined ? undefined : terminatedText(terminated);
}

function terminatedText({ reason, signal, exitCode }: NonNullable<ContainerState["terminated"]>): string {
  if (reason !== undefined && reason !== "") return reason;
  return signal === undefined || signal === 0 ? `ExitCode:${exitCode}` : `Signal:${signal}`;
}

function tally(into: Tally, { restartCount, lastState }: ContainerStatus): void {
  into.count += restartCount;
  const finished = lastState?.terminated?.finishedAt;
  if (finished !== undefined && (into.last === undefined || Date.parse(into.last) < Date.parse(finished))) into.last = finished;
}

const hasCondition = (pod: Pod, wanted: string): boolean => pod.status?.conditions?.some(({ type, status }) => type === wanted && status === "True") === true;
