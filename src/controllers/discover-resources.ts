import type { Clock } from "../base/clock.ts";
import type { Client } from "../client/client.ts";
import type { APIGroupList, APIResourceList } from "../meta/generated/meta-v1.ts";
import type { AnyObject } from "../meta/object.ts";
import { parseApiVersion, type Resource } from "../meta/resource.ts";
import { hasReason } from "../meta/status-error.ts";
import { messageOf } from "./failures.ts";

/** A resource that the server says it serves, in its group's preferred version; in the first of the others when that lacks it. */
export interface DiscoveredResource extends Resource<AnyObject> {
  readonly verbs: readonly string[];
}

export interface Discovery {
  readonly resources: readonly DiscoveredResource[];
  /** `metrics.k8s.io/v1beta1` to why it could not be asked. */
  readonly failures: ReadonlyMap<string, string>;
}

/** Asks the server for all its resources, each once; a group that fails does not hide the others. Throws when the server does not answer at all. @upstream client-go/discovery ServerPreferredResources */
export async function discoverResources(client: Pick<Client, "raw">): Promise<Discovery> {
  const groups = (await client.raw("GET", "/apis")) as APIGroupList;
  const failures = new Map<string, string>();
  const ask = async (groupVersion: string): Promise<readonly DiscoveredResource[]> => {
    try {
      return resourcesOf((await client.raw("GET", groupVersion === "v1" ? "/api/v1" : `/apis/${groupVersion}`)) as APIResourceList);
    } catch (error) {
      // @upstream client-go/discovery/aggregated_discovery.go StaleGroupVersionError
      failures.set(groupVersion, hasReason(error, "ServiceUnavailable") ? `stale GroupVersion discovery: ${groupVersion}` : messageOf(error));
      return [];
    }
  };
  const lists = await Promise.all([
    ask("v1"),
    ...groups.groups.map(async ({ preferredVersion, versions }) => {
      const names = new Set([...(preferredVersion === undefined ? [] : [preferredVersion.groupVersion]), ...versions.map(({ groupVersion }) => groupVersion)]);
      const found = new Map<string, DiscoveredResource>();
      for (const one of (await Promise.all([...names].map(ask))).flat()) if (!found.has(one.resource)) found.set(one.resource, one);
      return [...found.values()];
    }),
  ]);
  return { resources: lists.flat(), failures };
}

function resourcesOf(list: APIResourceList): readonly DiscoveredResource[] {
  const { group, version } = parseApiVersion(list.groupVersion);
  return list.resources.filter(({ name }) => !name.includes("/")).map(({ name, kind, namespaced, verbs }) => ({ group, version, resource: name, kind, namespaced, verbs }));
}

/** How long an answer is good for those who look things up often. */
const freshMs = 30_000;

/** Asks again only after a while. Concurrent askers share one answer; a failure is not kept. */
export function cachedDiscovery(client: Pick<Client, "raw">, clock: Clock): () => Promise<Discovery> {
  let known: { readonly answer: Promise<Discovery>; readonly atMs: number } | undefined;
  return () => {
    const nowMs = clock.now();
    if (known === undefined || nowMs - known.atMs > freshMs) {
      const answer = discoverResources(client);
      known = { answer, atMs: nowMs };
      answer.catch(() => {
        known = undefined;
      });
    }
    return known.answer;
  };
}

/** One text for all that failed, as client-go words it. */
export function discoveryFailureText(failures: ReadonlyMap<string, string>): string {
  const parts = [...failures].map(([groupVersion, message]) => `${groupVersion}: ${message}`);
  return `unable to retrieve the complete list of server APIs: ${parts.join(", ")}`;
}
