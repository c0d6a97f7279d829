import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { schemaOf } from "../../api/schemas.ts";
import { deepFreeze } from "../../base/values.ts";
import { decode } from "../decode.ts";
import type { KubeObject } from "../object.ts";
import type { Schema } from "../schema.ts";
import { StatusError } from "../status-error.ts";
import { apply, keepTimes, trackUpdate } from "./apply.ts";
import { lastAppliedAnnotation } from "./last-applied.ts";

const need = (group: string, kind: string): Schema => {
  const schema = schemaOf({ group, version: "v1", kind });
  if (schema === undefined) throw new Error(`no schema of ${kind}`);
  return schema;
};
const deployment = need("apps", "Deployment");
const configMap = need("", "ConfigMap");
const start = Date.UTC(2026, 0, 1);
const at = (minute: number): string => new Date(start + minute * 60_000).toISOString().replace(".000", "");

type Shown = Record<string, unknown>;
/** An object as the server would keep it, stepped from write to write. */
class Stored {
  live: KubeObject | undefined;
  minute = 0;
  readonly schema: Schema;
  readonly apiVersion: string;
  readonly kind: string;

  constructor(schema: Schema, apiVersion: string, kind: string) {
    this.schema = schema;
    this.apiVersion = apiVersion;
    this.kind = kind;
  }

  apply(manager: string, config: Shown, options: { readonly force?: boolean; readonly subresource?: string } = {}): this {
    const full = { apiVersion: this.apiVersion, kind: this.kind, metadata: { name: "x" }, ...config };
    this.#keep(apply({ live: this.live, config: deepFreeze(full), manager, ...options, schema: this.schema, apiVersion: this.apiVersion, now: this.#tick() }));
    return this;
  }
  update(manager: string, change: (object: Shown) => Shown, subresource = ""): this {
    const base = this.live ?? { apiVersion: this.apiVersion, kind: this.kind, metadata: { name: "x" } };
    const next = decode(this.schema, change(JSON.parse(JSON.stringify(base)) as Shown)).value as KubeObject;
    const request = { live: this.live, next: deepFreeze(next), manager, subresource, schema: this.schema, apiVersion: this.apiVersion, now: this.#tick() };
    this.#keep({ ...next, metadata: { ...next.metadata, managedFields: trackUpdate(request) } });
    return this;
  }
  #keep(object: KubeObject): void {
    this.live = deepFreeze({ ...object, metadata: { ...object.metadata, uid: "u" } });
  }
  #tick(): number {
    this.minute += 1;
    return start + this.minute * 60_000;
  }

  get body(): Shown {
    const { metadata, apiVersion: _, kind: __, ...rest } = this.live ?? { metadata: {}, apiVersion: "", kind: "" };
    const { managedFields: ___, uid: ____, name: _____, ...meta } = metadata;
    return Object.keys(meta).length === 0 ? rest : { metadata: meta, ...rest };
  }
  get managers(): Record<string, unknown> {
    return Object.fromEntries(
      (this.live?.metadata.managedFields ?? []).map(({ manager, operation, subresource, fieldsV1 }) => [
        `${manager} ${operation}${subresource === undefined ? "" : ` ${subresource}`}`,
        fieldsV1,
      ]),
    );
  }
}
const deploymentNamed = (): Stored => new Stored(deployment, "apps/v1", "Deployment");
const map = (): Stored => new Stored(configMap, "v1", "ConfigMap");
const failureOf = (act: () => unknown): StatusError => {
  try {
    act();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};
const containers = (...list: Shown[]): Shown => ({ spec: { template: { spec: { containers: list } } } });

describe("apply", () => {
  it("creates an object and owns what it sets", () => {
    const stored = deploymentNamed().apply("me", {
      metadata: { name: "x", labels: { a: "b" } },
      spec: { replicas: 3, selector: { matchLabels: { a: "b" } }, template: { spec: { containers: [{ name: "c", image: "i", ports: [{ containerPort: 80 }] }] } } },
    });
    expect(stored.live?.metadata.managedFields).toEqual([
      {
        manager: "me",
        operation: "Apply",
        apiVersion: "apps/v1",
        time: at(1),
        fieldsType: "FieldsV1",
        fieldsV1: {
          "f:metadata": { "f:labels": { "f:a": {} } },
          "f:spec": {
            "f:replicas": {},
            "f:selector": {},
            "f:template": {
              "f:spec": {
                "f:containers": {
                  'k:{"name":"c"}': { ".": {}, "f:image": {}, "f:name": {}, "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } } },
                },
              },
            },
          },
        },
      },
    ]);
  });

  it("changes nothing, times included, when the same is applied again", () => {
    const once = map().apply("me", { data: { a: "1" } });
    const before = once.live;
    expect(once.apply("me", { data: { a: "1" } }).live).toEqual(before);
  });

  it("removes what it no longer sets, but not what others own", () => {
    const stored = map()
      .apply("me", { data: { a: "1", b: "1", c: "1" } })
      .apply("you", { data: { b: "1" } })
      .update("ctl", (object) => ({ ...object, data: { ...(object["data"] as Shown), d: "1" } }));
    stored.apply("me", { data: { a: "2" } });
    expect(stored.body).toEqual({ data: { a: "2", b: "1", d: "1" } });
    expect(stored.managers).toEqual({ "me Apply": { "f:data": { "f:a": {} } }, "you Apply": { "f:data": { "f:b": {} } }, "ctl Update": { "f:data": { "f:d": {} } } });
  });

  it("removes list items it no longer sets, and keeps the order of what it does set", () => {
    const stored = deploymentNamed()
      .apply("me", containers({ name: "a", image: "1" }, { name: "b", image: "1" }))
      .apply("you", containers({ name: "side", image: "1" }));
    stored.apply("me", containers({ name: "c", image: "1" }, { name: "b", image: "2" }));
    expect(stored.body).toEqual(containers({ name: "c", image: "1" }, { name: "b", image: "2" }, { name: "side", image: "1" }));
  });

  it("removes one field of an item another manager shares", () => {
    const stored = deploymentNamed()
      .apply("me", containers({ name: "a", image: "1", command: ["x"] }))
      .apply("you", containers({ name: "a", image: "1" }));
    stored.apply("me", { spec: { replicas: 1 } });
    expect(stored.body).toEqual({ spec: { replicas: 1, template: { spec: { containers: [{ name: "a", image: "1" }] } } } });
    expect(Object.keys(stored.managers)).toEqual(["you Apply", "me Apply"]);
  });

  it("drops emptied structs and the manager that sets nothing", () => {
    const stored = deploymentNamed()
      .apply("me", { spec: { replicas: 1, strategy: { type: "Recreate" } } })
      .apply("me", {});
    expect(stored.body).toEqual({});
    expect(stored.managers).toEqual({});
  });

  it("gives up what it leaves out when others own it too", () => {
    const stored = map()
      .apply("me", { data: { a: "1" } })
      .apply("you", { data: { a: "1" } });
    expect(stored.managers).toEqual({ "me Apply": { "f:data": { "f:a": {} } }, "you Apply": { "f:data": { "f:a": {} } } });
    expect(stored.apply("me", {}).body).toEqual({ data: { a: "1" } });
  });

  it("treats atomic lists and maps as one", () => {
    const stored = deploymentNamed().apply("me", { spec: { selector: { matchLabels: { a: "b" } }, template: { spec: { tolerations: [{ key: "a" }, { key: "b" }] } } } });
    expect(stored.managers["me Apply"]).toEqual({ "f:spec": { "f:selector": {}, "f:template": { "f:spec": { "f:tolerations": {} } } } });
    expect(failureOf(() => stored.apply("you", { spec: { template: { spec: { tolerations: [{ key: "a" }] } } } })).status.details?.causes).toEqual([
      { reason: "FieldManagerConflict", message: 'conflict with "me"', field: ".spec.template.spec.tolerations" },
    ]);
  });

  it("owns the values of a set one by one", () => {
    const stored = map()
      .apply("me", { metadata: { name: "x", finalizers: ["a/b", "c/d"] } })
      .apply("you", { metadata: { name: "x", finalizers: ["a/b", "e/f"] } });
    expect(stored.body).toEqual({ metadata: { finalizers: ["a/b", "c/d", "e/f"] } });
    expect(stored.managers["you Apply"]).toEqual({ "f:metadata": { "f:finalizers": { 'v:"a/b"': {}, 'v:"e/f"': {} } } });
    expect(stored.apply("me", {}).body).toEqual({ metadata: { finalizers: ["a/b", "e/f"] } });
  });

  it("refuses to take from others, and takes when forced", () => {
    const stored = deploymentNamed().apply("me", { spec: { replicas: 1, paused: true } });
    const one = failureOf(() => stored.apply("you", { spec: { replicas: 2 } }));
    expect(one.status).toMatchObject({ code: 409, reason: "Conflict", message: 'Apply failed with 1 conflict: conflict with "me": .spec.replicas' });
    const two = failureOf(() => stored.apply("you", { spec: { replicas: 2, paused: false } }));
    expect(two.message).toBe('Apply failed with 2 conflicts: conflicts with "me":\n- .spec.paused\n- .spec.replicas');
    stored.apply("you", { spec: { replicas: 2 } }, { force: true });
    expect(stored.managers).toEqual({ "me Apply": { "f:spec": { "f:paused": {} } }, "you Apply": { "f:spec": { "f:replicas": {} } } });
  });

  it("names updaters with their version and items by their keys", () => {
    const stored = deploymentNamed().update("ctl", (object) => ({ ...object, ...containers({ name: "c", image: "1" }) }));
    expect(failureOf(() => stored.apply("me", containers({ name: "c", image: "2" }))).message).toBe(
      'Apply failed with 1 conflict: conflict with "ctl" using apps/v1: .spec.template.spec.containers[name="c"].image',
    );
  });

  it("gives what stood before the first apply to before-first-apply", () => {
    const stored = map();
    stored.live = deepFreeze({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x", uid: "u" }, data: { a: "1" } } as KubeObject);
    stored.apply("me", { data: { b: "1" } });
    expect(stored.managers).toEqual({ "before-first-apply Update": { "f:data": { ".": {}, "f:a": {} } }, "me Apply": { "f:data": { "f:b": {} } } });
    expect(failureOf(() => stored.apply("me", { data: { a: "2" } })).message).toContain('conflict with "before-first-apply" using v1: .data.a');
  });

  it("takes over what kubectl applied from the client's side", () => {
    const applied = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "x", annotations: {} }, spec: { replicas: 1, paused: true } };
    const stored = deploymentNamed().update("kubectl-client-side-apply", () => ({
      ...applied,
      metadata: { name: "x", annotations: { [lastAppliedAnnotation]: `${JSON.stringify(applied)}\n` } },
    }));
    expect(failureOf(() => stored.apply("other", { spec: { replicas: 2 } })).code).toBe(409);
    stored.apply("kubectl", { spec: { replicas: 2 } });
    expect(stored.live?.metadata.annotations?.[lastAppliedAnnotation]).toBe(
      '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"x","annotations":{}},"spec":{"replicas":2}}\n',
    );
    expect(stored.body["spec"]).toEqual({ replicas: 2, paused: true });
    stored.update("hpa", (object) => ({ ...object, spec: { replicas: 5, paused: true } }));
    expect(failureOf(() => stored.apply("kubectl", { spec: { replicas: 3 } })).message).toContain('conflict with "hpa" using apps/v1: .spec.replicas');
  });

  it.each<[Shown, number, string]>([
    [{ apiVersion: "v1" }, 400, "Incorrect version specified in apply patch. Specified patch version: v1, expected: apps/v1"],
    [{ metadata: { name: "x", managedFields: [] } }, 400, "metadata.managedFields must be nil"],
    [{ spec: { nope: 1 } }, 500, "failed to create typed patch object (/x; apps/v1, Kind=Deployment): .spec.nope: field not declared in schema"],
    [{ spec: { replicas: "1" } }, 500, 'failed to create typed patch object (/x; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got "1"'],
    [
      containers({ name: "a" }, { name: "a" }),
      500,
      'failed to create typed patch object (/x; apps/v1, Kind=Deployment): .spec.template.spec.containers: duplicate entries for key [name="a"]',
    ],
    [
      containers({ image: "a" }),
      500,
      'failed to create typed patch object (/x; apps/v1, Kind=Deployment): .spec.template.spec.containers: element 0: associative list with keys has an element that omits key field "name" (and doesn\'t have default value)',
    ],
    [
      { spec: { a: 1, b: 2 } },
      500,
      "failed to create typed patch object (/x; apps/v1, Kind=Deployment): errors:\n  .spec.a: field not declared in schema\n  .spec.b: field not declared in schema",
    ],
  ])("refuses %j", (config, code, message) => {
    expect(failureOf(() => deploymentNamed().apply("me", config)).status).toMatchObject({ code, message });
  });
});

describe("trackUpdate", () => {
  it("gives a creator everything, structs that Go always has left aside", () => {
    const stored = deploymentNamed().update("kubectl-create", (object) => ({
      ...object,
      metadata: { name: "x", labels: { app: "a" } },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: "a" } },
        strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } },
        template: { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "c", image: "i", resources: {} }], securityContext: {} } },
      },
    }));
    expect(stored.managers).toEqual({
      "kubectl-create Update": {
        "f:metadata": { "f:labels": { ".": {}, "f:app": {} } },
        "f:spec": {
          "f:replicas": {},
          "f:selector": {},
          "f:strategy": { "f:rollingUpdate": { ".": {}, "f:maxSurge": {} }, "f:type": {} },
          "f:template": {
            "f:metadata": { "f:labels": { ".": {}, "f:app": {} } },
            "f:spec": { "f:containers": { 'k:{"name":"c"}': { ".": {}, "f:image": {}, "f:name": {}, "f:resources": {} } }, "f:securityContext": {} },
          },
        },
      },
    });
    expect(stored.live?.metadata.managedFields?.[0]).toMatchObject({ apiVersion: "apps/v1", fieldsType: "FieldsV1", time: at(1) });
  });

  it("moves what changes to its writer and forgets what goes", () => {
    const stored = map()
      .update("a", (object) => ({ ...object, data: { x: "1", y: "1", z: "1" } }))
      .update("b", (object) => ({ ...object, data: { x: "1", y: "2", w: "1" } }));
    expect(stored.managers).toEqual({ "a Update": { "f:data": { ".": {}, "f:x": {} } }, "b Update": { "f:data": { "f:w": {}, "f:y": {} } } });
  });

  it("keeps an entry for each subresource", () => {
    const stored = deploymentNamed().update("ctl", (object) => ({ ...object, spec: { replicas: 1 } }));
    stored.update("ctl", (object) => ({ ...object, status: { replicas: 1, conditions: [{ type: "Available", status: "True" }] } }), "status");
    expect(stored.managers).toEqual({
      "ctl Update": { "f:spec": { "f:replicas": {} } },
      "ctl Update status": { "f:status": { "f:conditions": { ".": {}, 'k:{"type":"Available"}': { ".": {}, "f:status": {}, "f:type": {} } }, "f:replicas": {} } },
    });
  });

  it("leaves entries and times alone when nothing changes", () => {
    const stored = map().update("a", (object) => ({ ...object, data: { x: "1" } }));
    const before = stored.live?.metadata.managedFields;
    expect(stored.update("b", (object) => object).live?.metadata.managedFields).toEqual(before);
    expect(stored.update("b", (object) => ({ ...object, metadata: { ...(object["metadata"] as Shown), managedFields: undefined } })).live?.metadata.managedFields).toEqual(before);
  });

  it("clears and edits entries on request", () => {
    const stored = map().update("a", (object) => ({ ...object, data: { x: "1" } }));
    const renamed = { manager: "z", operation: "Update", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1: { "f:data": { "f:x": {} } } };
    stored.update("b", (object) => ({ ...object, metadata: { name: "x", managedFields: [renamed] } }));
    expect(stored.managers).toEqual({ "z Update": { "f:data": { "f:x": {} } } });
    stored.update("b", (object) => ({ ...object, data: { x: "2" }, metadata: { name: "x", managedFields: [{}] } }));
    expect(stored.live?.metadata.managedFields).toBeUndefined();
    expect(stored.update("c", (object) => ({ ...object, data: { x: "3" } })).live?.metadata.managedFields).toBeUndefined();
  });

  it("falls back to the live entries when the given ones cannot be read", () => {
    const stored = map().update("a", (object) => ({ ...object, data: { x: "1" } }));
    stored.update("b", (object) => ({ ...object, metadata: { name: "x", managedFields: [{ manager: "z", operation: "Steal" }] } }));
    expect(stored.managers).toEqual({ "a Update": { "f:data": { ".": {}, "f:x": {} } } });
  });

  it("merges the oldest updaters beyond ten", () => {
    const stored = map();
    for (let index = 0; index < 14; index += 1)
      stored.update(`m${String(index).padStart(2, "0")}`, (object) => ({ ...object, data: { ...(object["data"] as Shown | undefined), [`k${index}`]: "1" } }));
    const entries = stored.live?.metadata.managedFields ?? [];
    expect(entries).toHaveLength(10);
    expect(entries[0]).toMatchObject({
      manager: "ancient-changes",
      operation: "Update",
      fieldsV1: { "f:data": { ".": {}, "f:k0": {}, "f:k1": {}, "f:k2": {}, "f:k3": {}, "f:k4": {} } },
    });
  });

  it("ignores what the endpoint cannot set", () => {
    const next = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "x" }, spec: { replicas: 1 }, status: { replicas: 1 } };
    const tracked = trackUpdate({ next, manager: "a", schema: deployment, apiVersion: "apps/v1", now: start, ignored: { "f:status": {} } });
    expect(tracked?.[0]?.fieldsV1).toEqual({ "f:spec": { "f:replicas": {} } });
  });
});

describe("keepTimes", () => {
  it("keeps a write that changes nothing but times from being one", () => {
    const entry = { manager: "a", operation: "Update", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1: {} };
    const live = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x", managedFields: [{ ...entry, time: at(1) }] }, data: { a: "1" } };
    const next = { ...live, metadata: { ...live.metadata, managedFields: [{ ...entry, time: at(2) }] } };
    expect(keepTimes(next, live).metadata.managedFields[0]?.time).toBe(at(1));
    expect(keepTimes({ ...next, data: { a: "2" } }, live).metadata.managedFields[0]?.time).toBe(at(2));
  });
});

describe("in the long run", () => {
  const keys = ["a", "b", "c"] as const;
  const data = fc.dictionary(fc.constantFrom(...keys), fc.constantFrom("1", "2"));
  const list = fc.uniqueArray(fc.record({ name: fc.constantFrom("p", "q", "r"), image: fc.constantFrom("1", "2") }), { selector: ({ name }) => name, minLength: 1 });
  const step = fc.record({ manager: fc.constantFrom("m", "n"), data, list });

  it("an object of appliers alone is what each last applied, laid over each other", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        const stored = map();
        const last = new Map<string, Record<string, string>>();
        const values = new Map<string, string>();
        for (const { manager, data } of steps) {
          stored.apply(manager, { data }, { force: true });
          last.set(manager, data);
          for (const key of keys) {
            const value = data[key];
            if (value === undefined) {
              if (![...last.values()].some((other) => other[key] === values.get(key))) values.delete(key);
              continue;
            }
            values.set(key, value);
            // A forced change takes the field from the others for good.
            for (const [other, config] of last) {
              if (other === manager || config[key] === undefined || config[key] === value) continue;
              const { [key]: _, ...kept } = config;
              last.set(other, kept);
            }
          }
          expect(stored.body["data"] ?? {}).toEqual(Object.fromEntries(values));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("applying twice is applying once, and what one applies is there", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
        const stored = deploymentNamed();
        for (const { manager, list } of steps) {
          stored.apply(manager, containers(...list), { force: true });
          const once = stored.live;
          stored.apply(manager, containers(...list), { force: true });
          expect(stored.live).toEqual(once);
          const spec = (stored.body["spec"] ?? {}) as { template?: { spec?: { containers?: unknown[] } } };
          expect(spec.template?.spec?.containers ?? []).toEqual(expect.arrayContaining(list));
        }
      }),
      { numRuns: 200 },
    );
  });

  /** What each manager owns, whatever the order and time of the entries. */
  const owned = (stored: Stored): readonly string[] =>
    (stored.live?.metadata.managedFields ?? []).map(({ manager, fieldsV1 }) => `${manager ?? ""} ${JSON.stringify(fieldsV1)}`).sort();

  it("managers of different fields do not notice who was first", () => {
    const values = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom("1", "2"), { minKeys: 1 });
    const prefixed = (prefix: string, data: Record<string, string>): Record<string, string> =>
      Object.fromEntries(Object.entries(data).map(([key, value]) => [prefix + key, value]));
    const images = (prefix: string) => list.map((items) => items.map((item) => ({ ...item, name: prefix + item.name })));
    fc.assert(
      fc.property(values, values, images("m"), images("n"), (one, other, some, others) => {
        const steps = [
          (stored: Stored): Stored => stored.apply("m", { data: prefixed("m", one) }),
          (stored: Stored): Stored => stored.apply("n", { data: prefixed("n", other) }),
        ] as const;
        const [forth, back] = [steps[1](steps[0](map())), steps[0](steps[1](map()))];
        expect([forth.body, owned(forth)]).toEqual([back.body, owned(back)]);
        const pods = [(stored: Stored): Stored => stored.apply("m", containers(...some)), (stored: Stored): Stored => stored.apply("n", containers(...others))] as const;
        const [first, second] = [pods[1](pods[0](deploymentNamed())), pods[0](pods[1](deploymentNamed()))];
        const byName = (stored: Stored): readonly unknown[] =>
          [...(stored.body["spec"] as { template: { spec: { containers: { name: string }[] } } }).template.spec.containers].sort((a, b) => a.name.localeCompare(b.name));
        expect([byName(first), owned(first)]).toEqual([byName(second), owned(second)]);
      }),
      { numRuns: 100 },
    );
  });

  it("what its only owner leaves out goes, and what another owns too stays", () => {
    const values = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.constant("1"));
    fc.assert(
      fc.property(values, values, values, (mine, theirs, rest) => {
        const stored = map().apply("m", { data: mine }).apply("n", { data: theirs });
        stored.apply("m", { data: rest });
        expect(stored.body["data"] ?? {}).toEqual({ ...theirs, ...rest });
        stored.apply("n", {});
        expect(stored.body["data"] ?? {}).toEqual(rest);
        stored.apply("m", {});
        expect(stored.body).toEqual({});
      }),
      { numRuns: 200 },
    );
  });
});
