import { ageColumn, nameColumn } from "../columns.ts";
import { nodes } from "../generated/resources.ts";
import type { Node } from "../generated/types/core-v1.ts";
import { kind } from "../kind.ts";
import { textColumn } from "../workload-columns.ts";
import { nodeRoles, nodeStatusText } from "./node-text.ts";
import { validateNode, validateNodeUpdate } from "./node-validation.ts";

const addressOf = ({ status }: Node, wanted: string): string | undefined => status?.addresses?.find(({ type }) => type === wanted)?.address;
const unknown = "<unknown>";

/** @upstream pkg/registry/core/node/strategy.go */
export const nodeKind = kind<Node>({
  resource: nodes,
  shortNames: ["no"],
  generation: "none",
  keepsStatusOnCreate: true,
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= {};
    const { status, spec } = draft;
    if (status?.capacity !== undefined) status.allocatable ??= { ...status.capacity };
    // podCIDR is podCIDRs[0]; where they differ podCIDR wins. @upstream pkg/apis/core/v1/conversion.go
    const first = spec.podCIDRs?.[0];
    if (spec.podCIDR !== undefined && spec.podCIDR !== "" && spec.podCIDR !== first) spec.podCIDRs = [spec.podCIDR];
    else if (first !== undefined) spec.podCIDR = first;
  },
  validate: validateNode,
  validateUpdate: validateNodeUpdate,
  validateStatusUpdate: (node, previous) => [...validateNode(node), ...validateNodeUpdate(node, previous)],
  columns: [
    nameColumn,
    { name: "Status", type: "string", value: nodeStatusText },
    { name: "Roles", type: "string", value: (node) => nodeRoles(node).join(",") || "<none>" },
    ageColumn,
    { name: "Version", type: "string", value: ({ status }) => status?.nodeInfo?.kubeletVersion ?? "" },
    textColumn("Internal-IP", (node) => addressOf(node, "InternalIP"), 1),
    textColumn("External-IP", (node) => addressOf(node, "ExternalIP"), 1),
    textColumn("OS-Image", ({ status }) => status?.nodeInfo?.osImage, 1, unknown),
    textColumn("Kernel-Version", ({ status }) => status?.nodeInfo?.kernelVersion, 1, unknown),
    textColumn("Container-Runtime", ({ status }) => status?.nodeInfo?.containerRuntimeVersion, 1, unknown),
  ],
  fieldSelectors: { "spec.unschedulable": (node) => String(node.spec.unschedulable === true) },
});
