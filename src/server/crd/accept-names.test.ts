import { describe, expect, it } from "vitest";
import type { CustomResourceDefinition, CustomResourceDefinitionNames } from "../../api/generated/types/apiextensions-v1.ts";
import { acceptNames } from "./accept-names.ts";

const wanted: CustomResourceDefinitionNames = { plural: "cogs", singular: "cog", kind: "Cog", listKind: "CogList", shortNames: ["cg"] };
const definition = (names: CustomResourceDefinitionNames, acceptedNames?: Partial<CustomResourceDefinitionNames>): CustomResourceDefinition => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "cogs.example.com" },
  spec: { group: "example.com", scope: "Cluster", names, versions: [] },
  ...(acceptedNames === undefined ? {} : { status: { acceptedNames: { plural: "", kind: "", ...acceptedNames } } }),
});
const taken = (resources: readonly string[], kinds: readonly string[] = []) => ({ resources: new Set(resources), kinds: new Set(kinds) });

// As upstream's naming_controller_test.go has them.
describe("names of a definition", () => {
  it("are accepted when nobody has them", () => {
    expect(acceptNames(definition(wanted), taken([]))).toEqual({ names: wanted, conflict: undefined });
  });

  it.each([
    ["plural", taken(["cogs"]), { plural: "" }, "PluralConflict", '"cogs" is already in use'],
    ["singular", taken(["cog"]), { singular: "" }, "SingularConflict", '"cog" is already in use'],
    ["a short name", taken(["cg"]), { shortNames: undefined }, "ShortNamesConflict", '"cg" is already in use'],
    ["kind", taken([], ["Cog"]), { kind: "" }, "KindConflict", '"Cog" is already in use'],
    ["list kind", taken([], ["CogList"]), { listKind: "" }, "ListKindConflict", '"CogList" is already in use'],
  ] as const)("are accepted but for %s that another has", (_, others, without, reason, message) => {
    expect(acceptNames(definition(wanted), others)).toEqual({ names: { ...wanted, ...without }, conflict: { reason, message } });
  });

  it("keep what was accepted before, even when another has it by now", () => {
    expect(acceptNames(definition(wanted, wanted), taken(["cogs", "cog", "cg"], ["Cog", "CogList"])).conflict).toBeUndefined();
  });

  it("stay as they were when the new ones are another's", () => {
    const { names, conflict } = acceptNames(definition({ ...wanted, shortNames: ["cg", "gear", "g"] }, wanted), taken(["gear", "g"]));
    expect(names.shortNames).toEqual(["cg"]);
    expect(conflict).toEqual({ reason: "ShortNamesConflict", message: '["gear" is already in use, "g" is already in use]' });
  });

  it("tell the last conflict of several", () => {
    expect(acceptNames(definition(wanted), taken(["cogs"], ["CogList"])).conflict?.reason).toBe("ListKindConflict");
  });
});
