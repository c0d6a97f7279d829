import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../meta/object.ts";
import { CacheEntry } from "../cache/cache-entry.ts";
import { CustomForms } from "./custom-forms.ts";
import type { Structural } from "./structural.ts";

interface Cog extends KubeObject {
  readonly spec: { readonly [name: string]: unknown };
}

const encoder = new TextEncoder();
const schemaOf = (...fields: readonly string[]): Structural => ({
  type: "object",
  properties: { spec: { type: "object", properties: { ...Object.fromEntries(fields.map((field) => [field, { type: "integer" }])), teeth: { type: "integer", default: 8 } } } },
});
const schemas = new Map([
  ["example.com/v1", schemaOf("size")],
  ["example.com/v2", schemaOf("width")],
]);
const entry = (spec: Cog["spec"], apiVersion = "example.com/v1"): CacheEntry =>
  new CacheEntry("/registry/example.com/cogs/one", encoder.encode(JSON.stringify({ apiVersion, kind: "Cog", metadata: { name: "one" }, spec })), 5);
const options = { apiVersion: "example.com/v2", storageVersion: "example.com/v1", schemas };
const text = (bytes: Uint8Array): Cog => JSON.parse(new TextDecoder().decode(bytes)) as Cog;

/** Converts as a webhook that answers when it is told to. */
function slowConverter() {
  const waiting: (() => void)[] = [];
  const calls: number[] = [];
  const convert = async (objects: readonly KubeObject[], apiVersion: string): Promise<readonly KubeObject[]> => {
    calls.push(objects.length);
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
    });
    return objects.map((object) => ({ ...object, apiVersion, spec: { width: (object as Cog).spec["size"], lost: 1 } }) as KubeObject);
  };
  return { calls, convert, answer: () => waiting.splice(0).forEach((resolve) => resolve()) };
}

describe("the forms of a custom object", () => {
  it("are the stored object itself, and its bytes, where nothing is to be done", () => {
    const stored = entry({ size: 1, teeth: 2 });
    const forms = new CustomForms({ ...options, apiVersion: "example.com/v1" });
    expect(forms.prepare).toBeUndefined();
    expect(forms.view(stored)).toBe(stored.object);
    expect(forms.json(stored)).toBe(stored.json);
  });

  it("follow the schema of today: pruned and with defaults", () => {
    const stored = entry({ size: 1, gone: true });
    const forms = new CustomForms({ ...options, apiVersion: "example.com/v1" });
    expect((forms.view(stored) as Cog).spec).toEqual({ size: 1, teeth: 8 });
    expect(text(forms.json(stored)).spec).toEqual({ size: 1, teeth: 8 });
  });

  it("have another version's name and only its fields when nobody converts", () => {
    const stored = entry({ size: 1, teeth: 2 });
    const forms = new CustomForms(options);
    expect(forms.view(stored)).toMatchObject({ apiVersion: "example.com/v2", spec: { teeth: 2 } });
    expect((forms.view(stored) as Cog).spec).not.toHaveProperty("size");
    expect(forms.json(stored)).toBe(forms.json(stored));
  });

  it("are converted once, whoever asks meanwhile", async () => {
    const { calls, convert, answer } = slowConverter();
    const [one, two] = [entry({ size: 1 }), entry({ size: 2 })];
    const forms = new CustomForms({ ...options, convert });
    const first = forms.prepare?.([one, two]);
    const second = forms.prepare?.([two]);
    answer();
    await Promise.all([first, second]);
    expect(calls).toEqual([2]);
    expect((forms.view(two) as Cog).spec).toEqual({ width: 2 });
    expect(forms.prepare?.([one, two])).toBeUndefined();
  });

  it("need no call for what is stored in the served version", () => {
    const { calls, convert } = slowConverter();
    const forms = new CustomForms({ ...options, convert });
    expect(forms.prepare?.([entry({ width: 3, teeth: 1 }, "example.com/v2")])).toBeUndefined();
    expect(calls).toEqual([]);
  });

  it("are asked for again when a conversion failed", async () => {
    let dead = true;
    const stored = entry({ size: 1 });
    const forms = new CustomForms({
      ...options,
      convert: (objects, apiVersion) => (dead ? Promise.reject(new Error("dead")) : Promise.resolve(objects.map((object) => ({ ...object, apiVersion })))),
    });
    await expect(forms.prepare?.([stored])).rejects.toThrow("dead");
    dead = false;
    await forms.prepare?.([stored]);
    expect(forms.view(stored).apiVersion).toBe("example.com/v2");
  });
});
