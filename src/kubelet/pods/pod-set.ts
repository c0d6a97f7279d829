import type { Node, Pod } from "../../api/generated/types/core-v1.ts";
import { keyOf } from "../../meta/object.ts";
import { admitPod, resizeProblem } from "../admission/admit-pod.ts";
import type { ProbeKind } from "../probes/probe-result.ts";
import { isTerminalPhase, uidOf } from "./pod-containers.ts";
import { PodWorker, type PodWorkerDeps } from "./pod-worker.ts";
import { PodProbes } from "../probes/pod-probes.ts";
import type { ProbeWorkerDeps } from "../probes/probe-worker.ts";
import type { ImagePuller } from "../images/image-puller.ts";

type SharedProbeDeps = Omit<ProbeWorkerDeps, "pod" | "runtimePod" | "changed">;

export interface PodSetDeps extends Omit<PodWorkerDeps, "probes" | "finished" | "resizeProblem"> {
  readonly probeDeps: SharedProbeDeps;
  readonly puller: ImagePuller;
  readonly operatingSystem: string;
  node(): Node | undefined;
  /** Whether pods of this class are refused for now, and why. */
  pressure(pod: Pod): { readonly reason: string; readonly message: string } | undefined;
  /** Nothing of the pod is on the node any more, and the API does not have it either. */
  gone(pod: Pod): void;
}

/** The pods of this node, each with its worker. @upstream pkg/kubelet/kubelet.go syncLoopIteration */
export class PodSet {
  readonly #signal: AbortSignal;
  readonly #deps: PodSetDeps;
  readonly #workers = new Map<string, PodWorker>();
  readonly #uidOfKey = new Map<string, string>();
  /** Objects that the API does not have any more, until their worker is done. */
  readonly #removed = new Set<string>();

  constructor(options: { readonly signal: AbortSignal }, deps: PodSetDeps) {
    this.#signal = options.signal;
    this.#deps = deps;
  }

  workers(): readonly PodWorker[] {
    return [...this.#workers.values()];
  }
  worker(uid: string): PodWorker | undefined {
    return this.#workers.get(uid);
  }
  byKey(key: string): PodWorker | undefined {
    return this.#workers.get(this.#uidOfKey.get(key) ?? "");
  }
  pods(): readonly Pod[] {
    return this.workers()
      .filter(({ uid }) => !this.#removed.has(uid))
      .map(({ pod }) => pod);
  }
  has(uid: string): boolean {
    return this.#workers.has(uid);
  }

  /** Pods are taken in the order they were made, so that the older is admitted first. */
  addAll(pods: readonly Pod[]): void {
    const time = (pod: Pod): string => pod.metadata.creationTimestamp ?? "";
    for (const pod of [...pods].sort((a, b) => (time(a) < time(b) ? -1 : 1))) this.add(pod);
  }

  add(pod: Pod): void {
    const uid = uidOf(pod);
    const known = this.#workers.get(uid);
    if (known !== undefined) {
      known.update(pod);
      return;
    }
    const worker = this.#make(pod);
    this.#workers.set(uid, worker);
    this.#uidOfKey.set(keyOf(pod), uid);
    if (isTerminalPhase(pod.status?.phase)) worker.terminate({ graceSeconds: pod.metadata.deletionGracePeriodSeconds });
    else if (pod.metadata.deletionTimestamp === undefined && this.#deps.cache.get(uid) === undefined) {
      const rejection = this.#rejection(pod);
      if (rejection !== undefined) {
        this.#deps.recorder.event(pod, "Warning", rejection.reason, rejection.message);
        worker.reject({ reason: rejection.reason, message: `Pod was rejected: ${rejection.message}` });
      }
    }
    worker.update(pod);
  }

  remove(pod: Pod): void {
    const uid = uidOf(pod);
    const worker = this.#workers.get(uid);
    if (worker === undefined) return;
    this.#removed.add(uid);
    if (worker.finished) this.#drop(uid);
    else worker.terminate({ graceSeconds: pod.metadata.deletionGracePeriodSeconds, removed: true });
  }

  wake(uids: readonly string[]): void {
    for (const uid of uids) this.#workers.get(uid)?.wake();
  }

  /** The runtime has something new of these. */
  notice(uids: readonly string[]): void {
    for (const uid of uids) this.#workers.get(uid)?.notice();
  }

  async drained(): Promise<void> {
    for (const worker of this.#workers.values()) {
      await worker.drained();
      worker.stopProbes();
    }
  }

  #others(uid: string): readonly Pod[] {
    return this.workers()
      .filter((worker) => !worker.finished && worker.failure === undefined && worker.uid !== uid && !isTerminalPhase(worker.pod.status?.phase))
      .map((worker) => worker.pod);
  }

  #rejection(pod: Pod): { readonly reason: string; readonly message: string } | undefined {
    const others = this.#others(uidOf(pod));
    const refused = admitPod({ pod, others, node: this.#deps.node(), allocatable: this.#deps.allocatable(), operatingSystem: this.#deps.operatingSystem });
    return refused ?? this.#deps.pressure(pod);
  }

  #make(pod: Pod): PodWorker {
    const uid = uidOf(pod);
    const probes = new PodProbes({
      ...this.#deps.probeDeps,
      pod: () => this.#workers.get(uid)?.pod,
      runtimePod: () => this.#deps.cache.get(uid),
      changed: (kind: ProbeKind) => {
        const worker = this.#workers.get(uid);
        worker?.publish();
        if (kind !== "Readiness") worker?.wake();
      },
    });
    return new PodWorker(
      { pod, signal: this.#signal },
      {
        ...this.#deps,
        probes,
        finished: () => this.#finished(uid),
        resizeProblem: (wanted) => resizeProblem({ pod: wanted, others: this.#others(uid), allocatable: this.#deps.allocatable() }),
      },
    );
  }

  #finished(uid: string): void {
    this.#deps.puller.forget(uid);
    this.#deps.restartBackOff.forget(`${uid}_`);
    if (this.#removed.has(uid)) this.#drop(uid);
  }

  #drop(uid: string): void {
    const worker = this.#workers.get(uid);
    this.#workers.delete(uid);
    this.#removed.delete(uid);
    if (worker !== undefined && this.#uidOfKey.get(keyOf(worker.pod)) === uid) this.#uidOfKey.delete(keyOf(worker.pod));
    this.#deps.writer.forget(uid);
    if (worker !== undefined) this.#deps.gone(worker.pod);
  }
}
