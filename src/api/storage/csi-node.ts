import { deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { utf8Length } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { checkDriverName } from "../core/volume-sources.ts";
import { checkQualifiedName } from "../field-checks.ts";
import { csiNodes } from "../generated/resources.ts";
import type { CSINode, CSINodeDriver } from "../generated/types/storage-v1.ts";
import { kind } from "../kind.ts";

const maxNodeIDBytes = 256;
const driversPath = new FieldPath("spec.drivers");

/** @upstream pkg/registry/storage/csinode/strategy.go */
export const csiNodeKind = kind<CSINode>({
  resource: csiNodes,
  generation: "none",
  defaults(draft) {
    draft.spec ??= { drivers: [] };
    draft.spec.drivers ??= [];
  },
  *validate({ spec }) {
    const names = new Set<string>();
    for (const [index, driver] of spec.drivers.entries()) {
      const path = driversPath.index(index);
      yield* validateDriver(path, driver);
      if (names.has(driver.name)) yield path.child("name").duplicate(driver.name);
      names.add(driver.name);
    }
  },
  *validateUpdate({ spec }, { spec: before }) {
    // A driver comes and goes, but does not change.
    for (const old of before.drivers) {
      const next = spec.drivers.find(({ name }) => name === old.name);
      if (next !== undefined && !deepEqual({ ...next, allocatable: undefined }, { ...old, allocatable: undefined }))
        yield new FieldPath("CSINodeDriver").invalid(next, "field is immutable");
    }
  },
  columns: [nameColumn, { name: "Drivers", type: "integer", value: ({ spec }) => spec.drivers.length }, ageColumn],
});

/** @upstream pkg/apis/storage/validation/validation.go validateCSINodeDriver */
function* validateDriver(path: FieldPath, { name, nodeID = "", allocatable, topologyKeys = [] }: Partial<CSINodeDriver>): Iterable<FieldError> {
  yield* checkDriverName(path.child("name"), name);
  if (nodeID === "") yield path.child("nodeID").required();
  if (utf8Length(nodeID) > maxNodeIDBytes) yield path.child("nodeID").invalid(nodeID, `must be ${maxNodeIDBytes} characters or less`);
  if ((allocatable?.count ?? 0) < 0) yield path.child("allocatable", "count").invalid(allocatable?.count, "must be greater than or equal to 0");
  const keys = new Set<string>();
  for (const key of topologyKeys) {
    const at = path.child("topologyKeys");
    if (keys.has(key)) yield at.duplicate(key);
    keys.add(key);
    yield* checkQualifiedName(at, key);
  }
}
