import { FieldPath } from "../../meta/field-path.ts";
import { labelsText, nameColumn } from "../columns.ts";
import { podTemplates } from "../generated/resources.ts";
import type { PodTemplate } from "../generated/types/core-v1.ts";
import { kind } from "../kind.ts";
import { podTemplateDefaults } from "../pod/pod-spec-defaults.ts";
import { templateWarnings } from "../pod/pod-warnings.ts";
import { validatePodTemplate } from "../pod/validate-pod-template.ts";
import { templateColumns } from "../workload-columns.ts";

/** @upstream pkg/registry/core/podtemplate/strategy.go */
export const podTemplateKind = kind<PodTemplate>({
  resource: podTemplates,
  generation: "all-but-metadata",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.template ??= {};
    podTemplateDefaults(draft.template);
  },
  validate: ({ template = {} }) => validatePodTemplate(template, new FieldPath("template")),
  warnings: ({ template }, previous) => templateWarnings(template, previous?.template, "template"),
  columns: [
    nameColumn,
    ...templateColumns<PodTemplate>(({ template }) => template, 0),
    { name: "Pod Labels", type: "string", value: ({ template }) => labelsText(template?.metadata?.labels) },
  ],
});
