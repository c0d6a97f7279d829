import { type Draft, clone, deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import type { Container, Pod, PodSpec, ResourceRequirements } from "../generated/types/core-v1.ts";
import type { Unchecked } from "../unchecked.ts";
import { podQosClass, recordedQosClass } from "./pod-qos.ts";
import { isSidecar } from "./pod-resources.ts";
import type { ResourceList } from "./resource-list.ts";
import { mirrorAnnotation } from "./validate-pod-annotations.ts";

const path = new FieldPath("spec");
const resizable = new Set(["cpu", "memory"]);

/** A write to `pods/resize` changes nothing but the resources and resize policies of containers, and the pod's own resources. @upstream pkg/registry/core/pod/strategy.go podResizeStrategy */
export function prepareResize(draft: Draft<Pod>, previous: Pod): void {
  const wanted = draft.spec;
  draft.spec = clone(previous.spec);
  for (const list of ["containers", "initContainers"] as const)
    for (const container of draft.spec[list] ?? []) {
      const asked = wanted[list]?.find(({ name }) => name === container.name);
      if (asked === undefined) continue;
      container.resources = asked.resources ?? {};
      if (asked.resizePolicy === undefined) delete container.resizePolicy;
      else container.resizePolicy = asked.resizePolicy;
    }
  if (wanted.resources !== undefined) draft.spec.resources = wanted.resources;
  if (previous.status === undefined) delete draft.status;
  else draft.status = clone(previous.status);
}

/** CPU and memory change, the class does not, and nothing is taken away; the pod's own validation runs besides. @upstream ValidatePodResize */
export function validateResize(next: Pod, previous: Pod): FieldError[] {
  if (previous.metadata.annotations?.[mirrorAnnotation] !== undefined) return [new FieldPath().forbidden("static pods cannot be resized")];
  if (previous.spec.os?.name === "windows") return [new FieldPath().forbidden("windows pods cannot be resized")];
  const errors: FieldError[] = [];
  const running = previous.status?.containerStatuses?.find(({ state }) => state?.running !== undefined);
  if (running !== undefined && running.resources === undefined) errors.push(path.forbidden("Pod running on node without support for resize"));
  if (recordedQosClass(previous) !== podQosClass(next.spec)) errors.push(path.invalid(next.status?.qosClass ?? "", "Pod QOS Class may not change as a result of resizing"));
  for (const list of ["initContainers", "containers"] as const)
    for (const [index, container] of (next.spec[list] ?? []).entries()) {
      const old = previous.spec[list]?.[index];
      if (old === undefined) continue;
      const place = path.child(list).index(index).child("resources");
      if (list === "containers" || isSidecar(old)) errors.push(...validateKept(container.resources, old.resources, place));
      errors.push(...validateOnlyResizable(container, old, list));
    }
  if (errors.length === 0 && !deepEqual(comparable(next.spec), comparable(previous.spec))) errors.push(path.forbidden("only cpu and memory resources are mutable"));
  return errors;
}

/** @upstream validateContainerResize */
function validateKept(next: ResourceRequirements = {}, previous: ResourceRequirements = {}, place: FieldPath): FieldError[] {
  return (["requests", "limits"] as const)
    .filter((list) => Object.keys(previous[list] ?? {}).some((name) => next[list]?.[name] === undefined))
    .map((list) => place.child(list).forbidden(`resource ${list} cannot be removed`));
}

function validateOnlyResizable(next: Container, previous: Container, list: "initContainers" | "containers"): FieldError[] {
  const sidecar = list === "initContainers" && isSidecar(previous);
  if (list === "initContainers" && !sidecar)
    return deepEqual(next.resources ?? {}, previous.resources ?? {}) ? [] : [path.forbidden("resources for non-sidecar init containers are immutable")];
  if (deepEqual(fixed(next.resources), fixed(previous.resources))) return [];
  return [path.forbidden(sidecar ? "only cpu and memory resources for sidecar containers are mutable" : "only cpu and memory resources are mutable")];
}

/** What of a container's resources stays as it was made. */
function fixed({ requests, limits, claims }: ResourceRequirements = {}): unknown {
  const rest = (list: ResourceList | undefined): ResourceList => Object.fromEntries(Object.entries(list ?? {}).filter(([name]) => !resizable.has(name)));
  return { requests: rest(requests), limits: rest(limits), claims };
}

function comparable({ containers = [], initContainers, resources: _resources, ...rest }: Unchecked<PodSpec>): unknown {
  const strip = ({ resources: _own, resizePolicy: _policy, ...container }: Container): unknown => container;
  return { ...rest, containers: containers.map(strip), initContainers: initContainers?.map(strip) };
}
