import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deployments, namespaces, pods, serviceAccounts } from "../../src/api/generated/resources.ts";
import type { Draft } from "../../src/base/values.ts";
import type { KubeObject } from "../../src/meta/object.ts";
import { keepingManagers } from "../../src/server/registry/field-managers.ts";
import { type Answer, serveCluster, type ServedCluster } from "./served-cluster.ts";

let cluster: ServedCluster;
const as = { name: "root", groups: ["system:masters"] };

beforeAll(async () => {
  cluster = await serveCluster();
  await cluster.admin.create(namespaces, { metadata: { name: "owned" } });
  await cluster.admin.create(serviceAccounts, { metadata: { name: "default", namespace: "owned" } });
});
afterAll(() => cluster.stop());

const fieldsOf = (object: KubeObject, manager: string): unknown => object.metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1;
const write = (method: "POST" | "PUT", path: string, body: unknown): Promise<Answer> => cluster.ask(method, `${path}?fieldManager=me`, { as, body });

describe("what admission and the kind's own rules add", () => {
  it("is nobody's in a new pod", async () => {
    const { body } = await write("POST", "/api/v1/namespaces/owned/pods", {
      metadata: { name: "a", labels: {} },
      spec: { containers: [{ name: "c", image: "i" }] },
    });
    expect(body.spec.volumes[0].name).toMatch(/^kube-api-access-/);
    expect(body.spec.tolerations).toHaveLength(2);
    expect(body.spec.serviceAccountName).toBe("default");
    expect(fieldsOf(body, "me")).toEqual({
      "f:spec": {
        "f:containers": {
          'k:{"name":"c"}': { ".": {}, "f:image": {}, "f:imagePullPolicy": {}, "f:name": {}, "f:resources": {}, "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {} },
        },
        "f:dnsPolicy": {},
        "f:enableServiceLinks": {},
        "f:restartPolicy": {},
        "f:schedulerName": {},
        "f:securityContext": {},
        "f:terminationGracePeriodSeconds": {},
      },
    });
  });

  it("does not change the managers of two pods of one template", async () => {
    const make = (name: string) => cluster.admin.create(pods, { metadata: { name, namespace: "owned", labels: { app: "x" } }, spec: { containers: [{ name: "c", image: name }] } });
    const [one, other] = [await make("b1"), await make("b2")];
    expect(one.spec.volumes?.[0]?.name).not.toBe(other.spec.volumes?.[0]?.name);
    expect(other.metadata.managedFields?.[0]?.fieldsV1).toBe(one.metadata.managedFields?.[0]?.fieldsV1);
  });

  it("is nobody's in a service that gets its address, before and after an update", async () => {
    const path = "/api/v1/namespaces/owned/services";
    const { body } = await write("POST", path, { metadata: { name: "s" }, spec: { selector: { app: "x" }, ports: [{ port: 80 }] } });
    expect(body.spec.clusterIP).toMatch(/^\d/);
    expect(JSON.stringify(fieldsOf(body, "me"))).not.toContain("clusterIP");
    const { body: updated } = await cluster.ask("PUT", `${path}/s?fieldManager=other`, { as, body: { ...body, spec: { ...body.spec, publishNotReadyAddresses: true } } });
    expect(fieldsOf(updated, "other")).toEqual({ "f:spec": { "f:publishNotReadyAddresses": {} } });
  });
});

describe("a write that changes nothing but times", () => {
  it("is none", async () => {
    const made = await cluster.admin.create(deployments, {
      metadata: { name: "d", namespace: "owned" },
      spec: { selector: { matchLabels: { app: "x" } }, template: { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image: "i" }] } } },
    });
    await cluster.clock.advance(60_000);
    expect(await cluster.admin.update(deployments, made)).toBe(made);
  });
});

describe("managers that admission made unreadable", () => {
  const draftWith = (managedFields: unknown): Draft<KubeObject> => ({ apiVersion: "v1", kind: "Pod", metadata: { name: "a", managedFields } }) as Draft<KubeObject>;
  const good = { manager: "me", operation: "Update", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1: { "f:data": {} } };

  it("are put back, with a warning", async () => {
    const draft = draftWith([good]);
    const warnings: string[] = [];
    await keepingManagers(draft, warnings, () => {
      draft.metadata.managedFields = [{ ...good, operation: "Dream" }] as never;
      return Promise.resolve();
    });
    expect(draft.metadata.managedFields).toEqual([good]);
    expect(warnings).toEqual([
      '.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: error decoding manager from "me": operation must be `Apply` or `Update`',
    ]);
  });

  it("stand when they can be read, or are gone", async () => {
    for (const other of [[{ ...good, manager: "hook" }], undefined]) {
      const draft = draftWith([good]);
      const warnings: string[] = [];
      await keepingManagers(draft, warnings, () => {
        draft.metadata.managedFields = other as never;
        return Promise.resolve();
      });
      expect([draft.metadata.managedFields, warnings]).toEqual([other, []]);
    }
  });
});
