import type { ContainerState, ContainerStatus, Event, Pod } from "../../api/generated/types/core-v1.ts";
import type { PodVerdict } from "../../api/insight/pod-verdict.ts";

/** Verdicts that are shown one by one; the others are counted. */
const MAX_NODES = 12;

/** Why a pod is not running, in lines; `verdict` undefined: it may not be asked for or is not known. */
export function podStory(pod: Pod, verdict: PodVerdict | undefined, events: readonly Event[]): readonly string[] {
  const { name = "", namespace = "" } = pod.metadata;
  const who = `pod ${namespace}/${name}`;
  const phase = pod.status?.phase ?? "Pending";
  if (phase === "Succeeded") return [`${who} has ended well: all its containers exited with 0`];
  if (phase === "Failed") return [`${who} has failed: ${pod.status?.message ?? pod.status?.reason ?? "a container exited with an error"}`, ...containerLines(pod)];
  if ((pod.spec.nodeName ?? "") === "") return [`${who} has no node`, ...(verdict === undefined ? conditionLines(pod) : verdictLines(verdict)), ...eventLines(events)];
  const waiting = containerLines(pod);
  if (waiting.length > 0) return [`${who} is on node ${pod.spec.nodeName}, but not ready`, ...waiting, ...eventLines(events)];
  const unready = conditionLines(pod);
  if (unready.length > 0) return [`${who} is on node ${pod.spec.nodeName}, but not ready`, ...unready, ...eventLines(events)];
  return [`${who} runs on node ${pod.spec.nodeName} and is ready`];
}

function verdictLines({ status }: PodVerdict): readonly string[] {
  const lines = [`  ${status.message}`];
  const verdicts = status.verdicts ?? [];
  const width = Math.max(0, ...verdicts.slice(0, MAX_NODES).map(({ node }) => node.length));
  for (const { node, plugin, reasons } of verdicts.slice(0, MAX_NODES)) {
    const said = reasons.map(({ reason, detail, resource, requested, free, lacking }) => {
      const numbers = resource === undefined ? "" : ` (asks for ${requested ?? "?"}, free ${free ?? "?"}, lacking ${lacking ?? "?"})`;
      return `${reason}${detail === undefined ? "" : ` ${detail}`}${numbers}`;
    });
    lines.push(`    ${node.padEnd(width)}  ${said.join("; ")}  [${plugin}]`);
  }
  const further = verdicts.length - MAX_NODES + (status.omitted ?? 0);
  if (verdicts.length > MAX_NODES || (status.omitted ?? 0) > 0) lines.push(`    … and ${further} more nodes`);
  if (status.suggestion !== undefined) {
    const { node, changes } = status.suggestion;
    lines.push(node === undefined ? "  to change that:" : `  it would fit on node ${node} if you:`);
    for (const change of changes) lines.push(`    - ${change}`);
  }
  return lines;
}

function containerLines(pod: Pod): readonly string[] {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  const started = [...initContainerStatuses.filter((status) => !isDone(status)), ...containerStatuses].filter(({ ready, state }) => !ready || state?.running === undefined);
  if (started.length === 0 && containerStatuses.length === 0) return ["  its containers are not made yet"];
  return started.flatMap(({ name, state = {}, lastState = {}, restartCount, ready }) => {
    const said = stateText(state, ready);
    const before =
      lastState.terminated === undefined ? [] : [`      before that it ${endText(lastState.terminated)}, ${restartCount} restart${restartCount === 1 ? "" : "s"} so far`];
    return [`  container ${name}: ${said}`, ...before];
  });
}

const isDone = ({ state, ready }: ContainerStatus): boolean => state?.terminated?.exitCode === 0 || (ready && state?.running !== undefined);

function stateText({ waiting, terminated, running }: ContainerState, ready: boolean): string {
  if (waiting !== undefined) return `waits: ${waiting.reason ?? "unknown"}${waiting.message === undefined ? "" : `: ${waiting.message}`}`;
  if (terminated !== undefined) return `has ended: it ${endText(terminated)}`;
  if (running !== undefined) return ready ? "runs" : "runs, but its readiness or startup probe has not passed";
  return "has not started";
}

function endText({ exitCode, reason = "", message, signal }: NonNullable<ContainerState["terminated"]>): string {
  const how = signal !== undefined && signal > 0 ? `was ended by signal ${signal}` : `exited with ${exitCode}`;
  return `${how}${reason === "" || reason === "Error" || reason === "Completed" ? "" : ` (${reason})`}${message === undefined || message === "" ? "" : `: ${message.trim()}`}`;
}

function conditionLines(pod: Pod): readonly string[] {
  return (pod.status?.conditions ?? [])
    .filter(({ status, reason }) => status === "False" && reason !== "PodCompleted")
    .map(({ type, reason = "", message = "" }) => `  ${type} is false${reason === "" ? "" : `: ${reason}`}${message === "" ? "" : `: ${message}`}`);
}

/** The last few warnings, each once. */
export function eventLines(events: readonly Event[]): readonly string[] {
  const warnings = events.filter(({ type, reason }) => type === "Warning" && reason !== "FailedScheduling");
  const texts = [...new Set(warnings.map(({ reason = "", message = "" }) => `${reason}: ${message}`))].slice(-5);
  return texts.length === 0 ? [] : ["  lately:", ...texts.map((text) => `    ${text}`)];
}
