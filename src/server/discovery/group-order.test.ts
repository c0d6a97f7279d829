import { expect, it } from "vitest";
import type { ServedResource } from "../resources/served-resource.ts";
import type { GroupDirectory } from "./group-directory.ts";
import { groupsOf } from "./group-order.ts";

const served = (group: string, version: string, resource = "things"): ServedResource => ({ resource: { group, version, resource } }) as ServedResource;
const orderOf = (all: readonly ServedResource[], directory?: GroupDirectory): readonly string[] =>
  groupsOf(all, directory).flatMap(({ group, versions }) => versions.map(({ version, peer }) => `${group}/${version}${peer === undefined ? "" : ` ${peer.freshness}`}`));

it("ranks built-in groups as upstream does, custom ones after them by name", () => {
  const all = [
    served("z.com", "v1"),
    served("batch", "v1"),
    served("a.com", "v1beta1"),
    served("a.com", "v1"),
    served("autoscaling", "v1"),
    served("apps", "v1"),
    served("autoscaling", "v2"),
    served("", "v1"),
  ];
  expect(orderOf(all)).toEqual(["/v1", "apps/v1", "autoscaling/v2", "autoscaling/v1", "batch/v1", "a.com/v1", "a.com/v1beta1", "z.com/v1"]);
});

it("puts other servers' versions where their APIServices say", () => {
  const priorities: { readonly [name: string]: { readonly group: number; readonly version: number } | undefined } = {
    "m.com/v1": { group: 100, version: 10 },
    "m.com/v1beta1": { group: 17_790, version: 20 },
    "apps/v1": { group: 17_800, version: 15 },
  };
  const directory: GroupDirectory = {
    generation: 1,
    peers: () => [
      { group: "m.com", version: "v1", resources: [], freshness: "Current" },
      { group: "m.com", version: "v1beta1", resources: [], freshness: "Stale" },
      { group: "taken.com", version: "v1", resources: [], freshness: "Current" },
    ],
    priorityOf: (group, version) => priorities[`${group}/${version}`],
  };
  const all = [served("taken.com", "v1"), served("batch", "v1"), served("apps", "v1")];
  expect(orderOf(all, directory)).toEqual(["apps/v1", "m.com/v1beta1 Stale", "m.com/v1 Current", "batch/v1", "taken.com/v1 Current"]);
  // What another server serves is not shown from here as well.
  expect(groupsOf(all, directory).at(-1)?.versions[0]?.resources).toEqual([]);
});
