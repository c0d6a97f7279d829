import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { deepEqual } from "../../base/values.ts";
import type { HttpAnswer } from "../../platform/network.ts";
import type { PeerClient } from "../../platform/peer-client.ts";
import type { PeerResource } from "../discovery/group-directory.ts";
import { discoveryPathOf, placeKey, type RemoteApiService, trustOf } from "./api-services.ts";
import { askPeer } from "./ask-peer.ts";
import { boundedBody, dropBody } from "./bounded-body.ts";
import { readAggregated, readLegacy, readOpenApiIndex } from "./read-discovery.ts";
import type { ServiceResolver } from "./resolve-service.ts";

const WITHIN_MS = 5_000;
const MOST_BYTES = 8 << 20;
const DISCOVERY = ["v2", "v2beta1"].map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`).join(",");
const decoder = new TextDecoder();

/** What is known of one server. */
interface Facts {
  /** Of the aggregated discovery document. */
  etag: string;
  /** Whether `resources` is all that it serves; else it is what was asked for. */
  whole: boolean;
  /** By `group/version`. */
  resources: ReadonlyMap<string, readonly PeerResource[]>;
  /** Hashes of its OpenAPI v3 documents by path. */
  openApi: ReadonlyMap<string, string>;
  /** The last attempt to ask it failed. */
  failed: boolean;
}

export interface PeerFactsDeps {
  readonly services: ServiceResolver;
  readonly peers: PeerClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when something else is known than before. */
  changed(): void;
}

/** What other servers say that they serve: asked for when they are found to be there, and again with every check. @upstream kube-aggregator/pkg/apiserver/handler_discovery.go */
export class PeerFacts {
  readonly #deps: PeerFactsDeps;
  /** By the service; bounded by the APIServices there are, see `keepOnly`. */
  readonly #facts = new Map<string, Facts>();

  constructor(deps: PeerFactsDeps) {
    this.#deps = deps;
  }

  /** What a server serves in a group version; undefined when it never said. */
  resources({ place, group, version }: RemoteApiService): readonly PeerResource[] | undefined {
    return this.#facts.get(placeKey(place))?.resources.get(`${group}/${version}`);
  }

  /** Whether what is known was true at the last look. */
  isCurrent(remote: RemoteApiService): boolean {
    return this.#facts.get(placeKey(remote.place))?.failed === false && this.resources(remote) !== undefined;
  }

  /** The hash of the OpenAPI v3 document at a path; undefined when there is none. */
  openApiHash({ place }: RemoteApiService, path: string): string | undefined {
    return this.#facts.get(placeKey(place))?.openApi.get(path);
  }

  /** Asks a server what it serves. Never rejects: what cannot be had is stale. */
  async learn(remote: RemoteApiService, signal: AbortSignal): Promise<void> {
    const key = placeKey(remote.place);
    const before = this.#facts.get(key) ?? { etag: "", whole: false, resources: new Map(), openApi: new Map(), failed: true };
    let next: Facts;
    try {
      const [discovered, openApi] = await Promise.all([this.#discover(remote, before, signal), this.#openApiIndex(remote, before, signal)]);
      next = { ...discovered, openApi, failed: false };
    } catch (error) {
      if (signal.aborted) return;
      this.#deps.log.debug("discovery of another server failed", { apiService: remote.name, error });
      next = { ...before, failed: true };
    }
    // Another group version of the same server may have been asked for meanwhile.
    const latest = this.#facts.get(key);
    if (latest !== undefined && !next.whole) next = { ...next, resources: new Map([...latest.resources, ...next.resources]) };
    this.#facts.set(key, next);
    if (latest === undefined || !isSame(latest, next)) this.#deps.changed();
  }

  /** Forgets the servers that no APIService names. */
  keepOnly(places: ReadonlySet<string>): void {
    for (const key of this.#facts.keys()) if (!places.has(key)) this.#facts.delete(key);
  }

  async #discover(remote: RemoteApiService, before: Facts, signal: AbortSignal): Promise<Pick<Facts, "etag" | "whole" | "resources">> {
    const headers = { accept: `${DISCOVERY},application/json`, ...(before.etag === "" ? {} : { "if-none-match": before.etag }) };
    const answer = await this.#get(remote, "/apis", headers, signal);
    if (answer.status === 304) return before;
    const aggregated = readAggregated(answer.document);
    if (aggregated !== undefined) return { etag: answer.etag, whole: true, resources: aggregated };
    const legacy = await this.#get(remote, discoveryPathOf(remote), {}, signal);
    const resources = readLegacy(legacy.document, remote);
    if (resources === undefined) throw new Error(`no discovery document for ${remote.name}: status ${legacy.status}`);
    return { etag: "", whole: false, resources: new Map([...before.resources, [`${remote.group}/${remote.version}`, resources]]) };
  }

  /** Empty for a server that has no OpenAPI v3. */
  async #openApiIndex(remote: RemoteApiService, before: Facts, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    try {
      const { status, document } = await this.#get(remote, "/openapi/v3", {}, signal);
      return status === 200 ? readOpenApiIndex(document) : new Map();
    } catch {
      return before.openApi;
    }
  }

  #get(
    remote: RemoteApiService,
    path: string,
    headers: { readonly [name: string]: string },
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly etag: string; readonly document: unknown }> {
    const { services } = this.#deps;
    const read = async (answer: HttpAnswer): Promise<{ readonly status: number; readonly etag: string; readonly document: unknown }> => {
      const { status } = answer;
      if (status !== 200) {
        await dropBody(answer);
        return { status, etag: "", document: undefined };
      }
      const text = decoder.decode(await boundedBody(answer, MOST_BYTES));
      return { status, etag: answer.headers["etag"] ?? "", document: parse(text) };
    };
    return askPeer({ location: services.resolve(remote.place), trust: trustOf(remote), path, headers, withinMs: WITHIN_MS }, read, { ...this.#deps, signal });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isSame(a: Facts, b: Facts): boolean {
  const plain = ({ resources, openApi, failed }: Facts): unknown => [Object.fromEntries(resources), Object.fromEntries(openApi), failed];
  return deepEqual(plain(a), plain(b));
}
