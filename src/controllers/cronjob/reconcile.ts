import { isTimeZone } from "../../api/batch/time-zone.ts";
import { invariant } from "../../base/invariant.ts";
import { cronJobs, jobs } from "../../api/generated/resources.ts";
import type { CronJob, CronJobStatus, Job } from "../../api/generated/types/batch-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import { exponentialBuckets } from "../../base/metrics.ts";
import { deepEqual } from "../../base/values.ts";
import { controllerOf } from "../../meta/object.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { controlledBy, enqueueOwners, indexByController } from "../../reconcile/owned.ts";
import { enqueueSelf, LateQueue } from "../enqueue.ts";
import { isNamespaceTerminating, messageOf } from "../failures.ts";
import { planCronJob } from "./plan.ts";

export interface CronJobOptions {
  /** The zone of schedules that name none; UTC when absent. */
  readonly timeZone?: string;
}

/** Starts jobs when they are due. @upstream pkg/controller/cronjob/cronjob_controllerv2.go */
export function cronJobController(deps: ControllerDeps, options: CronJobOptions = {}): Controller {
  const { client, recorder, clock } = deps;
  const cronInformer = deps.informers.informer(cronJobs);
  const jobInformer = deps.informers.informer(jobs);
  const late = new LateQueue();
  const skew = deps.metrics.histogram("cronjob_controller_job_creation_skew_duration_seconds", "How long after it was due a job was made", exponentialBuckets(1, 2, 10));
  const localZone = options.timeZone ?? "UTC";
  invariant(isTimeZone(localZone), `unknown time zone ${localZone}`);

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const cronJob = cronInformer.lister.get(key);
    if (cronJob === undefined) return;
    const owned = controlledBy(jobInformer.lister, cronJob);
    const missing = await missingOf(cronJob, owned, signal);
    const plan = planCronJob({ cronJob, jobs: owned, missing, nowMs: clock.now(), localZone });
    for (const { type, reason, message } of plan.events) recorder.event(cronJob, type, reason, message);
    for (const job of plan.remove) await remove(cronJob, job, signal);
    let { status } = plan;
    let current = cronJob;
    if (plan.create !== undefined && plan.scheduledMs !== undefined) {
      // What was due is written down with the job's name known; a crash in between finds the name taken.
      current = await writeStatus(cronJob, status, signal);
      const started = await create(cronJob, plan.create, signal);
      if (started === undefined) return;
      skew.observe((Date.parse(started.metadata.creationTimestamp ?? "") - plan.scheduledMs) / 1000);
      const { name, namespace, uid, resourceVersion } = started.metadata;
      const reference = { apiVersion: "batch/v1", kind: "Job", name, namespace, uid, resourceVersion };
      status = { ...status, active: [...(status.active ?? []).filter((each) => each.uid !== uid), reference], lastScheduleTime: rfc3339(plan.scheduledMs) };
    }
    await writeStatus(current, status, signal);
    if (plan.recheckMs !== undefined) late.addAfter(key, plan.recheckMs);
  }

  async function missingOf(cronJob: CronJob, owned: readonly Job[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const missing = new Set<string>();
    const known = new Set(owned.map(({ metadata }) => metadata.uid));
    for (const { uid = "", name = "", namespace } of cronJob.status?.active ?? []) {
      if (known.has(uid)) continue;
      try {
        const live = await client.get(jobs, name, { namespace, signal });
        if (live.metadata.uid !== uid) missing.add(uid);
      } catch (error) {
        if (!hasReason(error, "NotFound")) throw error;
        missing.add(uid);
      }
    }
    return missing;
  }

  async function create(cronJob: CronJob, job: Parameters<typeof client.create<Job>>[1], signal: AbortSignal): Promise<Job | undefined> {
    const place = { namespace: cronJob.metadata.namespace, signal };
    try {
      const made = await client.create(jobs, job, place);
      recorder.event(cronJob, "Normal", "SuccessfulCreate", `Created job ${made.metadata.name}`);
      return made;
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      if (hasReason(error, "AlreadyExists")) {
        const live = await client.get(jobs, job.metadata.name ?? "", place);
        if (controllerOf(live)?.uid === cronJob.metadata.uid) return live;
      }
      recorder.event(cronJob, "Warning", "FailedCreate", `Error creating job: ${messageOf(error)}`);
      throw error;
    }
  }

  async function remove(cronJob: CronJob, job: Job, signal: AbortSignal): Promise<void> {
    const { name = "", namespace, uid = "" } = job.metadata;
    try {
      await client.delete(jobs, name, { namespace, signal, propagationPolicy: "Background", preconditions: { uid } });
      recorder.event(cronJob, "Normal", "SuccessfulDelete", `Deleted job ${name}`);
    } catch (error) {
      if (hasReason(error, "NotFound")) return;
      recorder.event(cronJob, "Warning", "FailedDelete", `Deleted job: ${messageOf(error)}`);
      throw error;
    }
  }

  async function writeStatus(cronJob: CronJob, status: CronJobStatus, signal: AbortSignal): Promise<CronJob> {
    if (deepEqual(cronJob.status ?? {}, status)) return cronJob;
    return client.update(cronJobs, { ...cronJob, status }, { namespace: cronJob.metadata.namespace, subresource: "status", signal });
  }

  function setup(queue: Enqueue): void {
    late.bind(queue);
    indexByController(deps.informers, jobInformer);
    enqueueSelf(queue, cronInformer);
    enqueueOwners(queue, jobInformer, { owner: cronJobs, owners: cronInformer.lister });
  }

  return { name: "cronjob", workers: 5, setup, reconcile };
}
