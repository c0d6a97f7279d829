import { describe, expect, it } from "vitest";
import type { Endpoint } from "../../api/generated/types/discovery-v1.ts";
import { sampleSlice } from "../sample-services.ts";
import { chooseBackends } from "./endpoint-choice.ts";

const endpoint = (ip: string, conditions: Endpoint["conditions"], nodeName = "n1"): Endpoint => ({
  addresses: [ip],
  nodeName,
  ...(conditions === undefined ? {} : { conditions }),
});
const ready = { ready: true, serving: true, terminating: false };
const draining = { ready: false, serving: true, terminating: true };
const gone = { ready: false, serving: false, terminating: true };
const starting = { ready: false, serving: false, terminating: false };

describe("chooseBackends", () => {
  it.each<[string, readonly Endpoint[], { readonly cluster: readonly string[]; readonly local: readonly string[]; readonly any: boolean }]>([
    ["ready ones only, while there are any", [endpoint("1", ready), endpoint("2", draining), endpoint("3", starting)], { cluster: ["1"], local: ["1"], any: true }],
    ["no conditions mean ready", [endpoint("1", undefined)], { cluster: ["1"], local: ["1"], any: true }],
    ["those that drain when none is ready", [endpoint("1", draining), endpoint("2", gone), endpoint("3", starting)], { cluster: ["1"], local: ["1"], any: true }],
    ["each view falls back for itself", [endpoint("1", ready, "n2"), endpoint("2", draining)], { cluster: ["1"], local: ["2"], any: true }],
    ["elsewhere only", [endpoint("1", ready, "n2")], { cluster: ["1"], local: [], any: true }],
    ["nothing that serves", [endpoint("1", gone), endpoint("2", starting)], { cluster: [], local: [], any: false }],
  ])("%s", (_, endpoints, wanted) => {
    const { cluster, local, any } = chooseBackends([sampleSlice("web", endpoints)], "http", "TCP", "n1");
    expect({ cluster: cluster.map(({ ip }) => ip), local: local.map(({ ip }) => ip), any }).toEqual(wanted);
  });

  it("joins slices, once per address, and takes only the port that is meant", () => {
    const slices = [
      sampleSlice("web", ["10.0.0.2", endpoint("10.0.0.3", starting)]),
      sampleSlice("web", ["10.0.0.3", "10.0.0.2"], { name: "web-2" }),
      sampleSlice("web", ["10.0.0.4"], { name: "web-3", ports: [{ name: "admin", port: 9, protocol: "TCP" }] }),
      sampleSlice("web", ["10.0.0.5"], { name: "web-4", ports: [{ name: "http", port: 8080, protocol: "UDP" }] }),
      { ...sampleSlice("web", ["fd00::1"], { name: "web-5" }), addressType: "IPv6" },
    ];
    expect(chooseBackends(slices, "http", "TCP", "n1").cluster.map(({ ip }) => ip)).toEqual(["10.0.0.2", "10.0.0.3"]);
  });
});
