import { ageColumn, nameColumn } from "../columns.ts";
import { horizontalPodAutoscalers, horizontalPodAutoscalersV1 } from "../generated/resources.ts";
import type { HorizontalPodAutoscaler as AutoscalerV1 } from "../generated/types/autoscaling-v1.ts";
import type { HorizontalPodAutoscaler } from "../generated/types/autoscaling-v2.ts";
import { type Column, kind, type KindDefinition } from "../kind.ts";
import { autoscalerFromV1 } from "./convert.ts";
import { defaultAutoscaler, defaultMetrics } from "./defaults.ts";
import { validateAutoscaler, validateAutoscalerStatus, validateScaleTarget } from "./horizontal-pod-autoscaler-validation.ts";
import { metricsText } from "./metrics-text.ts";

const shared = { shortNames: ["hpa"], categories: ["all"], generation: "spec", allowUnconditionalUpdate: true } as const;

const columns: readonly Column<HorizontalPodAutoscaler>[] = [
  nameColumn,
  { name: "Reference", type: "string", value: ({ spec: { scaleTargetRef } }) => `${scaleTargetRef.kind}/${scaleTargetRef.name}` },
  { name: "Targets", type: "string", value: metricsText },
  { name: "MinPods", type: "string", value: ({ spec }) => String(spec.minReplicas ?? "<unset>") },
  { name: "MaxPods", type: "string", value: ({ spec }) => spec.maxReplicas },
  { name: "Replicas", type: "string", value: ({ status }) => status?.currentReplicas ?? 0 },
  ageColumn,
];

/** autoscaling/v2: the form in which autoscalers are stored. @upstream pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go */
export const horizontalPodAutoscalerKind = kind<HorizontalPodAutoscaler>({
  ...shared,
  resource: horizontalPodAutoscalers,
  defaults: defaultAutoscaler,
  prepareCreate(draft) {
    draft.status = { desiredReplicas: 0 };
  },
  validate: validateAutoscaler,
  validateCreate: (object) => validateScaleTarget(object),
  validateUpdate: validateScaleTarget,
  validateStatusUpdate: validateAutoscalerStatus,
  columns,
});

/** The same autoscalers by autoscaling/v1. */
export const horizontalPodAutoscalerV1Kind: KindDefinition<AutoscalerV1> = kind<AutoscalerV1>({
  ...shared,
  resource: horizontalPodAutoscalersV1,
  defaults(draft) {
    draft.spec ??= { maxReplicas: 0, scaleTargetRef: { kind: "", name: "" } };
    draft.spec.maxReplicas ??= 0;
    draft.spec.scaleTargetRef ??= { kind: "", name: "" };
    draft.spec.minReplicas ??= 1;
    draft.status ??= { currentReplicas: 0, desiredReplicas: 0 };
    draft.status.currentReplicas ??= 0;
    draft.status.desiredReplicas ??= 0;
    // Only when no metric stands in an annotation either does the default one apply.
    if ((autoscalerFromV1(draft).spec.metrics ?? []).length === 0) {
      const [cpu] = defaultMetrics();
      draft.spec.targetCPUUtilizationPercentage = cpu?.resource?.target.averageUtilization;
    }
  },
  prepareCreate(draft) {
    draft.status = { currentReplicas: 0, desiredReplicas: 0 };
  },
  validate: (object) => validateAutoscaler(autoscalerFromV1(object)),
  validateCreate: (object) => validateScaleTarget(autoscalerFromV1(object)),
  validateUpdate: (object, previous) => validateScaleTarget(autoscalerFromV1(object), autoscalerFromV1(previous)),
  validateStatusUpdate: (object) => validateAutoscalerStatus(autoscalerFromV1(object)),
  columns: columns.map((column) => ({ ...column, value: (object: AutoscalerV1, context: { readonly nowMs: number }) => column.value(autoscalerFromV1(object), context) })),
});
