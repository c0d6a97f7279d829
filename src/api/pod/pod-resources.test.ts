import { describe, expect, it } from "vitest";
import type { Container } from "../generated/types/core-v1.ts";
import { podLimits, podRequests } from "./pod-resources.ts";
import { formatResources } from "./resource-list.ts";

const container = (cpu: string, restartPolicy?: string): Container => ({ name: "c", restartPolicy, resources: { requests: { cpu }, limits: { cpu } } });

describe("podRequests", () => {
  it.each<[string, readonly Container[], readonly Container[], string]>([
    ["a sum", [container("1"), container("500m")], [], "1500m"],
    ["an init container that needs more", [container("1")], [container("3")], "3"],
    ["init containers run one by one", [container("1")], [container("2"), container("2")], "2"],
    ["a sidecar stays", [container("1")], [container("1", "Always")], "2"],
    ["a sidecar runs beside later init containers", [container("1")], [container("1", "Always"), container("3")], "4"],
    ["but not beside earlier ones", [container("1")], [container("3"), container("1", "Always")], "3"],
  ])("%s", (_name, containers, initContainers, cpu) => expect(formatResources(podRequests({ containers, initContainers }))).toEqual({ cpu }));

  it("adds overhead, to limits only where there are any", () => {
    const spec = { containers: [container("1")], overhead: { cpu: "250m", memory: "64Mi" } };
    expect(formatResources(podRequests(spec))).toEqual({ cpu: "1250m", memory: "64Mi" });
    expect(formatResources(podLimits(spec))).toEqual({ cpu: "1250m" });
  });

  it("lets the pod's own resources stand for those of its containers", () => {
    const spec = { containers: [container("1")], resources: { requests: { cpu: "2", memory: "1Gi" } } };
    expect(formatResources(podRequests(spec))).toEqual({ cpu: "2", memory: "1Gi" });
    expect(formatResources(podLimits(spec))).toEqual({ cpu: "1" });
  });
});
