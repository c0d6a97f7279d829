import { jobs, pods } from "../../api/generated/resources.ts";
import type { Job, JobStatus } from "../../api/generated/types/batch-v1.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { deepEqual } from "../../base/values.ts";
import { controllerOf, keyOf, splitKey } from "../../meta/object.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { Expectations } from "../../reconcile/expectations.ts";
import { claimable, claimChildren, controlledBy, controllerKey, enqueueOwners, indexByController, keysWanting } from "../../reconcile/owned.ts";
import { enqueueSelf, LateQueue } from "../enqueue.ts";
import { labelsMatch } from "../label-match.ts";
import { PodControl } from "../pods/pod-control.ts";
import { accountJob, settleJob } from "./account.ts";
import { type BackoffRecord, noFailures } from "./backoff.ts";
import { jobPod } from "./job-pod.ts";
import { isFinished, isManagedElsewhere, isTracked, trackingFinalizer } from "./job-spec.ts";
import { judgeJob, type JobState, type Judgement } from "./judge.ts";
import { JobMetrics, type SyncAction } from "./metrics.ts";

const strayPrefix = "stray:";

/** Runs jobs to completion and counts their pods, each once. @upstream pkg/controller/job/job_controller.go */
export function jobController(deps: ControllerDeps): Controller {
  return new JobController(deps);
}

class JobController implements Controller {
  readonly name = "job";
  readonly workers = 5;
  readonly #deps: ControllerDeps;
  readonly #jobs;
  readonly #pods;
  readonly #expectations: Expectations;
  readonly #control: PodControl;
  readonly #metrics: JobMetrics;
  readonly #queue = new LateQueue();
  readonly #backoff = new Map<string, BackoffRecord>();
  /** Pods whose finalizer was taken off, until the cache shows it. By job. */
  readonly #released = new Map<string, Set<string>>();

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#jobs = deps.informers.informer(jobs);
    this.#pods = deps.informers.informer(pods);
    this.#expectations = new Expectations({}, { clock: deps.clock });
    this.#metrics = new JobMetrics(deps.metrics);
    this.#control = new PodControl({ ...deps, expectations: this.#expectations });
  }

  setup(queue: Enqueue): void {
    this.#queue.bind(queue);
    indexByController(this.#deps.informers, this.#pods);
    enqueueSelf(queue, this.#jobs);
    this.#jobs.subscribe({
      added: (job) => {
        if (isManagedElsewhere(job)) this.#metrics.managedElsewhere(job.spec.managedBy ?? "");
      },
      deleted: (job) => {
        for (const pod of controlledBy(this.#pods.lister, job)) if (isTracked(pod)) queue.add(`${strayPrefix}${keyOf(pod)}`);
      },
    });
    const wants = ({ spec }: Job, { metadata }: Pod): boolean => labelsMatch(spec.selector, metadata.labels);
    enqueueOwners(queue, this.#pods, {
      owner: jobs,
      owners: this.#jobs.lister,
      forOrphan: (pod) => keysWanting(this.#jobs.lister, pod, wants),
      onAdded: (key) => this.#expectations.creationObserved(key),
      onDeleted: (key, pod) => this.#expectations.deletionObserved(key, pod.metadata.uid ?? ""),
    });
    this.#pods.subscribe({
      added: (pod) => {
        this.#metrics.podChanged(undefined, pod);
        this.#noteStray(pod);
      },
      updated: (previous, pod) => {
        this.#metrics.podChanged(previous, pod);
        this.#noteReleased(pod);
        this.#noteStray(pod);
      },
      deleted: (pod) => {
        this.#metrics.podChanged(pod, undefined);
        this.#noteReleased(pod, true);
      },
    });
  }

  #noteReleased(pod: Pod, gone = false): void {
    if (!gone && isTracked(pod)) return;
    const key = controllerKey(pod, jobs);
    if (key !== undefined) this.#released.get(key)?.delete(pod.metadata.uid ?? "");
  }

  /** A tracked pod without a job would keep its finalizer for ever. */
  #noteStray(pod: Pod): void {
    if (!isTracked(pod)) return;
    const key = controllerKey(pod, jobs);
    const job = key === undefined ? undefined : this.#jobs.lister.get(key);
    if (job === undefined || job.metadata.uid !== controllerOf(pod)?.uid) this.#queue.add(`${strayPrefix}${keyOf(pod)}`);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    if (key.startsWith(strayPrefix)) return this.#freeStray(key.slice(strayPrefix.length), signal);
    const job = this.#jobs.lister.get(key);
    if (job === undefined) {
      this.#expectations.forget(key);
      this.#backoff.delete(key);
      this.#released.delete(key);
      return;
    }
    if (isManagedElsewhere(job)) return;
    if (isFinished(job)) {
      this.#backoff.delete(key);
      await this.#release(key, controlledBy(this.#pods.lister, job).filter(isTracked), signal);
      return;
    }
    const { clock } = this.#deps;
    const startedMs = clock.now();
    const note: { action: SyncAction } = { action: "reconciling" };
    let isDone = false;
    try {
      await this.#sync(key, job, note, signal);
      isDone = true;
    } finally {
      this.#metrics.synced(job, note.action, isDone, (clock.now() - startedMs) / 1000);
    }
  }

  /** `note` tells of it in metrics. */
  async #sync(key: string, job: Job, note: { action: SyncAction }, signal: AbortSignal): Promise<void> {
    const settled = this.#expectations.satisfied(key);
    const owned = await claimChildren(
      claimable(this.#pods.lister, job),
      { owner: job, ownerResource: jobs, childResource: pods, matches: (pod) => labelsMatch(job.spec.selector, pod.metadata.labels), finalizers: [trackingFinalizer] },
      { client: this.#deps.client, signal },
    );
    const state: JobState = {
      job,
      pods: owned,
      released: new Set(this.#released.get(key)),
      backoff: this.#backoff.get(key) ?? noFailures,
      settled,
      nowMs: this.#deps.clock.now(),
    };
    const judgement = judgeJob(state);
    const create = judgement.create.map((wanted) => jobPod(job, wanted));
    if (settled) note.action = create.length > 0 ? "pods_created" : judgement.remove.length > 0 ? "pods_deleted" : "tracking";
    const outcome = await this.#control.move(key, job, { create, remove: judgement.remove }, signal);
    this.#metrics.made(job, { made: outcome.created.length, refused: outcome.refused });
    await this.#count(key, state, judgement, { created: outcome.created.length, removed: outcome.removed }, signal);
    // Remembered only now: should a write have failed, the same pods are new again next time.
    this.#backoff.set(key, judgement.backoff);
    if (outcome.error !== undefined) throw outcome.error;
    if (judgement.recheckMs !== undefined) this.#queue.addAfter(key, Math.max(0, judgement.recheckMs));
  }

  async #count(key: string, state: JobState, judgement: Judgement, outcome: { readonly created: number; readonly removed: readonly Pod[] }, signal: AbortSignal): Promise<void> {
    const { job } = state;
    const { recorder } = this.#deps;
    const account = accountJob(state, judgement, outcome);
    // Without a pod to release there is nothing to write in between.
    const held = account.release.length > 0 ? await this.#write(job, account.status, signal) : job;
    const released = await this.#release(key, account.release, signal);
    const { status, finished } = settleJob(state, account, judgement, released);
    await this.#write(held, status, signal);
    this.#metrics.counted(job, status, judgement.newFailed);
    if (account.suspension === "suspended") recorder.event(job, "Normal", "Suspended", "Job suspended");
    if (account.suspension === "resumed") recorder.event(job, "Normal", "Resumed", "Job resumed");
    const { ending } = judgement;
    if (!finished || ending === undefined) return;
    this.#metrics.finished(job, ending);
    if (ending.type === "Failed") recorder.event(job, "Warning", ending.reason, ending.message);
    else {
      if (job.spec.completions !== undefined && judgement.succeeded > job.spec.completions) {
        recorder.event(job, "Warning", "TooManySucceededPods", "Too many succeeded pods running after completion count reached");
      }
      recorder.event(job, "Normal", "Completed", "Job completed");
    }
  }

  async #write(job: Job, status: JobStatus, signal: AbortSignal): Promise<Job> {
    if (deepEqual(job.status ?? {}, status)) return job;
    return this.#deps.client.update(jobs, { ...job, status }, { namespace: job.metadata.namespace, subresource: "status", signal });
  }

  /** Takes the finalizer off; returns the uids of those that have it no more. Throws after all were tried only when none succeeded. */
  async #release(key: string, owned: readonly Pod[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const pending = this.#released.get(key) ?? new Set<string>();
    this.#released.set(key, pending);
    const done = new Set<string>();
    const outcomes = await Promise.allSettled(
      owned.map(async (pod) => {
        const uid = pod.metadata.uid ?? "";
        pending.add(uid);
        try {
          await this.#removeFinalizer(pod, signal);
          done.add(uid);
        } catch (error) {
          pending.delete(uid);
          throw error;
        }
      }),
    );
    const failure = outcomes.find((outcome) => outcome.status === "rejected");
    if (failure !== undefined && done.size === 0) throw failure.reason;
    if (failure !== undefined) this.#queue.addAfter(key, 1000);
    return done;
  }

  async #removeFinalizer(pod: Pod, signal: AbortSignal): Promise<void> {
    const value = { metadata: { uid: pod.metadata.uid, "$deleteFromPrimitiveList/finalizers": [trackingFinalizer] } };
    try {
      await this.#deps.client.patch(pods, pod.metadata.name ?? "", { type: "strategic", value }, { namespace: pod.metadata.namespace, signal });
    } catch (error) {
      if (!hasReason(error, "NotFound")) throw error;
    }
  }

  async #freeStray(podKey: string, signal: AbortSignal): Promise<void> {
    const pod = this.#pods.lister.get(podKey);
    if (pod === undefined || !isTracked(pod)) return;
    const key = controllerKey(pod, jobs);
    if (key !== undefined) {
      const { namespace, name } = splitKey(key);
      const live = await this.#deps.client.get(jobs, name, { namespace, signal }).catch((error: unknown) => {
        if (hasReason(error, "NotFound")) return undefined;
        throw error;
      });
      if (live !== undefined && live.metadata.uid === controllerOf(pod)?.uid) return;
    }
    await this.#removeFinalizer(pod, signal);
  }
}
