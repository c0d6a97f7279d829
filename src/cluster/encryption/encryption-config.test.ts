import { expect, it } from "vitest";
import { nodeCiphers } from "../../platform/node/ciphers.ts";
import { transformersOf } from "./encryption-config.ts";
import { durationMs, type ProviderDeps } from "./read-provider.ts";

const deps: ProviderDeps = {
  ciphers: nodeCiphers,
  kms: () => {
    throw new Error("connected");
  },
};

const key = { name: "key1", secret: Buffer.alloc(32, 1).toString("base64") };
const config = (resources: unknown): unknown => ({ apiVersion: "apiserver.config.k8s.io/v1", kind: "EncryptionConfiguration", resources });

const kms = (options: unknown): unknown => config([{ resources: ["secrets"], providers: [{ kms: options }] }]);

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
  const transformer = transformersOf(config([{ resources: [resource], providers: [{ aescbc: { keys: [key] } }, { identity: {} }] }]), deps)(at);
  const stored = Buffer.from(transformer?.seal(at, Uint8Array.of(1, 2)) ?? Uint8Array.of(1, 2));
  expect(stored.toString("latin1").startsWith("k8s:enc:aescbc:v1:key1:")).toBe(sealed);
  if (transformer !== undefined) expect(transformer.open(at, stored)).toEqual(Uint8Array.of(1, 2));
});

it.each([
  [{}, "it must be an EncryptionConfiguration of apiserver.config.k8s.io/v1"],
  [config([]), "resources must be a list that is not empty"],
  [config([{ resources: ["*"], providers: [{ identity: {} }] }]), "use *.<group>"],
  [config([{ resources: ["secrets"], providers: [{ vault: {} }] }]), "resources[0].providers[0]: vault is not among aescbc, aesgcm, secretbox, kms, identity"],
  [kms({ name: "k" }), "kms.apiVersion: version v1 of the KMS API is deprecated and not served"],
  [kms({ apiVersion: "v3" }), "kms.apiVersion must be v2"],
  [kms({ apiVersion: "v2", name: "a:b" }), "kms.name must be a text without colons"],
  [kms({ apiVersion: "v2", name: "k", endpoint: "tcp://10.0.0.1:1" }), "kms.endpoint must be a unix socket"],
  [kms({ apiVersion: "v2", name: "k", endpoint: "unix:///a", timeout: "soon" }), "kms.timeout must be a positive duration"],
  [kms({ apiVersion: "v2", name: "k", endpoint: "unix:///a", cachesize: 5 }), "kms.cachesize is not supported in v2"],
  [kms({ apiVersion: "v2", name: "k", endpoint: "unix:///a", timeout: "1m30s" }), "connected"],
  [
    config([
      { resources: ["*.apps"], providers: [{ identity: {} }] },
      { resources: ["deployments.apps"], providers: [{ identity: {} }] },
    ]),
    "is masked by an earlier rule for *.apps",
  ],
  [config([{ resources: ["*.*", "secrets"], providers: [{ identity: {} }] }]), "secrets is masked by *.*"],
  [config([{ resources: ["Secrets"], providers: [{ identity: {} }] }]), "resource names are in lower case"],
  [config([{ resources: ["secrets.*"], providers: [{ identity: {} }] }]), "wildcards of a resource in any group are not supported"],
  [config([{ resources: ["secrets"], providers: [{ aescbc: { keys: [{ name: "a", secret: "AAAA" }] } }] }]), "secret: an AES key has 16, 24 or 32 bytes"],
])("refuses %j", (value, message) => {
  expect(() => transformersOf(value, deps)).toThrow(message);
});

it("lets what is named go before a wildcard, and opens what any entry of a resource names", () => {
  const other = { name: "key2", secret: Buffer.alloc(32, 2).toString("base64") };
  const forKey = transformersOf(
    config([
      { resources: ["secrets"], providers: [{ aesgcm: { keys: [key] } }] },
      { resources: ["secrets"], providers: [{ secretbox: { keys: [other] } }] },
      { resources: ["*.*"], providers: [{ secretbox: { keys: [key] } }] },
    ]),
    deps,
  );
  const at = "/registry/secrets/a/b";
  const sealed = (transformer: ReturnType<typeof forKey>): string => Buffer.from(transformer?.seal(at, Uint8Array.of(1)) ?? []).toString("latin1");
  expect(sealed(forKey(at))).toMatch(/^k8s:enc:aesgcm:v1:key1:/);
  expect(sealed(forKey("/registry/pods/a/b"))).toMatch(/^k8s:enc:secretbox:v1:key1:/);
  const second = transformersOf(config([{ resources: ["secrets"], providers: [{ secretbox: { keys: [other] } }] }]), deps)(at);
  expect(forKey(at)?.open(at, second?.seal(at, Uint8Array.of(5)) ?? Uint8Array.of())).toEqual(Uint8Array.of(5));
});

it.each([
  ["3s", 3000],
  ["1m30s", 90_000],
  ["250ms", 250],
  ["0.5s", 500],
  ["3", undefined],
  [3, undefined],
])("reads %s as a duration", (text, expected) => {
  expect(durationMs(text)).toBe(expected);
});
