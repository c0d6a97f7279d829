import { describe, expect, it } from "vitest";
import type { ControllerRevision } from "../../api/generated/types/apps-v1.ts";
import { template } from "../sample-objects.ts";
import { newRevision, planHistory, revisionData, surplusRevisions, templateOf } from "./revisions.ts";

const owner = { apiVersion: "apps/v1", kind: "DaemonSet", metadata: { name: "agent", namespace: "ns", uid: "u" } };
const reference = { apiVersion: "apps/v1", kind: "DaemonSet", name: "agent", uid: "u", controller: true };
const revision = (image: string, number: number, collisionCount?: number): ControllerRevision =>
  newRevision({ owner, reference, template: template(image), collisionCount, revision: number, hashLabel: "controller-revision-hash" });

describe("planHistory", () => {
  it("numbers a new template next", () => {
    expect(planHistory([revision("a", 1)], revision("b", 1))).toMatchObject({ change: "create", current: { revision: 2 } });
    expect(planHistory([], revision("b", 1))).toMatchObject({ change: "create", current: { revision: 1 } });
  });
  it("makes an old one the newest again", () => {
    expect(planHistory([revision("a", 1), revision("b", 2)], revision("a", 1))).toMatchObject({ change: "renumber", current: { revision: 3 } });
    expect(planHistory([revision("a", 1), revision("b", 2)], revision("b", 1))).toMatchObject({ change: "none", current: { revision: 2 } });
  });
});

it("keeps a patch that puts the template back", () => {
  expect(revisionData(template("a"))).toEqual({ spec: { template: { $patch: "replace", ...template("a") } } });
  expect(templateOf(revision("a", 1))).toEqual(template("a"));
});

it("names each template, and each collision, differently", () => {
  const names = [revision("a", 1), revision("a", 9), revision("b", 1), revision("a", 1, 1)].map(({ metadata }) => metadata.name);
  expect([new Set(names).size, names[0] === names[1]]).toEqual([3, true]);
  expect(names[0]).toMatch(/^agent-[bcdfghjklmnpqrstvwxz2456789]+$/);
});

it("lets the oldest go that nobody uses", () => {
  const all = [revision("a", 1), revision("b", 2), revision("c", 3), revision("d", 4)];
  const used = new Set([all[0], all[3]]);
  expect(surplusRevisions(all, (each) => used.has(each), 1).map(({ revision: number }) => number)).toEqual([2]);
});
