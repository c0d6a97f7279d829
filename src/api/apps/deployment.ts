import type { Draft } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateImmutable, validateNonnegative } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { deployments } from "../generated/resources.ts";
import type { Deployment, DeploymentSpec, DeploymentStrategy } from "../generated/types/apps-v1.ts";
import { unchecked } from "../unchecked.ts";
import { numberIn, validateIntOrPercent, validateWithin100Percent } from "../int-or-percent.ts";
import { kind } from "../kind.ts";
import { unsupported } from "../pod/choice.ts";
import { podTemplateDefaults } from "../pod/pod-spec-defaults.ts";
import { templateWarnings } from "../pod/pod-warnings.ts";
import { validateLastingTemplate, validatePodTemplate } from "../pod/validate-pod-template.ts";
import { validateAtMost, validateCollisions, validateCounts } from "../replica-counts.ts";
import { countColumn, templateColumns } from "../workload-columns.ts";
import { scaleSelector, selectorText, validateWorkloadSelector } from "../workload-selector.ts";

const path = new FieldPath("spec");
const status = new FieldPath("status");

/** @upstream pkg/registry/apps/deployment/strategy.go */
export const deploymentKind = kind<Deployment>({
  resource: deployments,
  shortNames: ["deploy"],
  categories: ["all"],
  generation: "spec-and-annotations",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= {} as Draft<DeploymentSpec>;
    const { spec } = draft;
    spec.template ??= {};
    podTemplateDefaults(spec.template);
    spec.replicas ??= 1;
    spec.strategy ??= {};
    spec.strategy.type ||= "RollingUpdate";
    if (spec.strategy.type === "RollingUpdate") {
      spec.strategy.rollingUpdate ??= {};
      spec.strategy.rollingUpdate.maxUnavailable ??= "25%";
      spec.strategy.rollingUpdate.maxSurge ??= "25%";
    }
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
  },
  validate: validateDeployment,
  validateUpdate: (next, previous) => validateImmutable(next.spec.selector, previous.spec.selector, path.child("selector")),
  validateStatusUpdate: ({ status: counts = {} }, previous) => [
    ...validateCounts(
      counts,
      ["observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas", "terminatingReplicas", "collisionCount"],
      status,
    ),
    ...validateAtMost(counts, ["updatedReplicas", "readyReplicas", "availableReplicas"], "replicas", "status.replicas", status),
    ...validateAtMost(counts, ["availableReplicas"], "readyReplicas", "readyReplicas", status),
    ...validateCollisions(counts, previous.status ?? {}, status),
  ],
  warnings: (next, previous) => templateWarnings(next.spec.template, previous?.spec.template, "spec.template"),
  columns: [
    nameColumn,
    { name: "Ready", type: "string", value: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}` },
    countColumn("Up-to-date", ({ status }) => status?.updatedReplicas),
    countColumn("Available", ({ status }) => status?.availableReplicas),
    ageColumn,
    ...templateColumns<Deployment>(({ spec }) => spec.template),
    { name: "Selector", type: "string", priority: 1, value: ({ spec }) => selectorText(spec.selector) },
  ],
  scale: {
    replicas: ({ spec }) => spec.replicas ?? 0,
    setReplicas(draft, replicas) {
      draft.spec.replicas = replicas;
    },
    statusReplicas: (deployment) => deployment.status?.replicas ?? 0,
    selector: ({ spec }) => scaleSelector(spec.selector),
  },
});

/** @upstream pkg/apis/apps/validation/validation.go ValidateDeploymentSpec */
function validateDeployment({ spec }: Deployment): FieldError[] {
  const { template = {}, minReadySeconds = 0, progressDeadlineSeconds: deadline } = unchecked(spec);
  const place = path.child("template");
  const errors = [
    ...validateNonnegative(spec.replicas ?? 0, path.child("replicas")),
    ...validateWorkloadSelector(spec, "deployment", path),
    ...validatePodTemplate(template, place),
    // Upstream checks it as a ReplicaSet's and says so.
    ...validateLastingTemplate(template, "ReplicaSet", place),
    ...validateStrategy(spec.strategy ?? {}, path.child("strategy")),
    ...validateNonnegative(minReadySeconds, path.child("minReadySeconds")),
    ...validateNonnegative(spec.revisionHistoryLimit ?? 0, path.child("revisionHistoryLimit")),
  ];
  if (deadline !== undefined) {
    errors.push(...validateNonnegative(deadline, path.child("progressDeadlineSeconds")));
    if (deadline <= minReadySeconds) errors.push(path.child("progressDeadlineSeconds").invalid(deadline, "must be greater than minReadySeconds"));
  }
  return errors;
}

/** @upstream ValidateDeploymentStrategy */
function validateStrategy(strategy: DeploymentStrategy, place: FieldPath): FieldError[] {
  const { type, rollingUpdate } = strategy;
  const rolling = place.child("rollingUpdate");
  if (type === "Recreate") return rollingUpdate === undefined ? [] : [rolling.forbidden("may not be specified when strategy `type` is 'Recreate'")];
  if (type !== "RollingUpdate") return [unsupported(place, strategy, ["Recreate", "RollingUpdate"])];
  if (rollingUpdate === undefined) return [rolling.required("this should be defaulted and never be nil")];
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
  const errors = [...validateIntOrPercent(maxUnavailable, rolling.child("maxUnavailable")), ...validateIntOrPercent(maxSurge, rolling.child("maxSurge"))];
  if (numberIn(maxUnavailable) === 0 && numberIn(maxSurge) === 0) errors.push(rolling.child("maxUnavailable").invalid(maxUnavailable, "may not be 0 when `maxSurge` is 0"));
  return [...errors, ...validateWithin100Percent(maxUnavailable, rolling.child("maxUnavailable"))];
}
