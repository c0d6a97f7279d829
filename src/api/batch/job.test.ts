import { describe, expect, it } from "vitest";
import { type Draft, deepFreeze } from "../../base/values.ts";
import type { Job, JobStatus } from "../generated/types/batch-v1.ts";
import { rowOf, tryCreate, tryStatusUpdate, tryUpdate } from "../kind-trial.ts";
import { cronJobKind } from "./cron-job.ts";
import { jobKind } from "./job.ts";

const now = Date.parse("2026-01-31T08:10:00Z");
const template = "template: {spec: {restartPolicy: Never, containers: [{name: a, image: x}]}}";
const job = (spec: string, metadata = "name: once"): string => `{apiVersion: batch/v1, kind: Job, metadata: {${metadata}, namespace: ns}, spec: {${spec}}}`;
const labels = { "batch.kubernetes.io/controller-uid": "u", "batch.kubernetes.io/job-name": "once", "controller-uid": "u", "job-name": "once" };

describe("Job", () => {
  it("is filled in and selects its own pods", () => {
    const { object, errors } = tryCreate(jobKind, job(template));
    expect(errors).toEqual([]);
    expect({ ...object.spec, template: undefined }).toEqual({
      parallelism: 1,
      completions: 1,
      backoffLimit: 6,
      completionMode: "NonIndexed",
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: "TerminatingOrFailed",
      selector: { matchLabels: { "batch.kubernetes.io/controller-uid": "u" } },
    });
    expect(object.spec.template.metadata?.labels).toEqual(labels);
    expect(object.status).toEqual({});
  });

  it.each<readonly [spec: string, expected: object]>([
    ["parallelism: 3", { parallelism: 3, completions: undefined }],
    ["completions: 3", { parallelism: 1, completions: 3 }],
    ["completionMode: Indexed, completions: 2, backoffLimitPerIndex: 1", { backoffLimit: 2147483647 }],
    ["podFailurePolicy: {rules: [{action: Ignore, onPodConditions: [{type: DisruptionTarget}]}]}", { podReplacementPolicy: "Failed" }],
  ])("with {%s}", (spec, expected) => {
    const { object, errors } = tryCreate(jobKind, job(`${spec}, ${template}`));
    expect(errors).toEqual([]);
    for (const [field, value] of Object.entries(expected)) expect(object.spec[field as keyof Job["spec"]]).toEqual(value);
  });

  it.each<readonly [name: string, spec: string, errors: readonly string[]]>([
    ["is empty", "", ["spec.template.spec.containers: Required value", 'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"']],
    [
      "never ends",
      "template: {spec: {restartPolicy: Always, containers: [{name: a, image: x}]}}",
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [
      "counts below zero",
      `parallelism: -1, completions: -1, backoffLimit: -1, ${template}`,
      [
        "spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
        "spec.completions: Invalid value: -1: must be greater than or equal to 0",
        "spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0",
      ],
    ],
    ["is indexed without a number", `completionMode: Indexed, parallelism: 1, ${template}`, ["spec.completions: Required value: when completion mode is Indexed"]],
    ["has an unknown mode", `completionMode: Odd, ${template}`, ['spec.completionMode: Unsupported value: "Odd": supported values: "NonIndexed", "Indexed"']],
    [
      "limits indexes it does not have",
      `backoffLimitPerIndex: 1, maxFailedIndexes: 1, ${template}`,
      ["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode", "spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode"],
    ],
    [
      "selects by hand without saying so",
      `selector: {matchLabels: {a: b}}, ${template}`,
      [
        'spec.template.metadata.labels: Invalid value: {"controller-uid":"u","job-name":"once","batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"once"}: `selector` does not match template `labels`',
        'spec.selector: Invalid value: {"matchLabels":{"batch.kubernetes.io/controller-uid":"u","a":"b"}}: `selector` not auto-generated',
      ],
    ],
    [
      "has odd failure rules",
      `${template}, podFailurePolicy: {rules: [{action: Odd}, {action: FailJob, onExitCodes: {operator: In, values: [3, 0, 3], containerName: zz}}]}`,
      [
        'spec.podFailurePolicy.rules[0].action: Unsupported value: "Odd": supported values: "Count", "FailIndex", "FailJob", "Ignore"',
        "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required",
        'spec.podFailurePolicy.rules[1].onExitCodes.containerName: Invalid value: "zz": must be one of the container or initContainer names in the pod template',
        "spec.podFailurePolicy.rules[1].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator",
        "spec.podFailurePolicy.rules[1].onExitCodes.values[2]: Duplicate value: 3",
        "spec.podFailurePolicy.rules[1].onExitCodes.values: Invalid value: [3,0,3]: must be ordered",
      ],
    ],
    [
      "succeeds oddly",
      `completionMode: Indexed, completions: 3, ${template}, successPolicy: {rules: [{}, {succeededIndexes: '0,5'}, {succeededIndexes: '0-1', succeededCount: 3}]}`,
      [
        "spec.successPolicy.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified",
        'spec.successPolicy.rules[1].succeededIndexes: Invalid value: "0,5": error parsing succeededIndexes: too large index: "5"',
        "spec.successPolicy.rules[2].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)",
      ],
    ],
    ["is managed by nobody", `managedBy: me, ${template}`, ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")']],
  ])("%s", (_name, spec, errors) => expect(tryCreate(jobKind, job(spec)).errors).toEqual(errors));

  it("must fit its indexes behind its name", () => {
    const name = "n".repeat(63);
    expect(tryCreate(jobKind, job(`completionMode: Indexed, completions: 11, ${template}`, `name: ${name}`)).errors).toContainEqual(
      `metadata.name: Invalid value: "${name}": will not able to create pod with invalid DNS label: ${name}-10`,
    );
  });

  const made = (spec: string): Job => deepFreeze(tryCreate(jobKind, job(`${spec}, ${template}`)).object);
  const image = (draft: Draft<Job>): unknown => Object.assign(draft.spec.template.spec?.containers[0] ?? {}, { image: "y" });
  const place = (draft: Draft<Job>): unknown => Object.assign(draft.spec.template.spec ?? {}, { nodeSelector: { a: "b" } });

  it("keeps what it is", () => {
    expect(tryUpdate(jobKind, made("completions: 2"), (draft) => Object.assign(draft.spec, { parallelism: 5, suspend: true })).errors).toEqual([]);
    expect(tryUpdate(jobKind, made("completions: 2"), (draft) => Object.assign(draft.spec, { completions: 3 })).errors).toEqual([
      "spec.completions: Invalid value: 3: field is immutable",
    ]);
    expect(tryUpdate(jobKind, made("completions: 2"), place).errors).toEqual([expect.stringMatching(/^spec\.template: Invalid value: \{.*\}: field is immutable$/)]);
  });

  it("may go elsewhere while it is suspended, as what it is", () => {
    expect(tryUpdate(jobKind, made("suspend: true"), place).errors).toEqual([]);
    expect(tryUpdate(jobKind, made("suspend: true"), image).errors).toHaveLength(1);
    const started = { ...made("suspend: true"), status: { startTime: "2026-01-31T08:00:00Z", active: 1 } };
    expect(tryUpdate(jobKind, started, place).errors).toHaveLength(1);
  });

  it("grows with its parallelism when it is indexed", () => {
    const indexed = made("completionMode: Indexed, completions: 2, parallelism: 2");
    expect(tryUpdate(jobKind, indexed, (draft) => Object.assign(draft.spec, { completions: 4, parallelism: 4 })).errors).toEqual([]);
    expect(tryUpdate(jobKind, indexed, (draft) => Object.assign(draft.spec, { completions: 4 })).errors).toEqual([
      "spec.completions: Invalid value: 4: can only be modified in tandem with spec.parallelism",
    ]);
  });

  const condition = (...types: readonly string[]) => ({ conditions: types.map((type) => ({ type, status: "True" })) });
  it.each<readonly [name: string, before: JobStatus, after: JobStatus, errors: readonly string[]]>([
    [
      "completes",
      { startTime: "2026-01-31T08:00:00Z", active: 1, ready: 1 },
      { startTime: "2026-01-31T08:00:00Z", succeeded: 1, completionTime: "2026-01-31T08:05:00Z", ...condition("SuccessCriteriaMet", "Complete") },
      [],
    ],
    [
      "completes too soon",
      {},
      { active: 1, completionTime: "2026-01-31T08:05:00Z", startTime: "2026-01-31T08:06:00Z", ...condition("Complete") },
      [
        "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
        'status.completionTime: Invalid value: "2026-01-31T08:05:00Z": completionTime cannot be set before startTime',
        "status.active: Invalid value: 1: active>0 is invalid for finished job",
      ],
    ],
    [
      "fails without a target",
      {},
      { startTime: "2026-01-31T08:00:00Z", ...condition("Failed") },
      ["status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition"],
    ],
    [
      "comes back",
      { startTime: "2026-01-31T08:00:00Z", failed: 2, ...condition("FailureTarget", "Failed") },
      { startTime: "2026-01-31T08:00:00Z", failed: 1 },
      [
        "status.conditions: Invalid value: cannot disable the terminal Failed=True condition",
        "status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition",
        "status.failed: Invalid value: 1: cannot decrease the failed counter",
      ],
    ],
    ["is resumed, and starts over", { startTime: "2026-01-31T08:00:00Z", ...condition("Suspended") }, { startTime: "2026-01-31T08:05:00Z" }, []],
    [
      "starts over while it runs",
      { startTime: "2026-01-31T08:00:00Z" },
      { startTime: "2026-01-31T08:05:00Z" },
      ["status.startTime: Required value: startTime cannot be removed for unsuspended job"],
    ],
    ["has more ready than active", {}, { active: 1, ready: 2 }, ["status.ready: Invalid value: 2: cannot set more ready pods than active"]],
    [
      "completes indexes it does not have",
      {},
      { completedIndexes: "0" },
      ['status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode'],
    ],
  ])("%s", (_name, before, after, errors) => {
    const previous = { ...made("completions: 1"), status: before };
    expect(tryStatusUpdate(jobKind, previous, (draft) => Object.assign(draft, { status: after })).errors).toEqual(errors);
  });

  it.each<readonly [spec: string, status: JobStatus, row: object]>([
    ["completions: 5", { succeeded: 2, startTime: "2026-01-31T08:07:00Z" }, { Status: "Running", Completions: "2/5", Duration: "3m" }],
    ["parallelism: 3", { succeeded: 0 }, { Status: "Running", Completions: "0/1 of 3", Duration: "" }],
    ["parallelism: 1", { succeeded: 1, ...condition("Failed") }, { Status: "Failed", Completions: "1/1" }],
    ["completions: 1", { ...condition("Suspended") }, { Status: "Suspended" }],
    [
      "completions: 1",
      { succeeded: 1, startTime: "2026-01-31T08:00:00Z", completionTime: "2026-01-31T08:00:09Z", ...condition("Complete") },
      { Status: "Complete", Completions: "1/1", Duration: "9s", Containers: "a", Images: "x", Selector: "batch.kubernetes.io/controller-uid=u" },
    ],
  ])("is listed with {%s}", (spec, status, row) => {
    const object: Job = { ...made(spec), status };
    // Defaults make one pod of `parallelism: 1`; here it stands for a work queue.
    const queue = spec.startsWith("parallelism") ? { ...object, spec: { ...object.spec, completions: undefined } } : object;
    expect(rowOf(jobKind, queue, now)).toMatchObject(row);
  });
});

describe("CronJob", () => {
  const cronJob = (spec: string, name = "nightly"): string => `{apiVersion: batch/v1, kind: CronJob, metadata: {name: ${name}, namespace: ns}, spec: {${spec}}}`;
  const jobTemplate = `jobTemplate: {spec: {${template}}}`;

  it("is filled in", () => {
    const { object, errors } = tryCreate(cronJobKind, cronJob(`schedule: '@daily', ${jobTemplate}`));
    expect(errors).toEqual([]);
    expect(object.spec).toMatchObject({ concurrencyPolicy: "Allow", suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 });
    expect(object.spec.jobTemplate.spec?.completionMode).toBeUndefined();
  });

  it.each<readonly [spec: string, errors: readonly string[]]>([
    [jobTemplate, ["spec.schedule: Required value"]],
    [`schedule: '* * *', ${jobTemplate}`, ['spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]']],
    [`schedule: 'TZ=UTC * * * * *', ${jobTemplate}`, ['spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead']],
    [`schedule: '@daily', timeZone: '', ${jobTemplate}`, ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string']],
    [`schedule: '@daily', timeZone: Mars/Base, ${jobTemplate}`, ['spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base']],
    [`schedule: '@daily', timeZone: ../etc, ${jobTemplate}`, ['spec.timeZone: Invalid value: "../etc": unknown time zone ../etc']],
    [`schedule: '@daily', timeZone: Europe/Berlin, ${jobTemplate}`, []],
    [
      `schedule: '@daily', concurrencyPolicy: Odd, startingDeadlineSeconds: -1, ${jobTemplate}`,
      [
        "spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0",
        'spec.concurrencyPolicy: Unsupported value: "Odd": supported values: "Allow", "Forbid", "Replace"',
      ],
    ],
    [
      "schedule: '@daily', jobTemplate: {spec: {manualSelector: true, selector: {}, template: {spec: {restartPolicy: Never, containers: [{name: a, image: x}]}}}}",
      [
        "spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated",
        'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
      ],
    ],
  ])("{%s}", (spec, errors) => expect(tryCreate(cronJobKind, cronJob(spec)).errors).toEqual(errors));

  it("leaves room for its jobs' names", () => {
    const name = "n".repeat(53);
    expect(tryCreate(cronJobKind, cronJob(`schedule: '@daily', ${jobTemplate}`, name)).errors).toEqual([
      `metadata.name: Invalid value: "${name}": must be no more than 52 characters`,
    ]);
  });

  it("is listed", () => {
    const { object } = tryCreate(cronJobKind, cronJob(`schedule: '*/5 * * * *', ${jobTemplate}`));
    expect(rowOf(cronJobKind, object, now)).toMatchObject({
      Schedule: "*/5 * * * *",
      Timezone: "<none>",
      Suspend: "False",
      Active: 0,
      "Last Schedule": "<none>",
      Containers: "a",
      Selector: "<none>",
    });
    const status = { active: [{ name: "x" }], lastScheduleTime: "2026-01-31T08:05:00Z" };
    expect(rowOf(cronJobKind, { ...object, status }, now)).toMatchObject({ Active: 1, "Last Schedule": "5m" });
  });
});
