import { deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { checkDriverName } from "../core/volume-sources.ts";
import { checkDnsSubdomain } from "../field-checks.ts";
import { volumeAttachments } from "../generated/resources.ts";
import type { VolumeAttachment, VolumeAttachmentSpec } from "../generated/types/storage-v1.ts";
import { kind } from "../kind.ts";

/** @upstream pkg/registry/storage/volumeattachment/strategy.go */
export const volumeAttachmentKind = kind<VolumeAttachment>({
  resource: volumeAttachments,
  generation: "none",
  defaults(draft) {
    draft.spec ??= { attacher: "", nodeName: "", source: {} };
    draft.status ??= { attached: false };
    draft.status.attached ??= false;
  },
  prepareCreate(draft) {
    draft.status = { attached: false };
  },
  validate: ({ spec }) => validateSpec(new FieldPath("spec"), spec),
  *validateUpdate({ spec }, previous) {
    if (!deepEqual(spec, previous.spec)) yield new FieldPath("spec").invalid(spec, "field is immutable");
  },
  columns: [
    nameColumn,
    { name: "Attacher", type: "string", format: "name", value: ({ spec }) => spec.attacher },
    { name: "PV", type: "string", value: ({ spec }) => spec.source.persistentVolumeName ?? "" },
    { name: "Node", type: "string", value: ({ spec }) => spec.nodeName },
    { name: "Attached", type: "boolean", value: ({ status }) => status?.attached ?? false },
    ageColumn,
  ],
});

/** @upstream pkg/apis/storage/validation/validation.go validateVolumeAttachmentSpec */
function* validateSpec(path: FieldPath, { attacher, nodeName, source = {} }: Partial<VolumeAttachmentSpec>): Iterable<FieldError> {
  yield* checkDriverName(path.child("attacher"), attacher);
  const { inlineVolumeSpec, persistentVolumeName } = source;
  const exactlyOne = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  const at = path.child("source");
  if (inlineVolumeSpec === undefined && persistentVolumeName === undefined) yield at.required(exactlyOne);
  if (inlineVolumeSpec !== undefined && persistentVolumeName !== undefined) yield at.forbidden(exactlyOne);
  if (persistentVolumeName === "") yield at.child("persistentVolumeName").required("must specify non empty persistentVolumeName");
  if (inlineVolumeSpec !== undefined && inlineVolumeSpec.csi === undefined)
    yield at.child("inlineVolumeSpec", "csi").required("has to be specified in the context of inline volumes");
  yield* checkDnsSubdomain(path.child("nodeName"), nodeName);
}
