import type { Container, Pod, Probe } from "../../api/generated/types/core-v1.ts";
import { containerFieldPath, isSidecar, type PodContainer } from "../pods/pod-containers.ts";
import type { ProbeKind } from "./probe-result.ts";
import { ProbeWorker, type ProbeWorkerDeps } from "./probe-worker.ts";

const kinds: readonly (readonly [kind: ProbeKind, probe: (container: Container) => Probe | undefined])[] = [
  ["Startup", (container) => container.startupProbe],
  ["Readiness", (container) => container.readinessProbe],
  ["Liveness", (container) => container.livenessProbe],
];

/** The probes of one pod. @upstream pkg/kubelet/prober/prober_manager.go */
export class PodProbes {
  readonly #workers = new Map<string, { readonly kind: ProbeKind; readonly worker: ProbeWorker }>();
  readonly #deps: ProbeWorkerDeps;

  constructor(deps: ProbeWorkerDeps) {
    this.#deps = deps;
  }

  /** Begins what the pod asks for and does not run yet. */
  start(pod: Pod): void {
    const containers: readonly PodContainer[] = [
      ...(pod.spec.initContainers ?? []).filter(isSidecar).map((container) => ({ kind: "init" as const, container })),
      ...pod.spec.containers.map((container) => ({ kind: "app" as const, container })),
    ];
    for (const target of containers) {
      for (const [kind, probeOf] of kinds) {
        const probe = probeOf(target.container);
        const key = `${target.container.name} ${kind}`;
        if (probe === undefined || this.#workers.has(key)) continue;
        const worker = new ProbeWorker(
          { kind, container: target.container, probe, fieldPath: containerFieldPath(target) },
          { ...this.#deps, changed: (which) => this.#changed(which) },
        );
        this.#workers.set(key, { kind, worker });
        worker.start();
      }
    }
  }

  /** A terminating pod is not killed for being unhealthy, but its readiness still counts. */
  stopAllButReadiness(): void {
    for (const { kind, worker } of this.#workers.values()) if (kind !== "Readiness") worker.stop();
  }

  stop(): void {
    for (const { worker } of this.#workers.values()) worker.stop();
    this.#workers.clear();
  }

  #changed(kind: ProbeKind): void {
    // A container that has started may be ready at once.
    if (kind === "Startup") for (const each of this.#workers.values()) if (each.kind === "Readiness") each.worker.trigger();
    this.#deps.changed(kind);
  }
}
