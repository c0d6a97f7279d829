import { describe, expect, it } from "vitest";
import type { Job, JobSpec, JobStatus } from "../../api/generated/types/batch-v1.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { at, epochMs, samplePod, type SamplePod } from "../sample-objects.ts";
import { accountJob, settleJob } from "./account.ts";
import { backoffLeftMs, noFailures, recordEnds } from "./backoff.ts";
import { IndexSet } from "./index-set.ts";
import { jobPod } from "./job-pod.ts";
import { judgeJob, type JobState, type Judgement } from "./judge.ts";
import { matchSuccessPolicy } from "./success-policy.ts";

const nowMs = epochMs + 1000 * 1000;
const job = (spec: Partial<JobSpec> = {}, status: JobStatus = {}): Job => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "j", namespace: "ns", uid: "uid-j" },
  spec: { parallelism: 1, completions: 1, backoffLimit: 6, completionMode: "NonIndexed", template: { spec: { containers: [{ name: "main" }], restartPolicy: "Never" } }, ...spec },
  status: { startTime: at(900), ...status },
});
const indexed = (completions: number, spec: Partial<JobSpec> = {}) => ({ completionMode: "Indexed", completions, parallelism: completions, ...spec });
interface JobPod extends SamplePod {
  readonly index?: number;
  readonly failures?: number;
  readonly exit?: number;
  readonly tracked?: boolean;
}
const pod = (name: string, sample: JobPod = {}): Pod => {
  const { index, failures, exit, tracked = true, ...rest } = sample;
  const annotations = {
    ...(index === undefined ? {} : { "batch.kubernetes.io/job-completion-index": String(index) }),
    ...(failures === undefined ? {} : { "batch.kubernetes.io/job-index-failure-count": String(failures) }),
  };
  const made = samplePod(name, { ...rest, annotations, ...(tracked ? { finalizers: ["batch.kubernetes.io/job-tracking"] } : {}) });
  if (exit === undefined) return made;
  const terminated = { exitCode: exit, finishedAt: at(900) };
  return { ...made, status: { ...made.status, containerStatuses: [{ name: "main", image: "", imageID: "", ready: false, restartCount: 0, state: { terminated } }] } };
};
const done = (name: string, sample: JobPod = {}) => pod(name, { phase: "Succeeded", exit: 0, ...sample });
const broken = (name: string, sample: JobPod = {}) => pod(name, { phase: "Failed", exit: 1, ...sample });
const stateOf = (given: Job, pods: readonly Pod[], rest: Partial<JobState> = {}): JobState => ({
  job: given,
  pods,
  released: new Set(),
  backoff: noFailures,
  settled: true,
  nowMs,
  ...rest,
});
const judge = (given: Job, pods: readonly Pod[] = [], rest: Partial<JobState> = {}): Judgement => judgeJob(stateOf(given, pods, rest));
const brief = (judgement: Judgement) => ({ create: judgement.create.length, remove: judgement.remove.map(({ metadata }) => metadata.name), ending: judgement.ending?.reason });
/** Counts in both halves, with everything succeeding. */
const count = (given: Job, pods: readonly Pod[], rest: Partial<JobState> = {}) => {
  const state = stateOf(given, pods, rest);
  const judgement = judgeJob(state);
  const account = accountJob(state, judgement, { created: judgement.create.length, removed: judgement.remove });
  return { account, ...settleJob(state, account, judgement, new Set(account.release.map(({ metadata }) => metadata.uid ?? ""))) };
};

describe("judgeJob", () => {
  it.each([
    ["starts as many as may run at once", job({ parallelism: 2, completions: 5 }), [], { create: 2, remove: [], ending: undefined }],
    ["makes no more than are missing", job({ parallelism: 4, completions: 5 }, { succeeded: 3 }), [], { create: 2, remove: [], ending: undefined }],
    ["removes what is too much", job({ parallelism: 1, completions: 5 }), [pod("a", { readyAt: 1 }), pod("b")], { create: 0, remove: ["b"], ending: undefined }],
    ["removes all while suspended", job({ suspend: true }), [pod("a")], { create: 0, remove: ["a"], ending: undefined }],
    ["completes", job(), [done("a")], { create: 0, remove: [], ending: "CompletionsReached" }],
    [
      "completes a work queue when one succeeded and none runs",
      job({ completions: undefined, parallelism: 2 }),
      [done("a")],
      { create: 0, remove: [], ending: "CompletionsReached" },
    ],
    ["lets the rest of a work queue finish", job({ completions: undefined, parallelism: 3 }), [done("a"), pod("b")], { create: 0, remove: [], ending: undefined }],
    [
      "fails beyond the backoff limit",
      job({ backoffLimit: 1, parallelism: 2 }, { failed: 1 }),
      [broken("a"), pod("b")],
      { create: 0, remove: ["b"], ending: "BackoffLimitExceeded" },
    ],
    ["fails after the deadline", job({ activeDeadlineSeconds: 100 }), [pod("a")], { create: 0, remove: ["a"], ending: "DeadlineExceeded" }],
    ["does not know the deadline while suspended", job({ activeDeadlineSeconds: 100, suspend: true }), [], { create: 0, remove: [], ending: undefined }],
    [
      "counts restarts in place",
      job({ backoffLimit: 2, template: { spec: { containers: [], restartPolicy: "OnFailure" } } }),
      [pod("a", { restarts: 2 })],
      { create: 0, remove: ["a"], ending: "BackoffLimitExceeded" },
    ],
    ["replaces a pod that ends", job(), [pod("a", { deleted: true, exit: 1 })], { create: 1, remove: [], ending: undefined }],
    ["or waits for it to have failed", job({ podReplacementPolicy: "Failed" }), [pod("a", { deleted: true })], { create: 0, remove: [], ending: undefined }],
  ] as const)("%s", (_name, given, pods, wanted) => {
    expect(brief(judge(given, pods, { backoff: noFailures, nowMs: nowMs + 60_000 }))).toEqual(wanted);
  });

  it("waits before it tries again", () => {
    const judgement = judge(job(), [broken("a")], { nowMs: epochMs + 904_000 });
    expect([judgement.create, judgement.recheckMs]).toEqual([[], 6000]);
  });

  it("touches nothing while the cache is behind, or the job is deleted", () => {
    expect(brief(judge(job({ parallelism: 3, completions: 3 }), [], { settled: false })).create).toBe(0);
    const deleted = { ...job(), metadata: { ...job().metadata, deletionTimestamp: at(999) } };
    expect(brief(judge(deleted)).create).toBe(0);
  });

  it("fills the lowest free indexes", () => {
    const given = job(indexed(5, { parallelism: 3 }), { completedIndexes: "0" });
    expect(judge(given, [pod("a", { index: 2 })]).create.map(({ index }) => index)).toEqual([1, 3]);
  });

  it("removes second pods of an index and pods of none", () => {
    const pods = [pod("a", { index: 0, createdAt: 1 }), pod("b", { index: 0, createdAt: 2 }), pod("c"), pod("d", { index: 9 })];
    expect(
      judge(job(indexed(2)), pods)
        .remove.map(({ metadata }) => metadata.name)
        .sort(),
    ).toEqual(["b", "c", "d"]);
  });
});

describe("the pod failure policy", () => {
  const policy = (action: string) => ({ podFailurePolicy: { rules: [{ action, onExitCodes: { operator: "In", values: [42] } }] } });
  it("fails the job, in so many words", () => {
    expect(judge(job(policy("FailJob")), [broken("a", { exit: 42 })]).ending).toEqual({
      type: "Failed",
      reason: "PodFailurePolicy",
      message: "Container main for pod ns/a failed with exit code 42 matching FailJob rule at index 0",
    });
    expect(judge(job(policy("FailJob")), [broken("a", { exit: 1 })]).ending).toBeUndefined();
  });
  it("ignores a failure", () => {
    expect(count(job({ ...policy("Ignore"), backoffLimit: 0 }), [broken("a", { exit: 42 })]).status.failed).toBeUndefined();
    expect(count(job({ ...policy("Count"), backoffLimit: 0 }), [broken("a", { exit: 42 })]).status.failed).toBe(1);
  });
  it("knows conditions", () => {
    const rules = [{ action: "FailJob", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] }];
    const evicted = broken("a");
    const pods = [{ ...evicted, status: { ...evicted.status, conditions: [{ type: "DisruptionTarget", status: "True" }] } }];
    expect(judge(job({ podFailurePolicy: { rules } }), pods).ending?.message).toBe("Pod ns/a has condition DisruptionTarget matching FailJob rule at index 0");
  });
});

describe("retries per index", () => {
  const spec = indexed(2, { backoffLimitPerIndex: 1, backoffLimit: 2147483647 });
  it("carries the count of failures on", () => {
    const judgement = judge(job(spec), [broken("a", { index: 0, failures: 0 }), pod("b", { index: 1 })]);
    expect(judgement.create).toEqual([{ index: 0, retry: { failures: 1, ignored: 0 } }]);
  });
  it("keeps the last failed pod until then", () => {
    const { account, status } = count(job(spec), [broken("a", { index: 0, failures: 0 }), pod("b", { index: 1 })], { settled: false });
    expect([account.release, status.uncountedTerminatedPods]).toEqual([[], { failed: ["uid-a"] }]);
  });
  it("gives an index up, and the job when all are done or lost", () => {
    const pods = [broken("a", { index: 0, failures: 1 }), done("b", { index: 1, failures: 0 })];
    const { status } = count(job(spec), pods);
    expect(status).toMatchObject({ failedIndexes: "0", completedIndexes: "1", succeeded: 1, failed: 1 });
    expect(judge(job(spec), pods).ending).toMatchObject({ reason: "FailedIndexes", message: "Job has failed indexes" });
    expect(judge(job({ ...spec, maxFailedIndexes: 0 }), [broken("a", { index: 0, failures: 1 })]).ending?.reason).toBe("MaxFailedIndexesExceeded");
  });
});

describe("counting", () => {
  it("writes a pod down before it lets it go, then counts it", () => {
    const { account, status, finished } = count(job({ parallelism: 2, completions: 2 }), [done("a"), broken("b"), pod("c", { readyAt: 1 })]);
    expect(account.status).toMatchObject({ uncountedTerminatedPods: { succeeded: ["uid-a"], failed: ["uid-b"] }, active: 1, ready: 1 });
    expect(account.status.succeeded).toBeUndefined();
    expect(account.release.map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
    expect(status).toMatchObject({ succeeded: 1, failed: 1, uncountedTerminatedPods: {} });
    expect(finished).toBe(false);
  });

  it("counts none twice, whatever was left half done", () => {
    const half = { uncountedTerminatedPods: { succeeded: ["uid-a"], failed: ["uid-gone"] } };
    const { status } = count(job({ completions: 5 }, half), [done("a"), done("b", { tracked: false }), done("c")], { released: new Set(["uid-c"]) });
    expect(status).toMatchObject({ succeeded: 1, failed: 1, uncountedTerminatedPods: {} });
  });

  it("finishes: first the criterion, then completion", () => {
    const { account, status, finished } = count(job(), [done("a")]);
    expect(account.status.conditions?.map(({ type }) => type)).toEqual(["SuccessCriteriaMet"]);
    expect(status.conditions?.map(({ type, reason, message }) => [type, reason, message])).toEqual([
      ["SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods"],
      ["Complete", "CompletionsReached", "Reached expected number of succeeded pods"],
    ]);
    expect([status.completionTime, finished]).toEqual([at(1000), true]);
  });

  it("is not over before the last pod has ended", () => {
    const failing = job({ backoffLimit: 0, parallelism: 2, completions: 2 });
    const first = count(failing, [broken("a"), pod("b")]);
    expect([first.finished, first.status.conditions?.map(({ type }) => type), first.status.terminating]).toEqual([false, ["FailureTarget"], 1]);
    const ending = { ...failing, status: first.status };
    const second = count(ending, [broken("a", { tracked: false }), pod("b", { phase: "Failed", deleted: true })]);
    expect([second.finished, second.status.conditions?.map(({ type }) => type), second.status.failed]).toEqual([true, ["FailureTarget", "Failed"], 2]);
  });

  it("says when it is suspended and resumed, and starts over", () => {
    const paused = count(job({ suspend: true }), [pod("a")]);
    expect([paused.account.suspension, paused.status.conditions?.[0]]).toMatchObject(["suspended", { type: "Suspended", status: "True", reason: "JobSuspended" }]);
    expect(paused.status.startTime).toBeUndefined();
    const resumed = count({ ...job(), status: paused.status }, []);
    expect([resumed.account.suspension, resumed.status.conditions?.[0]?.status, resumed.status.startTime]).toEqual(["resumed", "False", at(1000)]);
    expect(count(job(), []).status.conditions).toBeUndefined();
  });

  it("has a start time only once it may run", () => {
    expect(count({ ...job({ suspend: true }), status: {} }, []).status.startTime).toBeUndefined();
    expect(count({ ...job(), status: {} }, []).status.startTime).toBe(at(1000));
  });
});

describe("backoff", () => {
  it.each([
    [1, 10_000],
    [2, 20_000],
    [5, 160_000],
    [20, 600_000],
  ])("after %d failures", (failures, wait) => {
    expect(backoffLeftMs({ failures, lastFailureMs: nowMs }, nowMs)).toBe(wait);
  });
  it("starts over with a success", () => {
    const ended = { succeeded: [done("a")], failed: [broken("b", { exit: 1 })] };
    expect(recordEnds({ failures: 3, lastFailureMs: 5 }, ended, nowMs).failures).toBe(0);
    expect(recordEnds({ failures: 3, lastFailureMs: 5 }, { ...ended, succeeded: [] }, nowMs).failures).toBe(4);
  });
});

describe("IndexSet", () => {
  it.each([
    ["0,2-4,6,7", 8, "0,2-4,6,7"],
    ["5,1-3,2", 9, "1-3,5"],
    ["0-9", 4, "0-3"],
    ["x,3", 9, "3"],
    ["", 9, ""],
  ])("reads %j below %d as %j", (text, limit, written) => {
    expect(IndexSet.parse(text, limit).toString()).toBe(written);
  });
  it("finds, joins and counts", () => {
    const set = IndexSet.of([4, 1, 2]).union(IndexSet.of([3]));
    expect([set.toString(), set.size, set.has(3), set.has(5), set.overlap(IndexSet.of([0, 1, 4]))]).toEqual(["1-4", 4, true, false, 2]);
  });
});

it.each([
  ["by count", { succeededCount: 2 }, 0],
  ["by indexes", { succeededIndexes: "0,2" }, 0],
  ["by some of the indexes", { succeededIndexes: "0-3", succeededCount: 2 }, 0],
  ["not yet", { succeededIndexes: "0-1" }, undefined],
])("success policy %s", (_name, rule, index) => {
  expect(matchSuccessPolicy(job(indexed(4, { successPolicy: { rules: [rule] } })), IndexSet.of([0, 2]))).toBe(index);
});

it("gives an indexed pod its index in every form", () => {
  const made = jobPod(job(indexed(3)), { index: 2 });
  expect(made.metadata).toMatchObject({
    generateName: "j-2-",
    finalizers: ["batch.kubernetes.io/job-tracking"],
    annotations: { "batch.kubernetes.io/job-completion-index": "2" },
    labels: { "batch.kubernetes.io/job-completion-index": "2" },
  });
  expect(made.spec?.hostname).toBe("j-2");
  expect(made.spec?.containers[0]?.env).toEqual([
    { name: "JOB_COMPLETION_INDEX", valueFrom: { fieldRef: { fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']" } } },
  ]);
});
