import { nameColumn } from "../columns.ts";
import { componentStatuses } from "../generated/resources.ts";
import type { ComponentCondition, ComponentStatus } from "../generated/types/core-v1.ts";
import { kind } from "../kind.ts";

/** Computed when asked for and never stored. @upstream pkg/registry/core/componentstatus */
export const componentStatusKind = kind<ComponentStatus>({
  resource: componentStatuses,
  shortNames: ["cs"],
  columns: [
    nameColumn,
    { name: "Status", type: "string", value: (object) => statusText(healthOf(object)) },
    { name: "Message", type: "string", value: (object) => healthOf(object)?.message ?? "" },
    { name: "Error", type: "string", value: (object) => healthOf(object)?.error ?? "" },
  ],
});

const healthOf = ({ conditions }: ComponentStatus): ComponentCondition | undefined => conditions?.find(({ type }) => type === "Healthy");

function statusText(health: ComponentCondition | undefined): string {
  if (health === undefined) return "Unknown";
  return health.status === "True" ? "Healthy" : "Unhealthy";
}
