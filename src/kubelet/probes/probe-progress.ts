import type { ProbeAnswer } from "./probe-result.ts";

/** A run of equal answers: `{last: "failure", run: 2}`. */
export interface ProbeProgress {
  readonly last: "success" | "failure" | undefined;
  readonly run: number;
}

export const noProgress: ProbeProgress = { last: undefined, run: 0 };

/** Counts an answer; `verdict` is set once the threshold is reached. @upstream pkg/kubelet/prober/worker.go doProbe */
export function countAnswer(
  progress: ProbeProgress,
  answer: ProbeAnswer,
  thresholds: { readonly failureThreshold: number; readonly successThreshold: number },
): { readonly progress: ProbeProgress; readonly verdict: "success" | "failure" | undefined } {
  const last = answer.outcome === "success" || answer.outcome === "warning" ? "success" : "failure";
  const run = progress.last === last ? progress.run + 1 : 1;
  const threshold = last === "success" ? thresholds.successThreshold : thresholds.failureThreshold;
  return { progress: { last, run }, verdict: run >= threshold ? last : undefined };
}
