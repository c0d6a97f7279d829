import { describe, expect, it } from "vitest";
import type { CronJob, CronJobSpec, CronJobStatus, Job } from "../../api/generated/types/batch-v1.ts";
import { type CronState, planCronJob } from "./plan.ts";

const localZone = "UTC";
const created = "2026-01-01T00:00:00Z";
const cronJob = (spec: Partial<CronJobSpec> = {}, status: CronJobStatus = {}): CronJob => ({
  apiVersion: "batch/v1",
  kind: "CronJob",
  metadata: { name: "c", namespace: "ns", uid: "uid-c", creationTimestamp: created },
  spec: {
    schedule: "0 * * * *",
    concurrencyPolicy: "Allow",
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
    jobTemplate: { metadata: { labels: { a: "b" } }, spec: { template: {} } },
    ...spec,
  },
  status,
});
const job = (name: string, condition?: "Complete" | "Failed", startTime = created): Job => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name, namespace: "ns", uid: `uid-${name}` },
  spec: { template: {} },
  status: {
    startTime,
    ...(condition === undefined ? {} : { conditions: [{ type: condition, status: "True" }] }),
    ...(condition === "Complete" ? { completionTime: startTime } : {}),
  },
});
const active = (...names: readonly string[]): CronJobStatus => ({ active: names.map((name) => ({ name, namespace: "ns", uid: `uid-${name}` })) });
const plan = (given: CronJob, now: string, rest: Partial<CronState> = {}) =>
  planCronJob({ cronJob: given, jobs: [], missing: new Set(), nowMs: Date.parse(now), localZone, ...rest });
const reasons = (made: ReturnType<typeof plan>) => made.events.map(({ reason }) => reason);

describe("planCronJob", () => {
  it("waits for the time", () => {
    expect(plan(cronJob(), "2026-01-01T00:20:00Z")).toMatchObject({ create: undefined, recheckMs: 40 * 60_000 + 100 });
  });

  it("starts the job, named after the minute", () => {
    const { create, scheduledMs } = plan(cronJob({ timeZone: "Europe/Rome" }), "2026-01-01T01:00:05Z");
    expect(create?.metadata).toEqual({
      name: `c-${Date.parse("2026-01-01T01:00:00Z") / 60_000}`,
      namespace: "ns",
      labels: { a: "b" },
      annotations: { "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T02:00:00+01:00" },
      ownerReferences: [{ apiVersion: "batch/v1", kind: "CronJob", name: "c", uid: "uid-c", controller: true, blockOwnerDeletion: true }],
    });
    expect(scheduledMs).toBe(Date.parse("2026-01-01T01:00:00Z"));
  });

  it("catches up with the latest time only", () => {
    expect(plan(cronJob(), "2026-01-01T05:30:00Z").scheduledMs).toBe(Date.parse("2026-01-01T05:00:00Z"));
    const many = plan(cronJob({ schedule: "* * * * *" }), "2026-01-01T05:30:30Z");
    expect([many.scheduledMs, reasons(many)]).toEqual([Date.parse("2026-01-01T05:30:00Z"), ["TooManyMissedTimes"]]);
    expect(plan(cronJob({ schedule: "0 9 * * mon-fri" }, { lastScheduleTime: "2026-01-01T09:00:00Z" }), "2026-01-06T12:00:00Z").scheduledMs).toBe(
      Date.parse("2026-01-06T09:00:00Z"),
    );
  });

  it.each([
    ["done already", cronJob({}, { lastScheduleTime: "2026-01-01T01:00:00Z" }), []],
    ["suspended", cronJob({ suspend: true }), []],
    ["too late", cronJob({ startingDeadlineSeconds: 10 }), []],
    ["forbidden", cronJob({ concurrencyPolicy: "Forbid" }, active("x")), ["JobAlreadyActive"]],
    ["of no schedule", cronJob({ schedule: "often" }), ["UnparseableSchedule"]],
    ["of no zone", cronJob({ timeZone: "Mars/Olympus" }), ["UnknownTimeZone"]],
  ])("starts nothing when %s", (_name, given, events) => {
    const made = plan(given, "2026-01-01T01:00:30Z", { jobs: (given.status?.active ?? []).map(({ name = "" }) => job(name)) });
    expect([made.create, reasons(made)]).toEqual([undefined, events]);
  });

  it("starts late, but within the deadline", () => {
    const made = plan(cronJob({ startingDeadlineSeconds: 60 }, { lastScheduleTime: "2026-01-01T00:00:00Z" }), "2026-01-01T01:00:59Z");
    expect(made.create).toBeDefined();
  });

  it("replaces what runs", () => {
    const made = plan(cronJob({ concurrencyPolicy: "Replace" }, active("x")), "2026-01-01T01:00:00Z", { jobs: [job("x")] });
    expect([made.remove.map(({ metadata }) => metadata.name), made.status.active, made.create === undefined]).toEqual([["x"], undefined, false]);
  });

  it("follows its jobs", () => {
    const jobs = [job("ok", "Complete", "2026-01-01T00:05:00Z"), job("bad", "Failed"), job("stranger"), job("busy")];
    const made = plan(cronJob({}, active("ok", "bad", "busy", "lost")), "2026-01-01T00:10:00Z", { jobs, missing: new Set(["uid-lost"]) });
    expect(made.events.map(({ message }) => message)).toEqual([
      "Saw completed job: ok, condition: Complete",
      "Saw completed job: bad, condition: Failed",
      "Saw a job that the controller did not create or forgot: stranger",
      "Active job went missing: lost",
    ]);
    expect(made.status).toMatchObject({ active: [{ name: "busy" }], lastSuccessfulTime: "2026-01-01T00:05:00Z" });
  });

  it("keeps the newest finished jobs", () => {
    const jobs = [1, 2, 3, 4, 5].map((minute) => job(`ok${minute}`, "Complete", `2026-01-01T00:0${minute}:00Z`));
    const failed = [1, 2].map((minute) => job(`bad${minute}`, "Failed", `2026-01-01T00:0${minute}:00Z`));
    expect(plan(cronJob(), "2026-01-01T00:10:00Z", { jobs: [...jobs, ...failed] }).remove.map(({ metadata }) => metadata.name)).toEqual(["ok1", "ok2", "bad1"]);
  });

  /** Looks when the plan says to look again, as the controller does; the times of what it started. */
  const follow = (spec: Partial<CronJobSpec>, end: string): readonly string[] => {
    const made: string[] = [];
    let nowMs = Date.parse(created);
    for (let last: string | undefined; nowMs < Date.parse(end); ) {
      const given = cronJob({ successfulJobsHistoryLimit: 0, ...spec }, last === undefined ? {} : { lastScheduleTime: last });
      const { create, scheduledMs = 0, recheckMs = 0 } = planCronJob({ cronJob: given, jobs: [], missing: new Set(), nowMs, localZone });
      if (create !== undefined) {
        made.push(create.metadata.annotations?.["batch.kubernetes.io/cronjob-scheduled-timestamp"] ?? "");
        last = new Date(scheduledMs).toISOString().replace(".000", "");
      }
      nowMs += Math.max(1, recheckMs);
    }
    return made;
  };

  it("starts a job each time of a year, and each once", () => {
    const made = follow({ schedule: "*/10 * * * *" }, "2027-01-01T00:00:00Z");
    expect(made.length).toBe(365 * 144 - 1);
    expect(new Set(made).size).toBe(made.length);
  });

  it("goes by the clocks of its zone through a year", () => {
    expect(
      follow({ schedule: "30 2 * * *", timeZone: "Europe/Berlin" }, "2027-01-01T00:00:00Z").filter(
        (time) => time.includes("-03-29") || time.includes("-03-30") || time.includes("-10-25"),
      ),
    ).toEqual([
      // The night that has no half past two, and the one that has two of them.
      "2026-03-30T02:30:00+02:00",
      "2026-10-25T02:30:00+02:00",
      "2026-10-25T02:30:00+01:00",
    ]);
  });
});
