import { type Clock, rfc3339Micro } from "../../base/clock.ts";
import { type Random, uuid } from "../../base/random.ts";
import type { ApiRequest, ApiResponse, UserInfo } from "../../meta/wire.ts";
import { isLongRunning } from "../bounds/long-running.ts";
import type { RequestInfo } from "../request-info.ts";
import { objectIn, withoutManagedFields } from "./body-object.ts";
import { type Policy, type Stage, type Verdict, verdictOn } from "./policy.ts";

/** Takes one event each, as a line of JSON without its end. Must not throw and must not grow without bound. */
export interface AuditSink {
  write(line: string): void;
}

export interface AuditorDeps {
  readonly sink: AuditSink;
  readonly clock: Clock;
  readonly random: Random;
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

  constructor(policy: Policy, deps: AuditorDeps) {
    this.#policy = policy;
    this.#deps = deps;
  }

  /** The record of a request, or nothing when the policy does not want it. */
  begin(subject: Subject): AuditRecord | undefined {
    const verdict = verdictOn(this.#policy, subject.user, subject.info);
    return verdict.level === "None" ? undefined : new AuditRecord(verdict, subject, this.#deps);
  }
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

  constructor(verdict: Verdict, subject: Subject, deps: AuditorDeps) {
    this.#verdict = verdict;
    this.#subject = subject;
    this.#deps = deps;
    const given = subject.request.headers["audit-id"];
    this.id = given === undefined || given === "" ? uuid(deps.random) : given.slice(0, 64);
    this.#write("RequestReceived", undefined);
  }

  /** The request is made in the name of somebody else. */
  actAs(user: UserInfo): void {
    this.#impersonated = user;
  }

  annotate(key: string, value: string): void {
    this.#annotations[key] = value;
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
    if (panicked) this.#write("Panic", response);
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

  #write(stage: Stage, response: ApiResponse | undefined): void {
    if (this.#verdict.omitStages.has(stage)) return;
    this.#deps.sink.write(JSON.stringify(this.#event(stage, response)));
  }

  #event(stage: Stage, response: ApiResponse | undefined): unknown {
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
      ...(request.caller.type === "network" ? { sourceIPs: [request.caller.address] } : {}),
      ...(request.headers["user-agent"] === undefined ? {} : { userAgent: request.headers["user-agent"] }),
      ...(info.resource === undefined ? {} : { objectRef: referenceOf(info.resource) }),
      ...(response === undefined ? {} : { responseStatus: statusOf(response) }),
      ...(wantsBodies && level !== "Metadata" ? { requestObject: this.#shown(this.#requestObject()) } : {}),
      ...(wantsBodies && level === "RequestResponse" && response?.body.type !== "stream" ? { responseObject: this.#shown(objectIn(response)) } : {}),
      requestReceivedTimestamp: rfc3339Micro(receivedMs),
      stageTimestamp: rfc3339Micro(this.#deps.clock.now()),
      ...(Object.keys(this.#annotations).length === 0 ? {} : { annotations: this.#annotations }),
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

function userOf({ name, uid, groups, extra }: UserInfo): unknown {
  return { username: name, ...(uid === undefined ? {} : { uid }), groups, ...(extra === undefined ? {} : { extra }) };
}

function referenceOf({ resource, namespace, name, group, version, subresource }: NonNullable<RequestInfo["resource"]>): unknown {
  const given = Object.entries({ resource, namespace, name, apiGroup: group, apiVersion: version, subresource }).filter(([, text]) => text !== "");
  return Object.fromEntries(given);
}

/** The code, and what a Status says of it. */
function statusOf(response: ApiResponse): unknown {
  const value = response.status < 400 ? undefined : (objectIn(response) as { readonly [key: string]: unknown } | undefined);
  return { metadata: {}, ...(value?.["kind"] === "Status" ? { status: value["status"], message: value["message"], reason: value["reason"] } : {}), code: response.status };
}
