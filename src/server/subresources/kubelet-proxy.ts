import type { Node, Pod } from "../../api/generated/types/core-v1.ts";
import { invariant } from "../../base/invariant.ts";
import { badRequest, failure, forbidden, notFound } from "../../meta/status-error.ts";
import type { ApiResponse, ProxyTarget } from "../../meta/wire.ts";
import type { AdmissionRequest } from "../admission/admission.ts";
import { annotateIn } from "../audit/annotate.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import type { SpecialHandler } from "../dispatch.ts";
import { keyFor } from "../resources/served-resource.ts";
import { isTrue } from "../request-info.ts";
import { isProxyable } from "./proxyable.ts";
import { splitProxyName } from "./proxy-name.ts";

const KUBELET_PORT = 10250;

/** Which of a pod's containers is meant when the caller names none. @upstream pkg/registry/core/pod/strategy.go */
function containerFor(pod: Pod, asked: string | null): string {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  const name = pod.metadata.name ?? "";
  if (asked !== null && asked !== "") {
    if ([...containers, ...initContainers, ...ephemeralContainers].some((container) => container.name === asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const [only] = containers;
  if (containers.length === 1 && only !== undefined) return only.name;
  const choices = `choose one of: [${containers.map((container) => container.name).join(" ")}]`;
  const inits = initContainers.length > 0 ? ` or one of the init containers: [${initContainers.map((container) => container.name).join(" ")}]` : "";
  throw badRequest(`a container name must be specified for pod ${name}, ${choices}${inits}`);
}

async function podOf(parts: ServerParts, { served, target }: ResourceContext): Promise<Pod> {
  const { storage } = served;
  invariant(storage, "pods are not stored");
  await parts.cache.fresh();
  const pod = storage.cache.get(keyFor(storage, target.namespace, target.name))?.object as Pod | undefined;
  if (pod === undefined) throw notFound({ ...served.resource, name: target.name });
  return pod;
}

function kubeletOf(parts: ServerParts, nodeName: string): { readonly host: string; readonly port: number } {
  const nodes = parts.table.get("", "v1", "nodes");
  invariant(nodes?.storage, "nodes are not stored");
  const node = nodes.storage.cache.get(keyFor(nodes.storage, "", nodeName))?.object as Node | undefined;
  if (node === undefined) throw notFound({ group: "", resource: "nodes", name: nodeName });
  const addresses = node.status?.addresses ?? [];
  for (const type of ["InternalIP", "Hostname", "InternalDNS", "ExternalDNS", "ExternalIP"]) {
    const address = addresses.find((candidate) => candidate.type === type)?.address;
    if (address !== undefined && address !== "") return { host: address, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? KUBELET_PORT };
  }
  throw failure("InternalError", `no preferred addresses found; known addresses: [${addresses.map(({ address }) => address).join(" ")}]`);
}

function toKubelet(parts: ServerParts, nodeName: string, path: string, clusterCa: string): ApiResponse {
  const target: ProxyTarget = { scheme: "https", ...kubeletOf(parts, nodeName), path, headers: {}, identity: "kubelet-client", ca: clusterCa, serverName: nodeName };
  return { status: 200, headers: {}, body: { type: "proxy", target } };
}

function mustBePlaced(pod: Pod, why: (name: string) => string): string {
  const nodeName = pod.spec.nodeName ?? "";
  if (nodeName === "") throw badRequest(why(pod.metadata.name ?? ""));
  return nodeName;
}

/** GET pods/NAME/log: streamed from the pod's kubelet. */
export function podLog(clusterCa: string): SpecialHandler {
  return async (parts, context) => {
    const pod = await podOf(parts, context);
    const container = containerFor(pod, context.query.get("container"));
    const { namespace = "", name = "" } = pod.metadata;
    const nodeName = pod.spec.nodeName ?? "";
    // A pod without a node has no logs yet: an empty answer, as upstream gives it.
    if (nodeName === "") return { status: 200, headers: {}, body: { type: "bytes", contentType: "text/plain", chunks: [] } };
    const query = new URLSearchParams();
    for (const key of ["follow", "previous", "sinceSeconds", "sinceTime", "timestamps", "tailLines", "limitBytes", "stream"]) {
      const value = context.query.get(key);
      if (value !== null) query.set(key, value);
    }
    return toKubelet(parts, nodeName, `/containerLogs/${namespace}/${name}/${encodeURIComponent(container)}?${query.toString()}`, clusterCa);
  };
}

/** pods/NAME/{exec,attach,portforward}: an upgrade, joined with the pod's kubelet. */
export function podStream(kind: "exec" | "attach" | "portforward", clusterCa: string): SpecialHandler {
  return async (parts, context) => {
    const { query, served, target, user, request } = context;
    const pod = await podOf(parts, context);
    await admitConnect(parts, context);
    const nodeName = mustBePlaced(pod, (name) => `pod ${name} does not have a host assigned`);
    const { namespace = "", name = "" } = pod.metadata;
    const forwarded = new URLSearchParams();
    let path = kind === "portforward" ? "portForward" : kind;
    path = `/${path}/${namespace}/${name}`;
    if (kind === "portforward") for (const port of query.getAll("ports")) forwarded.append("port", port);
    else {
      path += `/${encodeURIComponent(containerFor(pod, query.get("container")))}`;
      if (kind === "exec" && query.getAll("command").length === 0) throw badRequest("you must specify at least one command for the container");
      for (const command of query.getAll("command")) forwarded.append("command", command);
      for (const [from, to] of [
        ["stdin", "input"],
        ["stdout", "output"],
        ["stderr", "error"],
        ["tty", "tty"],
      ] as const) {
        if (isTrue(query.get(from))) forwarded.set(to, "1");
      }
    }
    if (request.caller.type === "network" && !request.caller.upgradable) throw badRequest("Upgrade request required");
    // Since v1.35 both verbs are asked for: opening a stream by GET needs the right to create it too. @upstream AuthorizePodWebsocketUpgradeCreatePermission
    if (target.verb !== "create") {
      const decision = await parts.authorizer.authorize({
        user,
        verb: "create",
        group: "",
        version: "v1",
        resource: "pods",
        subresource: kind,
        namespace: target.namespace,
        name: target.name,
        path: request.path,
        isResource: true,
      });
      if (decision.verdict !== "allow")
        throw forbidden(
          { group: "", resource: served.resource.resource, name: target.name },
          `User ${JSON.stringify(user.name)} cannot create resource "pods/${kind}" in API group "" in the namespace ${JSON.stringify(target.namespace)}`,
        );
    }
    return toKubelet(parts, nodeName, `${path}?${forwarded.toString()}`, clusterCa);
  };
}

async function admitConnect(parts: ServerParts, { served, target, user, warnings, audit, query, work }: ResourceContext): Promise<void> {
  const request: AdmissionRequest = {
    operation: "CONNECT",
    served,
    subresource: target.subresource,
    namespace: target.namespace,
    name: target.name,
    user,
    dryRun: false,
    object: undefined,
    previous: undefined,
    options: Object.fromEntries(query),
    work,
    alsoCommit: [],
    warn: (text) => warnings.push(text),
    annotate: annotateIn(audit),
  };
  await parts.admission.mutate(request);
  await parts.admission.validate(request);
}

/**
 * nodes/NAME/proxy/…: any path of the node's kubelet. On another port (`nodes/https:NAME:9100/proxy/`) it is nobody whom
 * this server vouches to: no identity is shown there, and not every address is reached. @upstream pkg/registry/core/node/strategy.go ResourceLocation
 */
export function nodeProxy(clusterCa: string): SpecialHandler {
  return (parts, { target, query }) => {
    const place = splitProxyName(target.name);
    if (place === undefined) throw badRequest(`invalid node request ${JSON.stringify(target.name)}`);
    const path = `/${target.rest}${query.size === 0 ? "" : `?${query.toString()}`}`;
    const { host, port: own } = kubeletOf(parts, place.name);
    if (place.port === "" || place.port === String(own)) return Promise.resolve(toKubelet(parts, place.name, path, clusterCa));
    const port = Number(place.port);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw badRequest(`invalid node request ${JSON.stringify(target.name)}`);
    if (!isProxyable(host)) throw badRequest("address not allowed");
    return Promise.resolve({ status: 200, headers: {}, body: { type: "proxy", target: { scheme: place.scheme, host, port, path, headers: {}, identity: "none" } } });
  };
}
