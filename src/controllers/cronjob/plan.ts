import { CronError, CronSchedule } from "../../api/batch/cron-schedule.ts";
import { isTimeZone, zonedRfc3339 } from "../../api/batch/time-zone.ts";
import { cronJobs } from "../../api/generated/resources.ts";
import type { CronJob, CronJobStatus, Job } from "../../api/generated/types/batch-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import type { NewObject } from "../../client/client.ts";
import { controllerReference } from "../../reconcile/owned.ts";
import { isFinished, jobCondition } from "../job/job-spec.ts";

const timestampAnnotation = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/** Never look again before the time has surely come. */
const slackMs = 100;

export interface CronEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export interface CronState {
  readonly cronJob: CronJob;
  /** The jobs this cron job controls. */
  readonly jobs: readonly Job[];
  /** Uids in status.active that a live look did not find. */
  readonly missing: ReadonlySet<string>;
  readonly nowMs: number;
  /** The zone of schedules that name none, by its IANA name. */
  readonly localZone: string;
}

export interface CronPlan {
  readonly events: readonly CronEvent[];
  /** Finished jobs beyond the history limits, and running ones that are replaced. */
  readonly remove: readonly Job[];
  readonly create: NewObject<Job> | undefined;
  /** When `create` is for, in milliseconds since the epoch. */
  readonly scheduledMs: number | undefined;
  /** Before the creation; what is created is added to `active`. */
  readonly status: CronJobStatus;
  readonly recheckMs: number | undefined;
}

/** @upstream pkg/controller/cronjob/cronjob_controllerv2.go syncCronJob */
export function planCronJob(state: CronState): CronPlan {
  const { cronJob, nowMs } = state;
  const events: CronEvent[] = [];
  const status = followJobs(state, events);
  const history = surplusHistory(state);
  const idle = { events, remove: history, create: undefined, scheduledMs: undefined, status, recheckMs: undefined };
  if (cronJob.metadata.deletionTimestamp !== undefined) return idle;
  const schedule = readSchedule(state, events);
  if (schedule === undefined || cronJob.spec.suspend === true) return idle;
  const due = lastDue(cronJob, status, schedule, nowMs);
  if (due.missed > 100) {
    events.push({ type: "Warning", reason: "TooManyMissedTimes", message: "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew" });
  }
  const waiting = { ...idle, recheckMs: untilNext(schedule, nowMs) };
  const { atMs } = due;
  if (atMs === undefined) return waiting;
  const deadline = cronJob.spec.startingDeadlineSeconds;
  if (deadline !== undefined && atMs + deadline * 1000 < nowMs) {
    events.push({ type: "Warning", reason: "MissSchedule", message: `Missed scheduled time to start a job: ${rfc1123(atMs)}` });
    return waiting;
  }
  const create = jobFor(state, atMs);
  const running = status.active ?? [];
  if (running.some(({ name }) => name === create.metadata.name) || status.lastScheduleTime === rfc3339(atMs)) return waiting;
  if (cronJob.spec.concurrencyPolicy === "Forbid" && running.length > 0) {
    events.push({ type: "Normal", reason: "JobAlreadyActive", message: "Not starting job because prior execution is running and concurrency policy is Forbid" });
    return waiting;
  }
  if (cronJob.spec.concurrencyPolicy !== "Replace") return { ...waiting, create, scheduledMs: atMs };
  const replaced = state.jobs.filter(({ metadata }) => running.some(({ uid }) => uid === metadata.uid));
  return { ...waiting, create, scheduledMs: atMs, remove: [...history, ...replaced], status: { ...status, active: undefined } };
}

/** status.active and lastSuccessfulTime as the jobs have it. */
function followJobs({ cronJob, jobs, missing }: CronState, events: CronEvent[]): CronJobStatus {
  const before = cronJob.status ?? {};
  let active = before.active ?? [];
  let { lastSuccessfulTime } = before;
  for (const job of jobs) {
    const listed = active.some(({ uid }) => uid === job.metadata.uid);
    if (!listed && !isFinished(job)) {
      events.push({ type: "Warning", reason: "UnexpectedJob", message: `Saw a job that the controller did not create or forgot: ${job.metadata.name}` });
    } else if (listed && isFinished(job)) {
      active = active.filter(({ uid }) => uid !== job.metadata.uid);
      const how = jobCondition(job, "Complete") === undefined ? "Failed" : "Complete";
      events.push({ type: "Normal", reason: "SawCompletedJob", message: `Saw completed job: ${job.metadata.name}, condition: ${how}` });
    }
    const { completionTime } = job.status ?? {};
    const succeeded = jobCondition(job, "Complete") !== undefined && completionTime !== undefined;
    if (succeeded && (lastSuccessfulTime === undefined || lastSuccessfulTime < completionTime)) lastSuccessfulTime = completionTime;
  }
  for (const { uid = "", name } of active) {
    if (missing.has(uid)) events.push({ type: "Normal", reason: "MissingJob", message: `Active job went missing: ${name}` });
  }
  active = active.filter(({ uid = "" }) => !missing.has(uid));
  return { ...before, active: active.length === 0 ? undefined : active, lastSuccessfulTime };
}

/** The oldest of the finished jobs beyond the limits. */
function surplusHistory({ cronJob, jobs }: CronState): readonly Job[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec;
  const beyond = (type: string, limit: number | undefined): readonly Job[] => {
    if (limit === undefined) return [];
    const order = (job: Job): string => `${job.status?.startTime ?? "9"} ${job.metadata.name}`;
    const finished = jobs.filter((job) => jobCondition(job, type) !== undefined && job.metadata.deletionTimestamp === undefined).sort((a, b) => (order(a) < order(b) ? -1 : 1));
    return finished.slice(0, Math.max(0, finished.length - limit));
  };
  return [...beyond("Complete", successfulJobsHistoryLimit), ...beyond("Failed", failedJobsHistoryLimit)];
}

function readSchedule({ cronJob, localZone }: CronState, events: CronEvent[]): CronSchedule | undefined {
  const { schedule, timeZone } = cronJob.spec;
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    events.push({ type: "Warning", reason: "UnknownTimeZone", message: `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}` });
    return undefined;
  }
  if (/^(?:CRON_)?TZ=/.test(schedule)) {
    const note = "is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details";
    events.push({ type: "Warning", reason: "UnsupportedSchedule", message: `CRON_TZ or TZ used in schedule ${JSON.stringify(schedule)} ${note}` });
  }
  try {
    return CronSchedule.parse(schedule, timeZone ?? localZone);
  } catch (error) {
    if (!(error instanceof CronError)) throw error;
    events.push({ type: "Warning", reason: "UnparseableSchedule", message: `unparseable schedule: ${JSON.stringify(schedule)} : ${error.message}` });
    return undefined;
  }
}

/** The latest time not after now at which a job was due and none was started, and how many such times there were. */
function lastDue(cronJob: CronJob, status: CronJobStatus, schedule: CronSchedule, nowMs: number): { readonly atMs: number | undefined; readonly missed: number } {
  const deadline = cronJob.spec.startingDeadlineSeconds;
  let earliest = Date.parse(status.lastScheduleTime ?? cronJob.metadata.creationTimestamp ?? rfc3339(nowMs));
  if (deadline !== undefined) earliest = Math.max(earliest, nowMs - deadline * 1000);
  const first = schedule.next(earliest);
  if (first === undefined || first > nowMs) return { atMs: undefined, missed: 0 };
  const second = schedule.next(first);
  if (second === undefined || second > nowMs) return { atMs: first, missed: 1 };
  // PERF: jumps over a long pause; the last stretch is walked, since not all schedules are even.
  const between = second - first;
  const missed = Math.floor((nowMs - first) / between) + 1;
  let latest = first;
  for (let at: number | undefined = schedule.next(Math.max(first, first + (missed - 2) * between - 1)); at !== undefined && at <= nowMs; at = schedule.next(at)) latest = at;
  return { atMs: latest, missed };
}

function untilNext(schedule: CronSchedule, nowMs: number): number | undefined {
  const next = schedule.next(nowMs);
  return next === undefined ? undefined : next - nowMs + slackMs;
}

/** `<cron job>-<minutes since the epoch>`: the same time makes the same job only once. */
function jobFor({ cronJob, localZone }: CronState, atMs: number): NewObject<Job> {
  const { metadata, spec } = cronJob.spec.jobTemplate;
  return {
    metadata: {
      name: `${cronJob.metadata.name}-${Math.floor(atMs / 60_000)}`,
      namespace: cronJob.metadata.namespace,
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      annotations: { ...metadata?.annotations, [timestampAnnotation]: zonedRfc3339(cronJob.spec.timeZone ?? localZone, atMs) },
      ownerReferences: [controllerReference(cronJob, cronJobs)],
    },
    spec: spec ?? { template: {} },
  };
}

/** `Mon, 02 Jan 2006 15:04:05 +0000` */
function rfc1123(atMs: number): string {
  return new Date(atMs).toUTCString().replace("GMT", "+0000");
}
