import { describe, expect, it } from "vitest";
import type { StorageVersionMigration } from "../../api/generated/types/storagemigration-v1beta1.ts";
import type { Condition } from "../../meta/generated/meta-v1.ts";
import { at } from "../sample-objects.ts";
import { isSameResource, isWrittenSince, nextStep, withTrue } from "./plan.ts";

const condition = (type: string, status: Condition["status"] = "True"): Condition => ({ type, status, reason: "R", message: "", lastTransitionTime: at(1) });
const migration = (name: string, conditions: readonly Condition[] = [], seconds = 0): StorageVersionMigration => ({
  apiVersion: "storagemigration.k8s.io/v1beta1",
  kind: "StorageVersionMigration",
  metadata: { name, creationTimestamp: at(seconds) },
  spec: { resource: { group: "example.com", resource: "cogs" } },
  status: { conditions },
});

describe("the next step of a migration", () => {
  it.each<readonly [string, StorageVersionMigration, readonly StorageVersionMigration[], ReturnType<typeof nextStep>]>([
    ["alone", migration("a"), [], "begin"],
    ["running", migration("a", [condition("Running")]), [], "migrate"],
    ["after an older one", migration("b", [], 5), [migration("a", [], 1)], "wait"],
    ["beside one of the same age", migration("b"), [migration("a")], "wait"],
    ["while another runs", migration("a"), [migration("b", [condition("Running")], 9)], "wait"],
    ["after one that has finished", migration("b", [], 5), [migration("a", [condition("Succeeded")])], "begin"],
    ["after one that is not cleaned up", migration("b", [], 5), [migration("a", [condition("Running", "False"), condition("Failed")])], "wait"],
    ["finished", migration("a", [condition("Running", "False"), condition("Succeeded")]), [], "clean-up"],
    ["finished and cleaned up", migration("a", [condition("Failed")]), [], "wait"],
  ])("%s", (_, mine, others, expected) => {
    expect(nextStep(mine, [mine, ...others])).toBe(expected);
  });
});

it("does not run any more once it has ended", () => {
  expect(withTrue([condition("Running")], { type: "Succeeded", reason: "S", message: "m" }, at(9))).toEqual([
    { ...condition("Running", "False"), lastTransitionTime: at(9) },
    { type: "Succeeded", status: "True", reason: "S", message: "m", lastTransitionTime: at(9) },
  ]);
  const same = [condition("Running")];
  expect(withTrue(same, { type: "Running", reason: "S", message: "m" }, at(9))).toBe(same);
});

it("tells resources of groups apart, and what has been written since", () => {
  expect(isSameResource(migration("a"), { ...migration("b"), spec: { resource: { group: "", resource: "cogs" } } })).toBe(false);
  expect([isWrittenSince("10", "9"), isWrittenSince("9", "9"), isWrittenSince(undefined, "9")]).toEqual([true, false, false]);
});
