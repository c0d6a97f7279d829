import type { Container, Pod, Probe } from "../../api/generated/types/core-v1.ts";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { EventRecorder } from "../../client/event-recorder.ts";
import { containerRestartPolicy } from "../runtime/restart-policy.ts";
import { currentContainer, readySandbox, type RuntimeContainer, type RuntimePod } from "../runtime/runtime-pod.ts";
import { countAnswer, noProgress, type ProbeProgress } from "./probe-progress.ts";
import type { ProbeAnswer, ProbeKind, ProbeResults } from "./probe-result.ts";
import type { ProbeSeries, ProbeTally } from "./probe-tally.ts";
import { runProbe, type ProbeDeps } from "./run-probe.ts";

export interface ProbeWorkerDeps extends ProbeDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly recorder: EventRecorder;
  readonly results: ProbeResults;
  readonly tally: ProbeTally;
  /** The pod as it is wanted now; undefined once it is gone. */
  pod(): Pod | undefined;
  runtimePod(): RuntimePod | undefined;
  hostIP(): string;
  /** A result is news. */
  changed(kind: ProbeKind): void;
  /** When this kubelet began: probes of containers that it found spread out. */
  readonly startedMs: number;
}

export interface ProbeWorkerOptions {
  readonly kind: ProbeKind;
  readonly container: Container;
  readonly probe: Probe;
  readonly fieldPath: string;
}

const attempts = 3;

/** One probe of one container, asked on its period while the container runs. @upstream pkg/kubelet/prober/worker.go */
export class ProbeWorker {
  readonly #options: ProbeWorkerOptions;
  readonly #deps: ProbeWorkerDeps;
  #cancel: (() => void) | undefined;
  #containerId: string | undefined;
  #progress: ProbeProgress = noProgress;
  /** The verdict was final: nothing is asked until there is another container. */
  #onHold = false;
  #stopped = false;
  #busy = false;
  #series: ProbeSeries | undefined;

  constructor(options: ProbeWorkerOptions, deps: ProbeWorkerDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  start(): void {
    const { clock, random, startedMs } = this.#deps;
    const period = this.#periodMs();
    const young = clock.now() - startedMs < period;
    this.#schedule(young ? random.next() * Math.min(period, clock.now() - startedMs + 1000) : 0);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#series?.close();
    if (this.#containerId !== undefined) this.#deps.results.forget(this.#options.kind, this.#containerId);
  }

  /** Asks now, out of turn. */
  trigger(): void {
    if (this.#stopped || this.#busy) return;
    this.#cancel?.();
    this.#schedule(0);
  }

  #periodMs(): number {
    return (this.#options.probe.periodSeconds ?? 10) * 1000;
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#cancel = this.#deps.clock.after(delayMs, () => {
      this.#cancel = undefined;
      this.#busy = true;
      const startedMs = this.#deps.clock.now();
      this.#tick()
        .catch(() => true)
        .then((again) => {
          this.#busy = false;
          if (again) this.#schedule(Math.max(0, this.#periodMs() - (this.#deps.clock.now() - startedMs)));
          else this.stop();
        })
        .catch(() => {});
    });
  }

  /** False when there will never be anything to ask again. */
  async #tick(): Promise<boolean> {
    const { kind, container, probe } = this.#options;
    const pod = this.#deps.pod();
    const runtimePod = this.#deps.runtimePod();
    if (pod === undefined || pod.status?.phase === "Failed" || pod.status?.phase === "Succeeded") return false;
    const current = runtimePod === undefined ? undefined : currentContainer(runtimePod, container.name);
    if (runtimePod === undefined || current === undefined) return true;
    this.#follow(current);
    if (this.#onHold) return true;
    if (current.state !== "running") {
      if (kind !== "Startup" && current.state === "exited") this.#set(current.id, "failure");
      return current.state !== "exited" || containerRestartPolicy(pod, container) !== "Never";
    }
    if (pod.metadata.deletionTimestamp !== undefined && kind !== "Readiness") {
      this.#set(current.id, "success");
      return false;
    }
    if (this.#deps.clock.now() - current.startedMs < (probe.initialDelaySeconds ?? 0) * 1000) return true;
    const started = container.startupProbe === undefined || this.#deps.results.get("Startup", current.id) === "success";
    if (started === (kind === "Startup")) return true;

    const askedMs = this.#deps.clock.now();
    const answer = await this.#ask(current, runtimePod);
    if (this.#stopped || this.#containerId !== current.id) return true;
    this.#count(pod, answer, this.#deps.clock.now() - askedMs);
    this.#report(pod, answer);
    const { progress, verdict } = countAnswer(this.#progress, answer, { failureThreshold: probe.failureThreshold ?? 3, successThreshold: probe.successThreshold ?? 1 });
    this.#progress = progress;
    if (verdict === undefined) return true;
    this.#set(current.id, verdict);
    if (kind !== "Readiness" && verdict === "failure") {
      // The container is about to be killed; its last answers say nothing about the next one.
      this.#onHold = true;
      this.#progress = noProgress;
    }
    return true;
  }

  #follow(current: RuntimeContainer): void {
    if (this.#containerId === current.id) return;
    if (this.#containerId !== undefined) this.#deps.results.forget(this.#options.kind, this.#containerId);
    this.#containerId = current.id;
    this.#progress = noProgress;
    this.#onHold = false;
  }

  #set(containerId: string, result: "success" | "failure"): void {
    if (this.#deps.results.set(this.#options.kind, containerId, result)) this.#deps.changed(this.#options.kind);
  }

  async #ask(current: RuntimeContainer, runtimePod: RuntimePod): Promise<ProbeAnswer> {
    const { container, probe } = this.#options;
    const podIP = readySandbox(runtimePod)?.ips[0] ?? this.#deps.hostIP();
    let answer: ProbeAnswer = { outcome: "unknown", output: "" };
    for (let attempt = 0; attempt < attempts && answer.outcome === "unknown"; attempt += 1)
      answer = await runProbe({ probe, container, containerId: current.id, podIP }, this.#deps);
    return answer;
  }

  #count({ metadata: { name = "", namespace = "", uid = "" } }: Pod, { outcome }: ProbeAnswer, tookMs: number): void {
    const { kind, container } = this.#options;
    this.#series ??= this.#deps.tally.open({ kind, container: container.name, pod: name, namespace, podUid: uid });
    this.#series.count(outcome, tookMs);
  }

  #report(pod: Pod, { outcome, output }: ProbeAnswer): void {
    const { kind, fieldPath } = this.#options;
    const warn = (reason: string, message: string): void => this.#deps.recorder.event(pod, "Warning", reason, message, { fieldPath });
    if (outcome === "failure") warn("Unhealthy", `${kind} probe failed: ${output}`);
    else if (outcome === "unknown") warn("Unhealthy", `${kind} probe errored and resulted in unknown state: ${output}`);
    else if (outcome === "warning") warn("ProbeWarning", `${kind} probe warning: ${output}`);
  }
}
