import type { Pod, Service } from "../../api/generated/types/core-v1.ts";
import type { EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import { invariant } from "../../base/invariant.ts";
import { badRequest, failure, notFound } from "../../meta/status-error.ts";
import type { ApiResponse, ProxyTarget } from "../../meta/wire.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import { keyFor } from "../resources/served-resource.ts";

/** `https:name:port` to its parts. @upstream apimachinery/pkg/util/net/port_split.go SplitSchemeNamePort */
export function splitProxyName(text: string): { readonly scheme: "http" | "https"; readonly name: string; readonly port: string } | undefined {
  const parts = text.split(":");
  const [first = "", second = "", third = ""] = parts;
  if (parts.length === 1) return { scheme: "http", name: first, port: "" };
  if (parts.length === 2) return { scheme: "http", name: first, port: second };
  if (parts.length === 3 && (first === "http" || first === "https" || first === "")) return { scheme: first === "https" ? "https" : "http", name: second, port: third };
  return undefined;
}

function proxied(context: ResourceContext, to: Pick<ProxyTarget, "scheme" | "host" | "port">): ApiResponse {
  const { target, query } = context;
  const path = `/${target.rest}${query.size === 0 ? "" : `?${query.toString()}`}`;
  return { status: 200, headers: {}, body: { type: "proxy", target: { ...to, path, headers: {}, identity: "none" } } };
}

/** pods/NAME/proxy/…: HTTP to the pod's address; the port defaults to the first declared one. */
export async function podProxy(parts: ServerParts, context: ResourceContext): Promise<ApiResponse> {
  const { served, target } = context;
  const place = splitProxyName(target.name);
  if (place === undefined) throw badRequest(`invalid pod request "${target.name}"`);
  const { storage } = served;
  invariant(storage, "pods are not stored");
  await parts.cache.fresh();
  const pod = storage.cache.get(keyFor(storage, target.namespace, place.name))?.object as Pod | undefined;
  if (pod === undefined) throw notFound({ ...served.resource, name: place.name });
  const ip = pod.status?.podIP ?? "";
  if (ip === "") throw badRequest("address not allowed");
  const declared = pod.spec.containers.flatMap((container) => container.ports ?? []);
  const port = place.port === "" ? declared[0]?.containerPort : (declared.find(({ name }) => name === place.port)?.containerPort ?? Number(place.port));
  if (port !== undefined && !(port > 0)) throw badRequest(`invalid pod request "${target.name}"`);
  return proxied(context, { scheme: place.scheme, host: ip, port: port ?? (place.scheme === "https" ? 443 : 80) });
}

/** services/NAME/proxy/…: HTTP to one of the service's ready endpoints. */
export async function serviceProxy(parts: ServerParts, context: ResourceContext): Promise<ApiResponse> {
  const { served, target } = context;
  const place = splitProxyName(target.name);
  if (place === undefined) throw badRequest(`invalid service request "${target.name}"`);
  const { storage } = served;
  const slices = parts.table.get("discovery.k8s.io", "v1", "endpointslices")?.storage;
  invariant(storage && slices, "services are not stored");
  await parts.cache.fresh();
  const service = storage.cache.get(keyFor(storage, target.namespace, place.name))?.object as Service | undefined;
  if (service === undefined) throw notFound({ ...served.resource, name: place.name });
  const unavailable = (): Error => failure("ServiceUnavailable", `no endpoints available for service ${JSON.stringify(target.name)}`);
  const ports = service.spec.ports ?? [];
  const wanted = place.port === "" ? (ports.length === 1 ? ports[0] : undefined) : ports.find(({ name, port }) => name === place.port || String(port) === place.port);
  if (wanted === undefined) throw unavailable();
  const ready: { readonly host: string; readonly port: number }[] = [];
  for (const [, entry] of slices.cache.range(`${slices.prefix}${target.namespace}/`)) {
    const slice = entry.object as EndpointSlice;
    if (slice.metadata.labels?.["kubernetes.io/service-name"] !== place.name) continue;
    const port = slice.ports?.find(({ name }) => (name ?? "") === (wanted.name ?? ""))?.port;
    if (port === undefined) continue;
    for (const { addresses, conditions } of slice.endpoints ?? []) {
      const [host] = addresses;
      if (conditions?.ready !== false && host !== undefined) ready.push({ host, port });
    }
  }
  const chosen = ready[Math.floor(parts.random.next() * ready.length)];
  if (chosen === undefined) throw unavailable();
  return proxied(context, { scheme: place.scheme, ...chosen });
}
