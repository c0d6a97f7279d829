import type { PriorityClass } from "../../api/generated/types/scheduling-v1.ts";
import { forbidden } from "../../meta/status-error.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { newPod } from "./new-pod.ts";

/** A pod stays five minutes on a node that stops being ready, unless it says otherwise. @upstream plugin/pkg/admission/defaulttolerationseconds */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: "DefaultTolerationSeconds",
  mutate(request) {
    const pod = newPod(request);
    if (pod === undefined) return;
    for (const key of ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]) {
      const tolerated = (pod.spec.tolerations ?? []).some(
        (toleration) => ((toleration.key ?? "") === key || (toleration.key ?? "") === "") && (toleration.effect === "NoExecute" || (toleration.effect ?? "") === ""),
      );
      if (!tolerated) pod.spec.tolerations = [...(pod.spec.tolerations ?? []), { key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }];
    }
  },
};

const PREFIX = "/registry/priorityclasses/";

/** Resolves a pod's priority class to its number. @upstream plugin/pkg/admission/priority */
export function priorityAdmission(cache: StateCache): AdmissionPlugin {
  const classes = cache.resource(PREFIX);
  return {
    name: "Priority",
    mutate(request) {
      const pod = newPod(request);
      if (pod === undefined) return;
      const refuse = (why: string): Error => forbidden({ ...request.served.resource, name: request.name }, why);
      let wanted = pod.spec.priorityClassName ?? "";
      let found: PriorityClass | undefined;
      if (wanted === "") {
        for (const [, entry] of classes.range(PREFIX)) {
          const candidate = entry.object as PriorityClass;
          if (candidate.globalDefault === true && (found === undefined || (candidate.value ?? 0) < (found.value ?? 0))) found = candidate;
        }
        wanted = found?.metadata.name ?? "";
        if (wanted !== "") pod.spec.priorityClassName = wanted;
      } else {
        found = classes.get(PREFIX + wanted)?.object as PriorityClass | undefined;
        if (found === undefined) throw refuse(`no PriorityClass with name ${wanted} was found`);
      }
      const value = found?.value ?? 0;
      if (pod.spec.priority !== undefined && pod.spec.priority !== value)
        throw refuse(
          `the integer value of priority (${pod.spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
        );
      pod.spec.priority = value;
      const policy = found?.preemptionPolicy ?? "PreemptLowerPriority";
      if (pod.spec.preemptionPolicy !== undefined && pod.spec.preemptionPolicy !== policy)
        throw refuse(
          `the string value of PreemptionPolicy (${pod.spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
        );
      pod.spec.preemptionPolicy = policy;
    },
  };
}
