import { beforeEach, describe, expect, it } from "vitest";
import { PaperSockets } from "../../../../test/support/paper-sockets.ts";
import type { Pod } from "../../../api/generated/types/core-v1.ts";
import type { ResourceClaim } from "../../../api/generated/types/resource-v1.ts";
import { silentLogger } from "../../../base/log.ts";
import { VirtualClock } from "../../../base/virtual-clock.ts";
import type { Client } from "../../../client/client.ts";
import { notFound } from "../../../meta/status-error.ts";
import { MemoryFiles } from "../../../platform/sim/memory-files.ts";
import type { DraRequest } from "./dra-api.ts";
import { Drivers } from "./drivers.ts";
import { PodDevices } from "./pod-devices.ts";
import { PreparedClaims } from "./prepared-claims.ts";
import { SliceWiper } from "./slice-wiper.ts";

const service = "k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin";
const record = "/state";
let clock: VirtualClock;
let files: MemoryFiles;
let sockets: PaperSockets;
let claims: Map<string, ResourceClaim>;
let calls: string[];
/** What the driver answers instead. */
let answer: ((request: DraRequest) => object) | undefined;
let drivers: Drivers;
let devices: PodDevices;

beforeEach(async () => {
  clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  files = new MemoryFiles({}, { clock });
  sockets = new PaperSockets();
  claims = new Map([["c", claim("c", ["a"])]]);
  calls = [];
  answer = undefined;
  sockets.serve("/gpu.sock", {
    [`${service}/NodePrepareResources`]: (request: DraRequest) => {
      calls.push(`prepare ${request.claims.map(({ name }) => name).join()}`);
      const devicesOf = (uid: string): object => [
        { requestNames: ["gpu"], poolName: "p", deviceName: "d1", cdiDeviceIds: [`gpu.example.com/gpu=${uid}`] },
        { requestNames: ["nic"], poolName: "p", deviceName: "d2", cdiDeviceIds: [`gpu.example.com/nic=${uid}`, "gpu.example.com/all=1"] },
        { requestNames: [], poolName: "p", deviceName: "d3", cdiDeviceIds: ["gpu.example.com/all=1"] },
      ];
      return answer?.(request) ?? { claims: Object.fromEntries(request.claims.map(({ uid }) => [uid, { devices: devicesOf(uid), error: "" }])) };
    },
    [`${service}/NodeUnprepareResources`]: (request: DraRequest) => {
      calls.push(`unprepare ${request.claims.map(({ name }) => name).join()}`);
      return answer?.(request) ?? { claims: Object.fromEntries(request.claims.map(({ uid }) => [uid, { error: "" }])) };
    },
  });
  await restart();
  drivers.register({ name: "gpu.example.com", endpoint: "/gpu.sock", versions: ["v1beta1.DRAPlugin", "v1.DRAPlugin"] });
});

/** As when the kubelet starts: only the file is left. */
async function restart(): Promise<void> {
  const client = {
    get: async (_resource: unknown, name: string) => {
      const found = claims.get(name);
      if (found === undefined) throw notFound({ group: "resource.k8s.io", resource: "resourceclaims", name });
      return found;
    },
    deleteCollection: async () => {},
  } as unknown as Client;
  const prepared = new PreparedClaims({ path: record }, { files, log: silentLogger });
  await prepared.load();
  const wiper = new SliceWiper({ nodeName: "n", signal: new AbortController().signal }, { client, clock, log: silentLogger });
  drivers = new Drivers({}, { sockets, wiper });
  devices = new PodDevices({}, { client, drivers, prepared, log: silentLogger });
}

function claim(name: string, reservedFor: readonly string[], uid = `${name}-uid`): ResourceClaim {
  const results = [{ driver: "gpu.example.com", pool: "p", device: "d1", request: "gpu" }];
  return {
    apiVersion: "resource.k8s.io/v1",
    kind: "ResourceClaim",
    metadata: { name, namespace: "default", uid },
    spec: {},
    status: { allocation: { devices: { results } }, reservedFor: reservedFor.map((pod) => ({ resource: "pods", name: pod, uid: pod })) },
  };
}

function pod(uid: string, names: readonly string[] = ["c"], more: Partial<Pod> = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: uid, namespace: "default", uid },
    spec: { containers: [], resourceClaims: names.map((name) => ({ name: `my-${name}`, resourceClaimName: name })) },
    ...more,
  };
}

const prepare = (target: Pod, afresh = true): Promise<void> => devices.prepare(target, { afresh });
const container = (...asked: readonly { name: string; request?: string }[]) => ({ name: "main", resources: { claims: asked } });

describe("preparing", () => {
  it("calls a driver once for a claim, however many pods use it, and takes it back after the last", async () => {
    claims.set("c", claim("c", ["a", "b"]));
    await Promise.all([prepare(pod("a")), prepare(pod("b"))]);
    expect(calls).toEqual(["prepare c"]);
    await devices.unprepare(pod("a"));
    expect(calls).toEqual(["prepare c"]);
    await devices.unprepare(pod("b"));
    await devices.unprepare(pod("b"));
    expect(calls).toEqual(["prepare c", "unprepare c"]);
    expect(JSON.parse(new TextDecoder().decode(await files.read(record)))).toEqual({ version: 1, claims: [] });
  });

  it("asks for all claims of a pod at once", async () => {
    claims.set("e", claim("e", ["a"]));
    await prepare(pod("a", ["c", "e"]));
    expect(calls).toEqual(["prepare c,e"]);
  });

  it("knows after a restart what is prepared; drivers are asked again for a new sandbox only", async () => {
    await prepare(pod("a"));
    await restart();
    await prepare(pod("a"), false);
    expect(devices.cdiDevices(pod("a"), container({ name: "my-c", request: "gpu" }))).toEqual(["gpu.example.com/gpu=c-uid", "gpu.example.com/all=1"]);
    drivers.register({ name: "gpu.example.com", endpoint: "/gpu.sock", versions: ["v1.DRAPlugin"] });
    await prepare(pod("a"));
    expect(calls).toEqual(["prepare c", "prepare c"]);
  });

  it("puts a record aside that it cannot read", async () => {
    await files.write(record, "{");
    await restart();
    expect(await files.list("/")).toEqual(["state.unreadable"]);
  });

  it("takes back what a pod that is gone has left", async () => {
    await prepare(pod("a"));
    await devices.reconcile((uid) => uid === "a");
    expect(calls).toEqual(["prepare c"]);
    await devices.reconcile(() => false);
    expect(calls).toEqual(["prepare c", "unprepare c"]);
  });

  it.each<[string, (() => void) | undefined, Pod, string]>([
    ["no claim", undefined, pod("a", ["x"]), 'fetch ResourceClaim x: resourceclaims.resource.k8s.io "x" not found'],
    ["another's claim", undefined, pod("z"), "pod z (z) is not allowed to use ResourceClaim c (c-uid)"],
    [
      "a claim not made yet",
      undefined,
      { ...pod("a"), spec: { containers: [], resourceClaims: [{ name: "my", resourceClaimTemplateName: "t" }] } },
      'pod "default/a": ResourceClaim not created yet',
    ],
    ["no driver", () => drivers.deregister({ name: "gpu.example.com", endpoint: "/gpu.sock", versions: [] }), pod("a"), "DRA driver gpu.example.com is not registered"],
    ["no answer", () => sockets.end("/gpu.sock"), pod("a"), "NodePrepareResources: rpc error: code = Unavailable desc = nothing answers at /gpu.sock"],
    ["a failure", () => (answer = () => ({ claims: { "c-uid": { error: "out of order" } } })), pod("a"), "NodePrepareResources failed for ResourceClaim c: out of order"],
    ["another claim", () => (answer = () => ({ claims: { x: {} } })), pod("a"), "NodePrepareResources returned result for unknown claim UID x"],
    ["nothing", () => (answer = () => ({ claims: {} })), pod("a"), "NodePrepareResources skipped 1 ResourceClaims"],
  ])("says why it failed: %s", async (_name, before, target, message) => {
    before?.();
    await expect(prepare(target)).rejects.toThrow(`prepare dynamic resources: ${message}`);
  });

  it("will not take a claim for its predecessor of the same name", async () => {
    await prepare(pod("a"));
    claims.set("c", claim("c", ["b"], "new-uid"));
    await expect(prepare(pod("b"))).rejects.toThrow("old ResourceClaim with same name c and different UID c-uid still exists (previous pod force-deleted?!)");
  });

  it("keeps a claim that could not be taken back", async () => {
    await prepare(pod("a"));
    answer = () => ({ claims: { "c-uid": { error: "busy" } } });
    await expect(devices.unprepare(pod("a"))).rejects.toThrow("unprepare dynamic resources: NodeUnprepareResources failed for ResourceClaim c: busy");
    answer = undefined;
    await devices.unprepare(pod("a"));
    expect(calls).toEqual(["prepare c", "unprepare c", "unprepare c"]);
  });

  it("costs a pod without claims nothing", async () => {
    await prepare(pod("a", []));
    await devices.unprepare(pod("a", []));
    expect(calls).toEqual([]);
    expect(await files.list("/")).toEqual([]);
  });
});

describe("devices of a container", () => {
  const all = ["gpu.example.com/gpu=c-uid", "gpu.example.com/nic=c-uid", "gpu.example.com/all=1"];
  it.each([
    ["all of a claim", [{ name: "my-c" }], all],
    ["of one request", [{ name: "my-c", request: "nic" }], ["gpu.example.com/nic=c-uid", "gpu.example.com/all=1"]],
    [
      "of two",
      [
        { name: "my-c", request: "gpu" },
        { name: "my-c", request: "nic" },
      ],
      ["gpu.example.com/gpu=c-uid", "gpu.example.com/all=1", "gpu.example.com/nic=c-uid"],
    ],
    ["none", [], []],
  ])("%s", async (_name, asked, expected) => {
    await prepare(pod("a"));
    expect(devices.cdiDevices(pod("a"), container(...asked))).toEqual(expected);
  });

  it("are those of the claim made for extended resources", async () => {
    const requestMappings = [
      { containerName: "main", resourceName: "example.com/gpu", requestName: "gpu" },
      { containerName: "other", resourceName: "example.com/gpu", requestName: "nic" },
    ];
    const own = pod("a", [], { status: { extendedResourceClaimStatus: { resourceClaimName: "c", requestMappings } } });
    await prepare(own);
    expect(devices.cdiDevices(own, { name: "main" })).toEqual(["gpu.example.com/gpu=c-uid", "gpu.example.com/all=1"]);
  });

  it("are not known before the claim is prepared", () => {
    expect(() => devices.cdiDevices(pod("a"), container({ name: "my-c" }))).toThrow("unable to get claim info for ResourceClaim c in namespace default");
  });
});
