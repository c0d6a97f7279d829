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
        'spec.devices.constraints[0].matchAttribute: Invalid value: "plain": must include a domain',
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
        'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required',
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
