import type { ObjectReference, Pod, Service } from "../../api/generated/types/core-v1.ts";
import type { EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import { invariant } from "../../base/invariant.ts";
import { badRequest, failure, notFound } from "../../meta/status-error.ts";
import type { ApiResponse, ProxyTarget } from "../../meta/wire.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import { keyFor } from "../resources/served-resource.ts";
import { splitProxyName } from "./proxy-name.ts";
import { isProxyable } from "./proxyable.ts";

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
  if (ip === "" || !isProxyable(ip)) throw badRequest("address not allowed");
  const declared = pod.spec.containers.flatMap((container) => container.ports ?? []);
  const port = place.port === "" ? declared[0]?.containerPort : (declared.find(({ name }) => name === place.port)?.containerPort ?? Number(place.port));
  if (port !== undefined && !isPort(port)) throw badRequest(`invalid pod request "${target.name}"`);
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
  const pods = parts.table.get("", "v1", "pods")?.storage;
  /** Only addresses of pods of this namespace are sent to: a slice may say anything. @upstream pkg/registry/core/service/storage/storage.go isValidAddress */
  const isOfPod = (host: string, reference: ObjectReference | undefined): boolean => {
    if (pods === undefined || reference?.name === undefined || (reference.kind ?? "Pod") !== "Pod" || (reference.namespace ?? target.namespace) !== target.namespace) return false;
    const pod = pods.cache.get(keyFor(pods, target.namespace, reference.name))?.object as Pod | undefined;
    const ips = [pod?.status?.podIP, ...(pod?.status?.podIPs ?? []).map(({ ip }) => ip)];
    return isProxyable(host) && ips.includes(host);
  };
  const ready: { readonly host: string; readonly port: number }[] = [];
  for (const [, entry] of slices.cache.range(`${slices.prefix}${target.namespace}/`)) {
    const slice = entry.object as EndpointSlice;
    if (slice.metadata.labels?.["kubernetes.io/service-name"] !== place.name) continue;
    const port = slice.ports?.find(({ name }) => (name ?? "") === (wanted.name ?? ""))?.port;
    if (port === undefined) continue;
    for (const { addresses, conditions, targetRef } of slice.endpoints ?? []) {
      const [host] = addresses;
      if (conditions?.ready !== false && host !== undefined && isPort(port) && isOfPod(host, targetRef)) ready.push({ host, port });
    }
  }
  const chosen = ready[Math.floor(parts.random.next() * ready.length)];
  if (chosen === undefined) throw unavailable();
  return proxied(context, { scheme: place.scheme, ...chosen });
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}
