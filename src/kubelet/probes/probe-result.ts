export type ProbeKind = "Liveness" | "Readiness" | "Startup";

/** One answer of a probe. `unknown`: it could not be asked. */
export interface ProbeAnswer {
  readonly outcome: "success" | "warning" | "failure" | "unknown";
  /** What the event says. */
  readonly output: string;
}

/** Results by container ID. */
export class ProbeResults {
  readonly #results = new Map<string, "success" | "failure">();

  /** Undefined before the first result. */
  get(kind: ProbeKind, containerId: string): "success" | "failure" | undefined {
    return this.#results.get(`${kind} ${containerId}`);
  }

  /** Whether that was news. */
  set(kind: ProbeKind, containerId: string, result: "success" | "failure"): boolean {
    const key = `${kind} ${containerId}`;
    if (this.#results.get(key) === result) return false;
    this.#results.set(key, result);
    return true;
  }

  forget(kind: ProbeKind, containerId: string): void {
    this.#results.delete(`${kind} ${containerId}`);
  }
}
