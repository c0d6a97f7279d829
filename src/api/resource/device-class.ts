import { FieldPath } from "../../meta/field-path.ts";
import { qualifiedNameErrors } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { deviceClasses } from "../generated/resources.ts";
import type { DeviceClass } from "../generated/types/resource-v1.ts";
import { kind } from "../kind.ts";
import { isExtendedResource } from "../pod/resource-name.ts";
import { checkOpaque, validateSelectors } from "./device-requests.ts";
import { checkList } from "./lists.ts";

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
    yield* checkList(path.child("config"), config, maxConfigs, (at, { opaque }) => checkOpaque(at, opaque));
    if (extendedResourceName !== undefined && !isValidResource(extendedResourceName))
      yield path.child("extendedResourceName").invalid(extendedResourceName, "must be a valid extended resource name");
  },
  columns: [nameColumn, ageColumn],
});

/** It may also be a resource quota's with `requests.` before it. @upstream IsExtendedResourceName */
function isValidResource(name: string): boolean {
  return isExtendedResource(name) && qualifiedNameErrors(`requests.${name}`).length === 0;
}
