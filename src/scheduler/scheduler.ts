import { pods } from "../api/generated/resources.ts";
import type { Pod } from "../api/generated/types/core-v1.ts";
import type { PodVerdictStatus } from "../api/insight/pod-verdict.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Random } from "../base/random.ts";
import type { Turns } from "../base/turns.ts";
import type { Client } from "../client/client.ts";
import type { EventRecorder } from "../client/event-recorder.ts";
import type { InformerFactory, Lister } from "../client/informer.ts";
import type { ExtenderClient } from "../platform/extender-client.ts";
import { hasReason } from "../meta/status-error.ts";
import { bindPod } from "./bind-pod.ts";
import type { Change } from "./changes.ts";
import { type Choice, type ChooseOptions, chooseNode } from "./choose-node.ts";
import { ClusterState } from "./cluster/cluster-state.ts";
import type { NodeInfo } from "./cluster/node-info.ts";
import { type PodInfo, podInfo } from "./cluster/pod-info.ts";
import { Cycle, type Reserved } from "./cycle.ts";
import { ClaimBinder } from "./devices/bind-claims.ts";
import { DYNAMIC_RESOURCES } from "./devices/dynamic-resources.ts";
import { askExtenders, chooseWithExtenders } from "./extenders/choose-with-extenders.ts";
import { bindByExtender } from "./extenders/bind-by-extender.ts";
import { Extender, type ExtenderOptions } from "./extenders/extender.ts";
import { followCluster } from "./follow-cluster.ts";
import { FreedRoom, standingOf } from "./freed-room.ts";
import { type AttemptResult, SchedulerMetrics } from "./metrics.ts";
import { PodEvents, schedulerNameOf, type SchedulerState } from "./pod-events.ts";
import { PodStatusWriter, type StatusWish } from "./pod-status-writer.ts";
import { RoomMaker } from "./preemption/make-room.ts";
import { pick, preempt, type Preemption, type PreemptionSearch, searchVictims } from "./preemption/preempt.ts";
import { buildProfile, GATES, NO_NODES_PLUGIN, PREEMPTION, type Profile, type ProfileOptions, queueHints } from "./profile.ts";
import { type QueuedPod, type QueueOptions, SchedulingQueue } from "./queue.ts";
import { type Readers, readersOver } from "./readers.ts";
import { Slots } from "./slots.ts";
import type { TemplateMemo } from "./template-memo.ts";
import { TurnShare } from "./turn-share.ts";
import { type Diagnosis, diagnosisText, NO_NODES } from "./verdict.ts";
import { explainPod } from "./why/explain-pod.ts";
import { VolumeBinder } from "./volumes/bind-volumes.ts";

export interface SchedulerOptions {
  /** Pods that name this scheduler are its. Default `default-scheduler`. */
  readonly schedulerName?: string;
  /** Several schedulers in one, instead. */
  readonly profiles?: readonly ProfileOptions[];
  readonly queue?: QueueOptions;
  /** Webhooks that have a say; only with `deps.extenderClient`. */
  readonly extenders?: readonly ExtenderOptions[];
}

export interface SchedulerDeps {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly extenderClient?: ExtenderClient;
  /** The event loop that others have to have their share of; absent: a turn is what the clock calls back at once. */
  readonly turns?: Turns;
}

/** Bindings under way at once; more wait in the queue. PERF: so many can be in one write to the disk, which takes longer than scheduling them. */
const BINDERS = 64;
/** What scheduling may use of one turn of the event loop, with the requests that it makes of a server in this process. */
const SHARE = { shareMs: 5, most: 256 };
/** Longer notes of events are refused. */
const MAX_NOTE = 1024;

/** One pod that is being tried. */
interface Attempt {
  readonly queued: QueuedPod;
  readonly pod: PodInfo;
  readonly profile: Profile;
  readonly signal: AbortSignal;
  readonly startedMs: number;
  /** Those that are interested in it. */
  readonly extenders: readonly Extender[];
}

/** What is to be said of a pod that fits nowhere. */
interface Misfit extends Pick<StatusWish, "nominatedNodeName"> {
  readonly message: string;
  /** Of its template, when nothing but single nodes mattered. */
  readonly memo?: TemplateMemo | undefined;
}

/** Watches pods and nodes and binds each pod that waits to the best node that fits. @upstream pkg/scheduler/schedule_one.go */
export class Scheduler {
  readonly #deps: SchedulerDeps;
  readonly #metrics;
  readonly #state: SchedulerState;
  readonly #events: PodEvents;
  readonly #profiles: ReadonlyMap<string, Profile>;
  readonly #readers: Readers;
  readonly #volumeBinder: VolumeBinder;
  readonly #pods: Lister<Pod>;
  readonly #statuses: PodStatusWriter;
  readonly #slots = new Slots(BINDERS);
  readonly #share: TurnShare;
  readonly #room: RoomMaker;
  readonly #extenders: readonly Extender[];
  readonly #underWay = new Set<Promise<void>>();
  /** Where in the list of nodes the next cycle begins. */
  #next = 0;

  constructor(options: SchedulerOptions, deps: SchedulerDeps) {
    this.#deps = deps;
    this.#share = new TurnShare(SHARE, deps.turns ?? turnsBy(deps.clock));
    this.#metrics = new SchedulerMetrics(deps.metrics, { unschedulable: () => unschedulable(this.#state.queue), cache: () => this.#sizes() });
    this.#pods = deps.informers.informer(pods).lister;
    this.#statuses = new PodStatusWriter({ ...deps, pods: this.#pods });
    this.#readers = readersOver(deps.informers);
    this.#volumeBinder = new VolumeBinder({ ...deps, readers: this.#readers.volumes });
    const claimBinder = new ClaimBinder({ ...deps, claims: this.#readers.devices.claims, made: (status) => this.#metrics.claimMade(status) });
    const parts = { ...this.#readers, volumeBinder: this.#volumeBinder, claimBinder, deps };
    const profiles = options.profiles ?? [{ schedulerName: options.schedulerName ?? "default-scheduler" }];
    this.#profiles = new Map(profiles.map((profile) => [profile.schedulerName, buildProfile(profile, parts)]));
    const { extenderClient } = deps;
    this.#extenders = extenderClient === undefined ? [] : (options.extenders ?? []).map((extender) => new Extender(extender, { client: extenderClient }));
    const queue = new SchedulingQueue(options.queue ?? {}, {
      clock: deps.clock,
      hints: queueHints(this.#profiles, { isExtended: this.#extenders.length > 0 }),
      gate: (key, pod) => this.#gate(key, pod),
      came: (place, event) => this.#metrics.came(place, event),
      left: (place) => this.#metrics.left(place),
    });
    const cluster = new ClusterState({ nominationMoved: (key) => queue.unsettle(key) });
    const freedRoom = new FreedRoom({
      cluster,
      cycleOf: (pod) => {
        const profile = this.#profileOf(pod);
        return profile === undefined ? undefined : this.#cycle(podInfo(pod), profile);
      },
      budgets: () => this.#readers.budgets.list(),
      now: () => deps.clock.now(),
    });
    this.#state = { cluster, queue, freedRoom, nominations: cluster.nominations, assumed: new Map() };
    this.#room = new RoomMaker({ ...deps, state: this.#state, statuses: this.#statuses });
    this.#events = new PodEvents({ isOurs: (name) => this.#profiles.has(name) }, this.#state);
  }

  /** Why a pod is where it is, or nowhere; undefined: there is no such pod. */
  explain(key: string): PodVerdictStatus | undefined {
    const pod = this.#pods.get(key);
    if (pod === undefined) return undefined;
    const { cluster, assumed } = this.#state;
    const plugins = assumed.has(key) ? undefined : this.#profileOf(pod)?.plugins;
    return explainPod(pod, { cluster, plugins, random: this.#deps.random, isScheduler: (name) => this.#profiles.has(name) });
  }

  /** Until the signal aborts. Rejects only when the informers do. */
  async run(signal: AbortSignal): Promise<void> {
    const { informers } = this.#deps;
    const { queue, cluster } = this.#state;
    const unfollow = followCluster(informers, {
      cluster,
      changed: (change) => {
        this.#noteDevices(change);
        queue.move(change);
        if (change.resource === "claim" || change.resource === "volume") this.#volumeBinder.changed();
      },
      podSeen: (previous, pod) => this.#events.seen(previous, pod),
      podGone: (pod) => {
        this.#events.gone(pod);
        this.#volumeBinder.changed();
      },
    });
    const stop = (): void => {
      queue.close();
      this.#share.close();
    };
    signal.addEventListener("abort", stop, { once: true });
    try {
      await informers.waitForSync(signal);
      await this.#loop(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", stop);
      unfollow();
      stop();
      await Promise.all(this.#underWay);
    }
  }

  /** Before those who wait are asked whether the change helps them. */
  #noteDevices(change: Change): void {
    const { devices } = this.#readers;
    if (change.resource === "resource-claim") devices.claims.observed(change.previous, change.next);
    else if (change.resource === "resource-slice") devices.slicesChanged();
    else if (change.resource === "device-class") {
      devices.resources.changed();
      // What a node lacks depends on which resources are devices.
      for (const { memos } of this.#profiles.values()) memos.clear();
    }
  }

  async #loop(signal: AbortSignal): Promise<void> {
    const { queue } = this.#state;
    while (!signal.aborted) {
      const next = await queue.take();
      if (next === undefined) return;
      const asking = this.#scheduleOne(next, signal);
      if (asking !== undefined) await asking;
      while (this.#slots.isFull && !signal.aborted) {
        await this.#slots.acquire();
        this.#slots.release();
      }
      if (this.#share.isUsedUp()) await this.#share.next();
    }
  }

  /** A promise only when others have to be asked: most pods are through at once. */
  #scheduleOne(queued: QueuedPod, signal: AbortSignal): void | Promise<void> {
    const pod = this.#pods.get(queued.key);
    if (pod === undefined || pod.metadata.uid !== queued.pod.metadata.uid || !this.#events.isMine(pod) || this.#state.assumed.has(queued.key)) return undefined;
    const profile = this.#profileOf(pod);
    if (profile === undefined) return undefined;
    const attempt: Attempt = {
      queued: queued.pod === pod ? queued : { ...queued, pod },
      pod: podInfo(pod),
      profile,
      signal,
      startedMs: this.#deps.clock.now(),
      extenders: this.#extenders.length === 0 ? this.#extenders : this.#extenders.filter((extender) => extender.isInterested(pod)),
    };
    if (attempt.extenders.length > 0)
      return this.#tryWithExtenders(attempt).then(
        (result) => this.#done(attempt, result),
        (error: unknown) => this.#notJudged(attempt, error),
      );
    try {
      this.#done(attempt, this.#try(attempt));
    } catch (error) {
      this.#notJudged(attempt, error);
    }
    return undefined;
  }

  #done({ queued, startedMs }: Attempt, result: AttemptResult | "changed"): void {
    const seconds = this.#secondsSince(startedMs);
    this.#metrics.chosen(seconds);
    // Those that got a node count once they are bound to it.
    if (result === "unschedulable" || result === "error") this.#metrics.attempted(schedulerNameOf(queued.pod), result, seconds);
  }

  #notJudged(attempt: Attempt, error: unknown): void {
    if (attempt.signal.aborted) return;
    this.#deps.log.error("pod could not be judged", { pod: attempt.queued.key, error });
    this.#failed(attempt.queued, error);
    this.#done(attempt, "error");
  }

  /** One scheduling cycle: at its end the pod is on its way to a node or back in the queue. */
  #try(attempt: Attempt): "scheduled" | "unschedulable" {
    const { pod, profile, signal } = attempt;
    if (this.#isWithoutNodes(attempt)) return "unschedulable";
    const cycle = this.#cycle(pod, profile);
    const choice = chooseNode(cycle, this.#chooseOptions(profile), this.#deps.random);
    this.#advance(choice);
    if (choice.node !== undefined) {
      this.#place(attempt, cycle, choice.node);
      return "scheduled";
    }
    const relief = this.#relieve(cycle, profile, signal);
    const memo = cycle.wholeMemo();
    if (this.#isGivenUp(attempt, choice.diagnosis, relief, memo)) return "unschedulable";
    const outcome = preempt(cycle, choice.diagnosis, this.#search(profile, choice.resolvable), this.#deps.random);
    this.#settle(attempt, choice.diagnosis, relief.text, outcome, memo);
    return "unschedulable";
  }

  /** Likewise, when extenders have to be asked: between their answers the cluster goes on. */
  async #tryWithExtenders(attempt: Attempt): Promise<"scheduled" | "unschedulable" | "changed"> {
    const { pod, profile, signal, extenders } = attempt;
    if (this.#isWithoutNodes(attempt)) return "unschedulable";
    const makeCycle = (): Cycle => this.#cycle(pod, profile);
    const isAskedFurther = extenders.some(({ filters, prioritizes }) => filters || prioritizes);
    const choice = await chooseWithExtenders(makeCycle, { ...this.#chooseOptions(profile), isAskedFurther }, { ...this.#deps, extenders });
    if (signal.aborted || !this.#isStillToPlace(attempt)) return "changed";
    this.#advance(choice);
    const cycle = makeCycle();
    if (choice.node !== undefined) {
      this.#place(attempt, choice.cycle ?? cycle, choice.node);
      return "scheduled";
    }
    const relief = this.#relieve(cycle, profile, signal);
    if (this.#isGivenUp(attempt, choice.diagnosis, relief)) return "unschedulable";
    const search = this.#search(
      profile,
      choice.resolvable?.flatMap(({ name }) => cycle.cluster.node(name) ?? []),
    );
    const found = searchVictims(cycle, choice.diagnosis, search, this.#deps.random);
    let outcome: Preemption;
    try {
      outcome =
        "candidate" in found
          ? found
          : pick({ ...found, candidates: await askExtenders(pod.pod, found.candidates, cycle.cluster, { ...this.#deps, extenders }) }, choice.diagnosis, search.nowMs);
    } catch (error) {
      outcome = { candidate: undefined, message: `preemption: ${error instanceof Error ? error.message : String(error)}`, keepsNomination: true };
    }
    if (signal.aborted || !this.#isStillToPlace(attempt)) return "changed";
    this.#settle(attempt, choice.diagnosis, relief.text, outcome);
    return "unschedulable";
  }

  /** Whether the pod is still the one that was tried. */
  #isStillToPlace({ queued }: Attempt): boolean {
    const current = this.#pods.get(queued.key);
    return current !== undefined && current.metadata.uid === queued.pod.metadata.uid && this.#events.isMine(current);
  }

  #isWithoutNodes({ queued }: Attempt): boolean {
    if (this.#state.cluster.nodes.length > 0) return false;
    this.#misfit(queued, { total: 0, verdicts: [], plugins: new Set([NO_NODES_PLUGIN]) }, { message: NO_NODES, nominatedNodeName: "" });
    return true;
  }

  #chooseOptions({ percentageOfNodesToScore }: Profile): ChooseOptions {
    return { startIndex: this.#next, percentageOfNodesToScore };
  }

  #advance({ evaluated }: Choice): void {
    this.#next = (this.#next + evaluated) % Math.max(1, this.#state.cluster.nodes.length);
  }

  #search({ minCandidates }: Profile, resolvable: readonly NodeInfo[] | undefined): PreemptionSearch {
    return { budgets: this.#readers.budgets.list(), resolvable, minCandidates, nowMs: this.#deps.clock.now() };
  }

  /** Whether nobody is to be ended for the pod's sake. */
  #isGivenUp({ queued, profile }: Attempt, diagnosis: Diagnosis, relief: { readonly text: string; readonly isLast: boolean }, memo?: TemplateMemo): boolean {
    if (profile.preempts && !relief.isLast) {
      this.#metrics.preempting();
      return false;
    }
    this.#misfit(queued, diagnosis, { message: diagnosisText(diagnosis, relief.text), nominatedNodeName: "", memo });
    return true;
  }

  /** `memo`: of the pod's template, when nothing but single nodes mattered. */
  #settle({ queued, pod }: Attempt, diagnosis: Diagnosis, relief: string, outcome: Preemption, memo?: TemplateMemo): void {
    if (outcome.candidate === undefined) {
      const afterwards = relief === "" ? outcome.message : `${relief}, ${outcome.message}`;
      this.#misfit(queued, diagnosis, { message: diagnosisText(diagnosis, afterwards), memo, ...(outcome.keepsNomination ? {} : { nominatedNodeName: "" }) });
    } else {
      this.#misfit(queued, diagnosis, { message: diagnosisText(diagnosis), nominatedNodeName: outcome.candidate.node, memo });
      this.#metrics.ended(outcome.candidate.victims.length);
      this.#follow(this.#room.make(outcome.candidate, pod));
    }
  }

  /** What is done for a pod that fits nowhere before others are ended for its sake. @upstream RunPostFilterPlugins */
  #relieve(cycle: Cycle, { plugins }: Profile, signal: AbortSignal): { readonly text: string; readonly isLast: boolean } {
    if (!plugins.some(({ name }) => name === DYNAMIC_RESOURCES)) return { text: "", isLast: false };
    const relief = cycle.relieve();
    // The plug-in was not asked, which upstream takes for a failure, and says so.
    if (relief === undefined) return { text: "not found", isLast: true };
    if (relief.act !== undefined) this.#follow(relief.act(signal));
    return { text: relief.text, isLast: false };
  }

  #cycle(pod: PodInfo, { plugins, memos }: Pick<Profile, "plugins"> & { readonly memos: Profile["memos"] | undefined }): Cycle {
    return new Cycle(pod, { cluster: this.#state.cluster, plugins, memos });
  }

  /** The pod counts on the node from now on; the binding follows. */
  #place(attempt: Attempt, cycle: Cycle, node: NodeInfo): void {
    const { cluster, nominations, assumed } = this.#state;
    const { pod } = cycle;
    const reservations = cycle.reserve(node);
    const nominated = nominations.nodeOf(pod.key);
    nominations.delete(pod.key);
    assumed.set(pod.key, pod.pod.metadata.uid);
    cluster.addPod(pod, node.name);
    if (nominated !== undefined && nominated !== node.name) this.#events.unreserved(pod.pod, nominated);
    this.#follow(this.#bind(attempt, node.name, reservations));
  }

  async #bind(attempt: Attempt, node: string, reservations: readonly Reserved[]): Promise<void> {
    const { queued, pod, signal, extenders } = attempt;
    try {
      await bindPod(pod, node, reservations, signal, {
        client: this.#deps.client,
        slots: this.#slots,
        clock: this.#deps.clock,
        after: this.#statuses.retract(pod.key),
        announce: () => this.#statuses.writeNow(pod.pod, { nominatedNodeName: node }),
        bindOtherwise: extenders.length === 0 ? undefined : (binding) => bindByExtender(binding, extenders),
      });
    } catch (error) {
      for (const { reservation } of reservations) this.#follow(Promise.resolve(reservation.undo()));
      if (!signal.aborted) this.#bindFailed(attempt, node, error);
      return;
    }
    const { namespace = "", name = "" } = pod.pod.metadata;
    this.#metrics.attempted(schedulerNameOf(pod.pod), "scheduled", this.#secondsSince(attempt.startedMs));
    this.#metrics.bound(queued.attempts, this.#secondsSince(queued.firstMs));
    this.#deps.recorder.event(pod.pod, "Normal", "Scheduled", `Successfully assigned ${namespace}/${name} to ${node}`);
  }

  #bindFailed({ queued, pod, startedMs }: Attempt, node: string, error: unknown): void {
    const { cluster, assumed } = this.#state;
    const isStillOurs = assumed.has(pod.key) && assumed.get(pod.key) === pod.pod.metadata.uid;
    if (isStillOurs) {
      assumed.delete(pod.key);
      cluster.removePod(pod.key);
      // Its room is free for others.
      this.#events.freed(pod.pod, node);
    }
    const cause = error instanceof Error ? error.cause : undefined;
    const current = this.#pods.get(pod.key);
    if (hasReason(cause, "NotFound") || current === undefined || !this.#events.isMine(current)) {
      this.#deps.log.debug("pod changed while it was bound", { pod: pod.key, node });
      return;
    }
    this.#deps.log.warn("binding failed", { pod: pod.key, node, error });
    this.#metrics.attempted(schedulerNameOf(current), "error", this.#secondsSince(startedMs));
    this.#failed({ ...queued, pod: current }, error);
  }

  /** Something other than the pod's wishes stood in the way: it is tried again after a back-off. */
  #failed(queued: QueuedPod, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#state.queue.putBack(queued, new Set());
    this.#tell(queued.pod, message, { condition: { reason: "SchedulerError", message }, nominatedNodeName: "" });
  }

  #misfit(queued: QueuedPod, diagnosis: Diagnosis, { message, memo, ...wish }: Misfit): void {
    const { queue, nominations } = this.#state;
    if (wish.nominatedNodeName === "") nominations.delete(queued.key);
    else if (wish.nominatedNodeName !== undefined) nominations.set(podInfo(queued.pod), wish.nominatedNodeName);
    queue.putBack(queued, diagnosis.plugins, memo === undefined ? undefined : standingOf(memo, nominations.nodeOf(queued.key) !== undefined));
    this.#tell(queued.pod, message, { ...wish, condition: { reason: "Unschedulable", message } });
  }

  #tell(pod: Pod, message: string, wish: StatusWish): void {
    const note = message.length <= MAX_NOTE ? message : `${message.slice(0, MAX_NOTE - 4)} ...`;
    this.#deps.recorder.event(pod, "Warning", "FailedScheduling", note);
    this.#statuses.write(pod, wish);
  }

  #gate(key: string, pod: Pod): string | undefined {
    const { spec } = pod;
    if (spec.schedulingGates !== undefined && spec.schedulingGates.length > 0 && this.#profileOf(pod)?.honorsGates !== false) return GATES;
    if (this.#room.isAtWorkFor(key)) return PREEMPTION;
    return spec.resourceClaims === undefined ? undefined : this.#profileOf(pod)?.plugins.find((plugin) => plugin.holds?.(pod) === true)?.name;
  }

  #secondsSince(ms: number): number {
    return (this.#deps.clock.now() - ms) / 1000;
  }

  #sizes(): { readonly nodes: number; readonly pods: number; readonly assumed_pods: number } {
    const { cluster, assumed } = this.#state;
    return { nodes: cluster.nodes.length, pods: cluster.podCount, assumed_pods: assumed.size };
  }

  #profileOf(pod: Pod): Profile | undefined {
    return this.#profiles.get(schedulerNameOf(pod));
  }

  #follow(work: Promise<void>): void {
    const known: Promise<void> = work.then(
      () => void this.#underWay.delete(known),
      (error: unknown) => {
        this.#underWay.delete(known);
        this.#deps.log.error("scheduler failed", { error });
      },
    );
    this.#underWay.add(known);
  }
}

/** Each pod counts for every plug-in that turned it away. */
function* unschedulable(queue: SchedulingQueue): Iterable<{ readonly plugin: string; readonly profile: string }> {
  for (const { pod, rejectedBy } of queue.waiting()) for (const plugin of rejectedBy) yield { plugin, profile: schedulerNameOf(pod) };
}

function turnsBy(clock: Clock): Turns {
  return { nowMs: () => clock.now(), soon: (callback) => void clock.after(0, callback) };
}
