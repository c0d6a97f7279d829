import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FieldPath } from "./field-path.ts";
import {
  cidrContains,
  cidrErrors,
  dns1035LabelErrors,
  dnsLabelErrors,
  dnsSubdomainErrors,
  envVarNameErrors,
  formatCidr,
  formatIp,
  ipErrors,
  labelValueErrors,
  nameErrors,
  parseCidr,
  parseIp,
  pathSegmentErrors,
  portErrors,
  portNameErrors,
  qualifiedNameErrors,
  utf8Length,
  validateAnnotations,
  validateFieldManager,
  validateFinalizers,
  validateLabelSelector,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from "./validation.ts";

describe("names", () => {
  it("words a subdomain's fault as upstream does", () => {
    expect(dnsSubdomainErrors("Bad_Name")).toEqual([
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ]);
    expect(dnsSubdomainErrors("a".repeat(254))).toEqual(["must be no more than 253 bytes"]);
    expect(dnsSubdomainErrors("a\n")).toHaveLength(1);
  });

  it.each<[(value: string) => readonly string[], readonly string[], readonly string[]]>([
    [dnsLabelErrors, ["a", "my-name", "123-abc", "a".repeat(63)], ["", "A", "-a", "a-", "a.b", "a_b", "a".repeat(64)]],
    [dns1035LabelErrors, ["a", "abc-123"], ["", "1a", "a-", "A"]],
    [dnsSubdomainErrors, ["a", "a.b", "1.2"], ["", "a..b", ".a", "a.", "a.-b"]],
    [pathSegmentErrors, ["a", "A:b", "system:x"], [".", "..", "a/b", "a%b"]],
    [qualifiedNameErrors, ["a", "My.Name", "example.com/A_b", "a".repeat(63)], ["", "/a", "a/", "a/b/c", "-a", "A.com/a", "a".repeat(64)]],
    [labelValueErrors, ["", "a", "A_b.c-d"], ["-a", "a-", "a b", "a".repeat(64)]],
    [envVarNameErrors, ["a", "1A", "a b", "x.y"], ["", "a=b", "é", "a\tb"]],
    [portNameErrors, ["http", "h2-c"], ["", "-a", "a-", "a--b", "123", "abcdefghijklmnop", "A"]],
    [ipErrors, ["10.0.0.1", "::", "2001:db8::1", "fe80::1"], ["", "1.2.3", "1.2.3.256", "010.0.0.1", "::ffff:1.2.3.4", ":::", "1::2::3", "12345::", "1:2:3:4:5:6:7:8:9"]],
    [cidrErrors, ["10.0.0.0/8", "::/0", "2001:db8::/32"], ["10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "::/129", "10.0.0.0/08", "a/8", "10.0.0.0/-1"]],
  ])("%o", (errors, good, bad) => {
    for (const value of good) expect([value, errors(value)]).toEqual([value, []]);
    for (const value of bad) expect([value, errors(value).length > 0]).toEqual([value, true]);
  });

  it("answers a dotted label and a deep key with their own words", () => {
    expect(dnsLabelErrors("a.b")).toEqual(["must not contain dots"]);
    expect(qualifiedNameErrors("a/b/c")[0]).toMatch(/^a valid label key must consist of .* with an optional DNS subdomain prefix and '\/' \(e\.g\. 'example\.com\/MyName'\)$/);
    expect(qualifiedNameErrors("example.com/")).toEqual(["name part must be non-empty", expect.stringContaining("name part must consist of alphanumeric")]);
    expect(portErrors(0)).toEqual(["must be between 1 and 65535, inclusive"]);
  });

  it("lets a generateName end in a dash", () => {
    expect(nameErrors("dns-subdomain", "web-", true)).toEqual([]);
    expect(nameErrors("dns-subdomain", "web-")).toHaveLength(1);
  });

  it("counts bytes as UTF-8 does", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => utf8Length(text) === new TextEncoder().encode(text).length));
  });
});

describe("addresses", () => {
  it("prints what it parsed", () => {
    fc.assert(fc.property(fc.ipV4(), (text) => formatIp(parseIp(text) ?? { family: 4, bytes: [] }) === text));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 16, maxLength: 16 }), (bytes) => {
        const again = parseIp(formatIp({ family: 6, bytes }));
        expect(again?.mapped === true ? [...bytes.slice(0, 12), ...again.bytes] : again?.bytes).toEqual(bytes);
      }),
    );
    expect(["::1", "2001:db8:0:0:1:0:0:1", "1:0:0:2:0:0:0:3", "0:0:0:0:0:0:0:0", "1:2:3:4:5:6:0:8"].map((text) => formatIp(parseIp(text) ?? { family: 4, bytes: [] }))).toEqual([
      "::1",
      "2001:db8::1:0:0:1",
      "1:0:0:2::3",
      "::",
      "1:2:3:4:5:6:0:8",
    ]);
  });

  it("knows what lies in a range", () => {
    const cidr = parseCidr("10.1.2.3/23");
    const inside = (text: string): boolean => {
      const address = parseIp(text);
      return cidr !== undefined && address !== undefined && cidrContains(cidr, address);
    };
    expect(cidr === undefined ? "" : formatCidr(cidr)).toBe("10.1.2.0/23");
    expect(["10.1.3.255", "10.1.4.0", "10.1.2.0", "::1"].map(inside)).toEqual([true, false, true, false]);
  });
});

describe("object metadata", () => {
  const rules = { nameRule: "dns-subdomain", namespaced: true } as const;
  const fields = (meta: Parameters<typeof validateObjectMeta>[0], namespaced = true): string[] =>
    validateObjectMeta(meta, { ...rules, namespaced }).map(({ type, field }) => `${field} ${type}`);

  it("accepts a sound one", () => {
    expect(fields({ name: "a.b", namespace: "x", labels: { "a/b": "" }, annotations: { "A/B": "any text" }, finalizers: ["kubernetes", "a.b/c"] })).toEqual([]);
  });

  it("finds each fault", () => {
    expect(fields({})).toEqual(["metadata.name FieldValueRequired", "metadata.namespace FieldValueRequired"]);
    expect(fields({ name: "a", namespace: "x" }, false)).toEqual(["metadata.namespace FieldValueForbidden"]);
    expect(fields({ name: "A", namespace: "X.y", labels: { "-": "-" }, generation: -1 })).toEqual([
      "metadata.name FieldValueInvalid",
      "metadata.namespace FieldValueInvalid",
      "metadata.generation FieldValueInvalid",
      "metadata.labels FieldValueInvalid",
      "metadata.labels FieldValueInvalid",
    ]);
    const owner = { apiVersion: "v1", kind: "Pod", name: "p", uid: "u", controller: true };
    expect(
      validateObjectMeta({ name: "a", namespace: "x", ownerReferences: [owner, { ...owner, name: "q" }, { ...owner, kind: "", controller: false }] }, rules).map(
        ({ detail }) => detail,
      ),
    ).toEqual(['Only one reference can have Controller set to true. Found "true" in references for Pod/p and Pod/q', "must not be empty"]);
  });

  it("bounds annotations and managers", () => {
    expect(validateAnnotations({ a: "é".repeat(128 * 1024) }, new FieldPath("metadata.annotations"))).toMatchObject([
      { type: "FieldValueTooLong", detail: "may not be more than 262144 bytes" },
    ]);
    expect(validateAnnotations({ a: "x".repeat(256 * 1024 - 1) }, new FieldPath("x"))).toEqual([]);
    expect(validateFieldManager("a\nb", new FieldPath("fieldManager"))).toMatchObject([{ detail: "invalid character U+000A (at position 1)" }]);
    expect(validateFinalizers(["orphan", "foregroundDeletion"], new FieldPath("f"))).toMatchObject([{ detail: "finalizer orphan and foregroundDeletion cannot be both set" }]);
  });

  it("guards what an update may not change", () => {
    const previous = { name: "a", namespace: "x", uid: "u", generation: 2, resourceVersion: "5", deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["a/b"] };
    expect(validateObjectMetaUpdate({ ...previous, finalizers: [] }, previous)).toEqual([]);
    expect(validateObjectMetaUpdate({ ...previous, name: "b", generation: 1, resourceVersion: "", finalizers: ["a/b", "c/d"] }, previous)).toMatchObject([
      { field: "metadata.finalizers", detail: 'no new finalizers can be added if the object is being deleted, found new finalizers []string{"c/d"}' },
      { field: "metadata.resourceVersion", value: "", detail: "must be specified for an update" },
      { field: "metadata.generation", detail: "must not be decremented" },
      { field: "metadata.name", value: "b", detail: "field is immutable" },
    ]);
  });

  it("checks label selectors", () => {
    const selector = {
      matchLabels: { "": "x" },
      matchExpressions: [
        { key: "a", operator: "In" },
        { key: "a", operator: "Exists", values: ["x"] },
        { key: "a", operator: "Eq" },
      ],
    };
    expect(validateLabelSelector(selector, new FieldPath("spec.selector")).map(({ field, type }) => `${field} ${type}`)).toEqual([
      "spec.selector.matchLabels FieldValueInvalid",
      "spec.selector.matchLabels FieldValueInvalid",
      "spec.selector.matchExpressions[0].values FieldValueRequired",
      "spec.selector.matchExpressions[1].values FieldValueForbidden",
      "spec.selector.matchExpressions[2].operator FieldValueInvalid",
    ]);
  });
});
