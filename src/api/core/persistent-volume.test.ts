import { describe, expect, it } from "vitest";
import type { PersistentVolume, PersistentVolumeClaim } from "../generated/types/core-v1.ts";
import { rowOf, tryCreate, tryUpdate } from "../kind-trial.ts";
import { persistentVolumeClaimKind } from "./persistent-volume-claim.ts";
import { persistentVolumeKind } from "./persistent-volume.ts";

const volume = (spec: string): ReturnType<typeof tryCreate<PersistentVolume>> =>
  tryCreate(persistentVolumeKind, `apiVersion: v1\nkind: PersistentVolume\nmetadata: { name: v }\nspec: ${spec}`);
const claim = (spec: string): ReturnType<typeof tryCreate<PersistentVolumeClaim>> =>
  tryCreate(persistentVolumeClaimKind, `apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: { name: c, namespace: default }\nspec: ${spec}`);

const hostPath = "hostPath: { path: /data }";
const sound = "capacity: { storage: 1Gi }, accessModes: [ReadWriteOnce]";

describe("a volume", () => {
  it("gets upstream's defaults", () => {
    const { object, errors } = volume(`{ ${sound}, ${hostPath} }`);
    expect(errors).toEqual([]);
    expect(object.spec).toMatchObject({ persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem", hostPath: { path: "/data", type: "" } });
    expect(object.status).toEqual({ phase: "Pending" });
  });

  it.each([
    [
      "{}",
      [
        "spec.accessModes: Required value",
        "spec.capacity: Required value",
        'spec.capacity: Unsupported value: {}: supported values: "storage"',
        "spec: Required value: must specify a volume type",
      ],
    ],
    [
      `{ capacity: { storage: 0 }, accessModes: [Often], ${hostPath} }`,
      [
        'spec.accessModes: Unsupported value: "Often": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
        'spec.capacity[storage]: Invalid value: "0": must be greater than zero',
      ],
    ],
    [
      `{ capacity: { storage: 1Gi }, accessModes: [ReadWriteOncePod, ReadOnlyMany], ${hostPath} }`,
      ["spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"],
    ],
    [
      `{ ${sound}, persistentVolumeReclaimPolicy: Keep, ${hostPath} }`,
      ['spec.persistentVolumeReclaimPolicy: Unsupported value: "Keep": supported values: "Delete", "Recycle", "Retain"'],
    ],
    [
      `{ ${sound}, persistentVolumeReclaimPolicy: Recycle, hostPath: { path: / } }`,
      ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
    ],
    [`{ ${sound}, hostPath: { path: ../x } }`, ["spec.hostPath.path: Invalid value: \"../x\": must not contain '..'"]],
    [`{ ${sound}, ${hostPath}, nfs: { server: s, path: /x } }`, ["spec.nfs: Forbidden: may not specify more than 1 volume type"]],
    [`{ ${sound}, nfs: { server: '', path: x } }`, ["spec.nfs.server: Required value", 'spec.nfs.path: Invalid value: "x": must be an absolute path']],
    [`{ ${sound}, local: { path: /mnt } }`, ["spec.nodeAffinity: Required value: Local volume requires node affinity"]],
    [
      `{ ${sound}, ${hostPath}, nodeAffinity: { required: { nodeSelectorTerms: [] } } }`,
      ["spec.nodeAffinity.required.nodeSelectorTerms: Required value: must have at least one node selector term"],
    ],
    [
      `{ ${sound}, csi: { driver: '', volumeHandle: '', nodeStageSecretRef: { name: a } } }`,
      [
        "spec.csi.driver: Required value",
        expect.stringMatching(/^spec\.csi\.driver: Invalid value: "": a lowercase RFC 1123 subdomain/),
        "spec.csi.volumeHandle: Required value",
        "spec.csi.nodeStageSecretRef.namespace: Required value",
      ],
    ],
    [`{ ${sound}, ${hostPath}, volumeAttributesClassName: gold }`, ["spec.csi: Required value: has to be specified when using volumeAttributesClassName"]],
    [`{ ${sound}, ${hostPath}, volumeMode: Tape }`, ['spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"']],
  ])("%s is refused", (spec, expected) => {
    expect(volume(spec).errors).toEqual(expected);
  });

  it("keeps its source and mode", () => {
    const { object } = volume(`{ ${sound}, ${hostPath} }`);
    const { errors } = tryUpdate(persistentVolumeKind, object, ({ spec }) => {
      spec.hostPath = { path: "/other", type: "" };
      spec.volumeMode = "Block";
      spec.persistentVolumeReclaimPolicy = "Delete";
    });
    expect(errors).toEqual([
      'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n- hostPath.path: "/data"\n+ hostPath.path: "/other"',
      'volumeMode: Invalid value: "Block": field is immutable',
    ]);
  });

  it("may learn a secret for growing, and move from beta labels to their successors", () => {
    const affinity = "nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: failure-domain.beta.kubernetes.io/zone, operator: In, values: [a] }] }] } }";
    const { object } = volume(`{ ${sound}, csi: { driver: d.example.com, volumeHandle: h }, ${affinity} }`);
    const moved = tryUpdate(persistentVolumeKind, object, ({ spec }) => {
      if (spec.csi !== undefined) spec.csi.controllerExpandSecretRef = { name: "s", namespace: "n" };
      const key = spec.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0];
      if (key !== undefined) key.key = "topology.kubernetes.io/zone";
    });
    expect(moved.errors).toEqual([]);
    const changed = tryUpdate(persistentVolumeKind, object, ({ spec }) => {
      spec.nodeAffinity = { required: { nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["a"] }] }] } };
    });
    expect(changed.errors).toEqual([expect.stringMatching(/^nodeAffinity: Invalid value: .*: field is immutable, except for updating from beta label to GA$/)]);
  });

  it("shows upstream's columns", () => {
    const { object } = volume(`{ ${sound}, ${hostPath}, storageClassName: slow, claimRef: { namespace: a, name: b } }`);
    expect(rowOf(persistentVolumeKind, { ...object, status: { phase: "Bound" } }, 0)).toEqual({
      Name: "v",
      Capacity: "1Gi",
      "Access Modes": "RWO",
      "Reclaim Policy": "Retain",
      Status: "Bound",
      Claim: "a/b",
      StorageClass: "slow",
      VolumeAttributesClass: "<unset>",
      Reason: "",
      Age: "<unknown>",
      VolumeMode: "Filesystem",
    });
  });
});

describe("a claim", () => {
  const wanted = "accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } }";

  it("gets upstream's defaults", () => {
    const { object, errors } = claim(`{ ${wanted}, dataSource: { kind: PersistentVolumeClaim, name: other } }`);
    expect(errors).toEqual([]);
    expect(object.spec).toMatchObject({ volumeMode: "Filesystem", dataSourceRef: { kind: "PersistentVolumeClaim", name: "other" } });
    expect(object.status).toEqual({ phase: "Pending" });
    expect(claim(`{ ${wanted}, dataSource: { kind: Bucket, apiGroup: example.com, name: x } }`).object.spec).not.toHaveProperty("dataSource");
    expect(claim(`{ ${wanted}, dataSourceRef: { kind: Bucket, apiGroup: example.com, name: x } }`).object.spec.dataSource).toEqual({
      apiGroup: "example.com",
      kind: "Bucket",
      name: "x",
    });
  });

  it.each([
    ["{}", ["spec.accessModes: Required value: at least 1 access mode is required", "spec.resources[storage]: Required value"]],
    ["{ accessModes: [ReadWriteOnce], resources: { requests: { storage: -1 } } }", ['spec.resources[storage]: Invalid value: "-1": must be greater than zero']],
    [
      `{ ${wanted}, dataSourceRef: { kind: Pod, name: '' } }`,
      [
        "spec.dataSource.name: Required value",
        "spec.dataSource: Invalid value: \"Pod\": must be 'PersistentVolumeClaim' when referencing the default apiGroup",
        "spec.dataSourceRef.name: Required value",
        "spec.dataSourceRef: Invalid value: \"Pod\": must be 'PersistentVolumeClaim' when referencing the default apiGroup",
      ],
    ],
    [
      `{ ${wanted}, dataSource: { kind: PersistentVolumeClaim, name: a }, dataSourceRef: { kind: PersistentVolumeClaim, name: b } }`,
      ['spec: Invalid value: "spec.dataSource": must match dataSourceRef'],
    ],
    [
      `{ ${wanted}, selector: { matchExpressions: [{ key: a, operator: In }] } }`,
      ["spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"],
    ],
  ])("%s is refused", (spec, expected) => {
    expect(claim(spec).errors).toEqual(expected);
  });

  const bound = (): PersistentVolumeClaim => {
    const { object } = claim(`{ ${wanted}, storageClassName: slow, volumeName: v }`);
    return { ...object, status: { phase: "Bound", capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce", "ReadOnlyMany"] } };
  };

  it("may be bound once, and grow when bound", () => {
    const { object } = claim(`{ ${wanted} }`);
    const named = tryUpdate(persistentVolumeClaimKind, object, ({ spec }) => {
      spec.volumeName = "v";
      spec.storageClassName = "slow";
    });
    expect(named.errors).toEqual([]);
    const grown = tryUpdate(persistentVolumeClaimKind, bound(), ({ spec }) => {
      spec.resources = { requests: { storage: "2Gi" } };
    });
    expect(grown.errors).toEqual([]);
  });

  it("changes in no other way", () => {
    const moved = tryUpdate(persistentVolumeClaimKind, bound(), ({ spec }) => {
      spec.volumeName = "w";
    });
    expect(moved.errors).toEqual([
      'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n- volumeName: "v"\n+ volumeName: "w"',
    ]);
    const shrunk = tryUpdate(persistentVolumeClaimKind, bound(), ({ spec }) => {
      spec.resources = { requests: { storage: "1Mi" } };
    });
    expect(shrunk.errors).toEqual(["spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"]);
  });

  it("shows upstream's columns, capacity only when bound", () => {
    expect(rowOf(persistentVolumeClaimKind, bound(), 0)).toEqual({
      Name: "c",
      Status: "Bound",
      Volume: "v",
      Capacity: "1Gi",
      "Access Modes": "RWO,ROX",
      StorageClass: "slow",
      VolumeAttributesClass: "<unset>",
      Age: "<unknown>",
      VolumeMode: "Filesystem",
    });
    const { object } = claim(`{ ${wanted} }`);
    expect(rowOf(persistentVolumeClaimKind, { ...object, metadata: { ...object.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }, 0)).toMatchObject({
      Status: "Terminating",
      Capacity: "",
      "Access Modes": "",
    });
  });
});
