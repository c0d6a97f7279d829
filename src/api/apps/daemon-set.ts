import { type Draft, clone, deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateImmutable, validateLabelSelector, validateNonnegative } from "../../meta/validation.ts";
import { ageColumn, labelsText, nameColumn } from "../columns.ts";
import { daemonSets } from "../generated/resources.ts";
import type { DaemonSet, DaemonSetSpec, DaemonSetStatus, DaemonSetUpdateStrategy } from "../generated/types/apps-v1.ts";
import { unchecked } from "../unchecked.ts";
import { numberIn, validateIntOrPercent, validateWithin100Percent } from "../int-or-percent.ts";
import { kind } from "../kind.ts";
import { unsupported } from "../pod/choice.ts";
import { podTemplateDefaults } from "../pod/pod-spec-defaults.ts";
import { templateWarnings } from "../pod/pod-warnings.ts";
import { selectorMismatch, validateLastingTemplate, validatePodTemplate } from "../pod/validate-pod-template.ts";
import { validateCollisions, validateCounts } from "../replica-counts.ts";
import { countColumn, templateColumns } from "../workload-columns.ts";
import { selectorText, selectsTemplate } from "../workload-selector.ts";

const path = new FieldPath("spec");
const status = new FieldPath("status");
/** How often the template has changed; a field before apps/v1, an annotation since. */
const templateGeneration = "deprecated.daemonset.template.generation";

const noStatus: DaemonSetStatus = { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 };
const counts = [
  "currentNumberScheduled",
  "numberMisscheduled",
  "desiredNumberScheduled",
  "numberReady",
  "observedGeneration",
  "updatedNumberScheduled",
  "numberAvailable",
  "numberUnavailable",
  "collisionCount",
] as const;

/** @upstream pkg/registry/apps/daemonset/strategy.go */
export const daemonSetKind = kind<DaemonSet>({
  resource: daemonSets,
  shortNames: ["ds"],
  categories: ["all"],
  generation: "spec",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= {} as Draft<DaemonSetSpec>;
    const { spec } = draft;
    spec.template ??= {};
    podTemplateDefaults(spec.template);
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ||= "RollingUpdate";
    if (spec.updateStrategy.type === "RollingUpdate") {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
      spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
    }
    spec.revisionHistoryLimit ??= 10;
  },
  prepareCreate(draft) {
    draft.status = clone(noStatus);
    setTemplateGeneration(draft, Math.max(1, templateGenerationOf(draft)));
  },
  prepareUpdate(draft, previous) {
    const before = templateGenerationOf(previous);
    setTemplateGeneration(draft, deepEqual(draft.spec.template, previous.spec.template) ? before : before + 1);
  },
  validate: validateDaemonSet,
  validateUpdate: (next, previous) => validateImmutable(next.spec.selector, previous.spec.selector, path.child("selector")),
  validateStatusUpdate: (next, previous) => [...validateCounts(next.status ?? noStatus, counts, status), ...validateCollisions(next.status ?? {}, previous.status ?? {}, status)],
  warnings: (next, previous) => templateWarnings(next.spec.template, previous?.spec.template, "spec.template"),
  columns: [
    nameColumn,
    countColumn("Desired", ({ status }) => status?.desiredNumberScheduled),
    countColumn("Current", ({ status }) => status?.currentNumberScheduled),
    countColumn("Ready", ({ status }) => status?.numberReady),
    countColumn("Up-to-date", ({ status }) => status?.updatedNumberScheduled),
    countColumn("Available", ({ status }) => status?.numberAvailable),
    { name: "Node Selector", type: "string", value: ({ spec }) => labelsText(spec.template?.spec?.nodeSelector) },
    ageColumn,
    ...templateColumns<DaemonSet>(({ spec }) => spec.template),
    { name: "Selector", type: "string", priority: 1, value: ({ spec }) => selectorText(spec.selector) },
  ],
});

const templateGenerationOf = ({ metadata }: Pick<DaemonSet, "metadata">): number => Number.parseInt(metadata.annotations?.[templateGeneration] ?? "", 10) || 0;

function setTemplateGeneration({ metadata }: Draft<DaemonSet>, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [templateGeneration]: String(generation) };
}

/** @upstream pkg/apis/apps/validation/validation.go ValidateDaemonSetSpec */
function validateDaemonSet({ spec }: DaemonSet): FieldError[] {
  const { template = {}, selector } = unchecked(spec);
  const place = path.child("template");
  const errors = validateLabelSelector(selector, path.child("selector"));
  const isEmpty = Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length === 0;
  if (errors.length === 0 && !selectsTemplate(selector, template)) errors.push(selectorMismatch(template, place));
  if (selector !== undefined && isEmpty) errors.push(path.child("selector").invalid(selector, "empty selector is invalid for daemonset"));
  return [
    ...errors,
    ...validatePodTemplate(template, place),
    ...validateLastingTemplate(template, "DaemonSet", place),
    ...validateNonnegative(spec.minReadySeconds ?? 0, path.child("minReadySeconds")),
    ...validateStrategy(spec.updateStrategy ?? {}, path.child("updateStrategy")),
    ...validateNonnegative(spec.revisionHistoryLimit ?? 0, path.child("revisionHistoryLimit")),
  ];
}

/** Pods of a node are either replaced or outnumbered, never both. @upstream ValidateRollingUpdateDaemonSet */
function validateStrategy(strategy: DaemonSetUpdateStrategy, place: FieldPath): FieldError[] {
  const { type, rollingUpdate } = strategy;
  const rolling = place.child("rollingUpdate");
  if (type === "OnDelete") return [];
  if (type !== "RollingUpdate") return [unsupported(place, strategy, ["RollingUpdate", "OnDelete"])];
  if (rollingUpdate === undefined) return [rolling.required()];
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
  const errors = [
    ...validateIntOrPercent(maxUnavailable, rolling.child("maxUnavailable")),
    ...validateIntOrPercent(maxSurge, rolling.child("maxSurge")),
    ...validateWithin100Percent(maxUnavailable, rolling.child("maxUnavailable")),
    ...validateWithin100Percent(maxSurge, rolling.child("maxSurge")),
  ];
  const [replaces, outnumbers] = [numberIn(maxUnavailable) !== 0, numberIn(maxSurge) !== 0];
  if (replaces && outnumbers) errors.push(rolling.child("maxSurge").invalid(maxSurge, "may not be set when maxUnavailable is non-zero"));
  if (!replaces && !outnumbers) errors.push(rolling.child("maxUnavailable").required("cannot be 0 when maxSurge is 0"));
  return errors;
}
