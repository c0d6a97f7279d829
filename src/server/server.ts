import type { Clock } from "../base/clock.ts";
import { sleep } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Random } from "../base/random.ts";
import { failure, forbidden, internalError, StatusError, unauthorized } from "../meta/status-error.ts";
import type { ApiRequest, ApiResponse, Handle, UserInfo, Waiter } from "../meta/wire.ts";
import type { Store } from "../store/contract.ts";
import { AdmissionChain, type AdmissionPlugin } from "./admission/admission.ts";
import type { AggregatedHandler } from "./aggregation/aggregated-requests.ts";
import type { Auditor, AuditRecord } from "./audit/auditor.ts";
import { type AnonymousPolicy, anonymousEverywhere, anonymousFor } from "./authn/anonymous.ts";
import { AccessMetrics } from "./access-metrics.ts";
import { allAuthenticated, allUnauthenticated, type Authenticator } from "./authn/authenticator.ts";
import { impersonationOf } from "./authn/impersonation/impersonation-headers.ts";
import { Impersonator } from "./authn/impersonation/impersonator.ts";
import { identityHeadersIn, type RequestHeaderOptions, withoutForwarded, withoutHeaders } from "./authn/request-header.ts";
import { attributesOf } from "./authz/attributes-of.ts";
import type { AuthorizationAttributes, Authorizer, Decision } from "./authz/authorizer.ts";
import { forbiddenMessage } from "./authz/forbidden-message.ts";
import { answerWithinMs, MAX_ANSWER_MS } from "./bounds/deadline.ts";
import { isLongRunning } from "./bounds/long-running.ts";
import { Deadline, OpenEnd, type WorkTime } from "./bounds/work-time.ts";
import { StateCache } from "./cache/state-cache.ts";
import type { ServerParts } from "./context.ts";
import { dispatch, noSuchPath, type SpecialHandlers } from "./dispatch.ts";
import type { Flow } from "./flow-control/flow.ts";
import { FlowControl } from "./flow-control/flow-control.ts";
import type { Ticket } from "./flow-control/ticket.ts";
import { leaveWhenBegun } from "./flow-control/watch-beginning.ts";
import { isWide } from "./flow-control/work-estimate.ts";
import { requestInfo, type RequestInfo, type Verb } from "./request-info.ts";
import type { KindDefinition } from "../api/kind.ts";
import type { ResourceFact } from "../api/resource-facts.ts";
import type { KubeObject } from "../meta/object.ts";
import { builtinTable, type ConversionEntry } from "./resources/resource-table.ts";
import { errorForm } from "./respond/negotiate.ts";
import { errorResponse } from "./respond/response.ts";

/** How many requests may be under way at once. Priority levels share the two together. */
export interface InFlightOptions {
  readonly readOnly: number;
  readonly mutating: number;
}

const defaultInFlight: InFlightOptions = { readOnly: 800, mutating: 400 };
const readVerbs = new Set(["get", "list", "watch", "head", "options"]);

/** @upstream apiserver/pkg/endpoints/metrics/metrics.go */
const requestLabels = ["verb", "group", "version", "resource", "subresource", "scope", "component"] as const;

const verbLabels: Readonly<Record<Verb, string>> = {
  "": "",
  get: "GET",
  list: "LIST",
  watch: "WATCH",
  create: "CREATE",
  update: "UPDATE",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETECOLLECTION",
};

/** What is learned of one request on its way through the server. */
interface Passage {
  /** Texts for Warning headers, in order. */
  readonly warnings: string[];
  readonly receivedMs: number;
  audit: AuditRecord | undefined;
  /** What priority and fairness made of it; absent for those in the same process and for long-running requests. */
  flow: Flow | undefined;
  /** Somebody has said who they are, and it holds. */
  isKnown: boolean;
}

/** PERF: of most requests; nobody changes a request's query. */
const noQuery = new URLSearchParams();

/** One request on its way to whoever answers it. */
interface Asked {
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  readonly passage: Passage;
  readonly waiter: Waiter;
}

/** Serves paths outside of resources: discovery, documents, health. Undefined: not mine. */
export type PathHandler = (request: ApiRequest, info: RequestInfo, query: URLSearchParams, user: UserInfo) => Promise<ApiResponse> | ApiResponse | undefined;

export interface ApiServerOptions {
  readonly kinds: readonly KindDefinition<KubeObject>[];
  readonly conversions: readonly ConversionEntry[];
  /** Which versions before stable are served; none when left out. */
  readonly isServed?: ((fact: ResourceFact) => boolean) | undefined;
  readonly inFlight?: InFlightOptions;
}

export interface ApiServerDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** What is wired in once the parts exist: each is made by a function of them. */
export interface Wiring {
  readonly authenticators: readonly Authenticator[];
  /** Who may come in without any proof, as it stands at the moment; everybody when left out. */
  anonymous?(): AnonymousPolicy;
  /** In which headers front proxies say who asks, besides those that everybody uses. */
  readonly requestHeaders?: RequestHeaderOptions | undefined;
  readonly authorizer: Authorizer;
  readonly plugins: readonly AdmissionPlugin[];
  readonly special: SpecialHandlers;
  readonly paths: readonly PathHandler[];
  /** Asked first: what other servers serve. */
  readonly aggregate?: AggregatedHandler | undefined;
  /** Absent: nothing is written down. */
  readonly audit?: Auditor | undefined;
}

/**
 * The API server as one function: who is asking, may they, what is it about, do it. `run` keeps its cache current;
 * `handle` may be called once `load` has resolved.
 */
export class ApiServer {
  readonly parts: ServerParts;
  readonly #deps: ApiServerDeps;
  readonly #wiring: Wiring;
  readonly #requests;
  readonly #durations;
  readonly #access: AccessMetrics;
  readonly #impersonator: Impersonator;
  readonly flowControl: FlowControl;
  #ready = false;
  #stopping = false;

  constructor(options: ApiServerOptions, deps: ApiServerDeps, wire: (parts: Omit<ServerParts, "admission" | "authorizer">) => Wiring) {
    this.#deps = deps;
    const cache = new StateCache(deps);
    const table = builtinTable(options, cache);
    const base = { store: deps.store, cache, table, clock: deps.clock, random: deps.random, log: deps.log };
    this.#wiring = wire(base);
    this.parts = { ...base, authorizer: this.#wiring.authorizer, admission: new AdmissionChain(this.#wiring.plugins) };
    this.#impersonator = new Impersonator(this.parts);
    this.#access = new AccessMetrics(deps);
    this.#requests = deps.metrics.counter("apiserver_request_total", "Requests by verb, resource and code", [...requestLabels, "code"]);
    this.#durations = deps.metrics.histogram(
      "apiserver_request_duration_seconds",
      "Response latency in seconds",
      [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 5, 10, 30, 60],
      requestLabels,
    );
    const { readOnly, mutating } = options.inFlight ?? defaultInFlight;
    this.flowControl = new FlowControl({ totalSeats: readOnly + mutating }, { ...base, metrics: deps.metrics });
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** From here on `/readyz` says that the server goes; it serves until its listeners close. */
  get stopping(): boolean {
    return this.#stopping;
  }

  beginStop(): void {
    this.#stopping = true;
  }

  /** Takes in the store's state; then the server may be asked. */
  async load(): Promise<void> {
    await this.parts.cache.load();
    this.flowControl.refresh();
    this.#ready = true;
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.parts.cache.run(signal), this.flowControl.run(signal), this.#compactRegularly(signal)]);
    this.#ready = false;
  }

  readonly handle: Handle = async (request, waiter) => {
    const started = this.#deps.clock.now();
    const query = request.query === "" ? noQuery : new URLSearchParams(request.query);
    const passage: Passage = { warnings: [], receivedMs: started, audit: undefined, flow: undefined, isKnown: false };
    let panicked = false;
    const info = requestInfo(request.method, request.path, query);
    let response: ApiResponse;
    try {
      if (info === undefined) throw failure("BadRequest", "the path is not percent-encoded properly");
      response = await this.#answer(request, info, query, passage, waiter);
    } catch (error) {
      panicked = !(error instanceof StatusError);
      if (!(error instanceof StatusError)) this.#deps.log.error("request failed", { method: request.method, path: request.path, error });
      response = errorResponse(error, errorForm(request));
      if (passage.audit === undefined) this.#writeRefused(request, info, passage, response);
    }
    if (info?.resource !== undefined) this.#measure(info, response, started);
    const { audit, warnings, flow } = passage;
    if (flow !== undefined)
      response = { status: response.status, headers: isEmpty(response.headers) ? flow.headers : { ...flow.headers, ...response.headers }, body: response.body };
    if (audit !== undefined) response = audit.finish(response, panicked);
    return warnings.length === 0 ? response : { ...response, headers: { ...response.headers, warning: warningHeaders(warnings) } };
  };

  /** PERF: a promise for each step that has to wait, and none for the others; all requests come through these three. */
  #answer(request: ApiRequest, info: RequestInfo, query: URLSearchParams, passage: Passage, waiter: Waiter): Promise<ApiResponse> {
    const proven = this.#authenticate(request);
    if (proven instanceof Promise) return proven.then((caller) => this.#answerCaller(request, caller, { info, query, passage, waiter }));
    return this.#answerCaller(request, proven, { info, query, passage, waiter });
  }

  #answerCaller(request: ApiRequest, caller: UserInfo, asked: Asked): Promise<ApiResponse> {
    const { info, query, passage } = asked;
    passage.isKnown = true;
    passage.audit = this.#wiring.audit?.begin({ request, info, user: caller, receivedMs: passage.receivedMs });
    const wanted = impersonationOf(request);
    if (wanted === undefined) return this.#answerUser(request, caller, asked);
    return this.#impersonator.actAs(wanted, attributesOf(caller, info, query)).then(({ user, constraint }) => {
      passage.audit?.actAs(user, constraint);
      return this.#answerUser(request, user, asked);
    });
  }

  #answerUser(request: ApiRequest, user: UserInfo, { info, query, passage, waiter }: Asked): Promise<ApiResponse> {
    const hidden = identityHeadersIn(request.headers, this.#wiring.requestHeaders);
    const seen = withoutHeaders(request, hidden);
    const observed = passage.audit?.observe(seen) ?? seen;
    const serve = (work: WorkTime): Promise<ApiResponse> => {
      const serving = this.#serve(observed, info, query, user, passage, work);
      return hidden.length === 0 ? serving : serving.then((response) => withoutForwarded(response, hidden));
    };
    const isWatch = info.verb === "watch";
    if (request.caller.type === "local" || (isLongRunning(info) && !isWatch)) return serve(new OpenEnd(waiter));
    const { clock } = this.#deps;
    const endsMs = passage.receivedMs + (isWatch ? MAX_ANSWER_MS : answerWithinMs(query));
    const flow = this.flowControl.flowOf(user, info);
    passage.flow = flow;
    const ticket = this.flowControl.arrive(flow, user, info, query);
    const execute = (): Promise<ApiResponse> => {
      if (isWatch) return this.#beginWatch(serve(new OpenEnd(waiter)), ticket, isWide(info, query), waiter.signal);
      const kind = readVerbs.has(info.verb) ? "readOnly" : "mutating";
      const { inFlight } = this.flowControl;
      inFlight[kind] += 1;
      const deadline = new Deadline(waiter);
      return deadline.answer(serve(deadline), { withinMs: roundedUp(endsMs - clock.now()), clock }, () => {
        inFlight[kind] -= 1;
        ticket.leave();
      });
    };
    if (ticket.state !== "waiting") return execute();
    return this.flowControl.turn(ticket, (endsMs - clock.now()) / 4, waiter.signal).then(execute);
  }

  /** A watch has a seat until it has begun; then it lasts as long as it may. */
  async #beginWatch(serving: Promise<ApiResponse>, ticket: Ticket, tellsState: boolean, signal: AbortSignal): Promise<ApiResponse> {
    let response: ApiResponse | undefined;
    try {
      response = await serving;
    } finally {
      if (response === undefined || !tellsState) ticket.leave();
    }
    return ticket.state === "done" ? response : leaveWhenBegun(response, ticket, { signal, clock: this.#deps.clock, withinMs: MAX_ANSWER_MS });
  }

  /** Rejects, and does not throw: who calls it has begun something that ends with the answer. */
  #serve(request: ApiRequest, info: RequestInfo, query: URLSearchParams, user: UserInfo, passage: Passage, work: WorkTime): Promise<ApiResponse> {
    const { audit } = passage;
    try {
      const deciding = this.#authorize(user, info, query, audit);
      if (deciding !== undefined) return deciding.then(() => this.#serveAllowed(request, info, query, user, passage, work));
      return this.#serveAllowed(request, info, query, user, passage, work);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #serveAllowed(request: ApiRequest, info: RequestInfo, query: URLSearchParams, user: UserInfo, passage: Passage, work: WorkTime): Promise<ApiResponse> {
    const aggregated = this.#wiring.aggregate?.({ request, info, user, work });
    if (aggregated !== undefined) return aggregated;
    if (info.resource !== undefined) return dispatch(this.parts, this.#wiring.special, request, info.resource, user, query, passage, work);
    return this.#servePath(request, info, query, user);
  }

  async #servePath(request: ApiRequest, info: RequestInfo, query: URLSearchParams, user: UserInfo): Promise<ApiResponse> {
    for (const handler of this.#wiring.paths) {
      const response = await handler(request, info, query, user);
      if (response !== undefined) return response;
    }
    throw noSuchPath();
  }

  /** PERF: at once where whoever is asked knows at once. */
  #authenticate(request: ApiRequest): UserInfo | Promise<UserInfo> {
    if (request.caller.type === "local") return request.caller.user;
    const startedMs = this.#deps.clock.now();
    let proof: UserInfo | Promise<UserInfo>;
    try {
      proof = this.#prove(request, 0);
    } catch (error) {
      proof = Promise.reject(error);
    }
    if (proof instanceof Promise) return this.#access.authentication(request, proof);
    this.#access.authenticated(proof, startedMs);
    return proof;
  }

  #prove(request: ApiRequest, from: number): UserInfo | Promise<UserInfo> {
    const { authenticators } = this.#wiring;
    for (let index = from; index < authenticators.length; index += 1) {
      const answer = authenticators[index]?.authenticate(request);
      if (answer instanceof Promise) return answer.then((user) => (user === undefined ? this.#prove(request, index + 1) : withStanding(user)));
      if (answer !== undefined) return withStanding(answer);
    }
    return this.#anonymous(request);
  }

  #anonymous(request: ApiRequest): UserInfo {
    if (request.headers["authorization"] !== undefined || (request.caller.type === "network" && request.caller.frontProxy !== undefined)) throw unauthorized();
    const anonymous = anonymousFor(this.#wiring.anonymous?.() ?? anonymousEverywhere, request.path);
    if (anonymous === undefined) throw unauthorized();
    return anonymous;
  }

  /** What was turned away before the policy could see whose it is: a path that means nothing, an identity that does not hold. */
  #writeRefused(request: ApiRequest, info: RequestInfo | undefined, { receivedMs, isKnown }: Passage, response: ApiResponse): void {
    if (isKnown) return;
    try {
      this.#wiring.audit?.refused({ request, info: info ?? { path: request.path, verb: request.method.toLowerCase() }, receivedMs }, response);
    } catch (error) {
      this.#deps.log.error("audit failed", { error });
    }
  }

  /** Undefined when it is allowed at once. Throws 403, or rejects with it. */
  #authorize(user: UserInfo, info: RequestInfo, query: URLSearchParams, audit: AuditRecord | undefined): Promise<void> | undefined {
    const attributes = attributesOf(user, info, query);
    const askedMs = this.#deps.clock.now();
    const answer = this.parts.authorizer.authorize(attributes);
    if (answer instanceof Promise) return answer.then((decision) => this.#enforce(decision, attributes, audit, askedMs));
    this.#enforce(answer, attributes, audit, askedMs);
    return undefined;
  }

  #enforce(decision: Decision, attributes: AuthorizationAttributes, audit: AuditRecord | undefined, askedMs: number): void {
    this.#access.authorized(decision, askedMs);
    audit?.annotate("authorization.k8s.io/decision", decision.verdict === "allow" ? "allow" : "forbid");
    audit?.annotate("authorization.k8s.io/reason", decision.verdict !== "allow" && decision.error !== undefined ? "internal error" : (decision.reason ?? ""));
    if (decision.verdict === "allow") return;
    if (decision.error !== undefined) throw internalError(new Error(decision.error));
    const { resource, group, name } = attributes;
    const message = forbiddenMessage(attributes, decision.reason);
    if (!attributes.isResource) throw failure("Forbidden", `forbidden: ${message}`, {});
    throw forbidden({ group, resource, name }, message);
  }

  #measure({ resource: target }: RequestInfo, response: ApiResponse, started: number): void {
    if (target === undefined) return;
    const { verb, group, version, resource, subresource, name, namespace } = target;
    const served = this.parts.table.get(group, version, resource);
    // Only what exists becomes a label: paths of anybody's choice must not grow the metrics.
    if (served === undefined || (subresource !== "" && !served.subresources.has(subresource))) return;
    const scope = name !== "" || verb === "create" ? "resource" : namespace === "" ? "cluster" : "namespace";
    // PERF: the table's own texts, which have been looked up before, rather than pieces of this path.
    const known = served.resource;
    const labels = [verbLabels[verb], known.group, known.version, known.resource, subresource, scope, "apiserver"];
    this.#requests.inc([...labels, String(response.status)]);
    if (verb !== "watch") this.#durations.observe((this.#deps.clock.now() - started) / 1000, labels);
  }

  /** Keeps five minutes of history, as upstream's compactor does. */
  async #compactRegularly(signal: AbortSignal): Promise<void> {
    let keep = this.parts.cache.revision;
    while (!signal.aborted) {
      await sleep(this.#deps.clock, 300_000, signal).catch(() => {});
      if (signal.aborted) return;
      try {
        if (keep > 0) await this.#deps.store.compact(keep);
      } catch (error) {
        this.#deps.log.warn("compaction failed", { error });
      }
      keep = this.parts.cache.revision;
    }
  }
}

/** RFC 7234 warnings with code 299, bounded as upstream bounds them. */
function warningHeaders(texts: readonly string[]): readonly string[] {
  const headers: string[] = [];
  let total = 0;
  for (const text of new Set(texts)) {
    const header = `299 - ${JSON.stringify(text.replace(/[^\x20-\x7e]/g, " ").slice(0, 2048))}`;
    total += header.length;
    if (total > 4096) break;
    headers.push(header);
  }
  return headers;
}

/** Whoever has proven who they are belongs to those who have. */
function withStanding(user: UserInfo): UserInfo {
  return user.groups.includes(allAuthenticated) || user.groups.includes(allUnauthenticated) ? user : { ...user, groups: [...user.groups, allAuthenticated] };
}

/** PERF: timers of one length share a list; an answer that may take many seconds may take some milliseconds more. */
function roundedUp(withinMs: number): number {
  return withinMs < 5_000 ? withinMs : Math.ceil(withinMs / 50) * 50;
}

function isEmpty(headers: ApiResponse["headers"]): boolean {
  for (const _ in headers) return false;
  return true;
}
