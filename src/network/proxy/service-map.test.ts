import { describe, expect, it } from "vitest";
import type { Service, ServiceSpec } from "../../api/generated/types/core-v1.ts";
import { sampleService, sampleSlice } from "../sample-services.ts";
import { planService } from "./service-map.ts";

const plan = (service: Service) => planService(service, [sampleSlice("web", ["10.244.0.2"])], "n1");
const spec = (changes: Partial<ServiceSpec>) => plan(sampleService("web", changes))[0];

describe("planService", () => {
  it.each<[string, Service]>([
    ["headless", sampleService("web", { clusterIP: "None", clusterIPs: ["None"] })],
    ["without an address yet", sampleService("web", { clusterIP: "", clusterIPs: [] })],
    ["an alias", sampleService("web", { type: "ExternalName", externalName: "example.org" })],
    ["another proxy's", sampleService("web", {}, { labels: { "service.kubernetes.io/service-proxy-name": "mesh" } })],
    ["the agent's own", sampleService("web", {}, { labels: { "keles.dev/served-by": "agent" } })],
    ["IPv6 only", sampleService("web", { clusterIP: "fd00::1", clusterIPs: ["fd00::1"] })],
  ])("leaves alone what is %s", (_, service) => expect(plan(service)).toEqual([]));

  it("takes the IPv4 address of a dual-stack service", () => {
    expect(spec({ clusterIP: "fd00::1", clusterIPs: ["fd00::1", "10.96.0.9"] })?.clusterIp).toBe("10.96.0.9");
  });

  it("remembers clients for three hours unless told otherwise", () => {
    expect(spec({})?.affinitySeconds).toBeUndefined();
    expect(spec({ sessionAffinity: "ClientIP" })?.affinitySeconds).toBe(10_800);
    expect(spec({ sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } })?.affinitySeconds).toBe(5);
  });

  it("takes load balancer addresses that are not answered elsewhere, and the ranges that may use them", () => {
    const service = sampleService(
      "web",
      { type: "LoadBalancer", loadBalancerSourceRanges: [" 10.0.0.0/8 ", "fd00::/8"], ports: [{ port: 80, nodePort: 30080 }] },
      { status: { loadBalancer: { ingress: [{ ip: "1.2.3.4", ipMode: "VIP" }, { ip: "1.2.3.5", ipMode: "Proxy" }, { hostname: "x" }] } } },
    );
    expect(plan(service)[0]).toMatchObject({ loadBalancerIps: ["1.2.3.4"], sourceRanges: ["10.0.0.0/8"], nodePort: 30080 });
    expect(spec({ type: "LoadBalancer", loadBalancerSourceRanges: ["0.0.0.0/0"] })?.sourceRanges).toBeUndefined();
  });

  it("knows which traffic must stay on the node", () => {
    expect(spec({ internalTrafficPolicy: "Local" })).toMatchObject({ internalLocal: true, externalLocal: false });
    expect(spec({ type: "NodePort", externalTrafficPolicy: "Local" })).toMatchObject({ internalLocal: false, externalLocal: true });
  });
});
