import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { append } from "../../meta/validation.ts";
import { pods } from "../generated/resources.ts";
import type { Pod } from "../generated/types/core-v1.ts";
import { unchecked } from "../unchecked.ts";
import { kind } from "../kind.ts";
import { isBlank } from "../pod/choice.ts";
import { podColumns } from "../pod/pod-columns.ts";
import { podDefaults } from "../pod/pod-defaults.ts";
import { podGracePeriodSeconds, preparePodCreate, preparePodStatusUpdate } from "../pod/pod-strategy.ts";
import { podWarnings } from "../pod/pod-warnings.ts";
import { validateImagePadding } from "../pod/validate-container.ts";
import { validatePodAnnotations, validateProfileAnnotations } from "../pod/validate-pod-annotations.ts";
import { validatePodSpec } from "../pod/validate-pod-spec.ts";
import { validatePodStatusUpdate } from "../pod/validate-pod-status.ts";
import { validatePodCreate, validatePodUpdate } from "../pod/validate-pod-update.ts";

const spec = new FieldPath("spec");
const annotations = new FieldPath("metadata.annotations");

/** @upstream pkg/registry/core/pod/strategy.go */
export const podKind = kind<Pod>({
  resource: pods,
  shortNames: ["po"],
  categories: ["all"],
  generation: "spec",
  allowUnconditionalUpdate: true,
  defaults: podDefaults,
  prepareCreate: preparePodCreate,
  prepareStatusUpdate: preparePodStatusUpdate,
  validate: validatePod,
  validateCreate: (pod) => [...validatePodCreate(pod), ...validateProfileAnnotations(pod.metadata.annotations, pod.spec, spec)],
  validateUpdate: validatePodUpdate,
  validateStatusUpdate: validatePodStatusUpdate,
  // Updates of pods are frequent and seldom made by people.
  warnings: (pod, previous) => (previous === undefined ? podWarnings(pod.spec, "spec") : []),
  gracePeriodSeconds: podGracePeriodSeconds,
  columns: podColumns,
  fieldSelectors: {
    "spec.nodeName": (pod) => pod.spec.nodeName ?? "",
    "spec.restartPolicy": (pod) => pod.spec.restartPolicy ?? "",
    "spec.schedulerName": (pod) => pod.spec.schedulerName ?? "",
    "spec.serviceAccountName": (pod) => pod.spec.serviceAccountName ?? "",
    "spec.hostNetwork": (pod) => String(pod.spec.hostNetwork === true),
    "status.phase": (pod) => pod.status?.phase ?? "",
    "status.podIP": (pod) => pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? "",
    "status.nominatedNodeName": (pod) => pod.status?.nominatedNodeName ?? "",
  },
  indexedFields: ["spec.nodeName"],
});

const containerLists = ["containers", "initContainers"] as const;

/** @upstream pkg/apis/core/validation/validation.go validatePodMetadataAndSpec */
function validatePod(pod: Pod): FieldError[] {
  const { metadata = {}, spec: podSpec = { containers: [] } } = unchecked(pod);
  const errors = validatePodAnnotations(metadata.annotations, podSpec, annotations);
  append(errors, validatePodSpec(podSpec, { metadata }, spec));
  if (isBlank(podSpec.serviceAccountName))
    for (const [index, { projected }] of (podSpec.volumes ?? []).entries())
      for (const [at, source] of (projected?.sources ?? []).entries())
        if (source.serviceAccountToken !== undefined)
          errors.push(
            spec
              .child("volumes")
              .index(index)
              .child("projected", "sources")
              .index(at)
              .child("serviceAccountToken")
              .forbidden("must not be specified when serviceAccountName is not set"),
          );
  for (const list of containerLists)
    for (const [index, container] of (podSpec[list] ?? []).entries()) append(errors, validateImagePadding(container, spec.child(list).index(index)));
  return errors;
}
