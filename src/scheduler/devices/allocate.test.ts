import { describe, expect, it } from "vitest";
import type { Device, DeviceClaim } from "../../api/generated/types/resource-v1.ts";
import { aNode } from "../sample-objects.ts";
import { aClaim, aClass, anAllocator, aRequest, aSlice, devicesOf, DRIVER, heldClaim, type Offer } from "./sample-devices.ts";

const n1 = aNode("n1");
const cel = (expression: string) => ({ cel: { expression } });
const gpu = (name: string, more: Partial<Device> = {}): Device => ({ name, ...more });
const model = (name: string, value: string): Device => gpu(name, { attributes: { model: { string: value } } });
const none = "cannot allocate all claims";

function got(offer: Offer, ...claims: readonly DeviceClaim[]): readonly string[][] | string {
  return devicesOf(
    anAllocator(offer),
    n1,
    claims.map((devices, index) => aClaim(`c${index}`, devices)),
  );
}
const one = (offer: Offer, devices: DeviceClaim): readonly string[] | string => {
  const all = got(offer, devices);
  return typeof all === "string" ? all : (all[0] ?? []);
};

describe("requests", () => {
  const slices = [aSlice("s", [model("a", "A"), model("b", "B"), model("c", "B")])];

  it.each<[string, DeviceClaim, readonly string[] | string]>([
    ["any device", { requests: [aRequest("r")] }, ["r=a"]],
    ["several", { requests: [aRequest("r", { count: 3 })] }, ["r=a", "r=b", "r=c"]],
    ["more than there are", { requests: [aRequest("r", { count: 4 })] }, none],
    ["two requests get two devices", { requests: [aRequest("x"), aRequest("y")] }, ["x=a", "y=b"]],
    ["selected", { requests: [aRequest("r", { selectors: [cel(`device.attributes["${DRIVER}"].model == "B"`)] })] }, ["r=b"]],
    [
      "what a later request needs is left for it",
      { requests: [aRequest("x"), aRequest("y", { selectors: [cel(`device.attributes["${DRIVER}"].model == "A"`)] })] },
      ["x=b", "y=a"],
    ],
    ["all", { requests: [aRequest("r", { allocationMode: "All" })] }, ["r=a", "r=b", "r=c"]],
    ["all that are selected", { requests: [aRequest("r", { allocationMode: "All", selectors: [cel(`device.attributes["${DRIVER}"].model == "B"`)] })] }, ["r=b", "r=c"]],
    ["all of none", { requests: [aRequest("r", { allocationMode: "All", selectors: [cel("false")] })] }, none],
    ["all but one is asked for besides", { requests: [aRequest("x"), aRequest("r", { allocationMode: "All" })] }, none],
    [
      "the first alternative that works",
      {
        requests: [
          {
            name: "r",
            firstAvailable: [
              { name: "many", deviceClassName: "gpus", allocationMode: "ExactCount", count: 5 },
              { name: "two", deviceClassName: "gpus", allocationMode: "ExactCount", count: 2 },
              { name: "one", deviceClassName: "gpus", allocationMode: "ExactCount", count: 1 },
            ],
          },
        ],
      },
      ["r/two=a", "r/two=b"],
    ],
    [
      "a smaller alternative makes room for the next request",
      {
        requests: [
          {
            name: "r",
            firstAvailable: [
              { name: "three", deviceClassName: "gpus", allocationMode: "ExactCount", count: 3 },
              { name: "one", deviceClassName: "gpus", allocationMode: "ExactCount", count: 1 },
            ],
          },
          aRequest("s", { count: 2 }),
        ],
      },
      ["r/one=a", "s=b", "s=c"],
    ],
  ])("%s", (_, devices, expected) => {
    expect(one({ slices }, devices)).toEqual(expected);
  });

  it("asks the class too", () => {
    const classes = [aClass("gpus", { selectors: [cel(`device.attributes["${DRIVER}"].model == "B"`)] })];
    expect(one({ slices, classes }, { requests: [aRequest("r")] })).toEqual(["r=b"]);
  });

  it("shares what there is between claims", () => {
    expect(got({ slices }, { requests: [aRequest("r", { count: 2 })] }, { requests: [aRequest("r")] })).toEqual([["r=a", "r=b"], ["r=c"]]);
    expect(got({ slices }, { requests: [aRequest("r", { count: 2 })] }, { requests: [aRequest("r", { count: 2 })] })).toBe(none);
  });

  it("leaves devices that others have, but shows them to administrators", () => {
    const held = [heldClaim("h", "a", "b")];
    expect(one({ slices, held }, { requests: [aRequest("r")] })).toEqual(["r=c"]);
    expect(one({ slices, held }, { requests: [aRequest("r", { adminAccess: true, count: 3 })] })).toEqual(["r=a", "r=b", "r=c"]);
    expect(one({ slices, held }, { requests: [aRequest("r", { adminAccess: true, allocationMode: "All" }), aRequest("s")] })).toBe(none);
  });

  it("never gives a claim more than 32 devices", () => {
    const many = [
      aSlice(
        "s",
        Array.from({ length: 40 }, (_, index) => gpu(`d${index}`)),
      ),
    ];
    expect(() => one({ slices: many }, { requests: [aRequest("r", { count: 33 })] })).toThrow("claim default/c0: number of requested devices 33 exceeds the claim limit of 32");
    expect(one({ slices: many }, { requests: [aRequest("r", { count: 32 })] })).toHaveLength(32);
    const both: DeviceClaim = {
      requests: [
        aRequest("r", { count: 20 }),
        {
          name: "s",
          firstAvailable: [
            { name: "big", deviceClassName: "gpus", allocationMode: "ExactCount", count: 20 },
            { name: "small", deviceClassName: "gpus", allocationMode: "ExactCount", count: 12 },
          ],
        },
      ],
    };
    expect(one({ slices: many }, both)).toHaveLength(32);
  });

  it("says what is wrong with a claim or class", () => {
    expect(() => one({ slices }, { requests: [aRequest("r", { deviceClassName: "nope" })] })).toThrow(
      'claim default/c0, request r: could not retrieve device class nope: deviceclass.resource.k8s.io "nope" not found',
    );
    expect(() => one({ slices }, { requests: [aRequest("r", { selectors: [cel("zip")] })] })).toThrow(
      "claim default/c0: selector #0: CEL compile error: compilation failed: ERROR",
    );
    expect(() => one({ slices }, { requests: [aRequest("r", { selectors: [cel(`device.attributes["${DRIVER}"].size > 1`)] })] })).toThrow(
      `claim default/c0: selector #0 on device ${DRIVER}/pool/a: CEL runtime error: no such key: size. consider using CEL optional chaining (.? followed by orValue()) or guarding the check with has() for optional fields`,
    );
    expect(() => one({ slices, classes: [aClass("gpus", { selectors: [cel("1 + 1")] })] }, { requests: [aRequest("r")] })).toThrow(
      "class gpus: selector #0: CEL compile error: must evaluate to bool or the unknown type, not int",
    );
  });

  it("stops when the time is over", () => {
    const devices = Array.from({ length: 30 }, (_, index) => gpu(`d${index}`, { attributes: { parity: { int: index } } }));
    let looks = 0;
    const isExpired = (): boolean => (looks += 1) > 3;
    const hopeless: DeviceClaim = { requests: [aRequest("r", { count: 8 }), aRequest("s", { selectors: [cel("false")] })] };
    expect(one({ slices: [aSlice("s", devices)], isExpired }, hopeless)).toBe("timed out trying to allocate devices");
  });
});

describe("constraints", () => {
  const at = (name: string, numa: number, model = "A"): Device => gpu(name, { attributes: { numa: { int: numa }, model: { string: model } } });
  const slices = [aSlice("s", [at("a", 0), at("b", 1), at("c", 1, "B"), gpu("d")])];
  const numa = `${DRIVER}/numa`;

  it.each<[string, DeviceClaim, readonly string[] | string]>([
    ["match", { requests: [aRequest("r", { count: 2 })], constraints: [{ matchAttribute: numa }] }, ["r=b", "r=c"]],
    ["match between requests", { requests: [aRequest("x"), aRequest("y")], constraints: [{ requests: ["x", "y"], matchAttribute: numa }] }, ["x=b", "y=c"]],
    ["match of others", { requests: [aRequest("x"), aRequest("y")], constraints: [{ requests: ["x"], matchAttribute: numa }] }, ["x=a", "y=b"]],
    ["match of what no device has", { requests: [aRequest("r")], constraints: [{ matchAttribute: `${DRIVER}/nope` }] }, none],
    ["match of another domain", { requests: [aRequest("r")], constraints: [{ matchAttribute: "other.example.com/numa" }] }, none],
    ["distinct", { requests: [aRequest("r", { count: 2 })], constraints: [{ distinctAttribute: `${DRIVER}/model` }] }, ["r=a", "r=c"]],
    ["too many to be distinct", { requests: [aRequest("r", { count: 3 })], constraints: [{ distinctAttribute: numa }] }, none],
    ["both", { requests: [aRequest("r", { count: 2 })], constraints: [{ matchAttribute: numa }, { distinctAttribute: `${DRIVER}/model` }] }, ["r=b", "r=c"]],
  ])("%s", (_, devices, expected) => {
    expect(one({ slices }, devices)).toEqual(expected);
  });

  it("cannot have all devices that do not go together", () => {
    expect(() => one({ slices }, { requests: [aRequest("r", { allocationMode: "All" })], constraints: [{ matchAttribute: numa }] })).toThrow(
      `claim default/c0, request r: cannot add device ${DRIVER}/pool/b because a claim constraint would not be satisfied`,
    );
  });
});

describe("taints", () => {
  const taint = (effect: string) => [{ key: "broken", value: "yes", effect }];
  const slices = [aSlice("s", [gpu("a", { taints: taint("NoSchedule") }), gpu("b", { taints: taint("NoExecute") }), gpu("c", { taints: taint("None") })])];

  it.each<[string, Parameters<typeof aRequest>[1], readonly string[] | string]>([
    ["keep away", {}, ["r=c"]],
    ["tolerated by key", { tolerations: [{ key: "broken", operator: "Exists" }] }, ["r=a"]],
    ["tolerated by value and effect", { tolerations: [{ key: "broken", operator: "Equal", value: "yes", effect: "NoExecute" }] }, ["r=b"]],
    ["not by another value", { tolerations: [{ key: "broken", operator: "Equal", value: "no" }] }, ["r=c"]],
    ["all of them", { allocationMode: "All" }, none],
    ["all of them tolerated", { allocationMode: "All", tolerations: [{ operator: "Exists" }] }, ["r=a", "r=b", "r=c"]],
  ])("%s", (_, request, expected) => {
    expect(one({ slices }, { requests: [aRequest("r", request)] })).toEqual(expected);
  });
});

describe("pools", () => {
  const claim: DeviceClaim = { requests: [aRequest("r")] };
  const all: DeviceClaim = { requests: [aRequest("r", { allocationMode: "All" })] };

  it.each<[string, Offer, DeviceClaim, readonly string[] | string]>([
    ["the newest generation counts", { slices: [aSlice("s1", [gpu("old")]), aSlice("s2", [gpu("new")], { generation: 2 })] }, claim, ["r=new"]],
    ["an incomplete one gives nothing", { slices: [aSlice("s1", [gpu("a")], { count: 2 })] }, claim, none],
    [
      "all of an incomplete one is not known",
      { slices: [aSlice("s1", [gpu("a")], { count: 2 })] },
      all,
      `claim default/c0, request r: asks for all devices, but resource pool ${DRIVER}/pool is currently being updated`,
    ],
    ["one whose newer slices are for other nodes is left alone", { slices: [aSlice("s1", [gpu("a")]), aSlice("s2", [gpu("b")], { generation: 2, nodeName: "n2" })] }, claim, none],
    ["slices for other nodes complete it", { slices: [aSlice("s1", [gpu("a")], { count: 2 }), aSlice("s2", [gpu("b")], { count: 2, nodeName: "n2" })] }, claim, ["r=a"]],
    ["names must differ", { slices: [aSlice("s1", [gpu("a")], { count: 2 }), aSlice("s2", [gpu("a")], { count: 2 })] }, claim, "invalid resource pools were encountered"],
    ["another pool serves as well", { slices: [aSlice("s1", [gpu("a"), gpu("a")]), aSlice("s2", [gpu("b")], { pool: "sound" })] }, claim, ["r=b"]],
    [
      "those with conditions come last",
      { slices: [aSlice("s1", [gpu("far", { bindingConditions: ["Ready"] })], { pool: "a" }), aSlice("s2", [gpu("near")], { pool: "b" })] },
      claim,
      ["r=near"],
    ],
    ["for all nodes", { slices: [aSlice("s1", [gpu("a")], { allNodes: true })] }, claim, ["r=a"]],
    [
      "for nodes that match",
      { slices: [aSlice("s1", [gpu("a")], { nodeSelector: { nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["n2"] }] }] } })] },
      claim,
      none,
    ],
    [
      "device by device",
      { slices: [aSlice("s1", [gpu("a", { nodeName: "n2" }), gpu("b", { nodeName: "n1" }), gpu("c", { allNodes: true })], { perDeviceNodeSelection: true })] },
      all,
      ["r=b", "r=c"],
    ],
  ])("%s", (_, offer, devices, expected) => {
    expect(one(offer, devices)).toEqual(expected);
  });
});

describe("shared counters", () => {
  const draws = (memory: string) => [{ counterSet: "chip", counters: { memory: { value: memory } } }];
  const slices = [
    aSlice("counters", [], { count: 2, sharedCounters: [{ name: "chip", counters: { memory: { value: "40Gi" } } }] }),
    aSlice("devices", [gpu("whole", { consumesCounters: draws("40Gi") }), gpu("half1", { consumesCounters: draws("20Gi") }), gpu("half2", { consumesCounters: draws("20Gi") })], {
      count: 2,
    }),
  ];

  it("are drawn once", () => {
    expect(one({ slices }, { requests: [aRequest("r")] })).toEqual(["r=whole"]);
    expect(one({ slices }, { requests: [aRequest("r", { count: 2 })] })).toEqual(["r=half1", "r=half2"]);
    expect(one({ slices }, { requests: [aRequest("r", { count: 3 })] })).toBe(none);
  });

  it("were drawn by what others have", () => {
    expect(one({ slices, held: [heldClaim("h", "half2")] }, { requests: [aRequest("r")] })).toEqual(["r=half1"]);
    expect(one({ slices, held: [heldClaim("h", "whole")] }, { requests: [aRequest("r")] })).toBe(none);
    expect(one({ slices, held: [heldClaim("h", "whole")] }, { requests: [aRequest("r", { adminAccess: true })] })).toEqual(["r=whole"]);
  });

  it("must be there", () => {
    const broken = [aSlice("devices", [gpu("a", { consumesCounters: draws("1") })])];
    expect(one({ slices: broken }, { requests: [aRequest("r")] })).toBe("invalid resource pools were encountered");
  });
});

describe("capacity that is given out in parts", () => {
  const nic = gpu("nic", {
    allowMultipleAllocations: true,
    capacity: {
      bandwidth: { value: "10", requestPolicy: { default: "1", validRange: { min: "1", step: "2" } } },
      slots: { value: "4", requestPolicy: { default: "1", validValues: ["1", "2"] } },
    },
  });
  const slices = [aSlice("s", [nic])];
  const wants = (requests: Readonly<Record<string, string>>): DeviceClaim => ({ requests: [aRequest("r", { capacity: { requests } })] });

  it("rounds up to what the policy knows, and says who has what", () => {
    const found = anAllocator({ slices }).allocate(n1, [aClaim("c0", wants({ bandwidth: "4" })), aClaim("c1", wants({ [`${DRIVER}/slots`]: "2" }))]);
    expect("results" in found && found.results.map(({ devices }) => devices?.results?.map(({ shareID, consumedCapacity }) => ({ shareID, consumedCapacity })))).toEqual([
      [{ shareID: "share-1", consumedCapacity: { bandwidth: "5", slots: "1" } }],
      [{ shareID: "share-2", consumedCapacity: { bandwidth: "1", slots: "2" } }],
    ]);
  });

  it.each<[string, readonly DeviceClaim[], boolean]>([
    ["as much as there is", [wants({ bandwidth: "5" }), wants({ bandwidth: "5" })], true],
    ["more than there is", [wants({ bandwidth: "7" }), wants({ bandwidth: "5" })], false],
    ["another capacity runs out", [wants({ slots: "2" }), wants({ slots: "2" }), wants({ slots: "1" })], false],
    ["more than the policy has", [wants({ slots: "3" })], false],
    ["what the device does not have", [wants({ colour: "1" })], false],
  ])("%s", (_, claims, fits) => {
    expect(typeof got({ slices }, ...claims) !== "string").toBe(fits);
  });

  it("counts what others have", () => {
    const held = [
      aClaim(
        "h",
        {},
        { allocation: { devices: { results: [{ request: "r", driver: DRIVER, pool: "pool", device: "nic", shareID: "x", consumedCapacity: { bandwidth: "7" } }] } } },
      ),
    ];
    expect(one({ slices, held }, wants({ bandwidth: "3" }))).toEqual(["r=nic"]);
    expect(one({ slices, held }, wants({ bandwidth: "5" }))).toBe(none);
  });

  it("is whole for a device that one alone can have", () => {
    const alone = [aSlice("s", [gpu("a", { capacity: { memory: { value: "8Gi" } } })])];
    expect(one({ slices: alone }, wants({ memory: "8Gi" }))).toEqual(["r=a"]);
    expect(one({ slices: alone }, wants({ memory: "9Gi" }))).toBe(none);
  });
});

describe("a result", () => {
  const opaque = (driver: string) => ({ opaque: { driver, parameters: { a: 1 } } });

  it("carries the classes' parameters, then the claim's", () => {
    const classes = [aClass("gpus", { config: [opaque("class.example.com")] }), aClass("nics", { config: [opaque("nic.example.com")] })];
    const claim = aClaim("c", {
      requests: [aRequest("x"), aRequest("y", { deviceClassName: "nics" }), aRequest("z")],
      config: [opaque("all.example.com"), { requests: ["x"], ...opaque("x.example.com") }],
    });
    const found = anAllocator({ slices: [aSlice("s", [gpu("a"), gpu("b"), gpu("c")])], classes }).allocate(n1, [claim]);
    expect("results" in found && found.results[0]).toEqual({
      devices: {
        results: [
          { request: "x", driver: DRIVER, pool: "pool", device: "a" },
          { request: "y", driver: DRIVER, pool: "pool", device: "b" },
          { request: "z", driver: DRIVER, pool: "pool", device: "c" },
        ],
        config: [
          { source: "FromClass", requests: ["x", "z"], ...opaque("class.example.com") },
          { source: "FromClass", requests: ["y"], ...opaque("nic.example.com") },
          { source: "FromClaim", ...opaque("all.example.com") },
          { source: "FromClaim", requests: ["x"], ...opaque("x.example.com") },
        ],
      },
      nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["n1"] }] }] },
    });
  });

  it("leaves out parameters of alternatives that were not taken", () => {
    const firstAvailable = [
      { name: "big", deviceClassName: "gpus", allocationMode: "ExactCount", count: 9 },
      { name: "small", deviceClassName: "gpus", allocationMode: "ExactCount", count: 1 },
    ];
    const claim = aClaim("c", {
      requests: [{ name: "r", firstAvailable }, aRequest("s")],
      config: [
        { requests: ["r/big"], ...opaque("big.example.com") },
        { requests: ["r/small"], ...opaque("small.example.com") },
      ],
    });
    const found = anAllocator({ slices: [aSlice("s", [gpu("a"), gpu("b")])] }).allocate(n1, [claim]);
    expect("results" in found && found.results[0]?.devices?.config).toEqual([{ source: "FromClaim", requests: ["r/small"], ...opaque("small.example.com") }]);
  });

  it("says which nodes can reach the devices", () => {
    const zone = (values: string[]) => ({ nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values }] }] });
    const selector = (offer: Offer): unknown => {
      const found = anAllocator(offer).allocate(n1, [aClaim("c", { requests: [aRequest("r")] })]);
      return "results" in found ? found.results[0]?.nodeSelector : found.reason;
    };
    expect(selector({ slices: [aSlice("s", [gpu("a")], { allNodes: true })] })).toBeUndefined();
    expect(selector({ slices: [aSlice("s", [gpu("a")], { nodeSelector: zone(["n1", "n2"]) })] })).toEqual(zone(["n1", "n2"]));
    expect(selector({ slices: [aSlice("s", [gpu("a", { bindsToNode: true, bindingConditions: ["Ready"], bindingFailureConditions: ["Bad"] })], { allNodes: true })] })).toEqual({
      nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["n1"] }] }],
    });
  });

  it("repeats tolerations and conditions", () => {
    const tolerations = [{ operator: "Exists" }];
    const slices = [aSlice("s", [gpu("a", { bindingConditions: ["Ready"], bindingFailureConditions: ["Bad"] })])];
    const found = anAllocator({ slices }).allocate(n1, [aClaim("c", { requests: [aRequest("r", { tolerations, adminAccess: true })] })]);
    expect("results" in found && found.results[0]?.devices?.results).toEqual([
      { request: "r", driver: DRIVER, pool: "pool", device: "a", adminAccess: true, tolerations, bindingConditions: ["Ready"], bindingFailureConditions: ["Bad"] },
    ]);
  });
});
