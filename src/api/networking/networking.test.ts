import { describe, expect, it } from "vitest";
import { rowOf, tryCreate, tryUpdate } from "../kind-trial.ts";
import { ingressClassKind } from "./ingress-class.ts";
import { ingressKind } from "./ingress.ts";
import { ipAddressKind } from "./ip-address.ts";
import { networkPolicyKind } from "./network-policy.ts";
import { serviceCIDRKind } from "./service-cidr.ts";

const head = (kind: string, name = "x"): string => `apiVersion: networking.k8s.io/v1\nkind: ${kind}\nmetadata: { name: '${name}', namespace: default }\n`;

describe("Ingress", () => {
  const backend = "backend: { service: { name: web, port: { number: 80 } } }";
  it.each([
    [`{ rules: [{ host: '*.example.com', http: { paths: [{ path: /, pathType: Prefix, ${backend} }] } }] }`, []],
    ["{ defaultBackend: { service: { name: 1web, port: { name: http } } } }", []],
    ["{}", ["spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"]],
    ["{ defaultBackend: {} }", ['spec.defaultBackend: Invalid value: "": resource or service backend is required']],
    ["{ defaultBackend: { service: { name: web } } }", ["spec.defaultBackend: Required value: port name or number is required"]],
    ["{ defaultBackend: { service: { name: web, port: { name: a, number: 1 } } } }", ['spec.defaultBackend: Invalid value: "": cannot set both port name & port number']],
    [
      "{ defaultBackend: { resource: { kind: a/b, name: '' } } }",
      ["spec.defaultBackend.resource.kind: Invalid value: \"a/b\": may not contain '/'", "spec.defaultBackend.resource.name: Required value"],
    ],
    ["{ rules: [{ host: 10.0.0.1 }] }", ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address']],
    ["{ rules: [{ http: { paths: [] } }] }", ["spec.rules[0].http.paths: Required value"]],
    [
      `{ rules: [{ http: { paths: [{ path: a//b/.., pathType: Exact, ${backend} }] } }] }`,
      [
        'spec.rules[0].http.paths[0].path: Invalid value: "a//b/..": must be an absolute path',
        "spec.rules[0].http.paths[0].path: Invalid value: \"a//b/..\": must not contain '//'",
        "spec.rules[0].http.paths[0].path: Invalid value: \"a//b/..\": cannot end with '/..'",
      ],
    ],
    [`{ rules: [{ http: { paths: [{ path: /, ${backend} }] } }] }`, ["spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"]],
    [
      `{ rules: [{ http: { paths: [{ path: /, pathType: Regex, ${backend} }] } }] }`,
      ['spec.rules[0].http.paths[0].pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"'],
    ],
    [
      "{ rules: [{}], tls: [{ hosts: ['*'], secretName: A }] }",
      [
        expect.stringMatching(/^spec\.tls\[0\]\.hosts\[0\]: Invalid value: "\*": a wildcard DNS-1123 subdomain/),
        expect.stringMatching(/^spec\.tls\[0\]\.secretName: Invalid value: "A": a lowercase RFC 1123 subdomain/),
      ],
    ],
  ])("%s", (spec, expected) => {
    expect(tryCreate(ingressKind, `${head("Ingress")}spec: ${spec}`).errors).toEqual(expected);
  });

  it("may say its class twice, not otherwise", () => {
    const text = `${head("Ingress").replace(" }\n", ", annotations: { kubernetes.io/ingress.class: a } }\n")}spec: { ingressClassName: b, rules: [{}] }`;
    const { object, errors } = tryCreate(ingressKind, text);
    expect(errors).toEqual(['annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified']);
    expect([...(ingressKind.warnings?.(object, undefined) ?? [])]).toEqual([`annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead`]);
  });

  it.each([
    ["{ rules: [{}] }", { Class: "<none>", Hosts: "*", Address: "", Ports: "80" }],
    ["{ ingressClassName: c, tls: [{}], rules: [{ host: a.b }, { host: c.d }, {}, { host: e.f }] }", { Class: "c", Hosts: "a.b,c.d,e.f", Ports: "80, 443" }],
    ["{ rules: [{ host: a }, { host: b }, { host: c }, { host: d }, { host: e }] }", { Hosts: "a,b,c + 2 more..." }],
  ])("shows %s", (spec, expected) => {
    const { object } = tryCreate(ingressKind, `${head("Ingress")}spec: ${spec}`);
    expect(rowOf(ingressKind, object, 0)).toMatchObject(expected);
  });
});

describe("IngressClass", () => {
  it.each([
    ["{ controller: example.com/c, parameters: { kind: K, name: k } }", []],
    ["{ controller: c }", ['spec.controller: Invalid value: "c": must be a domain-prefixed path (such as "acme.io/foo")']],
    ["{}", ["spec.controller: Required value"]],
    ["{ controller: a.b/c, parameters: { kind: K, name: k, scope: Namespace } }", ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"]],
    ["{ controller: a.b/c, parameters: { kind: K, name: k, namespace: ns } }", ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"]],
    ["{ controller: a.b/c, parameters: { kind: K, name: k, scope: World } }", ['spec.parameters.scope: Unsupported value: "World": supported values: "Cluster", "Namespace"']],
  ])("%s", (spec, expected) => {
    expect(tryCreate(ingressClassKind, `${head("IngressClass")}spec: ${spec}`).errors).toEqual(expected);
  });

  it("keeps its controller and shows its parameters", () => {
    const { object } = tryCreate(ingressClassKind, `${head("IngressClass")}spec: { controller: a.b/c, parameters: { apiGroup: e.f, kind: K, name: k } }`);
    expect(rowOf(ingressClassKind, object, 0)).toEqual({ Name: "x", Controller: "a.b/c", Parameters: "K.e.f/k", Age: "<unknown>" });
    const { errors } = tryUpdate(ingressClassKind, object, (draft) => {
      if (draft.spec !== undefined) draft.spec.controller = "a.b/d";
    });
    expect(errors).toEqual(['spec.controller: Invalid value: "a.b/d": field is immutable']);
  });
});

describe("NetworkPolicy", () => {
  it("gets upstream's defaults", () => {
    const { object, errors } = tryCreate(networkPolicyKind, `${head("NetworkPolicy")}spec: { egress: [{ ports: [{ port: 53 }] }] }`);
    expect(errors).toEqual([]);
    expect(object.spec).toEqual({ podSelector: {}, egress: [{ ports: [{ port: 53, protocol: "TCP" }] }], policyTypes: ["Ingress", "Egress"] });
    expect(tryCreate(networkPolicyKind, `${head("NetworkPolicy")}spec: {}`).object.spec?.policyTypes).toEqual(["Ingress"]);
  });

  it.each([
    ["{ ingress: [{ ports: [{ port: 0 }] }] }", ["spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"]],
    ["{ ingress: [{ ports: [{ port: 80, endPort: 79 }] }] }", ["spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`"]],
    [
      "{ ingress: [{ ports: [{ port: http, endPort: 79 }, { endPort: 1 }] }] }",
      [
        "spec.ingress[0].ports[0].endPort: Invalid value: 79: may not be specified when `port` is non-numeric",
        "spec.ingress[0].ports[1].endPort: Invalid value: 1: may not be specified when `port` is not specified",
      ],
    ],
    ["{ ingress: [{ from: [{}] }] }", ["spec.ingress[0].from[0]: Required value: must specify a peer"]],
    ["{ egress: [{ to: [{ podSelector: {}, ipBlock: { cidr: 10.0.0.0/8 } }] }] }", ["spec.egress[0].to[0]: Forbidden: may not specify both ipBlock and another peer"]],
    [
      "{ egress: [{ to: [{ ipBlock: { cidr: 10.0.0.0/8, except: [10.0.0.0/8, 11.0.0.0/9, x] } }] }] }",
      [
        'spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
        'spec.egress[0].to[0].ipBlock.except[1]: Invalid value: "11.0.0.0/9": must be a strict subset of `cidr`',
        'spec.egress[0].to[0].ipBlock.except[2]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
      ],
    ],
    ["{ policyTypes: [Both] }", ['spec.policyTypes[0]: Unsupported value: "Both": supported values: "Egress", "Ingress"']],
  ])("%s is refused", (spec, expected) => {
    expect(tryCreate(networkPolicyKind, `${head("NetworkPolicy")}spec: ${spec}`).errors).toEqual(expected);
  });

  it.each([
    ["{}", "<none>"],
    ["{ podSelector: { matchLabels: { app: web }, matchExpressions: [{ key: tier, operator: In, values: [b, a] }] } }", "app=web,tier in (a,b)"],
  ])("shows whom %s selects", (spec, text) => {
    const { object } = tryCreate(networkPolicyKind, `${head("NetworkPolicy")}spec: ${spec}`);
    expect(rowOf(networkPolicyKind, object, 0)["Pod-Selector"]).toBe(text);
  });
});

describe("IPAddress", () => {
  it.each([
    ["10.0.0.1", "{ parentRef: { resource: services, namespace: default, name: web } }", []],
    ["x", "{}", ['metadata.name: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)', "spec.parentRef: Required value"]],
    [
      "2001:db8::0",
      "{ parentRef: { resource: services } }",
      ['metadata.name: Invalid value: "2001:db8::0": must be in canonical form ("2001:db8::")', "spec.parentRef.name: Required value"],
    ],
  ])("%s of %s", (name, spec, expected) => {
    expect(tryCreate(ipAddressKind, `${head("IPAddress", name)}spec: ${spec}`).errors).toEqual(expected);
  });

  it("shows its parent", () => {
    const { object } = tryCreate(ipAddressKind, `${head("IPAddress", "10.0.0.1")}spec: { parentRef: { resource: services, namespace: default, name: web } }`);
    expect(rowOf(ipAddressKind, object, 0)).toEqual({ Name: "10.0.0.1", ParentRef: "services/default/web" });
  });
});

describe("ServiceCIDR", () => {
  it.each([
    ["{ cidrs: [10.96.0.0/12, 'fd00::/112'] }", []],
    ["{}", ["spec.cidrs: Required value: at least one CIDR required"]],
    ["{ cidrs: [10.96.0.1/12] }", ['spec.cidrs[0]: Invalid value: "10.96.0.1/12": must not have bits set beyond the prefix length']],
    [
      "{ cidrs: [10.96.0.0/12, 10.0.0.0/24] }",
      ['spec.cidrs: Invalid value: ["10.96.0.0/12","10.0.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'],
    ],
  ])("%s", (spec, expected) => {
    expect(tryCreate(serviceCIDRKind, `${head("ServiceCIDR")}spec: ${spec}`).errors).toEqual(expected);
  });

  it("may gain a second family and change in no other way", () => {
    const { object } = tryCreate(serviceCIDRKind, `${head("ServiceCIDR")}spec: { cidrs: [10.96.0.0/12] }`);
    const change = (cidrs: string[]): readonly string[] =>
      tryUpdate(serviceCIDRKind, object, ({ spec }) => {
        spec.cidrs = cidrs;
      }).errors;
    expect(change(["10.96.0.0/12", "fd00::/112"])).toEqual([]);
    expect(change(["10.0.0.0/12"])).toEqual(['spec.cidrs[0]: Invalid value: "10.0.0.0/12": field is immutable']);
    expect(change([])).toEqual(["spec.cidrs: Required value: at least one CIDR required", "spec.cidrs: Invalid value: []: field is immutable"]);
  });
});
