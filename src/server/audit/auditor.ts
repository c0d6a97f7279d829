import { type Clock, rfc3339Micro } from "../../base/clock.ts";
import type { Counter, Metrics } from "../../base/metrics.ts";
import { type Random, uuid } from "../../base/random.ts";
import type { ApiRequest, ApiResponse, UserInfo } from "../../meta/wire.ts";
import { isLongRunning } from "../bounds/long-running.ts";
import type { RequestInfo } from "../request-info.ts";
import { objectIn, withoutManagedFields } from "./body-object.ts";
import type { AuditEvent, AuditSink, AuditUser } from "./event.ts";
import { type Policy, type Stage, type Verdict, verdictOn } from "./policy.ts";

export interface AuditorDeps {
  readonly sink: AuditSink;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics?: Metrics;
}

/** One request as the policy sees it. */
export interface Subject {
  readonly request: ApiRequest;
  readonly info: RequestInfo;
  readonly user: UserInfo;
  /** Milliseconds since the epoch. */
  readonly receivedMs: number;
}

/** Writes down requests as the policy asks. @upstream apiserver/pkg/endpoints/filters/audit.go */
export class Auditor {
  readonly #policy: Policy;
  readonly #deps: AuditorDeps;
  readonly #levels: Counter | undefined;

  constructor(policy: Policy, deps: AuditorDeps) {
    this.#policy = policy;
    const events = deps.metrics?.counter("apiserver_audit_event_total", "Audit events that were made");
    this.#levels = deps.metrics?.counter("apiserver_audit_level_total", "Requests by the level that the policy has for them", ["level"]);
    const { sink } = deps;
    this.#deps = {
      ...deps,
      sink: {
        write(event) {
          events?.inc();
          sink.write(event);
        },
      },
    };
  }

  /** The record of a request, or nothing when the policy does not want it. Throws when it must be written down and cannot be. */
  begin(subject: Subject): AuditRecord | undefined {
    const record = this.#record(subject);
    record?.received();
    return record;
  }

  /** Writes down a request that nobody was let in with: of whom it is is not known. @upstream apiserver/pkg/endpoints/filters/authn_audit.go */
  refused(subject: Omit<Subject, "user">, response: ApiResponse): void {
    this.#record({ ...subject, user: nobody })?.refuse(response, attempted(subject.request));
  }

  #record(subject: Subject): AuditRecord | undefined {
    const verdict = verdictOn(this.#policy, subject.user, subject.info);
    this.#levels?.inc([verdict.level]);
    return verdict.level === "None" ? undefined : new AuditRecord(verdict, subject, this.#deps);
  }
}

const nobody: UserInfo = { name: "", groups: [] };

/** With what somebody tried to prove who they are. */
function attempted({ headers, caller, query }: ApiRequest): string {
  const [scheme = "", ...rest] = (headers["authorization"] ?? "").trim().split(" ");
  const ways: string[] = [];
  if (rest.length > 0 && (scheme.toLowerCase() === "basic" || scheme.toLowerCase() === "bearer")) ways.push(scheme.toLowerCase());
  if ((new URLSearchParams(query).get("access_token") ?? "").trim() !== "") ways.push("access_token");
  if (caller.type === "network" && (caller.certificate ?? caller.frontProxy) !== undefined) ways.push("x509");
  return ways.length === 0 ? "Authentication failed, no credentials provided" : `Authentication failed, attempted: ${ways.join(", ")}`;
}

/** One request on its way: what is learned of it is kept here, and written at the stages that the policy wants. */
export class AuditRecord {
  readonly #verdict: Verdict;
  readonly #subject: Subject;
  readonly #deps: AuditorDeps;
  readonly #annotations: Record<string, string> = {};
  readonly id: string;
  #body: Uint8Array | undefined;
  #impersonated: UserInfo | undefined;
  #constraint: string | undefined;
  #object: ObjectNote = {};

  constructor(verdict: Verdict, subject: Subject, deps: AuditorDeps) {
    this.#verdict = verdict;
    this.#subject = subject;
    this.#deps = deps;
    const given = subject.request.headers["audit-id"];
    this.id = given === undefined || given === "" ? uuid(deps.random) : given.slice(0, 64);
  }

  received(): void {
    this.#write("RequestReceived", undefined);
  }

  refuse(response: ApiResponse, message: string): void {
    this.#write("ResponseStarted", response, message);
  }

  /** The request is made in the name of somebody else; `constraint` is the verb that allowed just this. */
  actAs(user: UserInfo, constraint?: string): void {
    this.#impersonated = user;
    this.#constraint = constraint;
  }

  /** What is said first of a key stays. */
  annotate(key: string, value: string): void {
    this.#annotations[key] ??= value;
  }

  /** Whether annotations may show what a request's body has. */
  get showsBodies(): boolean {
    return this.#verdict.level === "Request" || this.#verdict.level === "RequestResponse";
  }

  /** What the body names that the path does not: the name of what is made. */
  noteObject({ name, namespace, uid, resourceVersion }: ObjectNote): void {
    this.#object = { name, namespace, uid, resourceVersion };
  }

  /** The request to go on with: when the policy wants its body, what is read of it is kept. */
  observe(request: ApiRequest): ApiRequest {
    const { body } = request;
    if (this.#verdict.level === "Metadata" || body.type !== "bytes") return request;
    const read = async (): Promise<Uint8Array> => {
      this.#body = await body.read();
      return this.#body;
    };
    return { ...request, body: { type: "bytes", read } };
  }

  /** The answer to give: with the record's id, and, when it lasts, written down again when it ends. */
  finish(response: ApiResponse, panicked: boolean): ApiResponse {
    const headers = { ...response.headers, "audit-id": this.id };
    if (panicked) {
      this.#write("Panic", response);
      return { ...response, headers };
    }
    const { body } = response;
    if ((body.type !== "stream" && body.type !== "events") || !isLongRunning(this.#subject.info)) {
      this.#write("ResponseComplete", response);
      return { ...response, headers };
    }
    this.#write("ResponseStarted", response);
    if (body.type === "events") return { ...response, headers, body: { ...body, events: this.#untilEnd(body.events, response) } };
    return { ...response, headers, body: { ...body, chunks: this.#untilEnd(body.chunks, response) } };
  }

  async *#untilEnd<T>(parts: AsyncIterable<T>, response: ApiResponse): AsyncGenerator<T> {
    try {
      yield* parts;
    } finally {
      this.#write("ResponseComplete", response);
    }
  }

  #write(stage: Stage, response: ApiResponse | undefined, message?: string): void {
    if (this.#verdict.omitStages.has(stage)) return;
    this.#deps.sink.write(this.#event(stage, response, message));
  }

  #event(stage: Stage, response: ApiResponse | undefined, message: string | undefined): AuditEvent {
    const { request, info, user, receivedMs } = this.#subject;
    const { level } = this.#verdict;
    const wantsBodies = stage !== "RequestReceived";
    return {
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level,
      auditID: this.id,
      stage,
      requestURI: request.query === "" ? request.path : `${request.path}?${request.query}`,
      verb: info.verb,
      user: userOf(user),
      ...(this.#impersonated === undefined ? {} : { impersonatedUser: userOf(this.#impersonated) }),
      ...(this.#constraint === undefined ? {} : { authenticationMetadata: { impersonationConstraint: this.#constraint } }),
      ...(request.caller.type === "network" ? { sourceIPs: [request.caller.address] } : {}),
      ...(request.headers["user-agent"] === undefined ? {} : { userAgent: request.headers["user-agent"] }),
      ...(info.resource === undefined ? {} : { objectRef: referenceOf(info.resource, stage === "RequestReceived" ? {} : this.#object) }),
      ...(response === undefined ? {} : { responseStatus: message === undefined ? statusOf(response) : { metadata: {}, message, code: response.status } }),
      ...(wantsBodies && level !== "Metadata" ? { requestObject: this.#shown(this.#requestObject()) } : {}),
      ...(wantsBodies && level === "RequestResponse" && response?.body.type !== "stream" ? { responseObject: this.#shown(objectIn(response)) } : {}),
      requestReceivedTimestamp: rfc3339Micro(receivedMs),
      stageTimestamp: rfc3339Micro(this.#deps.clock.now()),
      ...(Object.keys(this.#annotations).length === 0 ? {} : { annotations: { ...this.#annotations } }),
    };
  }

  #requestObject(): unknown {
    const { body, headers } = this.#subject.request;
    if (body.type === "value") return body.value;
    if (this.#body === undefined || this.#body.length === 0) return undefined;
    return objectIn({ body: { type: "bytes", contentType: headers["content-type"] ?? "application/json", chunks: [this.#body] } });
  }

  #shown(value: unknown): unknown {
    return this.#verdict.omitManagedFields ? withoutManagedFields(value) : value;
  }
}

function userOf({ name, uid, groups, extra }: UserInfo): AuditUser {
  return {
    ...(name === "" ? {} : { username: name }),
    ...(uid === undefined ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra === undefined ? {} : { extra }),
  };
}

/** What the object of a request says of itself. */
export interface ObjectNote {
  readonly name?: string | undefined;
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

function referenceOf(target: NonNullable<RequestInfo["resource"]>, object: ObjectNote): { readonly [field: string]: string } {
  const { resource, group, version, subresource } = target;
  const named = { resource, namespace: target.namespace || object.namespace, name: target.name || object.name, uid: object.uid };
  const given = Object.entries({ ...named, apiGroup: group, apiVersion: version, resourceVersion: object.resourceVersion, subresource });
  return Object.fromEntries(given.filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ""));
}

/** The code, and what a Status says of it. */
function statusOf(response: ApiResponse): NonNullable<AuditEvent["responseStatus"]> {
  const value = response.status < 400 ? undefined : (objectIn(response) as { readonly [key: string]: unknown } | undefined);
  return { metadata: {}, ...(value?.["kind"] === "Status" ? { status: value["status"], message: value["message"], reason: value["reason"] } : {}), code: response.status };
}
