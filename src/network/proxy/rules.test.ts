import { describe, expect, it } from "vitest";
import type { Endpoint, EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import type { Service } from "../../api/generated/types/core-v1.ts";
import { sampleService, sampleSlice } from "../sample-services.ts";
import { RuleBook } from "./incremental.ts";
import { baseRules } from "./ruleset.ts";
import { planService } from "./service-map.ts";
import { serviceRules } from "./service-rules.ts";

const clusterCidr = "10.244.0.0/16";
const rules = (service: Service, ...slices: readonly EndpointSlice[]) => serviceRules(planService(service, slices, "n1"), { clusterCidr });
const far: Endpoint = { addresses: ["10.244.1.9"], nodeName: "n2" };

/** Without the hashes in names, which say nothing to a reader. */
const readable = (script: string): readonly string[] =>
  script
    .replaceAll(/(service|endpoint|external|local|firewall|affinity-\d+)-[0-9a-z]{11}-/g, "$1:")
    .trim()
    .split("\n");

/** The script that adds one service to a table that has none. */
function added(service: Service, ...slices: readonly EndpointSlice[]): readonly string[] {
  const book = new RuleBook({ table: "ip t" });
  book.put("", baseRules({ clusterCidr, nodeIps: ["192.168.1.5"] }));
  book.confirm();
  book.put("default/web", rules(service, ...slices));
  return readable(book.changes());
}

const web = "default/web/tcp/http";

describe("serviceRules", () => {
  it("spreads a cluster IP", () => {
    expect(added(sampleService("web"), sampleSlice("web", ["10.244.0.2", far]))).toEqual([
      `add chain ip t endpoint:${web}__10.244.0.2/8080`,
      `add chain ip t endpoint:${web}__10.244.1.9/8080`,
      `add chain ip t service:${web}`,
      `add rule ip t endpoint:${web}__10.244.0.2/8080 ip saddr 10.244.0.2 jump mark-for-masquerade`,
      `add rule ip t endpoint:${web}__10.244.0.2/8080 meta l4proto tcp dnat to 10.244.0.2:8080`,
      `add rule ip t endpoint:${web}__10.244.1.9/8080 ip saddr 10.244.1.9 jump mark-for-masquerade`,
      `add rule ip t endpoint:${web}__10.244.1.9/8080 meta l4proto tcp dnat to 10.244.1.9:8080`,
      `add rule ip t service:${web} ip daddr 10.96.0.20 tcp dport 80 ip saddr != 10.244.0.0/16 jump mark-for-masquerade`,
      `add rule ip t service:${web} numgen random mod 2 vmap { 0 : goto endpoint:${web}__10.244.0.2/8080, 1 : goto endpoint:${web}__10.244.1.9/8080 }`,
      "add element ip t cluster-ips { 10.96.0.20 }",
      `add element ip t service-ips { 10.96.0.20 . tcp . 80 : goto service:${web} }`,
    ]);
  });

  it("refuses without endpoints, everywhere it would have answered", () => {
    const service = sampleService("web", { type: "NodePort", externalIPs: ["1.2.3.4"], ports: [{ name: "http", port: 80, nodePort: 30080 }] });
    expect(added(service)).toEqual([
      "add element ip t cluster-ips { 10.96.0.20 }",
      "add element ip t no-endpoint-services { 10.96.0.20 . tcp . 80 : goto reject-connection, 1.2.3.4 . tcp . 80 : goto reject-connection }",
      "add element ip t no-endpoint-nodeports { tcp . 30080 : goto reject-connection }",
    ]);
  });

  it("drops what must stay on the node and finds no endpoint there", () => {
    expect(added(sampleService("web", { internalTrafficPolicy: "Local" }), sampleSlice("web", [far]))).toEqual([
      "add element ip t cluster-ips { 10.96.0.20 }",
      "add element ip t no-endpoint-services { 10.96.0.20 . tcp . 80 : drop }",
    ]);
  });

  it("keeps outside traffic local, but lets the node and pods reach all", () => {
    const service = sampleService("web", { type: "NodePort", externalTrafficPolicy: "Local", ports: [{ name: "http", port: 80, nodePort: 30080 }] });
    const script = added(service, sampleSlice("web", ["10.244.0.2", far]));
    expect(script.filter((line) => line.includes(`rule ip t external:`) || line.includes("rule ip t local:") || line.includes("nodeports"))).toEqual([
      `add rule ip t local:${web} numgen random mod 1 vmap { 0 : goto endpoint:${web}__10.244.0.2/8080 }`,
      `add rule ip t external:${web} ip saddr 10.244.0.0/16 goto service:${web}`,
      `add rule ip t external:${web} fib saddr type local jump mark-for-masquerade`,
      `add rule ip t external:${web} fib saddr type local goto service:${web}`,
      `add rule ip t external:${web} goto local:${web}`,
      `add element ip t service-nodeports { tcp . 30080 : goto external:${web} }`,
    ]);
    expect(added(service, sampleSlice("web", [far]))).toContain(`add rule ip t external:${web} drop`);
  });

  it("remembers clients in a set per endpoint, whose name holds the timeout", () => {
    const script = added(sampleService("web", { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }), sampleSlice("web", ["10.244.0.2"]));
    expect(script[0]).toBe(`add set ip t affinity-60:${web}__10.244.0.2/8080 { type ipv4_addr; flags dynamic,timeout; timeout 60s; }`);
    expect(script).toContain(`add rule ip t service:${web} ip saddr @affinity-60:${web}__10.244.0.2/8080 goto endpoint:${web}__10.244.0.2/8080`);
    expect(script).toContain(`add rule ip t endpoint:${web}__10.244.0.2/8080 update @affinity-60:${web}__10.244.0.2/8080 { ip saddr }`);
  });

  it("walls a load balancer's addresses off", () => {
    const service = sampleService("web", { type: "LoadBalancer", loadBalancerSourceRanges: ["10.9.0.0/16"] }, { status: { loadBalancer: { ingress: [{ ip: "1.2.3.4" }] } } });
    const script = added(service, sampleSlice("web", ["10.244.0.2"]));
    expect(script.filter((line) => line.includes("firewall"))).toEqual([
      `add chain ip t firewall:${web}`,
      `add rule ip t firewall:${web} ip saddr 10.9.0.0/16 return`,
      `add rule ip t firewall:${web} drop`,
      `add element ip t firewall-ips { 1.2.3.4 . tcp . 80 : goto firewall:${web} }`,
    ]);
  });
});

describe("RuleBook", () => {
  it("sends only what differs, chains before their users and after them", () => {
    const book = new RuleBook({ table: "ip t" });
    book.put("default/web", rules(sampleService("web"), sampleSlice("web", ["10.244.0.2"])));
    expect(book.changes()).not.toBe("");
    book.confirm();
    expect(book.changes()).toBe("");
    book.put("default/web", rules(sampleService("web"), sampleSlice("web", ["10.244.0.2"])));
    expect(book.changes()).toBe("");
    book.put("default/web", rules(sampleService("web"), sampleSlice("web", ["10.244.0.3"])));
    expect(readable(book.changes())).toEqual([
      `add chain ip t endpoint:${web}__10.244.0.3/8080`,
      `flush chain ip t endpoint:${web}__10.244.0.2/8080`,
      `flush chain ip t service:${web}`,
      `add rule ip t service:${web} ip daddr 10.96.0.20 tcp dport 80 ip saddr != 10.244.0.0/16 jump mark-for-masquerade`,
      `add rule ip t service:${web} numgen random mod 1 vmap { 0 : goto endpoint:${web}__10.244.0.3/8080 }`,
      `add rule ip t endpoint:${web}__10.244.0.3/8080 ip saddr 10.244.0.3 jump mark-for-masquerade`,
      `add rule ip t endpoint:${web}__10.244.0.3/8080 meta l4proto tcp dnat to 10.244.0.3:8080`,
      `delete chain ip t endpoint:${web}__10.244.0.2/8080`,
    ]);
    book.confirm();
    book.put("default/web", undefined);
    expect(readable(book.changes())).toEqual([
      `flush chain ip t endpoint:${web}__10.244.0.3/8080`,
      `flush chain ip t service:${web}`,
      "delete element ip t cluster-ips { 10.96.0.20 }",
      "delete element ip t service-ips { 10.96.0.20 . tcp . 80 }",
      `delete chain ip t endpoint:${web}__10.244.0.3/8080`,
      `delete chain ip t service:${web}`,
    ]);
  });

  it("gives an address that two services claim to one, and to the other when that goes", () => {
    const book = new RuleBook({ table: "ip t" });
    const [one, two] = ["one", "two"].map((name) => rules(sampleService(name, { clusterIP: `10.96.0.${name.length}`, externalIPs: ["1.2.3.4"] })));
    book.put("default/two", two);
    book.put("default/one", one);
    expect(book.changes().match(/1\.2\.3\.4/g)).toHaveLength(1);
    book.confirm();
    book.put("default/one", undefined);
    expect(book.changes()).toBe("");
    book.put("default/two", undefined);
    expect(book.changes()).toContain("delete element ip t no-endpoint-services { ");
  });

  it("replaces a table whole, and rewrites it without forgetting clients", () => {
    const book = new RuleBook({ table: "ip t" });
    book.put("", baseRules({ clusterCidr, nodeIps: ["192.168.1.5"] }));
    book.put("default/web", rules(sampleService("web", { sessionAffinity: "ClientIP" }), sampleSlice("web", ["10.244.0.2"])));
    const replacement = book.replacement().split("\n");
    expect(replacement.slice(0, 3)).toEqual(["add table ip t", "delete table ip t", "add table ip t"]);
    expect(replacement.filter((line) => line.startsWith("flush"))).toEqual([]);
    const refreshment = book.refreshment();
    expect(refreshment).not.toContain("delete");
    expect(refreshment).not.toMatch(/flush set ip t affinity/);
    expect(refreshment).toContain("flush map ip t service-ips");
    expect(readable(refreshment)).toContain("add chain ip t nat-prerouting { type nat hook prerouting priority -100; }");
    expect(refreshment.indexOf("add rule ip t nat-postrouting ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16")).toBeGreaterThan(0);
  });
});
