import { describe, expect, it } from "vitest";
import { rowOf, tryCreate, tryUpdate } from "../kind-trial.ts";
import { csiDriverKind } from "./csi-driver.ts";
import { csiNodeKind } from "./csi-node.ts";
import { csiStorageCapacityKind } from "./csi-storage-capacity.ts";
import { storageClassKind } from "./storage-class.ts";
import { volumeAttachmentKind } from "./volume-attachment.ts";
import { volumeAttributesClassKind } from "./volume-attributes-class.ts";

const head = (kind: string, name = "x.example.com"): string => `apiVersion: storage.k8s.io/v1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;

describe("StorageClass", () => {
  it.each([
    ["provisioner: Example.com/p", []],
    ["{}", ["provisioner: Required value"]],
    ["provisioner: a b", [expect.stringMatching(/^provisioner: Invalid value: "a b": name part must consist of/)]],
    ["provisioner: p\nparameters: { '': x }", ['parameters: Invalid value: "": field can not be empty.']],
    ["provisioner: p\nreclaimPolicy: Recycle", ['reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"']],
    ["provisioner: p\nvolumeBindingMode: Later", ['volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"']],
    ["provisioner: p\nallowedTopologies: [{ matchLabelExpressions: [{ key: zone, values: [] }] }]", ["allowedTopologies[0].matchLabelExpressions[0].values: Required value"]],
  ])("%s", (text, expected) => {
    const body = text === "{}" ? "" : text;
    expect(tryCreate(storageClassKind, head("StorageClass") + body).errors).toEqual(expected);
  });

  it("changes little, and shows which is the default", () => {
    const { object } = tryCreate(
      storageClassKind,
      `${head("StorageClass").replace(" }\n", ", annotations: { storageclass.kubernetes.io/is-default-class: 'true' } }\n")}provisioner: p`,
    );
    expect(rowOf(storageClassKind, object, 0)).toEqual({
      Name: "x.example.com (default)",
      Provisioner: "p",
      ReclaimPolicy: "Delete",
      VolumeBindingMode: "Immediate",
      AllowVolumeExpansion: false,
      Age: "<unknown>",
    });
    const { errors } = tryUpdate(storageClassKind, object, (draft) => {
      draft.provisioner = "q";
      draft.parameters = { a: "b" };
      draft.reclaimPolicy = "Retain";
      draft.volumeBindingMode = "WaitForFirstConsumer";
      draft.allowVolumeExpansion = true;
    });
    expect(errors).toEqual([
      "parameters: Forbidden: updates to parameters are forbidden.",
      "provisioner: Forbidden: updates to provisioner are forbidden.",
      "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.",
      'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ]);
  });
});

describe("CSIDriver", () => {
  it("gets upstream's defaults", () => {
    const { object, errors } = tryCreate(csiDriverKind, head("CSIDriver"));
    expect(errors).toEqual([]);
    expect(object.spec).toEqual({
      attachRequired: true,
      podInfoOnMount: false,
      storageCapacity: false,
      fsGroupPolicy: "ReadWriteOnceWithFSType",
      volumeLifecycleModes: ["Persistent"],
      requiresRepublish: false,
      seLinuxMount: false,
    });
    expect(rowOf(csiDriverKind, object, 0)).toMatchObject({ AttachRequired: true, TokenRequests: "<unset>", Modes: "Persistent" });
  });

  it.each([
    [
      "{ fsGroupPolicy: Odd, volumeLifecycleModes: [Odd] }",
      [
        'spec.fsGroupPolicy: Unsupported value: "Odd": supported values: "File", "None", "ReadWriteOnceWithFSType"',
        'spec.volumeLifecycleModes: Unsupported value: "Odd": supported values: "Ephemeral", "Persistent"',
      ],
    ],
    [
      "{ tokenRequests: [{ audience: a, expirationSeconds: 1 }, { audience: a }] }",
      ["spec.tokenRequests[0].expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes", 'spec.tokenRequests[1].audience: Duplicate value: "a"'],
    ],
  ])("%s is refused", (spec, expected) => {
    expect(tryCreate(csiDriverKind, `${head("CSIDriver")}spec: ${spec}`).errors).toEqual(expected);
  });
});

describe("CSINode", () => {
  it.each([
    ["{ drivers: [{ name: d.example.com, nodeID: n1, topologyKeys: [example.com/zone] }] }", []],
    [
      "{ drivers: [{ name: d, nodeID: '' }, { name: d, nodeID: n1, topologyKeys: [a, a] }] }",
      ["spec.drivers[0].nodeID: Required value", 'spec.drivers[1].topologyKeys: Duplicate value: "a"', 'spec.drivers[1].name: Duplicate value: "d"'],
    ],
  ])("%s", (spec, expected) => {
    expect(tryCreate(csiNodeKind, `${head("CSINode")}spec: ${spec}`).errors).toEqual(expected);
  });

  it("lets drivers come and go, not change", () => {
    const { object } = tryCreate(csiNodeKind, `${head("CSINode")}spec: { drivers: [{ name: d, nodeID: a, allocatable: { count: 1 } }] }`);
    expect(rowOf(csiNodeKind, object, 0)["Drivers"]).toBe(1);
    const grown = tryUpdate(csiNodeKind, object, ({ spec }) => {
      spec.drivers = [
        { name: "d", nodeID: "a", allocatable: { count: 5 } },
        { name: "e", nodeID: "b" },
      ];
    });
    expect(grown.errors).toEqual([]);
    const changed = tryUpdate(csiNodeKind, object, ({ spec }) => {
      spec.drivers = [{ name: "d", nodeID: "other" }];
    });
    expect(changed.errors).toEqual(['CSINodeDriver: Invalid value: {"name":"d","nodeID":"other"}: field is immutable']);
  });
});

it("CSIStorageCapacity says how much a class has where", () => {
  const text = head("CSIStorageCapacity").replace("}", ", namespace: default }");
  const { object, errors } = tryCreate(csiStorageCapacityKind, `${text}storageClassName: slow\ncapacity: -1`);
  expect(errors).toEqual(['capacity: Invalid value: "-1": must be greater than or equal to 0']);
  expect(rowOf(csiStorageCapacityKind, object, 0)).toEqual({ Name: "x.example.com", StorageClassName: "slow", Capacity: "-1" });
});

describe("VolumeAttachment", () => {
  it.each([
    ["{ attacher: d.example.com, nodeName: n1, source: { persistentVolumeName: v } }", []],
    [
      "{ attacher: '', nodeName: n1, source: {} }",
      [
        "spec.attacher: Required value",
        expect.stringMatching(/^spec\.attacher: Invalid value: ""/),
        "spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName",
      ],
    ],
    ["{ attacher: d, nodeName: n1, source: { persistentVolumeName: '' } }", ["spec.source.persistentVolumeName: Required value: must specify non empty persistentVolumeName"]],
  ])("%s", (spec, expected) => {
    expect(tryCreate(volumeAttachmentKind, `${head("VolumeAttachment")}spec: ${spec}`).errors).toEqual(expected);
  });

  it("is not attached at first", () => {
    const { object } = tryCreate(
      volumeAttachmentKind,
      `${head("VolumeAttachment")}spec: { attacher: d, nodeName: n1, source: { persistentVolumeName: v } }\nstatus: { attached: true }`,
    );
    expect(rowOf(volumeAttachmentKind, object, 0)).toEqual({ Name: "x.example.com", Attacher: "d", PV: "v", Node: "n1", Attached: false, Age: "<unknown>" });
  });
});

it("VolumeAttributesClass keeps its driver and parameters", () => {
  const { object, errors } = tryCreate(volumeAttributesClassKind, `${head("VolumeAttributesClass")}driverName: d\nparameters: { iops: '100' }`);
  expect(errors).toEqual([]);
  expect(tryCreate(volumeAttributesClassKind, `${head("VolumeAttributesClass")}driverName: d`).errors).toEqual([
    "parameters: Required value: must contain at least one key/value pair",
  ]);
  const changed = tryUpdate(volumeAttributesClassKind, object, (draft) => {
    draft.driverName = "e";
  });
  expect(changed.errors).toEqual(['driverName: Invalid value: "e": field is immutable']);
});
