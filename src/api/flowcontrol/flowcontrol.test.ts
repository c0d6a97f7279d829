import { describe, expect, it } from "vitest";
import { rowOf, tryCreate } from "../kind-trial.ts";
import { flowSchemaKind } from "./flow-schema.ts";
import { priorityLevelConfigurationKind } from "./priority-level-configuration.ts";

const head = (kind: string, name = "x"): string => `apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;

describe("FlowSchema", () => {
  const user = "subjects: [{ kind: User, user: { name: '*' } }]";
  const all = "nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }]";
  const level = "priorityLevelConfiguration: { name: global }";
  it.each([
    [`{ ${level}, rules: [{ ${user}, ${all} }] }`, []],
    [
      "{ matchingPrecedence: 10001 }",
      ["spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000", "spec.priorityLevelConfiguration.name: Required value: must reference a priority level"],
    ],
    [`{ ${level}, matchingPrecedence: 1 }`, ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"]],
    [`{ ${level}, distinguisherMethod: { type: ByMood } }`, ['spec.distinguisherMethod.type: Unsupported value: "ByMood": supported values: "ByNamespace", "ByUser"']],
    [
      `{ ${level}, rules: [{}] }`,
      [
        "spec.rules[0].subjects: Required value: subjects must contain at least one value",
        "spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty",
      ],
    ],
    [
      `{ ${level}, rules: [{ subjects: [{ kind: User, group: { name: g } }, { kind: Pod }], ${all} }] }`,
      [
        "spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'",
        "spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'",
        'spec.rules[0].subjects[1].kind: Unsupported value: "Pod": supported values: "Group", "ServiceAccount", "User"',
      ],
    ],
    [
      `{ ${level}, rules: [{ ${user}, resourceRules: [{ verbs: ['*', get], apiGroups: ['*', a], resources: [], namespaces: [A] }] }] }`,
      [
        'spec.rules[0].resourceRules[0].verbs: Invalid value: ["*","get"]: if \'*\' is present, must not specify other verbs',
        'spec.rules[0].resourceRules[0].apiGroups: Invalid value: ["*","a"]: if \'*\' is present, must not specify other api groups',
        "spec.rules[0].resourceRules[0].resources: Required value: resource rules must supply at least one resource",
        expect.stringMatching(/^spec\.rules\[0\]\.resourceRules\[0\]\.namespaces\[0\]: Invalid value: "A": each member of this list must be '\*' or a DNS-1123 label; a lowercase/),
      ],
    ],
    [
      `{ ${level}, rules: [{ ${user}, nonResourceRules: [{ verbs: [stare], nonResourceURLs: [x, /a//b, /a/*/b, /a b] }] }] }`,
      [
        'spec.rules[0].nonResourceRules[0].verbs: Unsupported value: ["stare"]: supported values: "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"',
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "x": must start with slash',
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[1]: Invalid value: "/a//b": must not contain double slash',
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[2]: Invalid value: "/a/*/b": wildcard can only do suffix matching',
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[3]: Invalid value: "/a b": must not contain white-space',
      ],
    ],
  ])("%s", (spec, expected) => {
    expect(tryCreate(flowSchemaKind, `${head("FlowSchema")}spec: ${spec}`).errors).toEqual(expected);
  });

  it.each([
    ["exempt", "matchingPrecedence: 1, priorityLevelConfiguration: { name: exempt }, rules: [{ subjects: [{ kind: Group, group: { name: 'system:masters' } }], RULES }]", true],
    ["exempt", "matchingPrecedence: 1, priorityLevelConfiguration: { name: exempt }, rules: [{ subjects: [{ kind: Group, group: { name: devs } }], RULES }]", false],
    ["catch-all", `${level}, rules: []`, false],
  ])("%s is fixed: { %s } is taken: %s", (name, spec, taken) => {
    const rules =
      "resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }]";
    const { errors } = tryCreate(flowSchemaKind, `${head("FlowSchema", name)}spec: { ${spec.replace("RULES", rules)} }`);
    expect(errors).toEqual(taken ? [] : [expect.stringMatching(new RegExp(`: spec of '${name}' must equal the fixed value$`))]);
  });

  it("shows whether its level is missing", () => {
    const { object } = tryCreate(flowSchemaKind, `${head("FlowSchema")}spec: { ${level}, distinguisherMethod: { type: ByUser } }`);
    const row = { Name: "x", PriorityLevel: "global", MatchingPrecedence: 1000, DistinguisherMethod: "ByUser", Age: "<unknown>", MissingPL: "?" };
    expect(rowOf(flowSchemaKind, object, 0)).toEqual(row);
    expect(rowOf(flowSchemaKind, { ...object, status: { conditions: [{ type: "Dangling", status: "False" }] } }, 0)).toEqual({ ...row, MissingPL: "False" });
  });
});

describe("PriorityLevelConfiguration", () => {
  it("gets upstream's defaults", () => {
    const { object, errors } = tryCreate(
      priorityLevelConfigurationKind,
      `${head("PriorityLevelConfiguration")}spec: { type: Limited, limited: { limitResponse: { type: Queue, queuing: {} } } }`,
    );
    expect(errors).toEqual([]);
    expect(object.spec.limited).toEqual({
      nominalConcurrencyShares: 30,
      lendablePercent: 0,
      limitResponse: { type: "Queue", queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } },
    });
    expect(rowOf(priorityLevelConfigurationKind, object, 0)).toEqual({
      Name: "x",
      Type: "Limited",
      NominalConcurrencyShares: 30,
      Queues: 64,
      HandSize: 8,
      QueueLengthLimit: 50,
      Age: "<unknown>",
    });
  });

  it.each([
    ["x", "{ type: Exempt }", ["spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'"]],
    [
      "exempt",
      "{ type: Exempt, limited: {} }",
      [
        "spec.limited: Forbidden: must be nil if the type is not Limited",
        expect.stringMatching(/^spec: Invalid value: .*: spec of 'exempt' except the 'spec.exempt' field must equal the fixed value$/),
      ],
    ],
    ["exempt", "{ type: Exempt, exempt: { nominalConcurrencyShares: 7, lendablePercent: 50 } }", []],
    ["catch-all", "{ type: Limited, limited: { nominalConcurrencyShares: 5, limitResponse: { type: Reject } } }", []],
    [
      "catch-all",
      "{ type: Limited, limited: { nominalConcurrencyShares: 6, limitResponse: { type: Reject } } }",
      [expect.stringMatching(/^spec: Invalid value: .*: spec of 'catch-all' must equal the fixed value$/)],
    ],
    ["x", "{ type: Limited }", ["spec.limited: Required value: must not be empty when type is Limited"]],
    [
      "x",
      "{ type: Limited, limited: { limitResponse: { type: Reject, queuing: {} }, lendablePercent: 101 } }",
      [
        "spec.limited.limitResponse.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited",
        "spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive",
      ],
    ],
    [
      "x",
      "{ type: Limited, limited: { limitResponse: { type: Queue, queuing: { queues: 4, handSize: 5, queueLengthLimit: -1 } } } }",
      [
        "spec.limited.limitResponse.queuing.queueLengthLimit: Invalid value: -1: must be positive",
        "spec.limited.limitResponse.queuing.handSize: Invalid value: 5: should not be greater than queues (4)",
      ],
    ],
    [
      "x",
      "{ type: Limited, limited: { limitResponse: { type: Queue, queuing: { queues: 512, handSize: 8 } } } }",
      ["spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60"],
    ],
  ])("%s: %s is refused", (name, spec, expected) => {
    expect(tryCreate(priorityLevelConfigurationKind, `${head("PriorityLevelConfiguration", name)}spec: ${spec}`).errors).toEqual(expected);
  });
});
