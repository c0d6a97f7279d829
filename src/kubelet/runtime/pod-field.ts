import type { Container, Pod, ResourceFieldSelector } from "../../api/generated/types/core-v1.ts";
import { Quantity } from "../../meta/quantity.ts";

/** What a field reference may need beyond the object. */
export interface PodFieldContext {
  readonly nodeName: string;
  readonly hostIPs: readonly string[];
  readonly podIPs: readonly string[];
}

/** The text of a field for the downward API; throws for one that is not offered. @upstream pkg/fieldpath/fieldpath.go */
export function podField(pod: Pod, path: string, context: PodFieldContext): string {
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (subscript !== null) return pod.metadata[subscript[1] as "labels" | "annotations"]?.[subscript[2] ?? ""] ?? "";
  switch (path) {
    case "metadata.name":
      return pod.metadata.name ?? "";
    case "metadata.namespace":
      return pod.metadata.namespace ?? "";
    case "metadata.uid":
      return pod.metadata.uid ?? "";
    case "metadata.labels":
      return formatMap(pod.metadata.labels);
    case "metadata.annotations":
      return formatMap(pod.metadata.annotations);
    case "spec.nodeName":
      return context.nodeName;
    case "spec.serviceAccountName":
      return pod.spec.serviceAccountName ?? "";
    case "status.hostIP":
      return context.hostIPs[0] ?? "";
    case "status.hostIPs":
      return context.hostIPs.join(",");
    case "status.podIP":
      return context.podIPs[0] ?? "";
    case "status.podIPs":
      return context.podIPs.join(",");
    default:
      throw new Error(`unsupported fieldPath: ${path}`);
  }
}

/** `key="value"` lines, sorted. */
function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join("\n");
}

/** A container's request or limit in units of the divisor, rounded up; a limit that is not set is the node's. @upstream pkg/api/v1/resource/helpers.go */
export function resourceField(container: Container, selector: ResourceFieldSelector, allocatable: Readonly<Record<string, string>>): string {
  const [kind = "", ...rest] = selector.resource.split(".");
  const name = rest.join(".");
  if (kind !== "limits" && kind !== "requests") throw new Error(`unsupported container resource : ${selector.resource}`);
  const { limits, requests } = container.resources ?? {};
  const text =
    kind === "limits"
      ? (limits?.[name] ?? (name === "cpu" || name === "memory" || name === "ephemeral-storage" ? allocatable[name] : undefined))
      : (requests?.[name] ?? limits?.[name]);
  const value = Quantity.parse(text ?? "0");
  const divisor = selector.divisor === undefined || Quantity.parse(selector.divisor).isZero ? Quantity.of(1) : Quantity.parse(selector.divisor);
  const quotient = value.nanos / divisor.nanos;
  return String(quotient * divisor.nanos === value.nanos ? quotient : quotient + 1n);
}
