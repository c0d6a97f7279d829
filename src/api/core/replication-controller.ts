import { FieldPath } from "../../meta/field-path.ts";
import { LabelSelector } from "../../meta/label-selector.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateNonnegative } from "../../meta/validation.ts";
import { ageColumn, labelsText, nameColumn } from "../columns.ts";
import { replicationControllers } from "../generated/resources.ts";
import type { ReplicationController } from "../generated/types/core-v1.ts";
import { kind } from "../kind.ts";
import { podTemplateDefaults } from "../pod/pod-spec-defaults.ts";
import { templateWarnings } from "../pod/pod-warnings.ts";
import { selectorMismatch, validateLastingTemplate, validatePodTemplate } from "../pod/validate-pod-template.ts";
import { validateAtMost, validateCounts } from "../replica-counts.ts";
import { countColumn, templateColumns } from "../workload-columns.ts";

const path = new FieldPath("spec");
const status = new FieldPath("status");

/** @upstream pkg/registry/core/replicationcontroller/strategy.go */
export const replicationControllerKind = kind<ReplicationController>({
  resource: replicationControllers,
  shortNames: ["rc"],
  categories: ["all"],
  generation: "spec",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.metadata ??= {};
    draft.spec ??= {};
    const { spec, metadata } = draft;
    if (spec.template !== undefined) podTemplateDefaults(spec.template);
    const labels = spec.template?.metadata?.labels;
    if (labels !== undefined) {
      if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
      if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
    }
    spec.replicas ??= 1;
  },
  prepareCreate(draft) {
    draft.status = { replicas: 0 };
  },
  validate: validateReplicationController,
  validateStatusUpdate: ({ status: counts = { replicas: 0 } }) => [
    ...validateCounts(counts, ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"], status),
    ...validateAtMost(counts, ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"], "replicas", "status.replicas", status),
    ...validateAtMost(counts, ["availableReplicas"], "readyReplicas", "readyReplicas", status),
  ],
  warnings: (controller, previous) => templateWarnings(controller.spec.template, previous?.spec.template, "spec.template"),
  columns: [
    nameColumn,
    countColumn("Desired", ({ spec }) => spec.replicas),
    countColumn("Current", ({ status }) => status?.replicas),
    countColumn("Ready", ({ status }) => status?.readyReplicas),
    ageColumn,
    ...templateColumns<ReplicationController>(({ spec }) => spec.template),
    { name: "Selector", type: "string", priority: 1, value: ({ spec }) => labelsText(spec.selector) },
  ],
  fieldSelectors: { "status.replicas": (controller) => String(controller.status?.replicas ?? 0) },
  scale: {
    replicas: ({ spec }) => spec.replicas ?? 0,
    setReplicas(draft, replicas) {
      draft.spec.replicas = replicas;
    },
    statusReplicas: (controller) => controller.status?.replicas ?? 0,
    selector: ({ spec }) => LabelSelector.ofLabels(spec.selector).toString(),
  },
});

/** @upstream pkg/apis/core/validation/validation.go ValidateReplicationControllerSpec */
function validateReplicationController({ spec }: ReplicationController): FieldError[] {
  const errors = validateNonnegative(spec.minReadySeconds ?? 0, path.child("minReadySeconds"));
  const selector = LabelSelector.ofLabels(spec.selector);
  if (selector.matchesEverything) errors.push(path.child("selector").required());
  errors.push(...validateNonnegative(spec.replicas ?? 0, path.child("replicas")));
  const place = path.child("template");
  if (spec.template === undefined) return [...errors, place.required()];
  if (!selector.matchesEverything && !selector.matches(spec.template.metadata?.labels)) errors.push(selectorMismatch(spec.template, place));
  return [...errors, ...validatePodTemplate(spec.template, place), ...validateLastingTemplate(spec.template, "ReplicationController", place)];
}
