import type { FlowSchema } from "../../api/generated/types/flowcontrol-v1.ts";
import type { UserInfo } from "../../meta/wire.ts";
import type { RequestInfo, ResourceRequest } from "../request-info.ts";
import type { Flow } from "./flow.ts";
import type { FlowCounts } from "./flow-counts.ts";
import type { PriorityLevel } from "./priority-level.ts";
import { matchesSchema } from "./schema-match.ts";
import { dealHand } from "./shuffle-sharding.ts";

/** Who asks, for as long as the table stands: flows by what is asked for. */
interface Identity {
  readonly flows: Map<string, Flow>;
  /** What was asked for last: most callers ask for the same again, and a comparison costs less than a key. */
  last: { readonly target: ResourceRequest; readonly flow: Flow } | undefined;
}

/** How many classifications are remembered before all are forgotten: names in requests are anybody's choice. */
const REMEMBERED = 10_000;

export interface FlowTableDeps {
  levelOf(name: string): PriorityLevel;
  countsOf(level: PriorityLevel, schema: string): FlowCounts;
}

/**
 * Which flow a request belongs to. PERF: remembered by who asks, verb, group, resource and namespace, which is all that
 * schemas look at; the table is thrown away when schemas or levels change.
 */
export class FlowTable {
  readonly #schemas: readonly FlowSchema[];
  readonly #deps: FlowTableDeps;
  readonly #headers = new Map<FlowSchema, Flow["headers"]>();
  /** Users as objects live as long as their connection or token. */
  #byObject = new WeakMap<UserInfo, Identity>();
  #byName = new Map<string, Identity>();
  #size = 0;

  /** `schemas` in the order in which they are tried; each one's level exists. */
  constructor(schemas: readonly FlowSchema[], deps: FlowTableDeps) {
    this.#schemas = schemas;
    this.#deps = deps;
  }

  flowOf(user: UserInfo, info: RequestInfo): Flow {
    const { resource } = info;
    // Paths of anybody's choice are not worth remembering.
    if (resource === undefined) return this.#classify(user, info);
    const identity = this.#byObject.get(user) ?? this.#identify(user);
    const { last, flows } = identity;
    if (last !== undefined && isAlike(last.target, resource)) return last.flow;
    const flow = this.#remembered(flows, user, info, resource);
    identity.last = { target: resource, flow };
    return flow;
  }

  #remembered(flows: Identity["flows"], user: UserInfo, info: RequestInfo, resource: ResourceRequest): Flow {
    // Unambiguous: parts of a path may hold anything.
    const key = JSON.stringify([resource.verb, resource.namespace, resource.group, resource.resource, resource.subresource]);
    const known = flows.get(key);
    if (known !== undefined) return known;
    const flow = this.#classify(user, info);
    if (this.#size >= REMEMBERED) this.#forget();
    else {
      this.#size += 1;
      flows.set(key, flow);
    }
    return flow;
  }

  #identify(user: UserInfo): Identity {
    const name = JSON.stringify([user.name, user.groups]);
    let identity = this.#byName.get(name);
    if (identity === undefined) {
      identity = { flows: new Map(), last: undefined };
      if (this.#size >= REMEMBERED) this.#forget();
      this.#size += 1;
      this.#byName.set(name, identity);
    }
    this.#byObject.set(user, identity);
    return identity;
  }

  #forget(): void {
    this.#byObject = new WeakMap();
    this.#byName = new Map();
    this.#size = 0;
  }

  #classify(user: UserInfo, info: RequestInfo): Flow {
    // Someone of no group at all still belongs somewhere.
    const schema = this.#schemas.find((candidate) => matchesSchema(candidate, user, info)) ?? this.#schemas.at(-1);
    const name = schema?.metadata.name ?? "catch-all";
    const level = this.#deps.levelOf(schema?.spec.priorityLevelConfiguration.name ?? "catch-all");
    const counts = this.#deps.countsOf(level, name);
    const { overflow } = level;
    const method = schema?.spec.distinguisherMethod?.type;
    const distinguisher = overflow.type !== "queue" ? "" : method === "ByUser" ? user.name : method === "ByNamespace" ? (info.resource?.namespace ?? "") : "";
    return {
      schema: name,
      distinguisher,
      level,
      hand: overflow.type === "queue" ? dealHand(`${name}\0${distinguisher}`, overflow) : [],
      counts,
      headers: this.#headersOf(schema, level),
    };
  }

  /** By uid, not by name: how an administrator calls a caller is not for the caller. */
  #headersOf(schema: FlowSchema | undefined, level: PriorityLevel): Flow["headers"] {
    const make = (): Flow["headers"] => ({ "x-kubernetes-pf-flowschema-uid": schema?.metadata.uid ?? "", "x-kubernetes-pf-prioritylevel-uid": level.uid });
    if (schema === undefined) return make();
    let headers = this.#headers.get(schema);
    if (headers === undefined) {
      headers = make();
      this.#headers.set(schema, headers);
    }
    return headers;
  }
}

/** Whether no schema can tell two requests of one user apart. */
function isAlike(one: ResourceRequest, other: ResourceRequest): boolean {
  return one.verb === other.verb && one.resource === other.resource && one.namespace === other.namespace && one.group === other.group && one.subresource === other.subresource;
}
