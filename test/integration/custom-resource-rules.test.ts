import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { customResourceDefinitions } from "../../src/api/generated/resources.ts";
import type { JSONSchemaProps } from "../../src/api/generated/types/apiextensions-v1.ts";
import { silentLogger } from "../../src/base/log.ts";
import type { Client } from "../../src/client/client.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import type { KubeObject } from "../../src/meta/object.ts";
import type { Resource } from "../../src/meta/resource.ts";
import { systemClock } from "../../src/platform/node/clock.ts";
import { nodeWebhookClient } from "../../src/platform/node/webhook-client.ts";
import { ServiceResolver } from "../../src/server/aggregation/resolve-service.ts";
import { CrdRegistrar } from "../../src/server/crd/registrar.ts";
import { admin, serveMemory } from "./served-memory.ts";

interface Gadget extends KubeObject {
  readonly spec: { readonly [field: string]: unknown };
}
const gadgets: Resource<Gadget> = { group: "example.com", version: "v1", resource: "gadgets", kind: "Gadget", namespaced: true };
const namespace = "default";
const definition = (name: string, spec: JSONSchemaProps) => ({
  metadata: { name: `${name}.example.com` },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: name, kind: name === "gadgets" ? "Gadget" : "Other" },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object", properties: { spec } } } }],
  },
});

const rules: JSONSchemaProps = {
  type: "object",
  properties: {
    min: { type: "integer" },
    max: { type: "integer" },
    name: { type: "string", maxLength: 5, "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "name is immutable", reason: "FieldValueForbidden" }] },
    ports: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
      items: {
        type: "object",
        required: ["name"],
        properties: { name: { type: "string" }, port: { type: "integer" } },
        "x-kubernetes-validations": [{ rule: "!has(self.port) || self.port >= oldSelf.port", message: "ports only grow" }],
      },
    },
  },
  "x-kubernetes-validations": [
    { rule: "!has(self.min) || !has(self.max) || self.min <= self.max", messageExpression: "'min %d is above max %d'.format([self.min, self.max])", fieldPath: ".min" },
    { rule: "self.max < 100" },
  ],
};

describe("rules of custom resources", () => {
  let client: Client;
  let served: Awaited<ReturnType<typeof serveMemory>>;
  const stop = new AbortController();

  beforeAll(async () => {
    served = await serveMemory();
    client = inProcessClient(served.api.handle, admin);
    void new CrdRegistrar({ ...served.api.parts, client, clock: systemClock, log: silentLogger, webhooks: nodeWebhookClient, services: new ServiceResolver(served.api.parts) }).run(
      stop.signal,
    );
    const { metadata } = await client.create(customResourceDefinitions, definition("gadgets", rules));
    const watch = new AbortController();
    for await (const batch of client.watch(customResourceDefinitions, { resourceVersion: metadata.resourceVersion ?? "0", signal: watch.signal })) {
      if (batch.some(({ object }) => object.status?.conditions?.some(({ type, status }) => type === "Established" && status === "True") === true)) watch.abort();
    }
  });
  afterAll(async () => {
    stop.abort();
    await served.stop();
  });

  it.each([
    [{ min: 5, max: 3 }, 'Gadget.example.com "a" is invalid: spec.min: Invalid value: "object": min 5 is above max 3'],
    [{ max: 100 }, 'Gadget.example.com "a" is invalid: spec: Invalid value: "object": failed rule: self.max < 100'],
    [{}, 'Gadget.example.com "a" is invalid: spec: Invalid value: "object": no such key: max evaluating rule: self.max < 100'],
    [
      { max: 500, name: "much too long" },
      'Gadget.example.com "a" is invalid: [spec.name: Too long: may not be more than 5 bytes, <nil>: Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
    ],
  ])("refuse %j", async (spec, message) => {
    await expect(client.create(gadgets, { metadata: { name: "a" }, spec }, { namespace })).rejects.toThrow(message);
  });

  it("compare with what stood before", async () => {
    const made = await client.create(
      gadgets,
      {
        metadata: { name: "b" },
        spec: {
          max: 9,
          name: "x",
          ports: [
            { name: "p", port: 5 },
            { name: "q", port: 7 },
          ],
        },
      },
      { namespace },
    );
    const change = (spec: Gadget["spec"]): Promise<Gadget> => client.update(gadgets, { ...made, spec: { ...made.spec, ...spec } }, { namespace });
    await expect(change({ name: "y" })).rejects.toThrow('Gadget.example.com "b" is invalid: spec.name: Forbidden: name is immutable');
    await expect(change({ ports: [{ name: "q", port: 6 }] })).rejects.toThrow('spec.ports[0]: Invalid value: "object": ports only grow');
    await expect(
      change({
        ports: [
          { name: "q", port: 8 },
          { name: "new", port: 1 },
        ],
      }),
    ).resolves.toMatchObject({ spec: { ports: [{ port: 8 }, { port: 1 }] } });
  });

  const at = "spec.validation.openAPIV3Schema.properties[spec]";
  it.each([
    [
      { type: "object", properties: { a: { type: "string" } }, "x-kubernetes-validations": [{ rule: "self.b == 'x'" }] },
      `${at}.x-kubernetes-validations[0].rule: Invalid value: {"rule":"self.b == 'x'"}: compilation failed: ERROR: <input>:1:5: undefined field 'b'\n | self.b == 'x'\n | ....^`,
    ],
    [{ type: "object", "x-kubernetes-validations": [{ rule: "1" }] }, "cel expression must evaluate to a bool"],
    [{ type: "object", properties: { a: {} } }, `${at}.properties[a].type: Required value: must not be empty for specified object fields`],
    [{ type: "array" }, `${at}.items: Required value: must be specified`],
    [
      { type: "string", pattern: "a(?=b)" },
      `${at}.pattern: Invalid value: "a(?=b)": must be a valid regular expression, but isn't: error parsing regexp: invalid or unsupported Perl syntax: \`(?=\``,
    ],
    [{ type: "integer", default: "x" }, `${at}.default: Invalid value: "string"`],
    [{ type: "object", anyOf: [{ type: "object" }] }, `${at}.anyOf[0].type: Forbidden: must be empty to be structural`],
  ] satisfies (readonly [JSONSchemaProps, string])[])("a definition is refused: %j", async (spec, message) => {
    await expect(client.create(customResourceDefinitions, definition("others", spec))).rejects.toThrow(message);
  });
});
