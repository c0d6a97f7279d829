import { FieldPath } from "../../meta/field-path.ts";
import { validateImmutable } from "../../meta/validation.ts";
import { ageColumn } from "../columns.ts";
import { checkDriverName } from "../core/volume-sources.ts";
import { volumeAttributesClasses } from "../generated/resources.ts";
import type { VolumeAttributesClass } from "../generated/types/storage-v1.ts";
import { kind } from "../kind.ts";
import { validateClassParameters } from "./class-parameters.ts";

const defaultAnnotation = "storage.alpha.kubernetes.io/is-default-class";

/** @upstream pkg/registry/storage/volumeattributesclass/strategy.go */
export const volumeAttributesClassKind = kind<VolumeAttributesClass>({
  resource: volumeAttributesClasses,
  shortNames: ["vac"],
  generation: "none",
  allowUnconditionalUpdate: true,
  *validate({ driverName, parameters = {} }) {
    yield* checkDriverName(new FieldPath("driverName"), driverName);
    const path = new FieldPath("parameters");
    if (Object.keys(parameters).length === 0) yield path.required("must contain at least one key/value pair");
    else yield* validateClassParameters(path, parameters);
  },
  *validateUpdate(next, previous) {
    yield* validateImmutable(next.driverName, previous.driverName, new FieldPath("driverName"));
    yield* validateImmutable(next.parameters, previous.parameters, new FieldPath("parameters"));
  },
  columns: [
    {
      name: "Name",
      type: "string",
      format: "name",
      value: ({ metadata }) => `${metadata.name ?? ""}${metadata.annotations?.[defaultAnnotation] === "true" ? " (default)" : ""}`,
    },
    { name: "DriverName", type: "string", value: ({ driverName }) => driverName },
    ageColumn,
  ],
});
