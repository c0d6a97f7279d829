import { type Clock, sleep } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { HttpAnswer } from "../../platform/network.ts";
import type { PeerClient } from "../../platform/peer-client.ts";
import { underPaths } from "../openapi/merge-v2.ts";
import type { PeerDocuments, PeerV2 } from "../openapi/peer-documents.ts";
import { type ApiServices, discoveryPathOf, placeKey, type RemoteApiService, trustOf } from "./api-services.ts";
import { askPeer } from "./ask-peer.ts";
import { boundedBody, dropBody } from "./bounded-body.ts";
import type { PeerFacts } from "./peer-facts.ts";
import type { ServiceResolver } from "./resolve-service.ts";

const FRESH_MS = 60_000;
/** How long a caller waits for a server that was never asked. */
const PATIENCE_MS = 2_000;
const WITHIN_MS = 5_000;
const MOST_BYTES = 16 << 20;
/** All documents together; what is beyond is left out. */
const MOST_TOTAL_BYTES = 64 << 20;
const decoder = new TextDecoder();

type Json = { readonly [key: string]: unknown };

/** The OpenAPI v2 document of one server. */
interface Known {
  readonly etag: string;
  readonly bytes: number;
  /** As it was said; undefined when the server has none. */
  readonly document: Json | undefined;
  readonly askedMs: number;
}

export interface PeerOpenApiDeps {
  readonly apiServices: ApiServices;
  readonly services: ServiceResolver;
  readonly facts: Pick<PeerFacts, "openApiHash">;
  readonly peers: PeerClient;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * OpenAPI documents of other servers. The large ones, of v2, are asked for only when somebody wants them, and at most
 * once a minute. @upstream kube-aggregator/pkg/controllers/openapi, openapiv3
 */
export class PeerOpenApi implements PeerDocuments {
  readonly #deps: PeerOpenApiDeps;
  /** By the service, as far as APIServices name it. */
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<void>>();
  #answered: { readonly key: string; readonly answer: PeerV2 } | undefined;
  #changes = 0;

  constructor(deps: PeerOpenApiDeps) {
    this.#deps = deps;
  }

  hashes(): ReadonlyMap<string, string | undefined> {
    const { apiServices, facts } = this.#deps;
    const found = new Map<string, string | undefined>();
    for (const remote of apiServices.remotes()) {
      const key = discoveryPathOf(remote).slice(1);
      found.set(key, remote.isAvailable ? facts.openApiHash(remote, key) : undefined);
    }
    return found;
  }

  async v2(): Promise<PeerV2> {
    const { apiServices, clock } = this.#deps;
    const remotes = apiServices.remotes();
    const byPlace = placesOf(remotes);
    for (const key of this.#known.keys()) if (!byPlace.has(key)) this.#known.delete(key);
    const first: Promise<void>[] = [];
    for (const [key, group] of byPlace) {
      const remote = group.find(({ isAvailable }) => isAvailable);
      const known = this.#known.get(key);
      if (remote === undefined || (known !== undefined && clock.now() - known.askedMs < FRESH_MS)) continue;
      const asking = this.#ask(key, remote);
      if (known === undefined) first.push(asking);
    }
    if (first.length > 0) await this.#waitFor(Promise.all(first));
    return this.#answer(remotes);
  }

  async #waitFor(work: Promise<unknown>): Promise<void> {
    const over = new AbortController();
    try {
      await Promise.race([work, sleep(this.#deps.clock, PATIENCE_MS, over.signal).catch(() => {})]);
    } finally {
      over.abort();
    }
  }

  /** What is known, cut to what each server may speak of. PERF: the same object until something changes. */
  #answer(remotes: readonly RemoteApiService[]): PeerV2 {
    const key = `${this.#changes} ${remotes.map(({ name, place, isAvailable }) => `${name} ${placeKey(place)} ${isAvailable}`).join(",")}`;
    if (this.#answered?.key === key) return this.#answered.answer;
    const documents: Json[] = [];
    let bytes = 0;
    for (const [place, group] of placesOf(remotes)) {
      const known = this.#known.get(place);
      const present = group.filter(({ isAvailable }) => isAvailable);
      if (known?.document === undefined || present.length === 0 || bytes + known.bytes > MOST_TOTAL_BYTES) continue;
      bytes += known.bytes;
      documents.push(underPaths(known.document, present.map(discoveryPathOf)));
    }
    const answer = { generation: (this.#answered?.answer.generation ?? 0) + 1, documents };
    this.#answered = { key, answer };
    return answer;
  }

  /** One question at a time for each server. Never rejects. */
  #ask(key: string, remote: RemoteApiService): Promise<void> {
    const known = this.#asking.get(key);
    if (known !== undefined) return known;
    const work = this.#fetch(key, remote).finally(() => this.#asking.delete(key));
    this.#asking.set(key, work);
    return work;
  }

  async #fetch(key: string, remote: RemoteApiService): Promise<void> {
    const { services, clock, log } = this.#deps;
    const before = this.#known.get(key);
    const askedMs = clock.now();
    const signal = new AbortController().signal;
    const headers = before === undefined || before.etag === "" ? {} : { "if-none-match": before.etag };
    try {
      const location = services.resolve(remote.place);
      const next = await askPeer({ location, trust: trustOf(remote), path: "/openapi/v2", headers, withinMs: WITHIN_MS }, (answer) => read(answer, askedMs), {
        ...this.#deps,
        signal,
      });
      if (next === undefined) {
        if (before !== undefined) this.#known.set(key, { ...before, askedMs });
        return;
      }
      this.#known.set(key, next);
      this.#changes += 1;
    } catch (error) {
      log.debug("no OpenAPI document from another server", { apiService: remote.name, error });
      this.#known.set(key, { etag: "", bytes: 0, document: undefined, ...before, askedMs });
    }
  }
}

function placesOf(remotes: readonly RemoteApiService[]): ReadonlyMap<string, readonly RemoteApiService[]> {
  const places = new Map<string, RemoteApiService[]>();
  for (const remote of remotes) {
    const key = placeKey(remote.place);
    const group = places.get(key);
    if (group === undefined) places.set(key, [remote]);
    else group.push(remote);
  }
  return places;
}

/** Undefined: what is known is still so. */
async function read(answer: HttpAnswer, askedMs: number): Promise<Known | undefined> {
  if (answer.status === 304) {
    await dropBody(answer);
    return undefined;
  }
  if (answer.status !== 200) {
    await dropBody(answer);
    return { etag: "", bytes: 0, document: undefined, askedMs };
  }
  const body = await boundedBody(answer, MOST_BYTES);
  const document: unknown = JSON.parse(decoder.decode(body));
  const isDocument = typeof document === "object" && document !== null && (document as Json)["swagger"] === "2.0";
  return { etag: answer.headers["etag"] ?? "", bytes: body.length, document: isDocument ? (document as Json) : undefined, askedMs };
}
