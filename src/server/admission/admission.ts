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
  /** Changes the draft; runs before validation of the kind. */
  mutate?(request: AdmissionRequest): void | Promise<void>;
  /** Looks at what would be stored. */
  validate?(request: AdmissionRequest): void | Promise<void>;
  /** The write is through or has failed: lets go of what was held meanwhile. */
  release?(request: AdmissionRequest): void;
}

/** The plug-ins in their order. */
export class AdmissionChain {
  readonly #plugins: AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = [...plugins];
  }

  /** For plug-ins that need parts which need the chain. */
  add(plugin: AdmissionPlugin): void {
    this.#plugins.push(plugin);
  }

  async mutate(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.#plugins) {
      const pending = plugin.mutate?.(request);
      if (pending !== undefined) await pending;
    }
  }

  /** Throws 504 as well, when the caller has been told that it took too long: what is refused must not be written. */
  async validate(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.#plugins) {
      const pending = plugin.validate?.(request);
      if (pending !== undefined) await pending;
    }
    if (request.work?.isOver === true) throw tooLate();
  }

  release(request: AdmissionRequest): void {
    for (const plugin of this.#plugins) plugin.release?.(request);
  }
}
