import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { customResourceDefinitions } from "../../src/api/generated/resources.ts";
import type { CustomResourceDefinition } from "../../src/api/generated/types/apiextensions-v1.ts";
import { silentLogger } from "../../src/base/log.ts";
import type { Client } from "../../src/client/client.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import type { KubeObject } from "../../src/meta/object.ts";
import type { Resource } from "../../src/meta/resource.ts";
import { hasReason } from "../../src/meta/status-error.ts";
import { systemClock } from "../../src/platform/node/clock.ts";
import { nodeWebhookClient } from "../../src/platform/node/webhook-client.ts";
import { ServiceResolver } from "../../src/server/aggregation/resolve-service.ts";
import { CrdRegistrar } from "../../src/server/crd/registrar.ts";
import { admin, serveMemory } from "./served-memory.ts";

interface Widget extends KubeObject {
  readonly spec: { readonly size?: number; readonly color?: string; readonly bogus?: boolean };
  readonly status?: { readonly done?: boolean };
}
const widgets: Resource<Widget> = { group: "example.com", version: "v1", resource: "widgets", kind: "Widget", namespaced: true };
const namespace = "default";

const definition: Omit<CustomResourceDefinition, "apiVersion" | "kind"> = {
  metadata: { name: "widgets.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "widgets", kind: "Widget", shortNames: ["wd"] },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: { type: "object", required: ["size"], properties: { size: { type: "integer", minimum: 1 }, color: { type: "string", default: "red", enum: ["red", "blue"] } } },
              status: { type: "object", properties: { done: { type: "boolean" } } },
            },
          },
        },
      },
    ],
  },
};

/** Watches until the definition is as wanted. */
async function until(client: Client, wanted: (definition: CustomResourceDefinition | undefined) => boolean): Promise<void> {
  const controller = new AbortController();
  const { metadata, items } = await client.list(customResourceDefinitions);
  if (wanted(items.find(({ metadata: { name } }) => name === "widgets.example.com"))) return;
  for await (const batch of client.watch(customResourceDefinitions, { resourceVersion: metadata.resourceVersion ?? "0", signal: controller.signal })) {
    for (const { type, object } of batch) if (wanted(type === "DELETED" ? undefined : object)) return controller.abort();
  }
}

describe("custom resources", () => {
  let client: Client;
  let served: Awaited<ReturnType<typeof serveMemory>>;
  const stop = new AbortController();

  beforeAll(async () => {
    served = await serveMemory();
    client = inProcessClient(served.api.handle, admin);
    const registrar = new CrdRegistrar({
      ...served.api.parts,
      client,
      clock: systemClock,
      log: silentLogger,
      webhooks: nodeWebhookClient,
      services: new ServiceResolver(served.api.parts),
    });
    void registrar.run(stop.signal);
    await client.create(customResourceDefinitions, definition);
    await until(client, (found) => found?.status?.conditions?.some(({ type, status }) => type === "Established" && status === "True") === true);
  });
  afterAll(async () => {
    stop.abort();
    await served.stop();
  });

  it("prunes, defaults and leaves status to its subresource", async () => {
    const made = await client.create(widgets, { metadata: { name: "a" }, spec: { size: 1, bogus: true }, status: { done: true } }, { namespace });
    expect(made.spec).toEqual({ size: 1, color: "red" });
    expect(made.status).toBeUndefined();
    expect(made.metadata.generation).toBe(1);
    const told = await client.update(widgets, { ...made, status: { done: true }, spec: { size: 9 } }, { namespace, subresource: "status" });
    expect(told.status).toEqual({ done: true });
    expect(told.spec.size).toBe(1);
    expect(told.metadata.generation).toBe(1);
  });

  it.each([
    [{ size: 0 }, 'Widget.example.com "b" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1'],
    [{ size: 1, color: "green" }, 'Widget.example.com "b" is invalid: spec.color: Unsupported value: "green": supported values: "red", "blue"'],
    [{ color: "red" }, 'Widget.example.com "b" is invalid: spec.size: Required value'],
  ])("refuses %j", async (spec, message) => {
    await expect(client.create(widgets, { metadata: { name: "b" }, spec }, { namespace })).rejects.toThrow(message);
  });

  it("goes with its definition", async () => {
    await client.delete(customResourceDefinitions, "widgets.example.com");
    await until(client, (found) => found === undefined);
    await expect(client.list(widgets, { namespace })).rejects.toSatisfy((error) => hasReason(error, "NotFound"));
  });
});
