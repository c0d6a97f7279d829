import type { Container, Pod } from "../../api/generated/types/core-v1.ts";
import type { RuntimeContainer } from "./runtime-pod.ts";

/** The container's own policy, or the pod's. */
export function containerRestartPolicy(pod: Pod, container: Container): string {
  return container.restartPolicy ?? pod.spec.restartPolicy ?? "Always";
}

/** Whether the exit code falls under a rule of the container that restarts it. @upstream pkg/kubelet/container/helpers.go */
function isRestartedByRule(container: Container, exitCode: number): boolean {
  const rule = (container.restartPolicyRules ?? []).find(({ exitCodes }) => {
    const listed = exitCodes?.values?.includes(exitCode) ?? false;
    return exitCodes?.operator === "NotIn" ? !listed : listed;
  });
  return rule?.action === "Restart";
}

/** Whether a container that has exited stays so. */
export function isDoneForGood(pod: Pod, container: Container, exited: { readonly exitCode: number }): boolean {
  if (isRestartedByRule(container, exited.exitCode)) return false;
  const policy = containerRestartPolicy(pod, container);
  return policy === "Never" || (policy === "OnFailure" && exited.exitCode === 0);
}

/** Whether a container that does not run should. @upstream pkg/kubelet/container/helpers.go ShouldContainerBeRestarted */
export function shouldRestart(pod: Pod, container: Container, known: RuntimeContainer | undefined): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  if (known === undefined) return true;
  if (known.state === "running") return false;
  if (known.state !== "exited") return true;
  return !isDoneForGood(pod, container, known);
}
