import { describe, expect, it } from "vitest";
import type { Container } from "../generated/types/core-v1.ts";
import { podQosClass } from "./pod-qos.ts";

type List = { readonly [name: string]: string };
const container = (requests?: List, limits?: List): Container => ({ name: "c", resources: { requests, limits } });
const full: List = { cpu: "1", memory: "1Gi" };

describe("podQosClass", () => {
  it.each<[string, readonly Container[], string]>([
    ["nothing", [container()], "BestEffort"],
    ["only zeros", [container({ cpu: "0" }, { memory: "0" })], "BestEffort"],
    ["only other resources", [container({ "example.com/gpu": "1" })], "BestEffort"],
    ["a request", [container({ cpu: "1" })], "Burstable"],
    ["requests equal limits", [container(full, full)], "Guaranteed"],
    ["equal in other words", [container({ cpu: "1000m", memory: "1024Mi" }, full)], "Guaranteed"],
    ["requests below limits", [container({ ...full, cpu: "500m" }, full)], "Burstable"],
    ["no memory limit", [container({ cpu: "1" }, { cpu: "1" })], "Burstable"],
    ["one of two without", [container(full, full), container()], "Burstable"],
  ])("%s: %s", (_name, containers, expected) => expect(podQosClass({ containers })).toBe(expected));

  it("counts init containers", () => expect(podQosClass({ containers: [container(full, full)], initContainers: [container()] })).toBe("Burstable"));

  it("looks at the pod's own resources where it has them", () =>
    expect(podQosClass({ containers: [container()], resources: { requests: full, limits: full } })).toBe("Guaranteed"));
});
