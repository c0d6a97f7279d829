import { describe, expect, it } from "vitest";
import type { Draft } from "../../base/values.ts";
import type { Service } from "../generated/types/core-v1.ts";
import { rowOf, tryCreate, tryStatusUpdate, tryUpdate } from "../kind-trial.ts";
import { serviceKind } from "./service.ts";

const head = "apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: default, creationTimestamp: '2026-01-01T00:00:00Z' }\n";
const create = (spec: string): ReturnType<typeof tryCreate<Service>> => tryCreate(serviceKind, `${head}spec: ${spec}\n`);
/** As the allocator leaves it. */
function stored(spec: string, clusterIP = "10.0.0.7"): Service {
  const { object } = create(spec);
  return { ...object, spec: { ...object.spec, ...(object.spec.type === "ExternalName" ? {} : { clusterIP, clusterIPs: [clusterIP] }) } };
}

describe("a new service", () => {
  it("gets upstream's defaults", () => {
    const { object, errors } = create("{ selector: { app: web }, ports: [{ port: 80 }, { name: dns, port: 53, protocol: UDP, targetPort: dns }] }");
    expect(errors).toEqual(["spec.ports[0].name: Required value"]);
    expect(object.spec).toEqual({
      selector: { app: "web" },
      ports: [
        { port: 80, protocol: "TCP", targetPort: 80 },
        { name: "dns", port: 53, protocol: "UDP", targetPort: "dns" },
      ],
      type: "ClusterIP",
      sessionAffinity: "None",
      internalTrafficPolicy: "Cluster",
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
    });
    expect(object.status).toEqual({ loadBalancer: {} });
  });

  it.each([
    ["a node port", "{ type: NodePort, ports: [{ port: 80 }] }", { externalTrafficPolicy: "Cluster" }],
    ["a load balancer", "{ type: LoadBalancer, ports: [{ port: 80 }] }", { externalTrafficPolicy: "Cluster", allocateLoadBalancerNodePorts: true }],
    ["external IPs", "{ externalIPs: [192.0.2.1], ports: [{ port: 80 }] }", { externalTrafficPolicy: "Cluster" }],
    ["client affinity", "{ sessionAffinity: ClientIP, ports: [{ port: 80 }] }", { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } }],
    ["an address of its own", "{ clusterIP: 'fd00::1', ports: [{ port: 80 }] }", { clusterIPs: ["fd00::1"], ipFamilies: ["IPv6"], ipFamilyPolicy: "SingleStack" }],
    ["no address", "{ clusterIP: None, selector: { a: b } }", { clusterIPs: ["None"], ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" }],
    ["neither address nor selector", "{ clusterIP: None }", { clusterIPs: ["None"], ipFamilies: ["IPv4", "IPv6"], ipFamilyPolicy: "RequireDualStack" }],
  ])("with %s", (_what, spec, expected) => {
    const { object, errors } = create(spec);
    expect(errors).toEqual([]);
    expect(object.spec).toMatchObject(expected);
  });

  it("of type ExternalName has no families", () => {
    const { object, errors } = create("{ type: ExternalName, externalName: example.com. }");
    expect(errors).toEqual([]);
    expect(object.spec).toEqual({ type: "ExternalName", externalName: "example.com.", sessionAffinity: "None" });
  });

  const labelText =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
  it.each([
    ["{}", ["spec.ports: Required value"]],
    ["{ ports: [{ port: 0, targetPort: 8080 }] }", ["spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"]],
    ["{ ports: [{ port: 80, name: Web }] }", [`spec.ports[0].name: Invalid value: "Web": ${labelText}`]],
    [
      "{ ports: [{ name: a, port: 80 }, { name: a, port: 80 }] }",
      ['spec.ports[1].name: Duplicate value: "a"', 'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}'],
    ],
    ["{ ports: [{ port: 80, protocol: HTTP }] }", ['spec.ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"']],
    ["{ ports: [{ port: 80, targetPort: a_b }] }", ['spec.ports[0].targetPort: Invalid value: "a_b": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']],
    ["{ ports: [{ port: 80, nodePort: 30080 }] }", ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]],
    ["{ type: NodePort, ports: [{ name: a, port: 80, nodePort: 30080 }, { name: b, port: 81, nodePort: 30080 }] }", ["spec.ports[1].nodePort: Duplicate value: 30080"]],
    ["{ type: Magic, ports: [{ port: 80 }] }", ['spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"']],
    ["{ type: NodePort, clusterIP: None, ports: [{ port: 80 }] }", [`spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for NodePort services`]],
    ["{ type: ExternalName }", ["spec.externalName: Required value"]],
    ["{ type: ExternalName, externalName: a.b, clusterIP: 10.0.0.1 }", ["spec.clusterIPs: Forbidden: may not be set for ExternalName services"]],
    ["{ clusterIP: ten, ports: [{ port: 80 }] }", ['spec.clusterIPs[0]: Invalid value: "ten": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
    ["{ clusterIP: 10.0.0.1, clusterIPs: [10.0.0.2], ports: [{ port: 80 }] }", ['spec.clusterIPs: Invalid value: ["10.0.0.2"]: first value must match `clusterIP`']],
    ["{ clusterIPs: [10.0.0.2], ports: [{ port: 80 }] }", ['spec.clusterIPs: Invalid value: ["10.0.0.2"]: must be empty when `clusterIP` is not specified']],
    [
      "{ clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, 10.0.0.2], ports: [{ port: 80 }] }",
      ['spec.clusterIPs: Invalid value: ["10.0.0.1","10.0.0.2"]: may specify no more than one IP for each IP family', 'spec.ipFamilies[1]: Duplicate value: "IPv4"'],
    ],
    [
      "{ clusterIP: 10.0.0.1, ipFamilies: [IPv6], ports: [{ port: 80 }] }",
      ['spec.clusterIPs[0]: Invalid value: "10.0.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`'],
    ],
    ["{ ipFamilyPolicy: Both, ports: [{ port: 80 }] }", ['spec.ipFamilyPolicy: Unsupported value: "Both": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"']],
    ["{ externalIPs: [127.0.0.1], ports: [{ port: 80 }] }", ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)']],
    ["{ externalTrafficPolicy: Local, ports: [{ port: 80 }] }", ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services']],
    [
      "{ healthCheckNodePort: 30000, ports: [{ port: 80 }] }",
      ["spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"],
    ],
    ["{ internalTrafficPolicy: Far, ports: [{ port: 80 }] }", ['spec.internalTrafficPolicy: Unsupported value: "Far": supported values: "Cluster", "Local"']],
    [
      "{ trafficDistribution: Near, ports: [{ port: 80 }] }",
      ['spec.trafficDistribution: Unsupported value: "Near": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"'],
    ],
    [
      "{ loadBalancerSourceRanges: [10.0.0.0], loadBalancerClass: x/y, ports: [{ port: 80 }] }",
      [
        "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
        'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
        "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
      ],
    ],
    [
      "{ sessionAffinity: ClientIP, sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } }, ports: [{ port: 80 }] }",
      ["spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400"],
    ],
    ["{ selector: { 'a b': c }, ports: [{ port: 80 }] }", [expect.stringMatching(/^spec\.selector: Invalid value: "a b": name part must consist of/)]],
  ])("%s is refused", (spec, expected) => {
    expect([...create(spec).errors].sort()).toEqual([...expected].sort());
  });
});

describe("an update", () => {
  const update = (before: Service, change: (draft: Draft<Service>) => void): ReturnType<typeof tryUpdate<Service>> => tryUpdate(serviceKind, before, change);

  it("keeps what was allocated and left out", () => {
    const before = stored("{ type: NodePort, ports: [{ name: a, port: 80, nodePort: 30080 }, { name: b, port: 81, nodePort: 30081 }] }");
    const { object, errors } = update(before, (draft) => {
      draft.spec = {
        type: "NodePort",
        ports: [
          { name: "b", port: 81 },
          { name: "c", port: 82 },
        ],
      };
    });
    expect(errors).toEqual([]);
    expect(object.spec).toMatchObject({ clusterIP: "10.0.0.7", clusterIPs: ["10.0.0.7"], ports: [{ nodePort: 30081 }, {}], ipFamilies: ["IPv4"] });
    expect(object.spec.ports?.[1]?.nodePort).toBeUndefined();
  });

  it("may not move the address", () => {
    const { errors } = update(stored("{ ports: [{ port: 80 }] }"), ({ spec }) => {
      spec.clusterIP = "10.0.0.8";
    });
    expect(errors).toEqual(['spec.clusterIPs[0]: Invalid value: ["10.0.0.8"]: may not change once set']);
  });

  it("to ExternalName lets go of the address and the node ports", () => {
    const before = stored("{ type: NodePort, ports: [{ port: 80, nodePort: 30080 }] }");
    const { object, errors } = update(before, ({ spec }) => {
      spec.type = "ExternalName";
      spec.externalName = "example.com";
    });
    expect(errors).toEqual([]);
    expect(object.spec).toEqual({
      type: "ExternalName",
      externalName: "example.com",
      sessionAffinity: "None",
      internalTrafficPolicy: "Cluster",
      ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
    });
  });

  it("away from a load balancer drops what only that has", () => {
    const before = stored("{ type: LoadBalancer, loadBalancerClass: a/b, externalTrafficPolicy: Local, healthCheckNodePort: 31000, ports: [{ port: 80, nodePort: 30080 }] }");
    const balanced: Service = { ...before, status: { loadBalancer: { ingress: [{ ip: "192.0.2.9", ipMode: "VIP" }] } } };
    const { object, errors } = update(balanced, ({ spec }) => {
      spec.type = "ClusterIP";
    });
    expect(errors).toEqual([]);
    expect(object.spec).not.toHaveProperty("loadBalancerClass");
    expect(object.spec).not.toHaveProperty("healthCheckNodePort");
    expect(object.spec).not.toHaveProperty("allocateLoadBalancerNodePorts");
    expect(object.spec).not.toHaveProperty("externalTrafficPolicy");
    expect(object.spec.ports?.[0]).not.toHaveProperty("nodePort");
    expect(object.status).toEqual({ loadBalancer: {} });
  });

  it("may not change the class of a load balancer", () => {
    const before = stored("{ type: LoadBalancer, loadBalancerClass: a/b, ports: [{ port: 80 }] }");
    const { errors } = update(before, ({ spec }) => {
      spec.loadBalancerClass = "a/c";
    });
    expect(errors).toEqual(['spec.loadBalancerClass: Invalid value: "a/c": may not change once set']);
  });

  it("to SingleStack releases the second address", () => {
    const { object: made } = create("{ ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv4, IPv6], ports: [{ port: 80 }] }");
    const before: Service = { ...made, spec: { ...made.spec, clusterIP: "10.0.0.7", clusterIPs: ["10.0.0.7", "fd00::7"] } };
    const { object, errors } = update(before, ({ spec }) => {
      spec.ipFamilyPolicy = "SingleStack";
    });
    expect(errors).toEqual([]);
    expect(object.spec).toMatchObject({ clusterIPs: ["10.0.0.7"], ipFamilies: ["IPv4"] });
    const kept = update(before, ({ spec }) => {
      spec.clusterIPs = ["10.0.0.7"];
    });
    expect(kept.errors).toEqual(["spec.ipFamilyPolicy: Invalid value: \"PreferDualStack\": must be set to 'SingleStack' when releasing the secondary clusterIP"]);
  });
});

describe("the status", () => {
  it.each([
    ["LoadBalancer", [{ ip: "192.0.2.1" }], []],
    ["LoadBalancer", [{ ip: "x", ipMode: "VIP" }], ['status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
    ["LoadBalancer", [{ hostname: "a.b", ipMode: "VIP" }], ["status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set"]],
    ["LoadBalancer", [{ hostname: "10.0.0.1" }], ['status.loadBalancer.ingress[0].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address']],
    ["ClusterIP", [{ ip: "192.0.2.1", ipMode: "VIP" }], ["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"]],
  ])("of %s may be %j", (type, ingress, expected) => {
    const before = stored(`{ type: ${type}, ports: [{ port: 80 }] }`);
    const { errors } = tryStatusUpdate(serviceKind, before, (draft) => {
      draft.status = { loadBalancer: { ingress } };
    });
    expect(errors).toEqual(expected);
  });
});

describe("the table", () => {
  const nowMs = Date.parse("2026-01-01T00:05:00Z");
  it.each([
    ["{ selector: { b: c, a: d }, ports: [{ port: 80 }] }", {}, { Type: "ClusterIP", "Cluster-IP": "10.0.0.7", "External-IP": "<none>", "Port(s)": "80/TCP", Selector: "a=d,b=c" }],
    [
      "{ type: NodePort, ports: [{ name: a, port: 80, nodePort: 30080 }, { name: b, port: 53, protocol: UDP }] }",
      {},
      { "Port(s)": "80:30080/TCP,53/UDP", "External-IP": "<none>" },
    ],
    ["{ type: LoadBalancer, ports: [{ port: 80 }] }", {}, { "External-IP": "<pending>" }],
    [
      "{ type: LoadBalancer, externalIPs: [192.0.2.9], ports: [{ port: 80 }] }",
      { loadBalancer: { ingress: [{ hostname: "lb.example.com" }, { ip: "192.0.2.2" }, { ip: "192.0.2.2" }] } },
      { "External-IP": "192.0.2.2,lb.example.com,192.0.2.9" },
    ],
    ["{ type: ExternalName, externalName: example.com }", {}, { "Cluster-IP": "<none>", "External-IP": "example.com", "Port(s)": "<none>", Selector: "<none>" }],
  ])("shows %s", (spec, status, expected) => {
    expect(rowOf(serviceKind, { ...stored(spec), status }, nowMs)).toMatchObject({ Name: "web", Age: "5m", ...expected });
  });

  it("has upstream's columns", () => {
    expect(serviceKind.columns?.map(({ name, priority }) => `${name}${priority === 1 ? "*" : ""}`)).toEqual([
      "Name",
      "Type",
      "Cluster-IP",
      "External-IP",
      "Port(s)",
      "Age",
      "Selector*",
    ]);
  });
});

it("warns of fields without effect", () => {
  const { object } = create("{ clusterIP: None, loadBalancerIP: 192.0.2.1, sessionAffinity: ClientIP, externalName: x.y, ports: [{ port: 80 }] }");
  expect([...(serviceKind.warnings?.(object, undefined) ?? [])]).toEqual([
    "spec.loadBalancerIP is ignored for headless services",
    "spec.SessionAffinity is ignored for headless services",
    'spec.externalName is ignored when spec.type is not "ExternalName"',
  ]);
});
