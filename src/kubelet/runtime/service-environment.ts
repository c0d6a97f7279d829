import type { Service } from "../../api/generated/types/core-v1.ts";

const joinHostPort = (host: string, port: number): string => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);
const variableName = (text: string): string => text.toUpperCase().replaceAll("-", "_");

/** Whether a service's address can be said in variables. */
const hasAddress = ({ spec }: Service): boolean => spec?.clusterIP !== undefined && spec.clusterIP !== "" && spec.clusterIP !== "None";

/**
 * The variables a container sees of the services in its namespace, and of the API server's in any.
 * Example: `WEB_SERVICE_HOST=10.96.0.7`. @upstream pkg/kubelet/envvars/envvars.go
 */
export function serviceEnvironment(services: readonly Service[], options: { readonly namespace: string; readonly links: boolean }): ReadonlyMap<string, string> {
  const chosen = new Map<string, Service>();
  for (const service of services) {
    if (!hasAddress(service)) continue;
    const { name = "", namespace = "" } = service.metadata;
    if (namespace === options.namespace && options.links) chosen.set(name, service);
    else if (namespace === "default" && name === "kubernetes" && !chosen.has(name)) chosen.set(name, service);
  }
  const variables = new Map<string, string>();
  for (const [name, service] of chosen) addService(variables, name, service);
  return variables;
}

function addService(variables: Map<string, string>, name: string, { spec }: Service): void {
  const prefix = variableName(name);
  const ports = spec?.ports ?? [];
  const [first] = ports;
  const host = spec?.clusterIP ?? "";
  if (first === undefined) return;
  variables.set(`${prefix}_SERVICE_HOST`, host);
  variables.set(`${prefix}_SERVICE_PORT`, String(first.port));
  for (const port of ports) if (port.name !== undefined && port.name !== "") variables.set(`${prefix}_SERVICE_PORT_${variableName(port.name)}`, String(port.port));
  for (const [index, port] of ports.entries()) {
    const protocol = (port.protocol ?? "TCP").toUpperCase();
    const url = `${protocol.toLowerCase()}://${joinHostPort(host, port.port)}`;
    const portPrefix = `${prefix}_PORT_${port.port}_${protocol}`;
    if (index === 0) variables.set(`${prefix}_PORT`, url);
    variables.set(portPrefix, url);
    variables.set(`${portPrefix}_PROTO`, protocol.toLowerCase());
    variables.set(`${portPrefix}_PORT`, String(port.port));
    variables.set(`${portPrefix}_ADDR`, host);
  }
}
