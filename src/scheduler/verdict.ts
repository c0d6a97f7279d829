import type { Rejection } from "./plugin.ts";

/** Why one node was not taken. */
export interface Verdict {
  readonly node: string;
  readonly plugin: string;
  readonly rejections: readonly Rejection[];
}

export function isUnresolvable({ rejections }: Verdict): boolean {
  for (const { unresolvable } of rejections) if (unresolvable) return true;
  return false;
}

/** Why no node was taken. */
export interface Diagnosis {
  /** How many nodes there are. */
  readonly total: number;
  /** Read them before the cluster changes. */
  readonly verdicts: readonly Verdict[];
  /** How many verdicts there are; absent: not counted yet. */
  readonly judged?: number;
  /** How many verdicts give each reason; absent: not counted yet. */
  readonly reasons?: ReadonlyMap<string, number>;
  /** What keeps the pod from all nodes alike; there are no verdicts then. */
  readonly refusal?: string;
  /** What is said of the nodes without a verdict. */
  readonly others?: string;
  /** Plug-ins that turned a node or the pod away. */
  readonly plugins: ReadonlySet<string>;
}

/** `0/5 nodes are available: 2 Insufficient cpu, 3 node(s) had untolerated taint(s). preemption: …` @upstream framework/types.go FitError */
export function diagnosisText(diagnosis: Omit<Diagnosis, "plugins">, afterwards = ""): string {
  const { total, reasons: counted, refusal, others } = diagnosis;
  const parts = [`0/${total} nodes are available:`];
  if (refusal !== undefined) parts.push(`${refusal}.`);
  else {
    const counts = new Map(counted);
    if (counted === undefined) for (const { rejections } of diagnosis.verdicts) for (const { reason } of rejections) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    const judged = diagnosis.judged ?? diagnosis.verdicts.length;
    if (others !== undefined && judged < total) counts.set(others, (counts.get(others) ?? 0) + total - judged);
    const reasons = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
    if (reasons.length > 0) parts.push(`${reasons.join(", ")}.`);
  }
  if (afterwards !== "") parts.push(afterwards);
  return parts.join(" ");
}

export const NO_NODES = "no nodes available to schedule pods";
