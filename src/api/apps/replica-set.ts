import type { Draft } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateImmutable, validateNonnegative } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { replicaSets } from "../generated/resources.ts";
import type { ReplicaSet, ReplicaSetSpec } from "../generated/types/apps-v1.ts";
import { kind } from "../kind.ts";
import { podTemplateDefaults } from "../pod/pod-spec-defaults.ts";
import { templateWarnings } from "../pod/pod-warnings.ts";
import { validateLastingTemplate, validatePodTemplate } from "../pod/validate-pod-template.ts";
import { validateAtMost, validateCounts } from "../replica-counts.ts";
import { countColumn, templateColumns } from "../workload-columns.ts";
import { scaleSelector, selectorText, validateWorkloadSelector } from "../workload-selector.ts";

const path = new FieldPath("spec");
const status = new FieldPath("status");

/** @upstream pkg/registry/apps/replicaset/strategy.go */
export const replicaSetKind = kind<ReplicaSet>({
  resource: replicaSets,
  shortNames: ["rs"],
  categories: ["all"],
  generation: "spec",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= {} as Draft<ReplicaSetSpec>;
    const { spec } = draft;
    spec.template ??= {};
    podTemplateDefaults(spec.template);
    spec.replicas ??= 1;
  },
  prepareCreate(draft) {
    draft.status = { replicas: 0 };
  },
  validate: validateReplicaSet,
  validateUpdate: (next, previous) => validateImmutable(next.spec.selector, previous.spec.selector, path.child("selector")),
  validateStatusUpdate: ({ status: counts = { replicas: 0 } }) => [
    ...validateCounts(counts, ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "terminatingReplicas", "observedGeneration"], status),
    ...validateAtMost(counts, ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"], "replicas", "status.replicas", status),
    ...validateAtMost(counts, ["availableReplicas"], "readyReplicas", "readyReplicas", status),
  ],
  warnings: (next, previous) => templateWarnings(next.spec.template, previous?.spec.template, "spec.template"),
  columns: [
    nameColumn,
    countColumn("Desired", ({ spec }) => spec.replicas),
    countColumn("Current", ({ status }) => status?.replicas),
    countColumn("Ready", ({ status }) => status?.readyReplicas),
    ageColumn,
    ...templateColumns<ReplicaSet>(({ spec }) => spec.template),
    { name: "Selector", type: "string", priority: 1, value: ({ spec }) => selectorText(spec.selector) },
  ],
  fieldSelectors: { "status.replicas": (set) => String(set.status?.replicas ?? 0) },
  scale: {
    replicas: ({ spec }) => spec.replicas ?? 0,
    setReplicas(draft, replicas) {
      draft.spec.replicas = replicas;
    },
    statusReplicas: (set) => set.status?.replicas ?? 0,
    selector: ({ spec }) => scaleSelector(spec.selector),
  },
});

/** @upstream pkg/apis/apps/validation/validation.go ValidateReplicaSetSpec */
function validateReplicaSet({ spec }: ReplicaSet): FieldError[] {
  const { template = {} } = spec;
  const place = path.child("template");
  return [
    ...validateNonnegative(spec.replicas ?? 0, path.child("replicas")),
    ...validateNonnegative(spec.minReadySeconds ?? 0, path.child("minReadySeconds")),
    // The message names a deployment, as upstream's does.
    ...validateWorkloadSelector(spec, "deployment", path),
    ...validatePodTemplate(template, place),
    ...validateLastingTemplate(template, "ReplicaSet", place),
  ];
}
