import { expect, it } from "vitest";
import type { CustomResourceDefinition } from "../../api/generated/types/apiextensions-v1.ts";
import type { APIService } from "../../api/generated/types/apiregistration-v1.ts";
import { MANAGED, stepFor, wantedServices } from "./wanted-services.ts";

const definition = (group: string, versions: readonly object[], established: string): CustomResourceDefinition =>
  ({ metadata: { name: `x.${group}` }, spec: { group, versions }, status: { conditions: [{ type: "Established", status: established }] } }) as unknown as CustomResourceDefinition;

it("wants what is served here, and only that", () => {
  const builtin = [
    { group: "", version: "v1" },
    { group: "apps", version: "v1" },
    { group: "apiregistration.k8s.io", version: "v1" },
  ];
  const definitions = [
    definition(
      "e.com",
      [
        { name: "v1", served: true },
        { name: "v1beta1", served: false },
      ],
      "True",
    ),
    definition("other.com", [{ name: "v1", served: true }], "False"),
  ];
  expect([...wantedServices(builtin, definitions)]).toEqual([
    ["v1.e.com", { managed: "true", spec: { group: "e.com", version: "v1", groupPriorityMinimum: 1000, versionPriority: 100 } }],
    ["v1.", { managed: "onstart", spec: { version: "v1", groupPriorityMinimum: 18_000, versionPriority: 1 } }],
    ["v1.apps", { managed: "onstart", spec: { group: "apps", version: "v1", groupPriorityMinimum: 17_800, versionPriority: 15 } }],
  ]);
});

const current = (managed?: string): APIService =>
  ({
    metadata: { name: "n", ...(managed === undefined ? {} : { labels: { [MANAGED]: managed } }) },
    spec: { groupPriorityMinimum: 1, versionPriority: 1 },
  }) as unknown as APIService;
const wanted = (managed: "onstart" | "true"): { readonly managed: "onstart" | "true"; readonly spec: APIService["spec"] } => ({
  managed,
  spec: { groupPriorityMinimum: 1, versionPriority: 1 },
});

it.each([
  ["nothing is there or wanted", undefined, undefined, false, false, "nothing"],
  ["a built-in one is missing", undefined, "onstart", false, false, "create"],
  ["a built-in one was deleted", undefined, "onstart", true, false, "create"],
  ["a custom one is missing", undefined, "true", true, false, "create"],
  ["it is somebody else's", "none", "true", false, false, "nothing"],
  ["it is somebody else's and not wanted", "none", undefined, false, false, "nothing"],
  ["a built-in one differs at start", "onstart", "onstart", false, false, "update"],
  ["a built-in one was changed later", "onstart", "onstart", true, false, "nothing"],
  ["a built-in one is left from before", "onstart", undefined, false, false, "delete"],
  ["it says that it is a built-in one, later", "onstart", undefined, true, false, "nothing"],
  ["a custom one was changed", "true", "true", true, false, "update"],
  ["a custom one is right", "true", "true", true, true, "nothing"],
  ["its definition is gone", "true", undefined, true, false, "delete"],
] as const)("%s", (_, label, want, isSettled, isSame, expected) => {
  const object = label === undefined ? undefined : current(label === "none" ? undefined : label);
  expect(stepFor(object, want === undefined ? undefined : wanted(want), { isSettled, isSame })).toBe(expected);
});
