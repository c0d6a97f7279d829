import { horizontalPodAutoscalers, pods } from "../../api/generated/resources.ts";
import type { Scale } from "../../api/generated/types/autoscaling-v1.ts";
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerCondition, HorizontalPodAutoscalerStatus, MetricStatus } from "../../api/generated/types/autoscaling-v2.ts";
import { rfc3339 } from "../../base/clock.ts";
import { deepEqual } from "../../base/values.ts";
import { LabelSelector } from "../../meta/label-selector.ts";
import { type AnyObject, keyOf } from "../../meta/object.ts";
import { parseApiVersion } from "../../meta/resource.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { cachedDiscovery, type DiscoveredResource, type Discovery } from "../discover-resources.ts";
import { LateQueue } from "../enqueue.ts";
import { messageOf } from "../failures.ts";
import { updateStatus } from "../update-status.ts";
import { noMemory, normalize, remember, type ScaleMemory, tolerancesOf } from "./behavior.ts";
import { actionOf, HpaMetrics, type ScaleAction, type ScaleFault } from "./metrics.ts";
import { measure, MeasureError, type MeasureState, type Proposal } from "./measure.ts";
import { apiMetricsSource, type MetricsSource } from "./metrics-source.ts";

export interface HpaOptions {
  /** The cluster's metrics APIs when absent. */
  readonly metrics?: MetricsSource;
  /** 15 s when absent. */
  readonly periodMs?: number;
}

/** Sizes what autoscalers target by what is measured. @upstream pkg/controller/podautoscaler/horizontal.go */
export function horizontalPodAutoscalerController(deps: ControllerDeps, options: HpaOptions = {}): Controller {
  return new HpaController(deps, options);
}

/** The status in the making. */
interface Draft {
  conditions: readonly HorizontalPodAutoscalerCondition[];
  currentReplicas: number;
  desiredReplicas: number;
  currentMetrics: readonly MetricStatus[] | undefined;
  lastScaleTime: string | undefined;
}

/** What metrics tell of one look; of several faults the first. */
interface Note {
  action: ScaleAction;
  fault: ScaleFault;
}

class HpaController implements Controller {
  readonly name = "horizontal-pod-autoscaler";
  readonly workers = 5;
  readonly #deps: ControllerDeps;
  readonly #source: MetricsSource;
  readonly #periodMs: number;
  readonly #discover: () => Promise<Discovery>;
  readonly #autoscalers;
  readonly #pods;
  readonly #metrics: HpaMetrics;
  readonly #queue = new LateQueue();
  readonly #memory = new Map<string, ScaleMemory>();

  constructor(deps: ControllerDeps, { metrics, periodMs = 15_000 }: HpaOptions) {
    this.#deps = deps;
    this.#source = metrics ?? apiMetricsSource(deps.client);
    this.#periodMs = periodMs;
    this.#discover = cachedDiscovery(deps.client, deps.clock);
    this.#autoscalers = deps.informers.informer(horizontalPodAutoscalers);
    this.#pods = deps.informers.informer(pods);
    this.#metrics = new HpaMetrics(deps.metrics, () => this.#autoscalers.lister.list().length);
  }

  setup(queue: Enqueue): void {
    this.#queue.bind(queue);
    this.#autoscalers.subscribe({
      added: (hpa) => queue.add(keyOf(hpa)),
      // Its own status writes bring nothing new; the period does.
      updated: (previous, hpa) => {
        if (!deepEqual(previous.spec, hpa.spec)) queue.add(keyOf(hpa));
      },
    });
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const hpa = this.#autoscalers.lister.get(key);
    if (hpa === undefined) {
      this.#memory.delete(key);
      return;
    }
    this.#queue.addAfter(key, this.#periodMs);
    const draft: Draft = {
      conditions: hpa.status?.conditions ?? [],
      currentReplicas: hpa.status?.currentReplicas ?? 0,
      desiredReplicas: hpa.status?.desiredReplicas ?? 0,
      currentMetrics: hpa.status?.currentMetrics,
      lastScaleTime: hpa.status?.lastScaleTime,
    };
    const { clock } = this.#deps;
    const startedMs = clock.now();
    const note: Note = { action: "none", fault: "none" };
    try {
      await this.#autoscale(key, hpa, draft, note, signal);
    } catch (error) {
      blame(note, "internal");
      throw error;
    } finally {
      this.#metrics.reconciled(note.action, note.fault, (clock.now() - startedMs) / 1000);
      if (!signal.aborted) await this.#report(hpa, draft, signal);
    }
  }

  async #autoscale(key: string, hpa: HorizontalPodAutoscaler, draft: Draft, note: Note, signal: AbortSignal): Promise<void> {
    const found = await this.#scale(hpa, signal).catch((error: unknown) => {
      const message = messageOf(error);
      this.#deps.recorder.event(hpa, "Warning", "FailedGetScale", message);
      this.#set(draft, "AbleToScale", "False", "FailedGetScale", `the HPA controller was unable to get the target's current scale: ${message}`);
      return undefined;
    });
    if (found === undefined) {
      blame(note, "internal");
      return;
    }
    const { resource, scale } = found;
    this.#set(draft, "AbleToScale", "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale");
    const current = scale.spec.replicas ?? 0;
    draft.currentReplicas = current;
    const choice = await this.#choose(key, hpa, { scale, current }, draft, note);
    if (choice === undefined) return;
    draft.desiredReplicas = choice.replicas;
    if (choice.replicas === current) return;
    const text = `New size: ${choice.replicas}; reason: ${choice.why}`;
    try {
      const next: AnyObject = { ...scale, spec: { ...scale.spec, replicas: choice.replicas } };
      await this.#deps.client.update(resource, next, { namespace: hpa.metadata.namespace, subresource: "scale", signal });
    } catch (error) {
      blame(note, "internal");
      this.#deps.recorder.event(hpa, "Warning", "FailedRescale", `${text}; error: ${messageOf(error)}`);
      this.#set(draft, "AbleToScale", "False", "FailedUpdateScale", `the HPA controller was unable to update the target scale: ${messageOf(error)}`);
      draft.desiredReplicas = current;
      return;
    }
    note.action = actionOf(current, choice.replicas);
    this.#set(draft, "AbleToScale", "True", "SucceededRescale", `the HPA controller was able to update the target scale to ${choice.replicas}`);
    this.#deps.recorder.event(hpa, "Normal", "SuccessfulRescale", text);
    const nowMs = this.#deps.clock.now();
    this.#memory.set(key, remember(hpa, this.#memory.get(key) ?? noMemory, choice.replicas - current, nowMs));
    draft.lastScaleTime = rfc3339(nowMs);
  }

  /** The size to have and why; undefined when it cannot be told. */
  async #choose(
    key: string,
    hpa: HorizontalPodAutoscaler,
    { scale, current }: { readonly scale: Scale; readonly current: number },
    draft: Draft,
    note: Note,
  ): Promise<{ readonly replicas: number; readonly why: string } | undefined> {
    const { minReplicas = 1, maxReplicas } = hpa.spec;
    if (current === 0 && minReplicas !== 0) {
      this.#set(draft, "ScalingActive", "False", "ScalingDisabled", "scaling is disabled since the replica count of the target is zero");
      return { replicas: 0, why: "" };
    }
    if (current > maxReplicas) return { replicas: maxReplicas, why: "Current number of replicas above Spec.MaxReplicas" };
    if (current < minReplicas) return { replicas: minReplicas, why: "Current number of replicas below Spec.MinReplicas" };
    const proposal = await this.#propose(hpa, { scale, current }, draft, note);
    if (proposal === undefined) return undefined;
    const nowMs = this.#deps.clock.now();
    const verdict = normalize(hpa, proposal.replicas, current, this.#memory.get(key) ?? noMemory, nowMs);
    this.#memory.set(key, verdict.memory);
    this.#set(draft, "AbleToScale", "True", verdict.stabilized.reason, verdict.stabilized.message);
    this.#set(draft, "ScalingLimited", verdict.limited.status, verdict.limited.reason, verdict.limited.message);
    return { replicas: verdict.replicas, why: verdict.replicas > current ? `${proposal.name} above target` : "All metrics below target" };
  }

  /** The largest size that any metric calls for. A metric that fails forbids shrinking. */
  async #propose(hpa: HorizontalPodAutoscaler, { scale, current }: { readonly scale: Scale; readonly current: number }, draft: Draft, note: Note): Promise<Proposal | undefined> {
    const selector = scale.status?.selector ?? "";
    if (selector === "") {
      this.#set(draft, "ScalingActive", "False", "InvalidSelector", "the HPA target's scale is missing a selector");
      blame(note, "spec");
      this.#deps.recorder.event(hpa, "Warning", "SelectorRequired", "selector is required");
      return undefined;
    }
    const parsed = LabelSelector.parse(selector);
    const state: MeasureState = {
      hpa,
      selector,
      current,
      pods: this.#pods.lister.inNamespace(hpa.metadata.namespace ?? "").filter((pod) => parsed.matches(pod.metadata.labels)),
      tolerances: tolerancesOf(hpa),
      nowMs: this.#deps.clock.now(),
    };
    const proposals: Proposal[] = [];
    let failure: MeasureError | undefined;
    const { clock } = this.#deps;
    for (const spec of hpa.spec.metrics ?? []) {
      const startedMs = clock.now();
      const took = (): { readonly type: string; readonly seconds: number } => ({ type: spec.type, seconds: (clock.now() - startedMs) / 1000 });
      try {
        const proposal = await measure(state, spec, this.#source);
        this.#metrics.computed(actionOf(current, proposal.replicas), "none", took());
        proposals.push(proposal);
      } catch (error) {
        if (!(error instanceof MeasureError)) throw error;
        this.#metrics.computed("none", "internal", took());
        blame(note, "internal");
        this.#deps.recorder.event(hpa, "Warning", error.reason, error.message);
        failure ??= error;
      }
    }
    draft.currentMetrics = proposals.length === 0 ? undefined : proposals.map(({ status }) => status);
    const [first, ...rest] = proposals;
    const best = first === undefined ? undefined : rest.reduce((most, each) => (each.replicas > most.replicas ? each : most), first);
    if (failure !== undefined && (best === undefined || best.replicas < current)) {
      this.#set(draft, "ScalingActive", "False", failure.reason, `the HPA was unable to compute the replica count: ${failure.message}`);
      const invalid = hpa.spec.metrics?.length ?? 0;
      this.#deps.recorder.event(
        hpa,
        "Warning",
        "FailedComputeMetricsReplicas",
        `invalid metrics (${invalid - proposals.length} invalid out of ${invalid}), first error is: ${failure.inAll}`,
      );
      return undefined;
    }
    if (best !== undefined) this.#set(draft, "ScalingActive", "True", "ValidMetricFound", `the HPA was able to successfully calculate a replica count from ${best.name}`);
    return best;
  }

  async #scale(hpa: HorizontalPodAutoscaler, signal: AbortSignal): Promise<{ readonly resource: DiscoveredResource; readonly scale: Scale }> {
    const { apiVersion = "v1", kind, name } = hpa.spec.scaleTargetRef;
    const { group } = parseApiVersion(apiVersion);
    const { resources } = await this.#discover();
    const resource = resources.find((each) => each.group === group && each.kind === kind);
    if (resource === undefined) throw new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`);
    const scale = await this.#deps.client.get(resource, name, { namespace: hpa.metadata.namespace, subresource: "scale", signal });
    return { resource, scale: scale as unknown as Scale };
  }

  #set(draft: Draft, type: string, status: "True" | "False", reason: string, message: string): void {
    const old = draft.conditions.find((condition) => condition.type === type);
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : rfc3339(this.#deps.clock.now());
    const next = { type, status, reason, message, lastTransitionTime };
    draft.conditions = old === undefined ? [...draft.conditions, next] : draft.conditions.map((condition) => (condition === old ? next : condition));
  }

  async #report(hpa: HorizontalPodAutoscaler, draft: Draft, signal: AbortSignal): Promise<void> {
    const status: HorizontalPodAutoscalerStatus = { ...draft, observedGeneration: hpa.metadata.generation };
    await updateStatus(this.#deps.client, horizontalPodAutoscalers, hpa, { signal, next: (live) => (deepEqual(live.status, status) ? undefined : { ...live, status }) });
  }
}

function blame(note: Note, fault: ScaleFault): void {
  if (note.fault === "none") note.fault = fault;
}
