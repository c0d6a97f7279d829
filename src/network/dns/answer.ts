import { formatIp, parseIp } from "../../meta/ip.ts";
import type { RecordsView } from "./records.ts";
import { addressOfReverseName } from "./reverse-name.ts";
import type { EndpointEntry, NamedPort, ServiceEntry } from "./service-entry.ts";

/** Names are without the dot at their end. */
export type DnsRecord =
  | { readonly type: "A" | "AAAA" | "CNAME" | "NS" | "PTR" | "TXT"; readonly name: string; readonly ttl: number; readonly data: string }
  | { readonly type: "SRV"; readonly name: string; readonly ttl: number; readonly data: SrvData }
  | { readonly type: "SOA"; readonly name: string; readonly ttl: number; readonly data: SoaData };

export interface SrvData {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}
export interface SoaData {
  readonly mname: string;
  readonly rname: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
}

export interface DnsQuestion {
  /** As asked; letters of either case match. */
  readonly name: string;
  /** `A`, `ANY`, `TYPE65` */
  readonly type: string;
}

export interface DnsAnswer {
  readonly code: "NOERROR" | "NXDOMAIN";
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
  /** A name outside the cluster at which the answers must go on: they end in an alias for it. */
  readonly chase?: string;
}

export interface AnswerOptions {
  /** `cluster.local` */
  readonly clusterDomain: string;
  readonly ttlSeconds: number;
  /** Where the zone's name server is found. */
  readonly serverAddresses: readonly string[];
}

/**
 * The cluster's answer, or undefined when the name is not the cluster's to answer: ask elsewhere. Follows the DNS-based
 * service discovery specification 1.1.0 and, where that is silent, CoreDNS. @upstream coredns plugin/kubernetes
 */
export function answerQuestion(question: DnsQuestion, view: RecordsView, options: AnswerOptions): DnsAnswer | undefined {
  const name = question.name.toLowerCase();
  const reply = new Reply(question, options);
  const ip = addressOfReverseName(name);
  if (ip !== undefined) return reversed(ip, view, reply);
  const { clusterDomain } = options;
  if (name === clusterDomain) return apex(reply, options);
  if (!name.endsWith(`.${clusterDomain}`)) return undefined;
  const labels = name.slice(0, -clusterDomain.length - 1).split(".");
  const branch = labels.pop();
  if (branch === "svc") return inServices(labels, view, reply);
  if (branch === "pod") return inPods(labels, view, reply);
  if (branch === "dns-version" && labels.length === 0) return reply.of([reply.record("TXT", "1.1.0")]);
  if (branch === "dns" && labels.length === 0) return reply.of([]);
  if (branch === "dns" && labels.length === 1 && labels[0] === "ns") return reply.of(reply.addresses(options.serverAddresses));
  return reply.nothing();
}

/** Makes records for one question, all with the name as it was asked. */
class Reply {
  readonly question: DnsQuestion;
  readonly domain: string;
  readonly #ttl: number;

  constructor(question: DnsQuestion, { clusterDomain, ttlSeconds }: AnswerOptions) {
    this.question = question;
    this.domain = clusterDomain;
    this.#ttl = ttlSeconds;
  }

  record(type: "A" | "AAAA" | "CNAME" | "NS" | "PTR" | "TXT", data: string, name = this.question.name): DnsRecord {
    return { type, name, ttl: this.#ttl, data };
  }

  service(data: SrvData): DnsRecord {
    return { type: "SRV", name: this.question.name, ttl: this.#ttl, data };
  }

  addresses(ips: Iterable<string>, name = this.question.name): readonly DnsRecord[] {
    return [...new Set(ips)].map((ip) => this.record(ip.includes(":") ? "AAAA" : "A", ip, name));
  }

  /** Those of the type that was asked for; none of them still means that the name exists. */
  of(records: readonly DnsRecord[], additionals: readonly DnsRecord[] = []): DnsAnswer {
    const { type } = this.question;
    const answers = records.filter((record) => type === "ANY" || record.type === type);
    if (answers.length === 0) return { code: "NOERROR", answers, authorities: [this.zone()], additionals: [] };
    return { code: "NOERROR", answers, authorities: [], additionals: answers.some((record) => record.type === "SRV") ? additionals : [] };
  }

  nothing(): DnsAnswer {
    return { code: "NXDOMAIN", answers: [], authorities: [this.zone()], additionals: [] };
  }

  alias(target: string): DnsAnswer {
    return { code: "NOERROR", answers: [this.record("CNAME", target)], authorities: [], additionals: [] };
  }

  zone(): DnsRecord {
    const { domain } = this;
    const data = { mname: `ns.dns.${domain}`, rname: `hostmaster.${domain}`, serial: 1, refresh: 7200, retry: 1800, expire: 86_400, minimum: this.#ttl };
    return { type: "SOA", name: domain, ttl: this.#ttl, data };
  }
}

function apex(reply: Reply, { serverAddresses }: AnswerOptions): DnsAnswer {
  const server = `ns.dns.${reply.domain}`;
  const answer = reply.of([reply.zone(), reply.record("NS", server)]);
  return answer.answers.some((record) => record.type === "NS") ? { ...answer, additionals: reply.addresses(serverAddresses, server) } : answer;
}

function reversed(ip: string, view: RecordsView, reply: Reply): DnsAnswer | undefined {
  const names = view.pointers(ip);
  return names.length === 0 ? undefined : reply.of(names.map((name) => reply.record("PTR", `${name}.${reply.domain}`)));
}

function inPods(labels: readonly string[], view: RecordsView, reply: Reply): DnsAnswer {
  if (labels.length === 0) return reply.of([]);
  if (!view.hasNamespace(labels.at(-1) ?? "") || labels.length > 2) return reply.nothing();
  if (labels.length === 1) return reply.of([]);
  const dashed = labels[0] ?? "";
  const ip = parseIp(/^[0-9]+(-[0-9]+){3}$/.test(dashed) ? dashed.replaceAll("-", ".") : dashed.replaceAll("-", ":"));
  return ip === undefined ? reply.nothing() : reply.of(reply.addresses([formatIp(ip)]));
}

function inServices(labels: readonly string[], view: RecordsView, reply: Reply): DnsAnswer {
  if (labels.length === 0) return reply.of([]);
  const namespace = labels.at(-1) ?? "";
  if (labels.length === 1) return view.hasNamespace(namespace) ? reply.of([]) : reply.nothing();
  const name = labels.at(-2) ?? "";
  const entry = view.service(namespace, name);
  if (entry === undefined) return reply.nothing();
  const home = `${name}.${namespace}.svc.${reply.domain}`;
  const [first = "", second = ""] = labels;
  if (labels.length === 2) return wholeService(entry, home, reply);
  if (labels.length === 3) return oneEndpoint(entry, first, home, reply);
  if (labels.length === 4 && first.startsWith("_") && second.startsWith("_")) return onePort(entry, { port: first.slice(1), protocol: second.slice(1) }, home, reply);
  return reply.nothing();
}

interface Target {
  readonly name: string;
  readonly ips: readonly string[];
  readonly ports: readonly NamedPort[];
}

function wholeService(entry: ServiceEntry, home: string, reply: Reply): DnsAnswer {
  if (entry.type === "external") return external(entry.target, reply);
  return targets(entry.type === "cluster" ? [{ name: home, ips: entry.ips, ports: entry.ports }] : endpointTargets(entry.endpoints, home), reply);
}

function oneEndpoint(entry: ServiceEntry, label: string, home: string, reply: Reply): DnsAnswer {
  if (entry.type === "external") return reply.nothing();
  return targets(
    endpointTargets(
      entry.endpoints.filter((endpoint) => endpoint.label === label),
      home,
    ),
    reply,
  );
}

function onePort(entry: ServiceEntry, wanted: { readonly port: string; readonly protocol: string }, home: string, reply: Reply): DnsAnswer {
  if (entry.type === "external") return reply.nothing();
  const fits = ({ name, protocol }: NamedPort): boolean => name === wanted.port && protocol === wanted.protocol;
  const all = entry.type === "cluster" ? [{ name: home, ips: entry.ips, ports: entry.ports }] : endpointTargets(entry.endpoints, home);
  return targets(
    all.map((target) => ({ ...target, ports: target.ports.filter(fits) })).filter(({ ports }) => ports.length > 0),
    reply,
  );
}

const endpointTargets = (endpoints: readonly EndpointEntry[], home: string): readonly Target[] =>
  endpoints.map(({ label, ip, ports }) => ({ name: `${label}.${home}`, ips: [ip], ports }));

/** No target means that nothing has this name now, as with a headless service that has no ready endpoint. */
function targets(found: readonly Target[], reply: Reply): DnsAnswer {
  if (found.length === 0) return reply.nothing();
  const services = new Map<string, SrvData>();
  const count = new Set(found.flatMap(({ name, ports }) => ports.map(({ port }) => `${name} ${port}`))).size;
  for (const { name, ports } of found)
    for (const { port } of ports) services.set(`${name} ${port}`, { priority: 0, weight: Math.max(1, Math.floor(100 / count)), port, target: name });
  const additionals = found.flatMap(({ name, ips }) => reply.addresses(ips, name));
  return reply.of([...reply.addresses(found.flatMap(({ ips }) => ips)), ...[...services.values()].map((data) => reply.service(data))], additionals);
}

function external(target: string, reply: Reply): DnsAnswer {
  const ip = parseIp(target);
  if (ip !== undefined) return reply.of(reply.addresses([formatIp(ip)]));
  const { type } = reply.question;
  const follows = type === "A" || type === "AAAA";
  return follows ? { ...reply.alias(target), chase: target } : reply.of([reply.record("CNAME", target)]);
}
