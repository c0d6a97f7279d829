import type { Job } from "../../api/generated/types/batch-v1.ts";
import { IndexSet } from "./index-set.ts";
import { isIndexed } from "./job-spec.ts";

/** The first rule of the job's success policy that the completed indexes satisfy. @upstream pkg/controller/job/success_policy.go */
export function matchSuccessPolicy(job: Job, completed: IndexSet): number | undefined {
  if (!isIndexed(job) || completed.size === 0) return undefined;
  const { rules = [] } = job.spec.successPolicy ?? {};
  for (const [index, { succeededIndexes, succeededCount }] of rules.entries()) {
    const wanted = succeededIndexes === undefined ? undefined : IndexSet.parse(succeededIndexes, job.spec.completions ?? 0);
    const reached = wanted === undefined ? completed.size : wanted.overlap(completed);
    const needed = succeededCount ?? wanted?.size;
    if (needed !== undefined && reached >= needed) return index;
  }
  return undefined;
}
