import type { Draft } from "../../base/values.ts";
import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { invalidEach, nameErrors } from "../../meta/validation.ts";
import { checkDnsSubdomain } from "../field-checks.ts";
import type { PersistentVolumeClaimSpec, TypedObjectReference } from "../generated/types/core-v1.ts";

// dataSource and its successor dataSourceRef say the same, unless the latter crosses namespaces. @upstream pkg/api/persistentvolumeclaim/util.go

/** Fills the one from the other. */
export function syncDataSources(spec: Draft<PersistentVolumeClaimSpec>): void {
  const { dataSource, dataSourceRef } = spec;
  if (dataSource !== undefined && dataSourceRef === undefined) spec.dataSourceRef = { ...dataSource };
  else if (dataSourceRef !== undefined && dataSource === undefined && (dataSourceRef.namespace ?? "") === "") {
    const { apiGroup, kind, name } = dataSourceRef;
    spec.dataSource = { ...(apiGroup === undefined ? {} : { apiGroup }), kind, name };
  }
}

/** The older field only ever meant claims and snapshots; others were dropped silently, and still are. */
export function dropForeignDataSource(spec: Draft<PersistentVolumeClaimSpec>): void {
  const { dataSource } = spec;
  if (dataSource === undefined) return;
  const isClaim = dataSource.kind === "PersistentVolumeClaim" && (dataSource.apiGroup ?? "") === "";
  const isSnapshot = dataSource.kind === "VolumeSnapshot" && dataSource.apiGroup === "snapshot.storage.k8s.io";
  if (!isClaim && !isSnapshot) delete spec.dataSource;
}

/** @upstream pkg/apis/core/validation/validation.go validateDataSource, validateDataSourceRef */
export function* validateDataSources(path: FieldPath, { dataSource, dataSourceRef }: PersistentVolumeClaimSpec): Iterable<FieldError> {
  if (dataSource !== undefined) yield* validateReference(path.child("dataSource"), dataSource);
  if (dataSourceRef !== undefined) yield* validateReference(path.child("dataSourceRef"), dataSourceRef);
  if (dataSource === undefined || dataSourceRef === undefined) return;
  // Upstream prints the path's struct as the value; its text says as much.
  const at = path.child("dataSource").toString();
  if ((dataSourceRef.namespace ?? "") !== "") yield path.invalid(at, "may not be specified when dataSourceRef.namespace is specified");
  else if (dataSource.apiGroup !== dataSourceRef.apiGroup || dataSource.kind !== dataSourceRef.kind || dataSource.name !== dataSourceRef.name) {
    yield path.invalid(at, "must match dataSourceRef");
  }
}

function* validateReference(path: FieldPath, { name = "", kind = "", apiGroup = "", namespace = "" }: Partial<TypedObjectReference>): Iterable<FieldError> {
  if (name === "") yield path.child("name").required();
  if (kind === "") yield path.child("kind").required();
  if (apiGroup === "" && kind !== "PersistentVolumeClaim") yield path.invalid(kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  if (apiGroup !== "") yield* checkDnsSubdomain(path.child("apiGroup"), apiGroup);
  if (namespace !== "") yield* invalidEach(path.child("namespace"), namespace, nameErrors("dns-label", namespace));
}
