import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../meta/object.ts";
import { convertedIn, reviewOf } from "./conversion-review.ts";

type Fields = Record<string, unknown>;
const cog = (name: string, apiVersion = "example.com/v1"): KubeObject => ({
  apiVersion,
  kind: "Cog",
  metadata: { name, namespace: "default", uid: `uid-${name}`, resourceVersion: "7", labels: { a: "b" } },
});
const asked = (...names: readonly string[]) => ({ uid: "u", version: "v1", desired: "example.com/v2", objects: names.map((name) => cog(name)) });
const answer = (response: unknown, rest: Fields = {}): string => JSON.stringify({ kind: "ConversionReview", apiVersion: "apiextensions.k8s.io/v1", response, ...rest });
const good = (convertedObjects: readonly unknown[]): string => answer({ uid: "u", result: { status: "Success" }, convertedObjects });
const two = (change: Fields = {}): Fields => ({ ...cog("one", "example.com/v2"), ...change });
const meta = (change: Fields): Fields => two({ metadata: { ...cog("one").metadata, ...change } });

describe("the answer of a conversion webhook", () => {
  it("is what was asked for, with the metadata that was sent but for labels and annotations", () => {
    const [object] = convertedIn(good([meta({ resourceVersion: "99", finalizers: ["x/y"], labels: { c: "d" }, annotations: { e: "f" } })]), asked("one"));
    expect(object?.apiVersion).toBe("example.com/v2");
    expect(object?.metadata).toEqual({ ...cog("one").metadata, labels: { c: "d" }, annotations: { e: "f" } });
  });

  it("drops labels that the webhook dropped", () => {
    const [object] = convertedIn(good([meta({ labels: undefined })]), asked("one"));
    expect(object?.metadata.labels).toBeUndefined();
  });

  const failed = "conversion webhook for example.com/v1, Kind=Cog failed: ";
  const returned = "conversion webhook for example.com/v1, Kind=Cog returned ";
  it.each([
    ["no JSON", "<html>", `${failed}couldn't get version/kind; json parse error: invalid JSON`],
    [
      "another kind",
      answer({}, { kind: "Other" }),
      `${failed}expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got apiextensions.k8s.io/v1, Kind=Other`,
    ],
    ["no response", answer(undefined), `${failed}no response provided`],
    ["another uid", answer({ uid: "w" }), `${failed}expected response.uid="u", got "w"`],
    ["a failure", answer({ uid: "u", result: { status: "Failure", message: "not today" } }), `${failed}not today`],
    ["a silent failure", answer({ uid: "u", result: { status: "Failure" } }), `${failed}response.result.status was 'Failure', not 'Success'`],
    ["no objects", good([]), `${returned}0 objects, expected 1`],
    [
      "another version",
      good([two({ apiVersion: "example.com/v3" })]),
      `${returned}invalid object at index 0: invalid groupVersion (expected example.com/v2, received example.com/v3)`,
    ],
    ["another kind of object", good([two({ kind: "Gear" })]), `${returned}invalid object at index 0: invalid kind (expected Cog, received Gear)`],
    ["another name", good([meta({ name: "two" })]), `${returned}invalid object: must have the same name: one != two`],
    ["another uid of the object", good([meta({ uid: "" })]), `${returned}invalid object: must have the same UID: uid-one != `],
    ["labels that are none", good([meta({ labels: { a: 1 } })]), `${returned}invalid metadata: metadata.labels[a] must be a string, but is int64 in converted object`],
    ["annotations that are none", good([meta({ annotations: [] })]), `${returned}invalid metadata: invalid metadata.annotations of type []interface {} in converted object`],
  ])("is refused: %s", (_, text, message) => {
    expect(() => convertedIn(text, asked("one"))).toThrow(message);
  });

  it("is refused for the one of several that is wrong", () => {
    const objects = [two(), { ...cog("two", "example.com/v2"), metadata: { ...cog("two").metadata, namespace: "other" } }];
    expect(() => convertedIn(good(objects), asked("one", "two"))).toThrow(`${returned}invalid converted object at index 1: must have the same namespace: default != other`);
  });

  it("carries what is asked", () => {
    expect(JSON.parse(reviewOf(asked("one")))).toEqual({
      kind: "ConversionReview",
      apiVersion: "apiextensions.k8s.io/v1",
      request: { uid: "u", desiredAPIVersion: "example.com/v2", objects: [cog("one")] },
    });
  });
});
