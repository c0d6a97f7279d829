import type { NodeCondition } from "../../api/generated/types/core-v1.ts";

export interface NodeHealth {
  /** Why the runtime is not usable; undefined when it is. */
  readonly runtimeProblem: string | undefined;
  readonly networkProblem: string | undefined;
  readonly memoryPressure: boolean;
  readonly diskPressure: boolean;
  readonly pidPressure: boolean;
}

interface Finding {
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
}

/** The node's conditions; a heartbeat stands on each. @upstream pkg/kubelet/nodestatus/setters.go */
export function nodeConditions(known: readonly NodeCondition[], health: NodeHealth, now: string): readonly NodeCondition[] {
  const findings: readonly (readonly [type: string, finding: Finding])[] = [
    [
      "MemoryPressure",
      health.memoryPressure
        ? { status: "True", reason: "KubeletHasInsufficientMemory", message: "kubelet has insufficient memory available" }
        : { status: "False", reason: "KubeletHasSufficientMemory", message: "kubelet has sufficient memory available" },
    ],
    [
      "DiskPressure",
      health.diskPressure
        ? { status: "True", reason: "KubeletHasDiskPressure", message: "kubelet has disk pressure" }
        : { status: "False", reason: "KubeletHasNoDiskPressure", message: "kubelet has no disk pressure" },
    ],
    [
      "PIDPressure",
      health.pidPressure
        ? { status: "True", reason: "KubeletHasInsufficientPID", message: "kubelet has insufficient PID available" }
        : { status: "False", reason: "KubeletHasSufficientPID", message: "kubelet has sufficient PID available" },
    ],
    ["Ready", readiness(health)],
  ];
  const own = findings.map(([type, finding]): NodeCondition => {
    const before = known.find((condition) => condition.type === type);
    return { type, ...finding, lastHeartbeatTime: now, lastTransitionTime: before?.status === finding.status ? (before.lastTransitionTime ?? now) : now };
  });
  // Ready stands last; what others say of the node goes before.
  return [...known.filter(({ type }) => !findings.some(([own]) => own === type)), ...own];
}

function readiness({ runtimeProblem, networkProblem }: NodeHealth): Finding {
  const problems = [runtimeProblem, networkProblem].filter((problem) => problem !== undefined);
  if (problems.length === 0) return { status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" };
  return { status: "False", reason: "KubeletNotReady", message: problems.length === 1 ? (problems[0] ?? "") : `[${problems.join(", ")}]` };
}
