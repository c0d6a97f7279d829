import { describe, expect, it } from "vitest";
import { rowOf, tryCreate, tryStatusUpdate, tryUpdate } from "../kind-trial.ts";
import { deviceClassKind } from "./device-class.ts";
import { resourceClaimTemplateKind } from "./resource-claim-template.ts";
import { resourceClaimKind } from "./resource-claim.ts";
import { resourceSliceKind } from "./resource-slice.ts";

const head = (kind: string): string => `apiVersion: resource.k8s.io/v1\nkind: ${kind}\nmetadata: { name: x, namespace: default }\n`;

describe("ResourceClaim", () => {
  const at = "spec.devices.requests[0]";
  it.each([
    ["{ devices: { requests: [{ name: gpu, exactly: { deviceClassName: gpus } }] } }", []],
    ["{ devices: { requests: [{ name: gpu }] } }", [`${at}: Required value: exactly one of \`exactly\` or \`firstAvailable\` is required`]],
    [
      "{ devices: { requests: [{ name: GPU, exactly: { deviceClassName: '', allocationMode: All, count: 2 } }] } }",
      [
        expect.stringMatching(/^spec\.devices\.requests\[0\]\.name: Invalid value: "GPU"/),
        `${at}.exactly.deviceClassName: Required value`,
        `${at}.exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'`,
      ],
    ],
    [
      "{ devices: { requests: [{ name: a, exactly: { deviceClassName: c, allocationMode: Some, selectors: [{}] } }, { name: a, exactly: { deviceClassName: c } }] } }",
      [
        `${at}.exactly.selectors[0].cel: Required value`,
        `${at}.exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"`,
        'spec.devices.requests[1]: Duplicate value: "a"',
      ],
    ],
    [
      "{ devices: { requests: [{ name: a, firstAvailable: [{ name: b, deviceClassName: c }] }], constraints: [{ requests: [a/b, z], matchAttribute: plain }] } }",
      [
        "spec.devices.constraints[0].requests[1]: Invalid value: \"z\": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
        'spec.devices.constraints[0].matchAttribute: Invalid value: "plain": a fully qualified name must be a domain and a name separated by a slash',
      ],
    ],
  ])("%s", (spec, expected) => {
    expect(tryCreate(resourceClaimKind, `${head("ResourceClaim")}spec: ${spec}`).errors).toEqual(expected);
  });

  it("is for one device unless it says otherwise, and never changes", () => {
    const { object } = tryCreate(resourceClaimKind, `${head("ResourceClaim")}spec: { devices: { requests: [{ name: gpu, exactly: { deviceClassName: gpus } }] } }`);
    expect(object.spec.devices?.requests?.[0]?.exactly).toEqual({ deviceClassName: "gpus", allocationMode: "ExactCount", count: 1 });
    const { errors } = tryUpdate(resourceClaimKind, object, (draft) => {
      draft.spec = { devices: {} };
    });
    expect(errors).toEqual(['spec: Invalid value: {"devices":{}}: field is immutable']);
  });

  it("is reserved only once allocated", () => {
    const { object } = tryCreate(resourceClaimKind, `${head("ResourceClaim")}spec: {}`);
    expect(rowOf(resourceClaimKind, object, 0)["State"]).toBe("pending");
    const reservedFor = [{ resource: "pods", name: "p", uid: "u" }];
    const early = tryStatusUpdate(resourceClaimKind, object, (draft) => {
      draft.status = { reservedFor };
    });
    expect(early.errors).toEqual(["status.reservedFor: Forbidden: may not be specified when `allocated` is not set"]);
    const allocated = { ...object, status: { allocation: {}, reservedFor } };
    expect(rowOf(resourceClaimKind, allocated, 0)["State"]).toBe("allocated,reserved");
    expect(rowOf(resourceClaimKind, { ...allocated, metadata: { ...object.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }, 0)["State"]).toBe("deleted,allocated,reserved");
  });
});

it("ResourceClaimTemplate defaults the claim inside", () => {
  const { object, errors } = tryCreate(
    resourceClaimTemplateKind,
    `${head("ResourceClaimTemplate")}spec: { spec: { devices: { requests: [{ name: gpu, exactly: { deviceClassName: gpus } }] } } }`,
  );
  expect(errors).toEqual([]);
  expect(object.spec.spec.devices?.requests?.[0]?.exactly?.count).toBe(1);
});

it("DeviceClass holds selectors and parameters for drivers", () => {
  const { errors } = tryCreate(
    deviceClassKind,
    `${head("DeviceClass")}spec: { selectors: [{ cel: { expression: '' } }], config: [{ opaque: { driver: d.example.com, parameters: {} } }, {}] }`,
  );
  expect(errors).toEqual(["spec.selectors[0].cel.expression: Required value", "spec.config[1].opaque: Required value"]);
});

describe("ResourceSlice", () => {
  const sound = "driver: d.example.com, pool: { name: p, generation: 1, resourceSliceCount: 1 }";
  it.each([
    [`{ ${sound}, nodeName: n1, devices: [{ name: dev0 }] }`, []],
    [`{ ${sound} }`, ["spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"]],
    [
      `{ ${sound}, nodeName: n1, allNodes: true, devices: [{ name: a }, { name: a }] }`,
      [
        'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set',
        'spec.devices[1]: Duplicate value: "a"',
      ],
    ],
    [
      "{ driver: '', pool: { name: '' }, allNodes: true }",
      ["spec.driver: Required value", "spec.pool.name: Required value", "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero"],
    ],
  ])("%s", (spec, expected) => {
    expect(tryCreate(resourceSliceKind, `${head("ResourceSlice")}spec: ${spec}`).errors).toEqual(expected);
  });

  it("keeps its driver, pool and node, and can be selected by them", () => {
    const { object } = tryCreate(resourceSliceKind, `${head("ResourceSlice")}spec: { ${sound}, nodeName: n1 }`);
    expect(rowOf(resourceSliceKind, object, 0)).toEqual({ Name: "x", Node: "n1", Driver: "d.example.com", Pool: "p", Age: "<unknown>" });
    expect(resourceSliceKind.fieldSelectors?.["spec.nodeName"]?.(object)).toBe("n1");
    const { errors } = tryUpdate(resourceSliceKind, object, ({ spec }) => {
      spec.nodeName = "n2";
    });
    expect(errors).toEqual(['spec.nodeName: Invalid value: "n2": field is immutable']);
  });
});

describe("what a claim asks for", () => {
  const at = "spec.devices.requests[0].exactly";
  const wants = (exactly: string, rest = ""): string => `spec: { devices: { requests: [{ name: gpu, exactly: { deviceClassName: c, ${exactly} } }]${rest} } }`;
  it.each([
    [wants("selectors: [{ cel: { expression: 'device.driver == \"x\"' } }]"), []],
    [
      wants("selectors: [{ cel: { expression: 'device.nope' } }]"),
      [
        expect.stringMatching(
          /^spec\.devices\.requests\[0\]\.exactly\.selectors\[0\]\.cel\.expression: Invalid value: "device\.nope": compilation failed: ERROR: <input>:1:7: undefined field 'nope'/,
        ),
      ],
    ],
    [wants("selectors: [{ cel: { expression: '1' } }]"), [`${at}.selectors[0].cel.expression: Invalid value: "1": must evaluate to bool or the unknown type, not int`]],
    [wants("tolerations: [{ key: a, value: b, effect: NoSchedule }, { operator: Exists }]"), []],
    [
      wants("tolerations: [{ operator: Exists, value: x }, { operator: Gt, effect: Never }]"),
      [
        `${at}.tolerations[0].value: Invalid value: "x": must be empty for operator \`Exists\``,
        `${at}.tolerations[1].operator: Unsupported value: "Gt": supported values: "Equal", "Exists"`,
        `${at}.tolerations[1].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "None"`,
      ],
    ],
    [
      wants("", ", constraints: [{ distinctAttribute: d.example.com/numa }, { matchAttribute: d.example.com/a-b }]"),
      [expect.stringMatching(/^spec\.devices\.constraints\[1\]\.matchAttribute: Invalid value: "a-b": a valid C identifier/)],
    ],
    [
      wants("", ", constraints: [{}]"),
      ['spec.devices.constraints[0]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'],
    ],
    [
      wants("", ", config: [{ opaque: { driver: d.example.com, parameters: [1] } }, { requests: [gpu, gpu], opaque: { driver: d.example.com } }]"),
      [
        'spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
        'spec.devices.config[1].requests[1]: Duplicate value: "gpu"',
        "spec.devices.config[1].opaque.parameters: Required value",
      ],
    ],
    [
      "spec: { devices: { requests: [{ name: gpu, exactly: { deviceClassName: c }, firstAvailable: [{ name: a, deviceClassName: c }] }] } }",
      ['spec.devices.requests[0]: Invalid value: "null": exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set'],
    ],
  ])("%s", (text, expected) => {
    expect(tryCreate(resourceClaimKind, head("ResourceClaim") + text).errors).toEqual(expected);
  });
});

describe("a claim's status", () => {
  const { object: made } = tryCreate(resourceClaimKind, `${head("ResourceClaim")}spec: { devices: { requests: [{ name: gpu, exactly: { deviceClassName: c } }] } }`);
  const result = { request: "gpu", driver: "d.example.com", pool: "p", device: "a" };
  const allocation = { devices: { results: [result] } };
  const share = "11111111-1111-4111-8111-111111111111";
  const met = { type: "Ready", status: "True", reason: "Ok", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" };
  const device = { driver: "d.example.com", pool: "p", device: "a" };
  it.each([
    ["is sound", { allocation: { devices: { results: [{ ...result, shareID: share }] } } }, []],
    [
      "names a request",
      { allocation: { devices: { results: [{ ...result, request: "nope" }] } } },
      [expect.stringMatching(/^status\.allocation\.devices\.results\[0\]\.request: Invalid value: "nope": must be the name/)],
    ],
    [
      "has a UID for each share",
      { allocation: { devices: { results: [{ ...result, shareID: "X" }] } } },
      [expect.stringMatching(/results\[0\]\.shareID: Invalid value: "X": uid must be/)],
    ],
    [
      "needs both kinds of conditions",
      { allocation: { devices: { results: [{ ...result, bindingConditions: ["A"] }] } } },
      ["status.allocation.devices.results[0].bindingFailureConditions: Invalid value: []: bindingFailureConditions are required to use bindingConditions"],
    ],
    [
      "says where parameters come from",
      { allocation: { devices: { config: [{ source: "Thin air", opaque: { driver: "d", parameters: {} } }] } } },
      ['status.allocation.devices.config[0].source: Unsupported value: "Thin air": supported values: "FromClaim", "FromClass"'],
    ],
    ["tells of devices that it has", { allocation, devices: [{ ...device, conditions: [met] }] }, []],
    [
      "tells of no others",
      { allocation, devices: [{ ...device, device: "b" }] },
      ['status.devices[0]: Invalid value: "d.example.com/p/b": must be an allocated device in the claim'],
    ],
    [
      "has whole conditions",
      { allocation, devices: [{ ...device, conditions: [{ type: "Ready", status: "Maybe", reason: "", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" }] }] },
      [
        'status.devices[0].conditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
        "status.devices[0].conditions[0].reason: Required value: must be set",
      ],
    ],
    [
      "has addresses with their network",
      { allocation, devices: [{ ...device, networkData: { ips: ["10.0.0.1/24", "10.0.0.1", "2001:DB8::1/64"] } }] },
      [
        'status.devices[0].networkData.ips[1]: Invalid value: "10.0.0.1": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)',
        'status.devices[0].networkData.ips[2]: Invalid value: "2001:DB8::1/64": must be in canonical form ("2001:db8::1/64")',
      ],
    ],
  ])("%s", (_, status, expected) => {
    const { errors } = tryStatusUpdate(resourceClaimKind, made, (draft) => {
      draft.status = status as typeof draft.status;
    });
    expect(errors).toEqual(expected);
  });

  it("keeps what it was given, and forgets what drivers said of what it gave back", () => {
    const given = { ...made, status: { allocation, devices: [{ ...device, conditions: [met] }] } };
    const moved = tryStatusUpdate(resourceClaimKind, given, (draft) => {
      draft.status = { allocation: { devices: { results: [{ ...result, device: "b" }] } } };
    });
    expect(moved.errors).toEqual([expect.stringMatching(/^status\.allocation: Invalid value: .*: field is immutable$/)]);
    const back = tryStatusUpdate(resourceClaimKind, given, (draft) => {
      delete draft.status?.allocation;
    });
    expect([back.errors, back.object.status]).toEqual([[], {}]);
  });
});

describe("a device", () => {
  const slice = (devices: string, rest = "nodeName: n1"): string =>
    `${head("ResourceSlice")}spec: { driver: d.example.com, pool: { name: p, generation: 1, resourceSliceCount: 1 }, ${rest}, devices: [${devices}] }`;
  const at = "spec.devices[0]";
  it.each([
    [slice("{ name: a, attributes: { model: { string: A }, d.example.com/v: { version: 1.2.3 } }, capacity: { memory: { value: 1Gi } } }"), []],
    [
      slice("{ name: a, attributes: { model: {}, v: { version: '1.2' }, b: { bool: true, int: 1 } } }"),
      [
        `${at}.attributes[model]: Invalid value: "": exactly one value must be specified`,
        `${at}.attributes[v].version: Invalid value: "1.2": must be a string compatible with semver.org spec 2.0.0`,
        `${at}.attributes[b]: Invalid value: {"bool":true,"int":1}: exactly one value must be specified`,
      ],
    ],
    [slice("{ name: a, attributes: { models: { strings: [A] } } }"), [`${at}.attributes[models]: Invalid value: "": exactly one value must be specified`]],
    [slice("{ name: a, taints: [{ key: broken, effect: NoExecute }] }"), []],
    [
      slice("{ name: a, taints: [{ key: '', effect: Sometimes }] }"),
      [
        expect.stringMatching(/taints\[0\]\.key: Invalid value: ""/),
        expect.stringMatching(/taints\[0\]\.key: Invalid value: ""/),
        `${at}.taints[0].effect: Unsupported value: "Sometimes": supported values: "NoExecute", "NoSchedule", "None"`,
      ],
    ],
    [slice("{ name: a, capacity: { m: { value: '4', requestPolicy: { default: '1' } } } }"), [`${at}.capacity[m].requestPolicy: Forbidden: allowMultipleAllocations must be true`]],
    [slice("{ name: a, allowMultipleAllocations: true, capacity: { m: { value: '4', requestPolicy: { default: '1', validValues: ['1', '2'] } } } }"), []],
    [
      slice("{ name: a, allowMultipleAllocations: true, capacity: { m: { value: '4', requestPolicy: { default: '3', validValues: ['2', '1', '8'] } } } }"),
      [
        `${at}.capacity[m].requestPolicy.validValues[1]: Invalid value: "1": values must be sorted in ascending order`,
        `${at}.capacity[m].requestPolicy.validValues[2]: Invalid value: "8": option is larger than capacity value: 4`,
        `${at}.capacity[m].requestPolicy.validValues: Invalid value: "3": default value is not valid according to the requestPolicy`,
      ],
    ],
    [
      slice("{ name: a, allowMultipleAllocations: true, capacity: { m: { value: '9', requestPolicy: { default: '4', validRange: { min: '1', max: '10', step: '2' } } } } }"),
      [
        `${at}.capacity[m].requestPolicy.validRange.max: Invalid value: "10": max is larger than capacity value: 9`,
        `${at}.capacity[m].requestPolicy.validRange.step: Invalid value: "4": value is not a multiple of a given step (2) from (1)`,
        `${at}.capacity[m].requestPolicy.validRange.step: Invalid value: "10": value is not a multiple of a given step (2) from (1)`,
      ],
    ],
    [
      slice("{ name: a, nodeName: n1 }"),
      [`${at}: Invalid value: "null": \`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`],
    ],
    [slice("{ name: a, nodeName: n1 }, { name: b, allNodes: true }", "perDeviceNodeSelection: true"), []],
    [slice("{ name: a }", "perDeviceNodeSelection: true"), [expect.stringMatching(/^spec\.devices\[0\]: Required value: exactly one of/)]],
    [slice("{ name: a, consumesCounters: [{ counterSet: c, counters: { m: { value: 1Gi } } }] }"), []],
    [slice("{ name: a, consumesCounters: [{}] }"), [`${at}.consumesCounters[0].counterSet: Required value`, `${at}.consumesCounters[0].counters: Required value`]],
    [
      slice("{ name: a }", "nodeName: n1, sharedCounters: [{ name: c, counters: { m: { value: '1' } } }]"),
      ['spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed'],
    ],
    [slice("{ name: a }", "allNodes: false"), ["spec.allNodes: Invalid value: false: must be either unset or set to true", expect.stringMatching(/^spec: Required value/)]],
    [slice(Array.from({ length: 65 }, (_, index) => `{ name: d${index}, taints: [{ key: k, effect: None }] }`).join(", ")), ["spec.devices: Too many: must have at most 64 items"]],
  ])("%s", (text, expected) => {
    expect(tryCreate(resourceSliceKind, text).errors).toEqual(expected);
  });
});

it("DeviceClass stands for an extended resource", () => {
  const errors = (name: string) => tryCreate(deviceClassKind, `${head("DeviceClass")}spec: { extendedResourceName: ${name} }`).errors;
  expect(errors("example.com/gpu")).toEqual([]);
  expect(errors("cpu")).toEqual(['spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name']);
});
