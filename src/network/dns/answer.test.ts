import { describe, expect, it } from "vitest";
import { endpointSlices, namespaces, services } from "../../api/generated/resources.ts";
import { fedInformers } from "../fed-informers.ts";
import { sampleService, sampleSlice } from "../sample-services.ts";
import { answerQuestion, type DnsRecord } from "./answer.ts";
import { ServiceRecords } from "./records.ts";

const options = { clusterDomain: "cluster.local", ttlSeconds: 5, serverAddresses: ["10.96.0.10"] };
const informers = fedInformers();
const records = new ServiceRecords({ informers: informers.factory });
void records.run(new AbortController().signal);
const https = [{ name: "https", port: 443, protocol: "TCP" }];
informers.put(
  namespaces,
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" }, spec: {} },
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "empty" }, spec: {} },
);
informers.put(
  services,
  sampleService("kubernetes", { clusterIP: "10.96.0.1", ports: https }),
  sampleService("dual", { clusterIP: "10.96.0.2", clusterIPs: ["10.96.0.2", "fd00::2"], ports: [{ port: 80 }] }),
  sampleService("db", { clusterIP: "None" }),
  sampleService("bare", { clusterIP: "None", ports: [] }),
  sampleService("starting", { clusterIP: "None" }),
  sampleService("alias", { type: "ExternalName", externalName: "Example.ORG." }),
  sampleService("numbered", { type: "ExternalName", externalName: "1.2.3.4" }),
);
informers.put(
  endpointSlices,
  sampleSlice("kubernetes", ["192.168.1.5"], { ports: https }),
  sampleSlice("db", [{ addresses: ["10.244.0.2"], hostname: "db-0" }, { addresses: ["10.244.0.3"], hostname: "db-1", conditions: { ready: false } }, "10.244.0.4"], {
    ports: [
      { name: "sql", port: 5432, protocol: "TCP" },
      { name: "metrics", port: 9187, protocol: "TCP" },
    ],
  }),
  sampleSlice("bare", ["10.244.0.7"], { ports: [] }),
  sampleSlice("starting", [{ addresses: ["10.244.0.9"], conditions: { ready: false } }]),
);

const text = (record: DnsRecord): string => {
  const data =
    record.type === "SRV" ? `${record.data.priority} ${record.data.weight} ${record.data.port} ${record.data.target}` : record.type === "SOA" ? record.data.mname : record.data;
  return `${record.name} ${record.ttl} ${record.type} ${data}`;
};
/** The answers, then `+` additionals; `none` for a name that is there without such records; `NXDOMAIN`; `elsewhere`. */
function ask(name: string, type: string): readonly string[] {
  const answer = answerQuestion({ name, type }, records, options);
  if (answer === undefined) return ["elsewhere"];
  if (answer.answers.length === 0) expect(answer.authorities.map(text)).toEqual(["cluster.local 5 SOA ns.dns.cluster.local"]);
  if (answer.code === "NXDOMAIN") return ["NXDOMAIN"];
  return answer.answers.length === 0
    ? ["none"]
    : [...answer.answers.map(text), ...answer.additionals.map((record) => `+ ${text(record)}`), ...(answer.chase === undefined ? [] : [`> ${answer.chase}`])];
}

const kubernetes = "kubernetes.default.svc.cluster.local";
const db = "db.default.svc.cluster.local";

describe("answerQuestion", () => {
  it.each<[string, string, readonly string[]]>([
    ["dns-version.cluster.local", "TXT", ["dns-version.cluster.local 5 TXT 1.1.0"]],
    [kubernetes, "A", [`${kubernetes} 5 A 10.96.0.1`]],
    ["Kubernetes.Default.SVC.cluster.local", "A", ["Kubernetes.Default.SVC.cluster.local 5 A 10.96.0.1"]],
    [kubernetes, "AAAA", ["none"]],
    [kubernetes, "TYPE65", ["none"]],
    [kubernetes, "SRV", [`${kubernetes} 5 SRV 0 100 443 ${kubernetes}`, `+ ${kubernetes} 5 A 10.96.0.1`]],
    [`_https._tcp.${kubernetes}`, "SRV", [`_https._tcp.${kubernetes} 5 SRV 0 100 443 ${kubernetes}`, `+ ${kubernetes} 5 A 10.96.0.1`]],
    [`_https._udp.${kubernetes}`, "SRV", ["NXDOMAIN"]],
    [`_http._tcp.${kubernetes}`, "SRV", ["NXDOMAIN"]],
    [`192-168-1-5.${kubernetes}`, "A", [`192-168-1-5.${kubernetes} 5 A 192.168.1.5`]],
    ["dual.default.svc.cluster.local", "AAAA", ["dual.default.svc.cluster.local 5 AAAA fd00::2"]],
    [
      "dual.default.svc.cluster.local",
      "ANY",
      [
        "dual.default.svc.cluster.local 5 A 10.96.0.2",
        "dual.default.svc.cluster.local 5 AAAA fd00::2",
        "dual.default.svc.cluster.local 5 SRV 0 100 80 dual.default.svc.cluster.local",
        "+ dual.default.svc.cluster.local 5 A 10.96.0.2",
        "+ dual.default.svc.cluster.local 5 AAAA fd00::2",
      ],
    ],
    [db, "A", [`${db} 5 A 10.244.0.2`, `${db} 5 A 10.244.0.4`]],
    [`db-0.${db}`, "A", [`db-0.${db} 5 A 10.244.0.2`]],
    [`db-1.${db}`, "A", ["NXDOMAIN"]],
    [`10-244-0-4.${db}`, "A", [`10-244-0-4.${db} 5 A 10.244.0.4`]],
    [
      `_sql._tcp.${db}`,
      "SRV",
      [`_sql._tcp.${db} 5 SRV 0 50 5432 db-0.${db}`, `_sql._tcp.${db} 5 SRV 0 50 5432 10-244-0-4.${db}`, `+ db-0.${db} 5 A 10.244.0.2`, `+ 10-244-0-4.${db} 5 A 10.244.0.4`],
    ],
    ["bare.default.svc.cluster.local", "A", ["bare.default.svc.cluster.local 5 A 10.244.0.7"]],
    ["starting.default.svc.cluster.local", "A", ["NXDOMAIN"]],
    ["alias.default.svc.cluster.local", "A", ["alias.default.svc.cluster.local 5 CNAME example.org", "> example.org"]],
    ["alias.default.svc.cluster.local", "CNAME", ["alias.default.svc.cluster.local 5 CNAME example.org"]],
    ["_http._tcp.alias.default.svc.cluster.local", "SRV", ["NXDOMAIN"]],
    ["numbered.default.svc.cluster.local", "A", ["numbered.default.svc.cluster.local 5 A 1.2.3.4"]],
    ["nothing.default.svc.cluster.local", "A", ["NXDOMAIN"]],
    ["a.b.c.d.e.default.svc.cluster.local", "A", ["NXDOMAIN"]],
    ["default.svc.cluster.local", "A", ["none"]],
    ["empty.svc.cluster.local", "A", ["none"]],
    ["absent.svc.cluster.local", "A", ["NXDOMAIN"]],
    ["svc.cluster.local", "A", ["none"]],
    ["10-244-0-2.default.pod.cluster.local", "A", ["10-244-0-2.default.pod.cluster.local 5 A 10.244.0.2"]],
    ["fd00--2.default.pod.cluster.local", "AAAA", ["fd00--2.default.pod.cluster.local 5 AAAA fd00::2"]],
    ["10-244-0-2.default.pod.cluster.local", "AAAA", ["none"]],
    ["10-244-0-2.absent.pod.cluster.local", "A", ["NXDOMAIN"]],
    ["web.default.pod.cluster.local", "A", ["NXDOMAIN"]],
    ["1.0.96.10.in-addr.arpa", "PTR", [`1.0.96.10.in-addr.arpa 5 PTR ${kubernetes}`]],
    ["2.0.244.10.in-addr.arpa", "PTR", [`2.0.244.10.in-addr.arpa 5 PTR db-0.${db}`]],
    [`2.${"0.".repeat(27)}0.0.d.f.ip6.arpa`, "PTR", [`2.${"0.".repeat(27)}0.0.d.f.ip6.arpa 5 PTR dual.default.svc.cluster.local`]],
    ["1.0.96.10.in-addr.arpa", "A", ["none"]],
    ["8.8.8.8.in-addr.arpa", "PTR", ["elsewhere"]],
    ["cluster.local", "NS", ["cluster.local 5 NS ns.dns.cluster.local", "+ ns.dns.cluster.local 5 A 10.96.0.10"]],
    ["cluster.local", "SOA", ["cluster.local 5 SOA ns.dns.cluster.local"]],
    ["ns.dns.cluster.local", "A", ["ns.dns.cluster.local 5 A 10.96.0.10"]],
    ["other.cluster.local", "A", ["NXDOMAIN"]],
    ["example.org", "A", ["elsewhere"]],
    ["notcluster.local", "A", ["elsewhere"]],
  ])("%s %s", (name, type, wanted) => expect(ask(name, type)).toEqual(wanted));

  it("follows services and endpoints as they come, change and go", () => {
    const fed = fedInformers();
    const view = new ServiceRecords({ informers: fed.factory });
    void view.run(new AbortController().signal);
    const a = (name: string): readonly unknown[] => (answerQuestion({ name, type: "A" }, view, options)?.answers ?? []).map(({ data }) => data);
    const ptr = (name: string): readonly unknown[] => (answerQuestion({ name, type: "PTR" }, view, options)?.answers ?? []).map(({ data }) => data);
    fed.put(endpointSlices, sampleSlice("db", ["10.0.0.1"]));
    expect(a(db)).toEqual([]);
    const before = view.version;
    fed.put(services, sampleService("db", { clusterIP: "None" }));
    expect(view.version).toBeGreaterThan(before);
    expect(a(db)).toEqual(["10.0.0.1"]);
    fed.put(endpointSlices, sampleSlice("db", ["10.0.0.2"]));
    expect([a(db), ptr("1.0.0.10.in-addr.arpa"), ptr("2.0.0.10.in-addr.arpa")]).toEqual([["10.0.0.2"], [], [`10-0-0-2.${db}`]]);
    fed.remove(endpointSlices, "default/db-1");
    fed.put(services, sampleService("db", { clusterIP: "10.96.0.9" }));
    expect([a(db), ptr("9.0.96.10.in-addr.arpa")]).toEqual([["10.96.0.9"], [db]]);
    fed.remove(services, "default/db");
    expect([a(db), ptr("9.0.96.10.in-addr.arpa")]).toEqual([[], []]);
  });
});
