import { decode, encode } from "dns-packet";
import type { Counter, Metrics } from "../../../base/metrics.ts";
import { type AnswerOptions, answerQuestion, type DnsAnswer, type DnsRecord } from "../answer.ts";
import { type DnsQuery, readQuery } from "../query.ts";
import type { RecordsView } from "../records.ts";
import { udpLimit, writeFault, writeReply } from "../reply.ts";
import type { Transport } from "./ask-upstream.ts";
import type { Forwarder } from "./forwarder.ts";
import { HotReplies } from "./hot-replies.ts";

export interface DnsResponderDeps {
  readonly records: RecordsView & { readonly version: number; readonly synced: boolean };
  readonly forwarder: Forwarder;
  readonly metrics: Metrics;
}

/** The first so many addresses of an answer take turns at its head. */
const mostTurns = 8;
const longestTcp = 65_535;

/** A reply's bytes for a query's bytes: at once for the cluster's names, later for those that others must be asked for. */
export class DnsResponder {
  readonly #options: AnswerOptions;
  readonly #deps: DnsResponderDeps;
  readonly #hot: Readonly<Record<Transport, HotReplies>> = { udp: new HotReplies(), tcp: new HotReplies() };
  readonly #requests: Counter;
  readonly #responses: Counter;

  constructor(options: AnswerOptions, deps: DnsResponderDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#requests = deps.metrics.counter("coredns_dns_requests_total", "DNS queries received", ["proto"]);
    this.#responses = deps.metrics.counter("coredns_dns_responses_total", "DNS replies sent", ["rcode"]);
  }

  /** Undefined when the message deserves no reply. */
  respond(message: Uint8Array, transport: Transport): Uint8Array | Promise<Uint8Array> | undefined {
    this.#requests.inc([transport]);
    const reply = this.#deps.records.synced ? this.#hot[transport].get(message, this.#deps.records.version) : undefined;
    return reply ?? this.#think(message, transport);
  }

  #think(message: Uint8Array, transport: Transport): Uint8Array | Promise<Uint8Array> | undefined {
    const query = readQuery(message);
    if (query === "ignore") return undefined;
    if (typeof query === "string") {
      this.#responses.inc([query]);
      return writeFault(message, query);
    }
    const limit = transport === "udp" ? udpLimit(query) : longestTcp;
    if (query.edns !== undefined && query.edns.version > 0) return writeReply(message, query, { code: "BADVERS" }, limit);
    const { records } = this.#deps;
    const answer = answerQuestion(query, records, this.#options);
    if (answer === undefined) return this.#forward(message, query, transport);
    if (!records.synced) {
      this.#responses.inc(["SERVFAIL"]);
      return writeReply(message, query, { code: "SERVFAIL" }, limit);
    }
    this.#responses.inc([answer.code]);
    if (answer.chase !== undefined) return this.#chase(message, query, { answer, target: answer.chase, limit });
    const replies = turns(answer.answers).map((answers) => writeReply(message, query, { ...answer, answers, authoritative: true }, limit));
    this.#hot[transport].put(message, records.version, replies);
    return replies[0];
  }

  async #forward(message: Uint8Array, query: DnsQuery, transport: Transport): Promise<Uint8Array> {
    const reply = await this.#deps.forwarder.forward(message, transport);
    this.#responses.inc([reply === undefined ? "SERVFAIL" : (codeNames.get((reply[3] ?? 0) & 0x0f) ?? "OTHER")]);
    return reply ?? writeReply(message, query, { code: "SERVFAIL" }, longestTcp);
  }

  /** Follows an alias: to another service of the cluster, or out of it. At most one step outside, as its server goes on. */
  async #chase(
    message: Uint8Array,
    query: DnsQuery,
    { answer, target, limit }: { readonly answer: DnsAnswer; readonly target: string; readonly limit: number },
  ): Promise<Uint8Array> {
    const answers: DnsRecord[] = [...answer.answers];
    let next: string | undefined = target;
    for (let step = 0; next !== undefined && step < 8; step += 1) {
      const inside = answerQuestion({ name: next, type: query.type }, this.#deps.records, this.#options);
      if (inside === undefined) {
        const outside = await this.#outside(next, query.type);
        if (outside === undefined) return writeReply(message, query, { code: "SERVFAIL" }, limit);
        answers.push(...outside);
        break;
      }
      answers.push(...inside.answers);
      next = inside.chase;
    }
    return writeReply(message, query, { ...answer, answers, authoritative: true }, limit);
  }

  async #outside(name: string, type: string): Promise<readonly DnsRecord[] | undefined> {
    if (type !== "A" && type !== "AAAA") return [];
    const question = encode({ type: "query", id: 0, flags: 0x0100, questions: [{ type, name, class: "IN" }] });
    const reply = await this.#deps.forwarder.forward(new Uint8Array(question), "udp");
    if (reply === undefined) return undefined;
    return (decode(Buffer.from(reply)).answers ?? []).flatMap((record): readonly DnsRecord[] =>
      record.type === "A" || record.type === "AAAA" || record.type === "CNAME" ? [{ type: record.type, name: record.name, ttl: record.ttl ?? 0, data: record.data }] : [],
    );
  }
}

const codeNames: ReadonlyMap<number, string> = new Map([
  [0, "NOERROR"],
  [1, "FORMERR"],
  [2, "SERVFAIL"],
  [3, "NXDOMAIN"],
  [4, "NOTIMP"],
  [5, "REFUSED"],
]);

function turns(answers: readonly DnsRecord[]): readonly (readonly DnsRecord[])[] {
  const count = Math.min(mostTurns, Math.max(1, answers.length));
  return Array.from({ length: count }, (_, turn) => [...answers.slice(turn), ...answers.slice(0, turn)]);
}
