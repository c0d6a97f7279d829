import { ageColumn, nameColumn } from "../columns.ts";
import type { Scale } from "../generated/types/autoscaling-v1.ts";
import type { Column } from "../kind.ts";
import type { KubeObject } from "../../meta/object.ts";

const count = (name: string, read: (scale: Scale) => number | undefined): Column<KubeObject> => ({ name, type: "integer", value: (scale) => read(scale as Scale) ?? 0 });

/** How `get --subresource=scale` shows what scales. @upstream pkg/printers/internalversion/printers.go printScale */
export const scaleColumns: readonly Column<KubeObject>[] = [
  nameColumn,
  count("Desired", ({ spec }) => spec.replicas),
  count("Available", ({ status }) => status?.replicas),
  ageColumn,
];
