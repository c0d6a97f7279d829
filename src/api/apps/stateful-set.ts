import { type Draft, deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { statefulSets } from "../generated/resources.ts";
import type { StatefulSet, StatefulSetSpec } from "../generated/types/apps-v1.ts";
import { kind } from "../kind.ts";
import { podTemplateDefaults } from "../pod/pod-spec-defaults.ts";
import { templateWarnings } from "../pod/pod-warnings.ts";
import { validateAtMost, validateCollisions, validateCounts } from "../replica-counts.ts";
import { templateColumns } from "../workload-columns.ts";
import { scaleSelector } from "../workload-selector.ts";
import { dropMaxUnavailable, validateStatefulSet } from "./stateful-set-validation.ts";

const path = new FieldPath("spec");
const status = new FieldPath("status");
const updatable = ["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy", "minReadySeconds"] as const;

/** @upstream pkg/registry/apps/statefulset/strategy.go */
export const statefulSetKind = kind<StatefulSet>({
  resource: statefulSets,
  shortNames: ["sts"],
  categories: ["all"],
  name: "dns-label",
  generation: "spec",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= {} as Draft<StatefulSetSpec>;
    const { spec } = draft;
    spec.template ??= {};
    podTemplateDefaults(spec.template);
    for (const claim of spec.volumeClaimTemplates ?? []) {
      claim.apiVersion = "v1";
      claim.kind = "PersistentVolumeClaim";
      claim.spec ??= {};
      claim.spec.resources ??= {};
      claim.spec.volumeMode ??= "Filesystem";
      claim.status ??= {};
      claim.status.phase ||= "Pending";
    }
    spec.podManagementPolicy ||= "OrderedReady";
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ||= "RollingUpdate";
    if (spec.updateStrategy.type === "RollingUpdate") {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.partition ??= 0;
    }
    spec.persistentVolumeClaimRetentionPolicy ??= {};
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= "Retain";
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= "Retain";
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
  },
  prepareCreate(draft) {
    draft.status = { replicas: 0 };
    dropMaxUnavailable(draft, undefined);
  },
  prepareUpdate: dropMaxUnavailable,
  validate: validateStatefulSet,
  validateUpdate: (next, previous) => {
    const kept = Object.fromEntries(updatable.map((field) => [field, previous.spec[field]]));
    if (deepEqual({ ...next.spec, ...kept }, previous.spec)) return [];
    const names = updatable.map((field) => `'${field}'`);
    return [path.forbidden(`updates to statefulset spec for fields other than ${names.slice(0, -1).join(", ")} and ${names.at(-1)} are forbidden`)];
  },
  validateStatusUpdate: ({ status: counts = { replicas: 0 } }, previous): FieldError[] => [
    ...validateCounts(counts, ["replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas", "observedGeneration", "collisionCount"], status),
    ...validateAtMost(counts, ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"], "replicas", "status.replicas", status),
    ...validateAtMost(counts, ["availableReplicas"], "readyReplicas", "status.readyReplicas", status),
    ...validateCollisions(counts, previous.status ?? {}, status),
  ],
  warnings: (next, previous) => templateWarnings(next.spec.template, previous?.spec.template, "spec.template"),
  columns: [
    nameColumn,
    { name: "Ready", type: "string", value: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}` },
    ageColumn,
    ...templateColumns<StatefulSet>(({ spec }) => spec.template),
  ],
  scale: {
    replicas: ({ spec }) => spec.replicas ?? 0,
    setReplicas(draft, replicas) {
      draft.spec.replicas = replicas;
    },
    statusReplicas: (set) => set.status?.replicas ?? 0,
    selector: ({ spec }) => scaleSelector(spec.selector),
  },
});
