import type { Draft } from "../../base/values.ts";
import type { HorizontalPodAutoscaler, HPAScalingRules } from "../generated/types/autoscaling-v2.ts";

const defaultCpuUtilization = 80;

/** @upstream pkg/apis/autoscaling/v2/defaults.go */
export function defaultAutoscaler(draft: Draft<HorizontalPodAutoscaler>): void {
  draft.spec ??= { maxReplicas: 0, scaleTargetRef: { kind: "", name: "" } };
  draft.spec.maxReplicas ??= 0;
  draft.spec.scaleTargetRef ??= { kind: "", name: "" };
  draft.spec.minReplicas ??= 1;
  if ((draft.spec.metrics ?? []).length === 0) draft.spec.metrics = defaultMetrics();
  const { behavior } = draft.spec;
  if (behavior !== undefined) {
    behavior.scaleUp = { ...scaleUpRules(), ...given(behavior.scaleUp) };
    behavior.scaleDown = { ...scaleDownRules(), ...given(behavior.scaleDown) };
  }
  draft.status ??= { desiredReplicas: 0 };
  draft.status.desiredReplicas ??= 0;
}

export function defaultMetrics(): NonNullable<Draft<HorizontalPodAutoscaler>["spec"]["metrics"]> {
  return [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: defaultCpuUtilization } } }];
}

/** As fast as doubling, or four pods at a time, at once. */
function scaleUpRules(): Draft<HPAScalingRules> {
  return {
    stabilizationWindowSeconds: 0,
    selectPolicy: "Max",
    policies: [
      { type: "Pods", value: 4, periodSeconds: 15 },
      { type: "Percent", value: 100, periodSeconds: 15 },
    ],
  };
}

/** Down to the least at once, after the controller's own window. */
function scaleDownRules(): Draft<HPAScalingRules> {
  return { selectPolicy: "Max", policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] };
}

function given(rules: Draft<HPAScalingRules> | undefined): Draft<HPAScalingRules> {
  return Object.fromEntries(Object.entries(rules ?? {}).filter(([, value]) => value !== undefined));
}
