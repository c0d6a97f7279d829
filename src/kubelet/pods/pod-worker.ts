import type { Pod, PodCondition, PodStatus } from "../../api/generated/types/core-v1.ts";
import { childAbort } from "../../base/abort.ts";
import { rfc3339, type Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { deepEqual } from "../../base/values.ts";
import type { PodCgroups } from "../cgroups/pod-cgroups.ts";
import type { PodProbes } from "../probes/pod-probes.ts";
import type { ProbeResults } from "../probes/probe-result.ts";
import { errorText } from "../rpc-error-text.ts";
import { applyPodActions, type ApplyDeps } from "../runtime/apply-pod-actions.ts";
import { computePodActions, type PodActions } from "../runtime/compute-pod-actions.ts";
import { killPod } from "../runtime/kill-pod.ts";
import { isResizing, parseResources, withAppliedResources } from "../runtime/container-resources.ts";
import { emptyRuntimePod, type RuntimeContainer, type RuntimePod } from "../runtime/runtime-pod.ts";
import type { StartError } from "../runtime/start-error.ts";
import { ownedConditions } from "../status/pod-conditions.ts";
import { podStatus } from "../status/pod-status.ts";
import type { StatusWriter } from "../status/status-writer.ts";
import type { PodVolumes } from "../volumes/pod-volumes.ts";
import type { MountedVolume } from "../volumes/volume-type.ts";
import { deadlineMs, deadlineFailure } from "./active-deadline.ts";
import { isTerminalPhase } from "./pod-containers.ts";
import { Retry } from "./retry.ts";

export interface PodWorkerDeps extends ApplyDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly writer: StatusWriter;
  readonly podVolumes: PodVolumes;
  readonly cgroups: PodCgroups;
  readonly probes: PodProbes;
  readonly results: ProbeResults;
  readonly runtimeName: string;
  /** Why pods cannot have a network yet. */
  networkProblem(): string | undefined;
  /** The pod runs for the first time, so long after it was seen. */
  started(afterMs: number): void;
  /** Why the pod cannot have the resources it asks for now. */
  resizeProblem(pod: Pod): { readonly reason: string; readonly message: string } | undefined;
  /** From now on the pod reads what it names. */
  watchReferences(pod: Pod): void;
  /** Everything of the pod on this node has ended and is cleaned up. */
  finished(): void;
}

/** How often resources that are taken are asked for again. */
const resizeRetryMs = 10_000;

/** Why the kubelet itself ends a pod. */
export interface PodFailure {
  readonly reason: string;
  readonly message: string;
  /** Reason of the DisruptionTarget condition, when the pod is not to blame. */
  readonly disruption?: string;
}

export interface TerminationRequest {
  /** Seconds; absent: what the pod says. */
  readonly graceSeconds?: number | undefined;
  readonly failure?: PodFailure;
  /** The object is gone from the API: no status is owed to anybody. */
  readonly removed?: boolean;
}

/**
 * Moves one pod towards what is wanted, one step at a time, and ends it. Phases: syncing, then terminating, then finished;
 * never back. @upstream pkg/kubelet/pod_workers.go
 */
export class PodWorker {
  readonly uid: string;
  readonly #deps: PodWorkerDeps;
  readonly #signal: AbortSignal;
  readonly #retry: Retry;
  /** Resources given to running containers since they were made, by id. */
  readonly #resized = new Map<string, string>();
  #resizeProblem: { readonly reason: string; readonly message: string } | undefined;
  readonly #waiting = new Map<string, StartError>();
  #pod: Pod;
  /** While the pod has not run yet: since when it is known here. */
  #pendingSinceMs: number | undefined;
  #termination: TerminationRequest | undefined;
  #failure: PodFailure | undefined;
  #finished = false;
  #starting = false;
  /** A container is being replaced: its end is not told, as the API takes one that has ended for ended. */
  #replacing = false;
  #dirty = false;
  #noticed = false;
  #published: RuntimePod | undefined;
  /** Volumes of the last step, until something outside asks for a look. */
  #volumes: ReadonlyMap<string, MountedVolume> | undefined;
  #running: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #abortStep: (() => void) | undefined;

  constructor(options: { readonly pod: Pod; readonly signal: AbortSignal }, deps: PodWorkerDeps) {
    this.#pod = options.pod;
    this.uid = options.pod.metadata.uid ?? "";
    this.#signal = options.signal;
    this.#deps = deps;
    this.#retry = new Retry();
    if ((options.pod.status?.phase ?? "Pending") === "Pending") this.#pendingSinceMs = deps.clock.now();
  }

  get pod(): Pod {
    return this.#pod;
  }
  get finished(): boolean {
    return this.#finished;
  }
  get terminating(): boolean {
    return this.#termination !== undefined;
  }
  get failure(): PodFailure | undefined {
    return this.#failure;
  }

  /** The pod as the API has it now. */
  update(pod: Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) this.terminate({ graceSeconds: pod.metadata.deletionGracePeriodSeconds });
    // Most updates are echoes of the statuses written here.
    if (before === pod || isOtherPod(before, pod)) this.wake();
    else if (!deepEqual(foreignConditions(before), foreignConditions(pod))) this.publish();
  }

  /** Ends the pod; asked again with less time, less time it is. */
  terminate(request: TerminationRequest): void {
    const known = this.#termination;
    if (request.failure !== undefined && this.#failure === undefined) this.#failure = request.failure;
    const shorter = known === undefined || (request.graceSeconds !== undefined && (known.graceSeconds === undefined || request.graceSeconds < known.graceSeconds));
    if (shorter) {
      this.#termination = { ...request, removed: request.removed === true || known?.removed === true };
      this.#abortStep?.();
    } else if (request.removed === true) this.#termination = { ...known, removed: true };
    this.wake();
  }

  /** The pod may not be here: it fails without having been tried. */
  reject(failure: PodFailure): void {
    this.#failure = failure;
    const { qosClass } = this.#status({ ended: true });
    this.#finished = true;
    this.#deps.writer.set(this.#pod, {
      ...this.#pod.status,
      phase: "Failed",
      reason: failure.reason,
      message: failure.message,
      startTime: rfc3339(this.#deps.clock.now()),
      qosClass,
    });
    this.#deps.finished();
    this.wake();
  }

  /** Looks at the pod soon; cheap when there is nothing to do. */
  wake(): void {
    this.#volumes = undefined;
    this.#dirty = true;
    if (this.#running !== undefined || this.#signal.aborted) return;
    this.#cancelTimer?.();
    this.#running = this.#drain().finally(() => {
      this.#running = undefined;
      // What was noticed since the last step has not been looked at.
      if ((this.#dirty || this.#noticed) && !this.#signal.aborted) this.wake();
    });
  }

  /** The runtime has something new of the pod; what a step under way has seen already is none. */
  notice(): void {
    if (this.#running === undefined) this.wake();
    else this.#noticed = true;
  }

  /** Tells the status as it is now, without waiting for a step under way. */
  publish(): void {
    if (this.#finished || this.#replacing || this.#termination?.removed === true) return;
    this.#deps.writer.set(this.#pod, this.#status({ ended: false }));
  }

  stopProbes(): void {
    this.#deps.probes.stop();
  }

  async drained(): Promise<void> {
    this.#cancelTimer?.();
    await this.#running;
  }

  async #drain(): Promise<void> {
    while (this.#dirty && !this.#signal.aborted) {
      this.#dirty = false;
      const step = childAbort(this.#signal);
      this.#abortStep = () => step.abort(new Error("the pod is to end"));
      let delayMs: number | undefined;
      try {
        delayMs = await this.#step(step.signal);
        this.#retry.reset();
      } catch (error) {
        if (!step.signal.aborted) {
          delayMs = this.#retry.next();
          this.#deps.log.warn("pod is tried again", { pod: this.#pod.metadata.name, namespace: this.#pod.metadata.namespace, error: errorText(error), retryMs: delayMs });
        }
      } finally {
        this.#abortStep = undefined;
        step.dispose();
      }
      if (this.#noticed && this.#runtimePod() !== this.#published) this.#dirty = true;
      this.#noticed = false;
      if (delayMs === 0) this.#dirty = true;
      else if (delayMs !== undefined && !this.#dirty) this.#cancelTimer = this.#deps.clock.after(delayMs, () => this.wake());
    }
  }

  /** One step; returns after how long to look again, undefined: when something happens. */
  async #step(signal: AbortSignal): Promise<number | undefined> {
    if (this.#finished) {
      // A pod that was done already is being deleted now.
      if (this.#pod.metadata.deletionTimestamp !== undefined) this.#deps.writer.finish(this.#pod);
      return undefined;
    }
    return this.#termination === undefined ? this.#sync(signal) : this.#end(signal, this.#termination);
  }

  async #sync(signal: AbortSignal): Promise<number | undefined> {
    const deps = this.#deps;
    const before = this.#runtimePod();
    const pod = this.#withFeasibleResources(before);
    const status = this.#publishNow();
    const overdue = deadlineFailure(pod, status, deps.clock.now());
    if (overdue !== undefined) {
      deps.recorder.event(pod, "Normal", overdue.reason, overdue.message);
      this.terminate({ failure: overdue });
      return 0;
    }
    const untilDeadline = deadlineMs(pod, status, deps.clock.now());
    if (isTerminalPhase(this.#status({ ended: true, natural: true }).phase) && this.#isDone(before)) {
      this.terminate({});
      return 0;
    }
    const network = pod.spec.hostNetwork === true ? undefined : deps.networkProblem();
    const actions = this.#actions(before, pod);
    if (network !== undefined && actions.createSandbox) {
      deps.recorder.event(pod, "Warning", "NetworkNotReady", `network is not ready: ${network}`);
      return 1000;
    }
    deps.watchReferences(pod);
    const cgroupParent = await deps.cgroups.ensure(pod);
    const { volumes, failures } = await this.#setUpVolumes(pod);
    signal.throwIfAborted();
    for (const { volume, message } of failures) deps.recorder.event(pod, "Warning", "FailedMount", `MountVolume.SetUp failed for volume "${volume}" : ${message}`);
    if (failures.length > 0 && this.#startsAnything(actions)) return this.#retry.next("volumes");
    this.#retry.reset("volumes");
    if (deps.devices !== undefined && this.#startsAnything(actions)) {
      try {
        await deps.devices.prepare(pod, { afresh: actions.createSandbox, signal });
      } catch (error) {
        signal.throwIfAborted();
        deps.recorder.event(pod, "Warning", "FailedPrepareDynamicResources", `Failed to prepare dynamic resources: ${errorText(error)}`);
        return this.#retry.next("devices");
      }
      this.#retry.reset("devices");
    }
    deps.probes.start(pod);
    const refreshes = [...volumes.values()].flatMap(({ refreshMs }) => (refreshMs === undefined ? [] : [Math.max(1000, refreshMs - deps.clock.now())]));
    const resizeAgain = this.#resizeProblem?.reason === "Deferred" ? [resizeRetryMs] : [];
    let delays = [...resizeAgain, ...refreshes, ...(untilDeadline === undefined ? [] : [untilDeadline])];
    if (this.#startsAnything(actions) || actions.killPod || actions.toKill.length > 0 || actions.toResize.length > 0) {
      this.#starting = this.#startsAnything(actions);
      this.#replacing = this.#starting && actions.toKill.length > 0;
      const result = await applyPodActions(
        {
          pod,
          actions,
          cgroupParent,
          volumes,
          signal,
          started: (name, error) => {
            if (error === undefined) this.#waiting.delete(name);
            else this.#waiting.set(name, error);
          },
          resized: ({ id }, resources) => void this.#resized.set(id, resources),
          progress: () => this.publish(),
        },
        deps,
      ).finally(() => {
        this.#starting = false;
        this.#replacing = false;
      });
      const after = this.#publishNow();
      if (this.#runtimePod() !== before && !isTerminalPhase(after.phase)) return result.retryAfterMs === undefined ? 0 : Math.min(result.retryAfterMs, ...delays);
      if (isTerminalPhase(after.phase)) return 0;
      if (result.retryAfterMs !== undefined) delays = [...delays, result.retryAfterMs];
    }
    return delays.length === 0 ? undefined : Math.min(...delays);
  }

  /** PERF: a step that started something is followed by another at once, which need not compare every file again. */
  async #setUpVolumes(pod: Pod): ReturnType<PodVolumes["setUp"]> {
    const { clock, podVolumes } = this.#deps;
    const known = this.#volumes;
    this.#volumes = undefined;
    if (known !== undefined && [...known.values()].every(({ refreshMs }) => refreshMs === undefined || refreshMs > clock.now())) return { volumes: known, failures: [] };
    const made = await podVolumes.setUp(pod);
    // Woken in the meantime: what was read may be old.
    if (made.failures.length === 0 && !this.#dirty) this.#volumes = made.volumes;
    return made;
  }

  /** @upstream pkg/kubelet/kubelet.go SyncTerminatingPod, SyncTerminatedPod */
  async #end(signal: AbortSignal, termination: TerminationRequest): Promise<number | undefined> {
    const { deps, pod } = { deps: this.#deps, pod: this.#pod };
    deps.probes.stopAllButReadiness();
    this.publish();
    const present = (await deps.cache.refresh(this.uid)) ?? this.#runtimePod();
    await killPod({ pod, runtimePod: present, graceSeconds: termination.graceSeconds, signal }, deps);
    const left = (await deps.cache.refresh(this.uid)) ?? this.#runtimePod();
    const running = left.containers.filter(({ state }) => state === "running");
    if (running.length > 0) throw new Error(`detected running containers after a successful KillPod: ${running.map(({ name }) => name).join(", ")}`);
    deps.probes.stop();
    // Before anybody hears of the end: a claim that is not reserved any more may be given to another pod.
    await deps.devices?.unprepare(pod);
    const removed = this.#termination?.removed === true;
    // What was told of a pod that ended long ago stays, also when the runtime has forgotten it.
    const told = isTerminalPhase(this.#pod.status?.phase) && left.containers.length === 0 ? this.#pod.status : undefined;
    if (!removed) deps.writer.set(this.#pod, told ?? this.#status({ ended: true }));
    await deps.podVolumes.tearDown(this.uid);
    await deps.cgroups.remove(this.uid);
    this.#finished = true;
    deps.finished();
    if (!removed) deps.writer.finish(this.#pod);
    return undefined;
  }

  /** The pod with the resources that it may have: new ones only when the node has them. @upstream pkg/kubelet/allocation/allocation_manager.go */
  #withFeasibleResources(runtimePod: RuntimePod): Pod {
    const applied = (container: RuntimeContainer): string => this.#appliedResources(container);
    for (const id of this.#resized.keys()) if (!runtimePod.containers.some((container) => container.id === id)) this.#resized.delete(id);
    this.#resizeProblem = isResizing(this.#pod, runtimePod, applied) ? this.#deps.resizeProblem(this.#pod) : undefined;
    return this.#resizeProblem === undefined ? this.#pod : withAppliedResources(this.#pod, runtimePod, applied);
  }

  #appliedResources({ id, resources }: RuntimeContainer): string {
    return this.#resized.get(id) ?? resources;
  }

  #actions(runtimePod: RuntimePod, pod = this.#pod): PodActions {
    const { results } = this.#deps;
    return computePodActions({
      pod,
      runtimePod,
      appliedResources: (container) => this.#appliedResources(container),
      liveness: (id) => results.get("Liveness", id),
      startup: (id) => results.get("Startup", id),
    });
  }

  #startsAnything(actions: PodActions): boolean {
    return actions.createSandbox || actions.initToStart.length > 0 || actions.appsToStart.length > 0 || actions.ephemeralToStart.length > 0;
  }

  /** Nothing runs, and nothing would be started. */
  #isDone(runtimePod: RuntimePod): boolean {
    if (isTerminalPhase(this.#pod.status?.phase)) return true;
    const actions = this.#actions(runtimePod);
    return actions.killPod && !actions.createSandbox && runtimePod.containers.length > 0;
  }

  #runtimePod(): RuntimePod {
    const { name = "", namespace = "" } = this.#pod.metadata;
    return this.#deps.cache.get(this.uid) ?? emptyRuntimePod(this.uid, name, namespace);
  }

  #publishNow(): PodStatus {
    const status = this.#status({ ended: false });
    if (status.phase === "Running" && this.#pendingSinceMs !== undefined) {
      this.#deps.started(this.#deps.clock.now() - this.#pendingSinceMs);
      this.#pendingSinceMs = undefined;
    }
    this.#published = this.#runtimePod();
    this.#deps.writer.set(this.#pod, status);
    return status;
  }

  #status({ ended, natural = false }: { readonly ended: boolean; readonly natural?: boolean }): PodStatus {
    const deps = this.#deps;
    return podStatus({
      pod: this.#pod,
      runtimePod: this.#runtimePod(),
      previous: deps.writer.get(this.uid) ?? this.#pod.status ?? {},
      hostIPs: deps.hostIPs(),
      runtimeName: deps.runtimeName,
      nowMs: deps.clock.now(),
      waitingFor: (name) => this.#waiting.get(name),
      startup: (id) => deps.results.get("Startup", id),
      readiness: (id) => deps.results.get("Readiness", id),
      failure: natural ? undefined : this.#failure,
      starting: this.#starting,
      appliedResources: (container) => parseResources(this.#appliedResources(container)),
      resize: this.#resizeProblem,
      ended,
    });
  }
}

/** Whether anything that the kubelet acts on differs. */
function isOtherPod(a: Pod, b: Pod): boolean {
  return (
    a.metadata.deletionTimestamp !== b.metadata.deletionTimestamp ||
    !deepEqual(a.spec, b.spec) ||
    !deepEqual(a.metadata.labels, b.metadata.labels) ||
    !deepEqual(a.metadata.annotations, b.metadata.annotations)
  );
}

function foreignConditions(pod: Pod): readonly PodCondition[] {
  return (pod.status?.conditions ?? []).filter(({ type }) => !ownedConditions.includes(type));
}
