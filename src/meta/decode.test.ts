import { describe, expect, it } from "vitest";
import { schemaOf } from "../api/schemas.ts";
import { decode, strictDecodingError } from "./decode.ts";
import type { Schema } from "./schema.ts";

const need = (kind: string, group = "", version = "v1"): Schema => {
  const schema = schemaOf({ group, version, kind });
  if (schema === undefined) throw new Error(`no schema of ${kind}`);
  return schema;
};
const deployment = need("Deployment", "apps");
const pod = need("Pod");
const gvk = { version: "v1", kind: "Deployment" };
const messageOf = (schema: Schema, value: unknown): string => {
  try {
    decode(schema, value, { gvk });
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};
const begin = 'Deployment in version "v1" cannot be handled as a Deployment: ';

describe("decode", () => {
  it("drops nulls and unknown fields, and names the latter", () => {
    const input = {
      kind: "Deployment",
      extra: 1,
      metadata: { name: "x", creationTimestamp: null },
      spec: { template: { spec: { containers: [{ name: "a" }, { nam: "b", env: [{ nope: null }] }] } } },
    };
    const { value, problems } = decode(deployment, input);
    expect(value).toEqual({ kind: "Deployment", metadata: { name: "x" }, spec: { template: { spec: { containers: [{ name: "a" }, { env: [{}] }] } } } });
    expect(problems).toEqual(['unknown field "extra"', 'unknown field "spec.template.spec.containers[1].nam"', 'unknown field "spec.template.spec.containers[1].env[0].nope"']);
    expect(strictDecodingError(problems.slice(0, 1), { gvk }).message).toBe(`${begin}strict decoding error: unknown field "extra"`);
  });

  it("drops empty lists and maps of optional fields, and keeps those that are required or written all the same", () => {
    const empty = { nodeSelector: {}, tolerations: [], volumes: [{ name: "v", emptyDir: {}, projected: { sources: [] } }], securityContext: {} };
    const container = { name: "a", env: [], resources: { limits: {}, requests: { cpu: "1" } } };
    const { value } = decode(pod, { metadata: { labels: {}, finalizers: [] }, spec: { ...empty, containers: [container], initContainers: [], affinity: {} } });
    expect(value).toEqual({
      metadata: {},
      spec: {
        volumes: [{ name: "v", emptyDir: {}, projected: { sources: [] } }],
        securityContext: {},
        containers: [{ name: "a", resources: { requests: { cpu: "1" } } }],
        affinity: {},
      },
    });
    expect(decode(pod, { spec: { containers: [] } }).value).toEqual({ spec: { containers: [] } });
    expect(decode(need("Role", "rbac.authorization.k8s.io"), { rules: [] }).value).toEqual({ rules: [] });
    expect(decode(need("ConfigMap"), { data: {}, binaryData: { a: "" } }).value).toEqual({ binaryData: { a: "" } });
    const rules = { scaleUp: { policies: [] } };
    expect(decode(need("HorizontalPodAutoscaler", "autoscaling", "v2"), { spec: { behavior: rules, metrics: [] } }).value).toEqual({ spec: { behavior: rules } });
  });

  it("shares nothing with its input", () => {
    const input = Object.freeze({
      metadata: Object.freeze({ labels: Object.freeze({ a: "b" }), managedFields: Object.freeze([Object.freeze({ fieldsV1: Object.freeze({ "f:a": {} }) })]) }),
    });
    const { value } = decode(pod, input);
    expect(value).toEqual(input);
    const out = value as { metadata: { labels: object; managedFields: { fieldsV1: object }[] } };
    expect(out.metadata.labels).not.toBe(input.metadata.labels);
    expect(Object.isFrozen(out.metadata.managedFields[0]?.fieldsV1)).toBe(false);
  });

  it("writes quantities and times as they are stored", () => {
    const spec = { containers: [{ resources: { limits: { cpu: 0.5, memory: "1024Mi", "example.com/x": "1000m" } } }] };
    const { value } = decode(pod, { metadata: { creationTimestamp: "2026-01-01T02:00:00.5+02:00" }, spec });
    expect(value).toEqual({
      metadata: { creationTimestamp: "2026-01-01T00:00:00Z" },
      spec: { containers: [{ resources: { limits: { cpu: "500m", memory: "1Gi", "example.com/x": "1" } } }] },
    });
    expect(decode(need("Lease", "coordination.k8s.io"), { spec: { renewTime: "2026-01-01T02:00:00.000500+02:00" } }).value).toEqual({
      spec: { renewTime: "2026-01-01T00:00:00.000500Z" },
    });
  });

  it("fills null slots of lists and maps with Go's zero values", () => {
    expect(decode(pod, { metadata: { labels: { a: null } }, spec: { containers: [null, { args: [null] }] } }).value).toEqual({
      metadata: { labels: { a: "" } },
      spec: { containers: [{}, { args: [""] }] },
    });
  });

  it("keeps a map key named __proto__ as a property", () => {
    const { value } = decode(need("ConfigMap"), JSON.parse('{"data":{"__proto__":"x"}}'));
    expect(JSON.stringify(value)).toBe('{"data":{"__proto__":"x"}}');
  });

  it.each([
    [{ spec: { replicas: "3" } }, "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"],
    [{ spec: { replicas: 1.5 } }, "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"],
    [{ spec: { replicas: 3_000_000_000 } }, "json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32"],
    [{ metadata: { labels: { a: 1 } } }, "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"],
    [
      { spec: { template: { spec: { containers: [{}, { env: [{ value: true }] }] } } } },
      "json: cannot unmarshal bool into Go struct field EnvVar.spec.template.spec.containers.env.value of type string",
    ],
    [{ spec: { template: { spec: { containers: {} } } } }, "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container"],
    [{ spec: [] }, "json: cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec"],
    ["text", "json: cannot unmarshal string into Go value of type v1.Deployment"],
    [
      { spec: { template: { spec: { containers: [{ resources: { limits: { cpu: "x" } } }] } } } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [{ metadata: { creationTimestamp: "yesterday" } }, 'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"'],
    [{ metadata: { creationTimestamp: "2026-02-30T00:00:00Z" } }, 'parsing time "2026-02-30T00:00:00Z": day out of range'],
  ])("refuses %j", (value, message) => {
    expect(messageOf(deployment, value)).toBe(begin + message);
  });

  it("refuses data that is not base64", () => {
    const secret = need("Secret");
    expect(messageOf(secret, { data: { a: "!!!" } })).toContain("illegal base64 data at input byte 0");
    expect(messageOf(secret, { data: { a: 1 } })).toContain("Go struct field Secret.data of type []uint8");
    expect(decode(secret, { data: { a: "YWJj\nZA==" } }).value).toEqual({ data: { a: "YWJjZA==" } });
  });

  it("reports at most 100 problems of a document full of them", () => {
    const spec = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`x${index}`, 1]));
    expect(decode(pod, { spec }).problems).toHaveLength(100);
  });
});

it("reads null in a map of bytes as no bytes", () => {
  expect(decode({ type: "map", items: { type: "bytes" } }, { a: null }).value).toEqual({ a: "" });
});
