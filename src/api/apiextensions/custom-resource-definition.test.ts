import { describe, expect, it } from "vitest";
import type { CustomResourceDefinition } from "../generated/types/apiextensions-v1.ts";
import { tryCreate, tryUpdate } from "../kind-trial.ts";
import { customResourceDefinitionKind } from "./custom-resource-definition.ts";

const create = (spec: string, name = "cogs.example.com"): ReturnType<typeof tryCreate<CustomResourceDefinition>> =>
  tryCreate(customResourceDefinitionKind, `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: ${name} }\nspec: ${spec}`);
const names = "names: { kind: Cog, plural: cogs }";
const schema = "schema: { openAPIV3Schema: { type: object } }";
const version = `{ name: v1, served: true, storage: true, ${schema} }`;
const sound = `group: example.com, scope: Namespaced, ${names}`;

it("gets upstream's defaults", () => {
  const { object, errors } = create(`{ ${sound}, versions: [${version}] }`);
  expect(errors).toEqual([]);
  expect(object.spec).toMatchObject({ names: { singular: "cog", listKind: "CogList" }, conversion: { strategy: "None" } });
  expect(object.status).toEqual({ storedVersions: ["v1"] });
});

describe("is refused", () => {
  it.each([
    [`{ ${sound}, versions: [${version}] }`, "cog.example.com", ['metadata.name: Invalid value: "cog.example.com": must be spec.names.plural+"."+spec.group']],
    [
      `{ group: example, scope: Everywhere, ${names}, versions: [${version}] }`,
      "cogs.example",
      ['spec.group: Invalid value: "example": should be a domain with at least one dot', 'spec.scope: Unsupported value: "Everywhere": supported values: "Cluster", "Namespaced"'],
    ],
    [
      `{ ${sound}, versions: [{ name: v1, served: true, storage: false }, ${version.replace("storage: true", "storage: false")}] }`,
      undefined,
      [
        "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required",
        expect.stringMatching(/^spec\.versions: Invalid value: .*: must contain unique version names$/),
        expect.stringMatching(/^spec\.versions: Invalid value: .*: must have exactly one version marked as storage version$/),
        "status.storedVersions: Invalid value: []: must have at least one stored version",
      ],
    ],
    [
      `{ group: example.com, scope: Cluster, names: { kind: 1Cog, plural: cogs, listKind: Cog_, shortNames: [A] }, versions: [${version}] }`,
      undefined,
      [
        expect.stringMatching(/^spec\.names\.singular: Invalid value: "1cog": a DNS-1035 label/),
        expect.stringMatching(/^spec\.names\.kind: Invalid value: "1Cog": may have mixed case, but should otherwise match: a DNS-1035 label/),
        expect.stringMatching(/^spec\.names\.listKind: Invalid value: "Cog_": may have mixed case/),
        expect.stringMatching(/^spec\.names\.shortNames\[0\]: Invalid value: "A": a DNS-1035 label/),
      ],
    ],
    [
      `{ ${sound}, versions: [{ name: v1, served: true, storage: true, ${schema}, deprecationWarning: x, additionalPrinterColumns: [{ name: A, type: text, jsonPath: a }], subresources: { scale: { specReplicasPath: .n, statusReplicasPath: '.status.a[0]' } } }] }`,
      undefined,
      [
        'spec.versions[0].deprecationWarning: Invalid value: "x": can only be set for deprecated versions',
        'spec.versions[0].additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
        'spec.versions[0].additionalPrinterColumns[0].jsonPath: Invalid value: "a": must be a simple json path starting with .',
        'spec.versions[0].subresources.scale.specReplicasPath: Invalid value: ".n": should be a json path under .spec',
        'spec.versions[0].subresources.scale.statusReplicasPath: Invalid value: ".status.a[0]": should be a json path under .status',
      ],
    ],
    [
      `{ ${sound}, preserveUnknownFields: true, conversion: { strategy: Webhook }, versions: [${version}] }`,
      undefined,
      [
        "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
        "spec.conversion.webhook.clientConfig: Required value: required when strategy is set to Webhook",
        "spec.conversion.webhook.conversionReviewVersions: Required value",
      ],
    ],
    [
      `{ ${sound}, conversion: { strategy: None, webhook: { conversionReviewVersions: [v1] } }, versions: [${version}] }`,
      undefined,
      ["spec.conversion.webhook: Forbidden: should not be set when strategy is not set to Webhook"],
    ],
  ])("%.160s", (spec, name, expected) => {
    expect(create(spec, name).errors).toEqual(expected);
  });
});

describe("an update", () => {
  const made = (established: boolean): CustomResourceDefinition => {
    const { object } = create(`{ ${sound}, versions: [${version}] }`);
    return { ...object, status: { ...object.status, ...(established ? { conditions: [{ type: "Established", status: "True" }] } : {}) } };
  };

  it("may not change the scope once established", () => {
    const change = (established: boolean): readonly string[] =>
      tryUpdate(customResourceDefinitionKind, made(established), ({ spec }) => {
        spec.scope = "Cluster";
      }).errors;
    expect(change(false)).toEqual([]);
    expect(change(true)).toEqual(['spec.scope: Invalid value: "Cluster": field is immutable']);
  });

  it("remembers every storage version and lets none of them go", () => {
    const added = tryUpdate(customResourceDefinitionKind, made(true), ({ spec }) => {
      spec.versions = [
        { name: "v1", served: true, storage: false, schema: { openAPIV3Schema: { type: "object" } } },
        { name: "v2", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } },
      ];
    });
    expect(added.errors).toEqual([]);
    expect(added.object.status?.storedVersions).toEqual(["v1", "v2"]);
    const dropped = tryUpdate(customResourceDefinitionKind, added.object, ({ spec }) => {
      spec.versions = spec.versions.slice(1);
    });
    expect(dropped.errors).toEqual([
      'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions',
    ]);
  });
});
