import { FieldPath } from "../../meta/field-path.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { checkQualifiedName } from "../field-checks.ts";
import { deviceClasses } from "../generated/resources.ts";
import type { DeviceClass } from "../generated/types/resource-v1.ts";
import { kind } from "../kind.ts";
import { validateOpaque, validateSelectors } from "./device-requests.ts";

const maxConfigs = 32;

/** @upstream pkg/registry/resource/deviceclass/strategy.go */
export const deviceClassKind = kind<DeviceClass>({
  resource: deviceClasses,
  generation: "spec",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= {};
  },
  *validate({ spec: { selectors = [], config = [], extendedResourceName } }) {
    const path = new FieldPath("spec");
    yield* validateSelectors(path.child("selectors"), selectors);
    if (config.length > maxConfigs) yield path.child("config").tooMany(config.length, maxConfigs);
    for (const [index, { opaque }] of config.entries()) yield* validateOpaque(path.child("config").index(index), opaque);
    if (extendedResourceName !== undefined) yield* checkQualifiedName(path.child("extendedResourceName"), extendedResourceName);
  },
  columns: [nameColumn, ageColumn],
});
