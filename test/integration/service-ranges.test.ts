import { afterEach, describe, expect, it } from "vitest";
import { ipAddresses, serviceCIDRs, services } from "../../src/api/generated/resources.ts";
import type { ServiceSpec } from "../../src/api/generated/types/core-v1.ts";
import { silentLogger } from "../../src/base/log.ts";
import { noMetrics } from "../../src/base/metrics.ts";
import { repairServiceClaims } from "../../src/server/repair/service-claims.ts";
import { controllersWorld, type World } from "./controllers-world.ts";
import { serveCluster } from "./served-cluster.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});
const begin = async (): Promise<World> => {
  world = await controllersWorld({ serviceCidrs: ["10.96.0.0/16"] });
  await world.settle();
  return world;
};
const service = (name: string, spec: Partial<ServiceSpec> = {}) => ({ metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } as ServiceSpec });
const namespace = "default";
const readyOf = async ({ client }: World, name: string) => (await client.get(serviceCIDRs, name)).status?.conditions?.find(({ type }) => type === "Ready");

describe("ranges of services", () => {
  it("have the cluster's own from the beginning, and again when it was deleted", async () => {
    const { client, advance } = await begin();
    const own = await client.get(serviceCIDRs, "kubernetes");
    expect(own.spec.cidrs).toEqual(["10.96.0.0/16"]);
    expect(own.metadata.finalizers).toEqual(["networking.k8s.io/service-cidr-finalizer"]);
    expect(own.status?.conditions).toMatchObject([{ type: "Ready", status: "True", message: "Kubernetes default Service CIDR is ready" }]);
    await client.delete(serviceCIDRs, "kubernetes");
    await advance(30);
    expect((await client.get(serviceCIDRs, "kubernetes")).metadata.uid).not.toBe(own.metadata.uid);
  });

  it("are several, each used once it is ready", async () => {
    const { client, settle } = await begin();
    const asked = { clusterIP: "10.99.0.7", clusterIPs: ["10.99.0.7"] };
    await expect(client.create(services, service("early", asked), { namespace })).rejects.toThrow(
      "failed to allocate IP 10.99.0.7: the provided IP (10.99.0.7) is not in the valid range. The range of valid IPs is 10.96.0.0/16",
    );
    await client.create(serviceCIDRs, { metadata: { name: "more" }, spec: { cidrs: ["10.99.0.0/24"] } });
    await settle();
    const made = await client.create(services, service("s", asked), { namespace });
    expect(made.spec.clusterIP).toBe("10.99.0.7");
    expect((await client.get(ipAddresses, "10.99.0.7")).spec.parentRef).toEqual({ group: "", resource: "services", namespace, name: "s" });
    await expect(client.create(services, service("early", { clusterIP: "10.100.0.7", clusterIPs: ["10.100.0.7"] }), { namespace })).rejects.toThrow(
      "The range of valid IPs is 10.96.0.0/16, 10.99.0.0/24",
    );
  });

  it("stay while an address of theirs is in use, and give no more away", async () => {
    const live = await begin();
    const { client, settle, advance } = live;
    await client.create(serviceCIDRs, { metadata: { name: "more" }, spec: { cidrs: ["10.99.0.0/24"] } });
    await settle();
    await client.create(services, service("s", { clusterIP: "10.99.0.7", clusterIPs: ["10.99.0.7"] }), { namespace });
    await client.delete(serviceCIDRs, "more");
    await advance(60);
    expect(await readyOf(live, "more")).toMatchObject({ status: "False", reason: "Terminating", message: expect.stringContaining("still IPAddresses referencing") });
    await expect(client.create(services, service("t", { clusterIP: "10.99.0.8", clusterIPs: ["10.99.0.8"] }), { namespace })).rejects.toThrow("not in the valid range");
    await client.delete(services, "s", { namespace });
    await advance(20);
    await expect(client.get(serviceCIDRs, "more")).rejects.toThrow("not found");
  });

  it("are full when all of them are", async () => {
    const { client, settle } = await begin();
    await client.delete(serviceCIDRs, "kubernetes");
    await client.create(serviceCIDRs, { metadata: { name: "small" }, spec: { cidrs: ["10.99.0.0/30"] } });
    await settle();
    const ips = [];
    for (const name of ["a", "b"]) ips.push((await client.create(services, service(name), { namespace })).spec.clusterIP);
    expect(ips.sort()).toEqual(["10.99.0.1", "10.99.0.2"]);
    await expect(client.create(services, service("c"), { namespace })).rejects.toThrow("failed to allocate a serviceIP: range is full");
  });
});

describe("a cluster of one family", () => {
  it.each<[string, Partial<ServiceSpec>, string]>([
    [
      "two families at any price",
      { ipFamilyPolicy: "RequireDualStack" },
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
    ["the other family", { ipFamilies: ["IPv6"] }, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
    ["an address of the other family", { clusterIP: "fd00::1", clusterIPs: ["fd00::1"] }, 'spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster'],
    ["both by name", { ipFamilyPolicy: "PreferDualStack", ipFamilies: ["IPv4", "IPv6"] }, 'spec.ipFamilies[1]: Invalid value: "IPv6": not configured on this cluster'],
  ])("refuses %s", async (_name, spec, message) => {
    const { client } = await begin();
    await expect(client.create(services, service("s", spec), { namespace })).rejects.toThrow(message);
  });

  it("gives who prefers two the one it has, and headless services without selector what they say", async () => {
    const { client } = await begin();
    const preferring = await client.create(services, service("s", { ipFamilyPolicy: "PreferDualStack", selector: { a: "b" } }), { namespace });
    expect(preferring.spec).toMatchObject({ ipFamilyPolicy: "PreferDualStack", ipFamilies: ["IPv4"] });
    expect(preferring.spec.clusterIPs).toHaveLength(1);
    const headless = await client.create(services, service("h", { clusterIP: "None", clusterIPs: ["None"] }), { namespace });
    expect(headless.spec).toMatchObject({ ipFamilyPolicy: "RequireDualStack", ipFamilies: ["IPv4", "IPv6"] });
  });
});

describe("what services have claimed", () => {
  it("is claimed again when a claim was lost, and let go when nobody holds it", async () => {
    const { api, admin, clock, stop } = await serveCluster();
    const made = await admin.create(services, service("s", { type: "NodePort" }), { namespace });
    const ip = made.spec.clusterIP ?? "";
    const port = String(made.spec.ports?.[0]?.nodePort);
    await admin.delete(ipAddresses, ip);
    await api.parts.store.commit([{ type: "delete", key: `/registry/ranges/servicenodeports/${port}` }]);
    const foreign = { metadata: { name: "10.43.9.9" }, spec: { parentRef: { resource: "gateways", group: "example.com", name: "g" } } };
    await admin.create(ipAddresses, foreign);
    const leaked = {
      metadata: { name: "10.43.9.8", labels: { "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" } },
      spec: { parentRef: { resource: "services", namespace, name: "long-gone" } },
    };
    await admin.create(ipAddresses, leaked);
    await api.parts.store.commit([{ type: "put", key: "/registry/ranges/servicenodeports/30999", value: new TextEncoder().encode("{}") }]);
    await clock.settle();
    const ending = new AbortController();
    const running = repairServiceClaims({ ...api.parts, log: silentLogger, metrics: noMetrics }, ending.signal);
    await clock.settle();
    expect((await admin.get(ipAddresses, ip)).spec.parentRef.name).toBe("s");
    await expect(admin.get(ipAddresses, "10.43.9.8")).rejects.toThrow("not found");
    expect((await admin.get(ipAddresses, "10.43.9.9")).spec.parentRef.name).toBe("g");
    const { entries } = await api.parts.store.range("/registry/ranges/servicenodeports/");
    expect(entries.map(({ key }) => key)).toEqual([`/registry/ranges/servicenodeports/${port}`]);
    // And again, when something is lost later.
    await admin.delete(ipAddresses, ip);
    await clock.advance(180_000);
    expect((await admin.get(ipAddresses, ip)).metadata.name).toBe(ip);
    ending.abort();
    await running;
    await stop();
  });
});
