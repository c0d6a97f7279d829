import { expect, it } from "vitest";
import { rowOf, tryCreate } from "../kind-trial.ts";
import { endpointsKind } from "./endpoints.ts";

const head = "apiVersion: v1\nkind: Endpoints\nmetadata: { name: e, namespace: default }\n";

it.each([
  ["subsets: [{ addresses: [{ ip: 10.0.0.1, nodeName: node-1, hostname: h }], ports: [{ port: 80 }] }]", []],
  ["subsets: [{ ports: [{ port: 80 }] }]", ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"]],
  ["subsets: [{ addresses: [{ ip: 169.254.1.1 }] }]", ['subsets[0].addresses[0].ip: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)']],
  ["subsets: [{ notReadyAddresses: [{ ip: '::' }] }]", ['subsets[0].notReadyAddresses[0].ip: Invalid value: "::": may not be unspecified (::)']],
  [
    "subsets: [{ addresses: [{ ip: 10.0.0.1 }], ports: [{ port: 80 }, { name: b, port: 70000, protocol: X }] }]",
    [
      "subsets[0].ports[0].name: Required value",
      "subsets[0].ports[1].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
      'subsets[0].ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
    ],
  ],
])("%s", (text, expected) => {
  expect(tryCreate(endpointsKind, head + text).errors).toEqual(expected);
});

it.each([
  ["", "<none>"],
  ["subsets: [{ notReadyAddresses: [{ ip: 10.0.0.1 }], ports: [{ port: 80 }] }]", ""],
  ["subsets: [{ addresses: [{ ip: 10.0.0.1 }, { ip: fd00::1 }], ports: [{ port: 80 }] }]", "10.0.0.1:80,[fd00::1]:80"],
  [
    "subsets: [{ addresses: [{ ip: 10.0.0.1 }, { ip: 10.0.0.2 }], ports: [{ name: a, port: 80 }, { name: b, port: 443 }] }, { addresses: [{ ip: 10.0.0.3 }] }]",
    "10.0.0.1:80,10.0.0.2:80,10.0.0.1:443 + 2 more...",
  ],
])("shows %s as %s", (text, expected) => {
  const { object } = tryCreate(endpointsKind, head + text);
  expect(rowOf(endpointsKind, object, 0)["Endpoints"]).toBe(expected);
});
