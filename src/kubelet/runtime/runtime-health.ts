import { sleep, type Clock } from "../../base/clock.ts";
import type { RuntimeCondition } from "../../cri/generated/cri-v1.ts";
import type { RuntimeService } from "../../cri/runtime.ts";
import { rpcErrorText } from "../rpc-error-text.ts";

export interface RuntimeHealthDeps {
  readonly runtime: Pick<RuntimeService, "status">;
  readonly clock: Clock;
  /** The answer is not what it was. */
  changed(): void;
}

const intervalMs = 5000;
/** While something is missing it is asked more often: a node should be ready soon after its runtime is. */
const impatientMs = 500;

const conditionText = ({ type, reason, message }: RuntimeCondition): string => `${type}=false reason:${reason ?? ""} message:${message ?? ""}`;

/** Whether the runtime and its network can be used. @upstream pkg/kubelet/kubelet.go updateRuntimeUp, pkg/kubelet/runtime.go */
export class RuntimeHealth {
  readonly #deps: RuntimeHealthDeps;
  #runtimeProblem: string | undefined = "container runtime status check may not have completed yet";
  #networkProblem: string | undefined = "container runtime network not ready: it has not been asked yet";

  constructor(deps: RuntimeHealthDeps) {
    this.#deps = deps;
  }

  get runtimeProblem(): string | undefined {
    return this.#runtimeProblem;
  }
  get networkProblem(): string | undefined {
    return this.#networkProblem;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.check();
      const whole = this.#runtimeProblem === undefined && this.#networkProblem === undefined;
      await sleep(this.#deps.clock, whole ? intervalMs : impatientMs, signal).catch(() => {});
    }
  }

  async check(): Promise<void> {
    const before = [this.#runtimeProblem, this.#networkProblem].join();
    try {
      const conditions = (await this.#deps.runtime.status()).status?.conditions ?? [];
      const problem = (type: string, prefix: string): string | undefined => {
        const condition = conditions.find((candidate) => candidate.type === type);
        return condition?.status === true ? undefined : `${prefix} not ready: ${conditionText(condition ?? { type })}`;
      };
      this.#runtimeProblem = problem("RuntimeReady", "container runtime");
      this.#networkProblem = problem("NetworkReady", "container runtime network");
    } catch (error) {
      this.#runtimeProblem = `container runtime is down: ${rpcErrorText(error)}`;
    }
    if (before !== [this.#runtimeProblem, this.#networkProblem].join()) this.#deps.changed();
  }
}
