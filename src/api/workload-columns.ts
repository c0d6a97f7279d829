import type { PodTemplateSpec } from "./generated/types/core-v1.ts";
import type { Column } from "./kind.ts";

/** An integer that counts as 0 when absent. */
export function countColumn<T>(name: string, value: (object: T) => number | undefined): Column<T> {
  return { name, type: "integer", value: (object) => value(object) ?? 0 };
}

/** Text that stands as `empty` when there is none. */
export function textColumn<T>(name: string, value: (object: T) => string | undefined, priority = 0, empty = "<none>"): Column<T> {
  return { name, type: "string", ...(priority === 0 ? {} : { priority }), value: (object) => value(object) || empty };
}

/** The containers' names and images of a template, shown with -o wide. @upstream pkg/printers/internalversion/printers.go layoutContainerCells */
export function templateColumns<T>(template: (object: T) => PodTemplateSpec | undefined, priority = 1): readonly Column<T>[] {
  const wide = priority === 0 ? {} : { priority };
  return [
    { name: "Containers", type: "string", ...wide, value: (object) => joined(template(object), "name") },
    { name: "Images", type: "string", ...wide, value: (object) => joined(template(object), "image") },
  ];
}

const joined = (template: PodTemplateSpec | undefined, field: "name" | "image"): string => (template?.spec?.containers ?? []).map((container) => container[field] ?? "").join(",");
