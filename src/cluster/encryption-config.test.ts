import { expect, it } from "vitest";
import { nodeCiphers } from "../platform/node/ciphers.ts";
import { transformersOf } from "./encryption-config.ts";

const key = { name: "key1", secret: Buffer.alloc(32, 1).toString("base64") };
const config = (resources: unknown): unknown => ({ apiVersion: "apiserver.config.k8s.io/v1", kind: "EncryptionConfiguration", resources });

it.each([
  ["secrets", "/registry/secrets/a/b", true],
  ["secrets.", "/registry/secrets/a/b", true],
  ["secrets", "/registry/configmaps/a/b", false],
  ["services", "/registry/services/specs/a/b", true],
  ["endpoints", "/registry/services/specs/a/b", false],
  ["deployments.apps", "/registry/deployments/a/b", true],
  ["*.apps", "/registry/deployments/a/b", true],
  ["*.", "/registry/secrets/a/b", true],
  ["*.", "/registry/deployments/a/b", false],
  ["*.*", "/registry/example.com/widgets/a/b", true],
  ["widgets.example.com", "/registry/example.com/widgets/a/b", true],
])("%s and %s: %s", (resource, at, sealed) => {
  const transformer = transformersOf(config([{ resources: [resource], providers: [{ aescbc: { keys: [key] } }, { identity: {} }] }]), nodeCiphers)(at);
  const stored = Buffer.from(transformer?.seal(at, Uint8Array.of(1, 2)) ?? Uint8Array.of(1, 2));
  expect(stored.toString("latin1").startsWith("k8s:enc:aescbc:v1:key1:")).toBe(sealed);
  if (transformer !== undefined) expect(transformer.open(at, stored)).toEqual(Uint8Array.of(1, 2));
});

it.each([
  [{}, "it must be an EncryptionConfiguration of apiserver.config.k8s.io/v1"],
  [config([]), "resources must be a list that is not empty"],
  [config([{ resources: ["*"], providers: [{ identity: {} }] }]), "use *.<group>"],
  [config([{ resources: ["secrets"], providers: [{ kms: {} }] }]), "resources[0].providers[0]: kms is not among aescbc, aesgcm, secretbox, identity"],
  [config([{ resources: ["secrets"], providers: [{ aescbc: { keys: [{ name: "a", secret: "AAAA" }] } }] }]), "secret: an AES key has 16, 24 or 32 bytes"],
])("refuses %j", (value, message) => {
  expect(() => transformersOf(value, nodeCiphers)).toThrow(message);
});
