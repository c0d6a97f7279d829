import { expect, it } from "vitest";
import { rowOf, tryCreate, tryUpdate } from "../kind-trial.ts";
import { endpointSliceKind } from "./endpoint-slice.ts";

const head = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: { name: e, namespace: default }\n";

it.each([
  ["addressType: IPv4\nendpoints: [{ addresses: [10.0.0.1], conditions: { ready: true } }]\nports: [{ port: 80 }]", []],
  ["addressType: IP\nendpoints: []", ['addressType: Unsupported value: "IP": supported values: "FQDN", "IPv4", "IPv6"']],
  ["addressType: IPv4\nendpoints: [{ addresses: [] }]", ["endpoints[0].addresses: Required value: must contain at least 1 address"]],
  ["addressType: IPv4\nendpoints: [{ addresses: ['fd00::1'] }]", ['endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address']],
  ["addressType: IPv6\nendpoints: [{ addresses: ['::1'] }]", ['endpoints[0].addresses[0]: Invalid value: "::1": may not be in the loopback range (127.0.0.0/8, ::1/128)']],
  ["addressType: FQDN\nendpoints: [{ addresses: [host] }]", ['endpoints[0].addresses[0]: Invalid value: "host": should be a domain with at least two segments separated by dots']],
  [
    "addressType: IPv4\nendpoints: []\nports: [{ port: 80 }, { port: 81, protocol: X }]",
    ['ports[1].name: Duplicate value: ""', 'ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"'],
  ],
  ["addressType: IPv4\nendpoints: [{ addresses: [10.0.0.1], hints: { forZones: [{ name: a }, { name: a }] } }]", ['endpoints[0].hints.forZones[1].name: Duplicate value: "a"']],
])("%s", (text, expected) => {
  expect(tryCreate(endpointSliceKind, head + text).errors).toEqual(expected);
});

it("is limited in size", () => {
  const endpoints = JSON.stringify(Array.from({ length: 1001 }, () => ({ addresses: ["10.0.0.1"] })));
  expect(tryCreate(endpointSliceKind, `${head}addressType: IPv4\nendpoints: ${endpoints}`).errors).toEqual(["endpoints: Too many: must have at most 1000 items"]);
});

it("shows its ports and addresses, and keeps its type", () => {
  const { object } = tryCreate(
    endpointSliceKind,
    `${head}addressType: IPv4\nendpoints: [{ addresses: [10.0.0.1] }, { addresses: [10.0.0.2, 10.0.0.3] }, { addresses: [10.0.0.4] }]\nports: [{ port: 80 }, { name: any }]`,
  );
  expect(rowOf(endpointSliceKind, object, 0)).toEqual({ Name: "e", AddressType: "IPv4", Ports: "80,any", Endpoints: "10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...", Age: "<unknown>" });
  expect(rowOf(endpointSliceKind, { ...object, ports: [], endpoints: [] }, 0)).toMatchObject({ Ports: "<unset>", Endpoints: "<unset>" });
  const { errors } = tryUpdate(endpointSliceKind, object, (draft) => {
    draft.addressType = "FQDN";
    draft.endpoints = [];
  });
  expect(errors).toEqual(['addressType: Invalid value: "FQDN": field is immutable']);
});
