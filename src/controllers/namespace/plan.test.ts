import { describe, expect, it } from "vitest";
import { at, epochMs, samplePod } from "../sample-objects.ts";
import { type Findings, namespaceConditions, podGraceSeconds, remainingOf } from "./plan.ts";

const nothing: Findings = { discoveryFailures: new Map(), deletionFailures: [], remaining: [] };
const texts = (findings: Partial<Findings>) =>
  namespaceConditions(undefined, { ...nothing, ...findings }, epochMs).map(({ type, status, reason, message }) => [type, status, reason, message]);

describe("namespaceConditions", () => {
  it("says that all is well", () => {
    expect(texts({})).toEqual([
      ["NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered"],
      ["NamespaceDeletionGroupVersionParsingFailure", "False", "ParsedGroupVersions", "All legacy kube types successfully parsed"],
      ["NamespaceDeletionContentFailure", "False", "ContentDeleted", "All content successfully deleted, may be waiting on finalization"],
      ["NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed"],
      ["NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", "All content-preserving finalizers finished"],
    ]);
  });

  it("names what remains and what holds it", () => {
    const remaining = [
      remainingOf({ group: "", resource: "pods" }, [{ metadata: { finalizers: ["a/b"] } }, { metadata: {} }]),
      remainingOf({ group: "example.com", resource: "bars" }, [{ metadata: { finalizers: ["a/b", "c/d"] } }]),
    ];
    expect(texts({ remaining, deletionFailures: ["no"], discoveryFailures: new Map([["x/v1", "lost"]]) }).map(([, status, , message]) => [status, message])).toEqual([
      ["True", "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: x/v1: lost"],
      ["False", "All legacy kube types successfully parsed"],
      ["True", "Failed to delete all resource types, 1 remaining: no"],
      ["True", "Some resources are remaining: bars.example.com has 1 resource instances, pods. has 2 resource instances"],
      ["True", "Some content in the namespace has finalizers remaining: a/b in 2 resource instances, c/d in 1 resource instances"],
    ]);
  });

  it("keeps times and order as long as a status stays", () => {
    const first = namespaceConditions(undefined, nothing, epochMs);
    expect(namespaceConditions(first, nothing, epochMs + 5000)).toEqual(first);
    const later = namespaceConditions(first, { ...nothing, deletionFailures: ["no"] }, epochMs + 5000);
    expect(later.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual([at(0), at(0), at(5), at(0), at(0)]);
  });
});

it("waits for the slowest pod, but not for ever", () => {
  const pods = [samplePod("a", { spec: { terminationGracePeriodSeconds: 30 } }), samplePod("b", { phase: "Failed", spec: { terminationGracePeriodSeconds: 300 } })];
  expect(podGraceSeconds(pods, 1000)).toBe(30);
  expect(podGraceSeconds(pods, 31_000)).toBe(0);
});
