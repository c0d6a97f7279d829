import type { Draft } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";

/**
 * What one body asks for, as a draft for each attempt to write it: an attempt changes its draft, and what was written is
 * frozen. PERF: the first is what was read, and used as it is; only who tries again pays for a copy.
 */
export class Drafts {
  readonly first: Draft<KubeObject>;
  readonly #again: () => Draft<KubeObject>;
  #isTaken = false;

  /** `again` makes a draft that shares nothing with any before it. */
  constructor(first: Draft<KubeObject>, again: () => Draft<KubeObject>) {
    this.first = first;
    this.#again = again;
  }

  next(): Draft<KubeObject> {
    if (this.#isTaken) return this.#again();
    this.#isTaken = true;
    return this.first;
  }
}
