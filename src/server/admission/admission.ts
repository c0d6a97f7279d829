import type { Draft } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { UserInfo } from "../../meta/wire.ts";
import type { Op } from "../../store/contract.ts";
import { tooLate, type WorkTime } from "../bounds/work-time.ts";
import type { ServedResource } from "../resources/served-resource.ts";

/** A write on its way to the store. */
export interface AdmissionRequest {
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  readonly served: ServedResource;
  readonly subresource: string;
  readonly namespace: string;
  /** Empty for a create with generateName. */
  readonly name: string;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** Absent for DELETE. A plug-in that mutates changes this draft. */
  readonly object: Draft<KubeObject> | undefined;
  /** Absent for CREATE. Frozen. */
  readonly previous: KubeObject | undefined;
  /** DeleteOptions, or the options of a connect. */
  readonly options?: unknown;
  /** For how long the answer has a point; absent: for ever. */
  readonly work?: WorkTime | undefined;
  /** What must be written together with the object, or not at all: claimed addresses. */
  readonly alsoCommit: Op[];
  warn(text: string): void;
  /** Says something in the audit log: `key` as upstream has it. With "bodies" only where the log shows bodies too. */
  annotate(key: string, value: string, when?: "bodies"): void;
}

/** One plug-in. Throws StatusError to refuse. */
export interface AdmissionPlugin {
  readonly name: string;
  // PERF: every write passes every plug-in; a promise is for who has to wait, not for who finds that a request is none of its business.
  /** Changes the draft; runs before validation of the kind. */
  mutate?(request: AdmissionRequest): void | Promise<void>;
  /** Looks at what would be stored. */
  validate?(request: AdmissionRequest): void | Promise<void>;
  /** The write is through or has failed: lets go of what was held meanwhile. */
  release?(request: AdmissionRequest): void;
}

/** The plug-ins in their order. Both steps answer undefined when all is done at once; they throw, or reject with, what refuses the request. */
export class AdmissionChain {
  readonly #mutating: AdmissionPlugin[] = [];
  readonly #validating: AdmissionPlugin[] = [];
  readonly #holding: AdmissionPlugin[] = [];

  constructor(plugins: readonly AdmissionPlugin[]) {
    for (const plugin of plugins) this.add(plugin);
  }

  /** For plug-ins that need parts which need the chain. */
  add(plugin: AdmissionPlugin): void {
    if (plugin.mutate !== undefined) this.#mutating.push(plugin);
    if (plugin.validate !== undefined) this.#validating.push(plugin);
    if (plugin.release !== undefined) this.#holding.push(plugin);
  }

  mutate(request: AdmissionRequest): Promise<void> | undefined {
    return this.#mutateFrom(0, request);
  }

  /** Refuses with 504 as well, when the caller has been told that it took too long: what is refused must not be written. */
  validate(request: AdmissionRequest): Promise<void> | undefined {
    return this.#validateFrom(0, request);
  }

  release(request: AdmissionRequest): void {
    for (const plugin of this.#holding) plugin.release?.(request);
  }

  #mutateFrom(first: number, request: AdmissionRequest): Promise<void> | undefined {
    const plugins = this.#mutating;
    for (let at = first; at < plugins.length; at += 1) {
      const pending = plugins[at]?.mutate?.(request);
      if (pending !== undefined) return pending.then(() => this.#mutateFrom(at + 1, request));
    }
    return undefined;
  }

  #validateFrom(first: number, request: AdmissionRequest): Promise<void> | undefined {
    const plugins = this.#validating;
    for (let at = first; at < plugins.length; at += 1) {
      const pending = plugins[at]?.validate?.(request);
      if (pending !== undefined) return pending.then(() => this.#validateFrom(at + 1, request));
    }
    if (request.work?.isOver === true) throw tooLate();
    return undefined;
  }
}
