import type { RequestInfo } from "../request-info.ts";

const subresources = new Set(["attach", "exec", "proxy", "log", "portforward"]);

/** Requests that are meant to last: no timeout ends them, and they are not counted. @upstream pkg/controlplane/apiserver/config.go BasicLongRunningRequestCheck */
export function isLongRunning({ resource }: RequestInfo): boolean {
  return resource !== undefined && (resource.verb === "watch" || subresources.has(resource.subresource));
}
