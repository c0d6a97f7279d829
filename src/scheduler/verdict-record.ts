import type { Diagnosis } from "./verdict.ts";

/** Verdicts that are kept for pods that wait, over all pods and nodes. */
const MAX_VERDICTS = 200_000;

/** Why waiting pods fit nowhere, as of their last attempt. Bounded: the oldest are forgotten first. */
export class VerdictRecord {
  readonly #byPod = new Map<string, Diagnosis>();
  #count = 0;

  get(key: string): Diagnosis | undefined {
    return this.#byPod.get(key);
  }

  set(key: string, diagnosis: Diagnosis): void {
    this.delete(key);
    this.#byPod.set(key, diagnosis);
    this.#count += diagnosis.verdicts.length;
    for (const oldest of this.#byPod.keys()) {
      if (this.#count <= MAX_VERDICTS || oldest === key) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const known = this.#byPod.get(key);
    if (known === undefined) return;
    this.#count -= known.verdicts.length;
    this.#byPod.delete(key);
  }
}
