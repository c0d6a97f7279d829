import { describe, expect, it } from "vitest";
import { goDurationMs } from "./go-duration.ts";
import { defaultPlugins, type PluginsByPoint } from "./plugin-points.ts";
import { ConfigurationError, readConfiguration, type SchedulerConfiguration } from "./read-configuration.ts";

const read = (more: object = {}): SchedulerConfiguration => readConfiguration({ apiVersion: "kubescheduler.config.k8s.io/v1", kind: "KubeSchedulerConfiguration", ...more });
const problem = (more: object): string => {
  try {
    read(more);
    return "none";
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.message;
  }
};
const withArgs = (name: string, args: object) => ({ profiles: [{ pluginConfig: [{ name, args }] }] });
const withPlugins = (plugins: object) => ({ profiles: [{ plugins }] });
const names = (plugins: PluginsByPoint | undefined, point: keyof PluginsByPoint) => plugins?.[point].map(({ name }) => name);

describe("a configuration", () => {
  it("that says nothing is upstream's", () => {
    const { profiles, extenders, initialBackoffMs, maxBackoffMs } = read();
    expect([extenders, initialBackoffMs, maxBackoffMs]).toEqual([[], 1_000, 10_000]);
    const [profile] = profiles;
    expect([profile?.schedulerName, profile?.percentageOfNodesToScore]).toEqual(["default-scheduler", undefined]);
    expect(profile?.plugins?.score).toEqual([
      { name: "TaintToleration", weight: 3 },
      { name: "NodeAffinity", weight: 2 },
      { name: "NodeResourcesFit", weight: 1 },
      { name: "VolumeBinding", weight: 1 },
      { name: "PodTopologySpread", weight: 2 },
      { name: "InterPodAffinity", weight: 2 },
      { name: "DynamicResources", weight: 1 },
      { name: "NodeResourcesBalancedAllocation", weight: 1 },
      { name: "ImageLocality", weight: 1 },
    ]);
    expect(names(profile?.plugins, "postFilter")).toEqual(["DynamicResources", "DefaultPreemption"]);
    expect(Object.keys(defaultPlugins)).toHaveLength(20);
  });

  it("names profiles, waits and numbers", () => {
    const { profiles, initialBackoffMs, maxBackoffMs } = read({
      parallelism: 4,
      percentageOfNodesToScore: 30,
      podInitialBackoffSeconds: 2,
      podMaxBackoffSeconds: 60,
      profiles: [{ schedulerName: "a" }, { schedulerName: "b", percentageOfNodesToScore: 70 }],
    });
    expect([initialBackoffMs, maxBackoffMs]).toEqual([2_000, 60_000]);
    expect(profiles.map(({ schedulerName, percentageOfNodesToScore }) => [schedulerName, percentageOfNodesToScore])).toEqual([
      ["a", 30],
      ["b", 70],
    ]);
  });

  it("may say what is of no effect here", () => {
    expect(problem({ leaderElection: { leaderElect: true }, clientConnection: { qps: 5 }, enableProfiling: true, delayCacheUntilActive: true })).toBe("none");
  });

  it.each<[string, object, string]>([
    ["an unknown field", { profils: [] }, 'strict decoding error: unknown field "profils"'],
    ["an unknown field within", { profiles: [{ plugins: { filter: { enable: [] } } }] }, 'strict decoding error: unknown field "profiles[0].plugins.filter.enable"'],
    ["an unknown argument", withArgs("NodeResourcesFit", { scoring: {} }), 'strict decoding error: unknown field "profiles[0].pluginConfig[0].args.scoring"'],
    ["a text for a number", { parallelism: "four" }, "strict decoding error: parallelism must be a whole number"],
    ["no parallelism", { parallelism: 0 }, "parallelism: Invalid value: 0: should be an integer value greater than zero"],
    ["too many per cent", { percentageOfNodesToScore: 101 }, "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]"],
    ["no back-off", { podInitialBackoffSeconds: 0 }, "podInitialBackoffSeconds: Invalid value: 0: must be greater than 0"],
    [
      "a shorter last back-off",
      { podInitialBackoffSeconds: 20, podMaxBackoffSeconds: 10 },
      "podMaxBackoffSeconds: Invalid value: 10: must be greater than or equal to PodInitialBackoffSeconds",
    ],
    ["a profile without name among several", { profiles: [{ schedulerName: "a" }, {}] }, "profiles[1].schedulerName: Required value"],
    ["a name given twice", { profiles: [{ schedulerName: "a" }, { schedulerName: "a" }] }, 'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"'],
    [
      "arguments given twice",
      {
        profiles: [
          {
            pluginConfig: [
              { name: "ImageLocality", args: {} },
              { name: "ImageLocality", args: {} },
            ],
          },
        ],
      },
      'profiles[0].pluginConfig[1]: Duplicate value: "ImageLocality"',
    ],
    [
      "arguments of another plug-in",
      withArgs("NodeAffinity", { kind: "NodeResourcesFitArgs" }),
      'profiles[0].pluginConfig[0].args: Invalid value: {"kind":"NodeResourcesFitArgs"}: has to match plugin args',
    ],
    [
      "a removed plug-in",
      withPlugins({ filter: { enabled: [{ name: "EBSLimits" }] } }),
      'profiles[0].plugins.filter.enabled[0]: Invalid value: "EBSLimits": was invalid in version "v1" (KubeSchedulerConfiguration is version "kubescheduler.config.k8s.io/v1")',
    ],
    [
      "several things",
      { parallelism: 0, podInitialBackoffSeconds: 0 },
      "[parallelism: Invalid value: 0: should be an integer value greater than zero, podInitialBackoffSeconds: Invalid value: 0: must be greater than 0]",
    ],
  ])("is refused for %s", (_what, more, text) => {
    expect(problem(more)).toBe(text);
  });

  it("is refused as another kind", () => {
    expect(() => readConfiguration({ apiVersion: "v1", kind: "Pod" })).toThrow('no kind "Pod" is registered for version "v1"');
    expect(() => readConfiguration(undefined)).toThrow(ConfigurationError);
  });
});

describe("plug-ins", () => {
  const plugins = (sets: object): PluginsByPoint | undefined => read(withPlugins(sets)).profiles[0]?.plugins;

  it("are left out at one point, everywhere, or all", () => {
    expect(names(plugins({ score: { disabled: [{ name: "ImageLocality" }] } }), "score")).not.toContain("ImageLocality");
    expect(names(plugins({ score: { disabled: [{ name: "*" }] } }), "score")).toEqual([]);
    const everywhere = plugins({ multiPoint: { disabled: [{ name: "InterPodAffinity" }] } });
    expect([names(everywhere, "filter")?.includes("InterPodAffinity"), names(everywhere, "score")?.includes("InterPodAffinity")]).toEqual([false, false]);
  });

  it("may be chosen one by one", () => {
    const chosen = plugins({
      multiPoint: { disabled: [{ name: "*" }], enabled: [{ name: "PrioritySort" }, { name: "DefaultBinder" }, { name: "ImageLocality", weight: 5 }] },
      filter: { enabled: [{ name: "NodeName" }] },
    });
    expect([names(chosen, "filter"), chosen?.score]).toEqual([["NodeName"], [{ name: "ImageLocality", weight: 5 }]]);
  });

  it("come in the order of upstream: those told again first, then those of everywhere, then others", () => {
    const told = plugins({ score: { enabled: [{ name: "ImageLocality", weight: 7 }] }, multiPoint: { disabled: [{ name: "NodeAffinity" }] } });
    expect(told?.score.slice(0, 2)).toEqual([
      { name: "ImageLocality", weight: 7 },
      { name: "TaintToleration", weight: 3 },
    ]);
    const again = plugins({ multiPoint: { disabled: [{ name: "NodeAffinity" }] }, score: { enabled: [{ name: "NodeAffinity", weight: 9 }] } });
    expect(again?.score.at(-1)).toEqual({ name: "NodeAffinity", weight: 9 });
    expect(names(again, "filter")).not.toContain("NodeAffinity");
  });

  it("take a weight everywhere", () => {
    expect(plugins({ multiPoint: { enabled: [{ name: "PodTopologySpread", weight: 50 }] } })?.score.find(({ name }) => name === "PodTopologySpread")).toEqual({
      name: "PodTopologySpread",
      weight: 50,
    });
  });

  const said = "creating profile for scheduler name default-scheduler: ";
  it.each<[string, object, string]>([
    ["that do not exist", { filter: { enabled: [{ name: "Nonsense" }] } }, 'FilterPlugin "Nonsense" does not exist'],
    ["that do not exist anywhere", { multiPoint: { enabled: [{ name: "Nonsense" }] } }, 'PreEnqueuePlugin "Nonsense" does not exist'],
    ["that have nothing to say there", { score: { enabled: [{ name: "NodeName" }] } }, 'plugin "NodeName" does not extend ScorePlugin plugin'],
    ["told twice", { filter: { enabled: [{ name: "NodeName" }, { name: "NodeName" }] } }, 'plugin "NodeName" already registered as "FilterPlugin"'],
    ["none of which sorts", { queueSort: { disabled: [{ name: "*" }] } }, 'only one queue sort plugin required for profile with scheduler name "default-scheduler", but got 0'],
    ["none of which binds", { bind: { disabled: [{ name: "DefaultBinder" }] } }, 'at least one bind plugin is needed for profile with scheduler name "default-scheduler"'],
  ])("%s are refused", (_what, sets, text) => {
    expect(problem(withPlugins(sets))).toBe(said + text);
  });

  it("must sort alike in all profiles", () => {
    expect(problem({ profiles: [{ schedulerName: "a" }, { schedulerName: "b", plugins: { queueSort: { disabled: [{ name: "*" }] } } }] })).toContain(
      "profiles[1].plugins.queueSort: Invalid value:",
    );
  });
});

describe("arguments", () => {
  const options = (name: string, args: object) => read(withArgs(name, args)).profiles[0];

  it("become options of the profile", () => {
    expect(options("DefaultPreemption", { minCandidateNodesPercentage: 5, minCandidateNodesAbsolute: 7 })?.minCandidateNodes).toEqual({ percentage: 5, absolute: 7 });
    expect(options("InterPodAffinity", { kind: "InterPodAffinityArgs", apiVersion: "kubescheduler.config.k8s.io/v1", hardPodAffinityWeight: 9 })?.hardPodAffinityWeight).toBe(9);
    expect(options("VolumeBinding", { bindTimeoutSeconds: 5 })?.volumeBindTimeoutMs).toBe(5_000);
    expect(options("NodeResourcesBalancedAllocation", { resources: [{ name: "cpu" }, { name: "example.com/gpu", weight: 1 }] })?.balancedResources).toEqual([
      "cpu",
      "example.com/gpu",
    ]);
    const constraints = [{ maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" }];
    expect(options("PodTopologySpread", { defaultingType: "List", defaultConstraints: constraints })?.defaultConstraints).toEqual(constraints);
    expect(options("PodTopologySpread", { defaultingType: "System" })?.defaultConstraints).toBeUndefined();
    const affinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: "a", operator: "Exists" }] }] } };
    expect(options("NodeAffinity", { addedAffinity: affinity })?.addedAffinity).toEqual(affinity);
    const shape = [
      { utilization: 0, score: 0 },
      { utilization: 100, score: 10 },
    ];
    expect(
      options("NodeResourcesFit", { ignoredResources: ["example.com/a"], scoringStrategy: { type: "RequestedToCapacityRatio", requestedToCapacityRatio: { shape } } }),
    ).toMatchObject({
      ignoredResources: ["example.com/a"],
      scoringStrategy: { type: "RequestedToCapacityRatio", shape },
    });
    expect(options("DynamicResources", { filterTimeout: "10s" })?.schedulerName).toBe("default-scheduler");
  });

  const at = "profiles[0].pluginConfig[0].args.";
  it.each<[string, object, string]>([
    ["DefaultPreemption", { minCandidateNodesPercentage: 101 }, "minCandidateNodesPercentage: Invalid value: 101: not in valid range [0, 100]"],
    ["DefaultPreemption", { minCandidateNodesAbsolute: -1 }, "minCandidateNodesAbsolute: Invalid value: -1: not in valid range [0, inf)"],
    ["InterPodAffinity", { hardPodAffinityWeight: 101 }, "hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]"],
    ["VolumeBinding", { bindTimeoutSeconds: -1 }, "bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value"],
    ["VolumeBinding", { shape: [] }, "shape: Invalid value: []: unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring"],
    ["NodeResourcesBalancedAllocation", { resources: [{ name: "cpu", weight: 2 }] }, "resources[0].weight: Invalid value: 2: must be 1"],
    ["NodeResourcesFit", { ignoredResourceGroups: ["a/b"] }, "ignoredResourceGroups[0]: Invalid value: \"a/b\": resource group name can't contain '/'"],
    [
      "NodeResourcesFit",
      { scoringStrategy: { type: "Most" } },
      'scoringStrategy.type: Unsupported value: "Most": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"',
    ],
    [
      "NodeResourcesFit",
      { scoringStrategy: { type: "LeastAllocated", resources: [{ name: "cpu", weight: 101 }] } },
      "scoringStrategy.resources[0].weight: Invalid value: 101: resource weight of cpu not in valid range (0, 100]",
    ],
    [
      "NodeResourcesFit",
      { scoringStrategy: { type: "RequestedToCapacityRatio" } },
      "scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio",
    ],
    [
      "NodeResourcesFit",
      { scoringStrategy: { type: "RequestedToCapacityRatio", requestedToCapacityRatio: { shape: [] } } },
      "scoringStrategy.requestedToCapacityRatio.shape: Required value: at least one point must be specified",
    ],
    [
      "NodeResourcesFit",
      {
        scoringStrategy: {
          type: "RequestedToCapacityRatio",
          requestedToCapacityRatio: {
            shape: [
              { utilization: 50, score: 1 },
              { utilization: 50, score: 2 },
            ],
          },
        },
      },
      "scoringStrategy.requestedToCapacityRatio.shape[1].utilization: Invalid value: 50: values must be sorted in increasing order",
    ],
    [
      "PodTopologySpread",
      { defaultConstraints: [{ maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" }] },
      'defaultingType: Invalid value: "System": when .defaultConstraints are not empty',
    ],
    [
      "PodTopologySpread",
      { defaultingType: "List", defaultConstraints: [{ maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule", labelSelector: {} }] },
      "defaultConstraints[0].labelSelector: Forbidden: constraint must not define a selector, as they deduced for each pod",
    ],
    [
      "NodeAffinity",
      { addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } },
      "addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term",
    ],
    ["DynamicResources", { bindingTimeout: "10ms" }, 'bindingTimeout: Invalid value: "10ms": must be at least 1 second'],
  ])("of %s are refused: %o", (name, args, text) => {
    expect(problem(withArgs(name, args))).toBe(at + text);
  });

  it("are all told at once", () => {
    expect(problem(withArgs("DefaultPreemption", { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0 }))).toBe(
      `[${at}minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the same time as minCandidateNodesAbsolute, ${at}minCandidateNodesAbsolute: Invalid value: 0: cannot be zero at the same time as minCandidateNodesPercentage]`,
    );
  });
});

describe("extenders", () => {
  it("are read with upstream's defaults", () => {
    const { extenders, profiles } = read({
      extenders: [
        {
          urlPrefix: "https://ext:8443/v1",
          filterVerb: "filter",
          enableHTTPS: true,
          httpTimeout: "1m30s",
          nodeCacheCapable: true,
          ignorable: true,
          managedResources: [{ name: "example.com/foo", ignoredByScheduler: true }],
          tlsConfig: { caFile: "/ca.pem" },
        },
        { urlPrefix: "http://other" },
      ],
    });
    expect(extenders[0]).toMatchObject({
      filterVerb: "filter",
      bindVerb: "",
      timeoutMs: 90_000,
      nodeCacheCapable: true,
      ignorable: true,
      tls: { caFile: "/ca.pem", insecure: false },
    });
    expect(extenders[1]).toMatchObject({ timeoutMs: 5_000, managedResources: [] });
    expect(profiles[0]?.ignoredResources).toEqual(["example.com/foo"]);
  });

  it.each<[string, readonly object[], string]>([
    ["without weight", [{ prioritizeVerb: "p" }], "extenders[0].weight: Invalid value: 0: must have a positive weight applied to it"],
    ["that both bind", [{ bindVerb: "b" }, { bindVerb: "b" }], 'extenders: Invalid value: "found 2 extenders implementing bind": only one extender can implement bind'],
    [
      "that manage the same",
      [{ managedResources: [{ name: "a.com/x" }] }, { managedResources: [{ name: "a.com/x" }] }],
      'extenders[1].managedResources[0].name: Invalid value: "a.com/x": duplicate extender managed resource name',
    ],
    [
      "that manage what is Kubernetes' own",
      [{ managedResources: [{ name: "cpu" }] }],
      'extenders[0].managedResources[0].name: Invalid value: "cpu": is an invalid extended resource name',
    ],
    ["that are slow to say so", [{ httpTimeout: "soon" }], 'strict decoding error: extenders[0].httpTimeout must be a duration such as "5s"'],
  ])("%s are refused", (_what, extenders, text) => {
    expect(problem({ extenders })).toBe(text);
  });
});

it.each([
  ["1m30s", 90_000],
  ["1.5h", 5_400_000],
  ["100ms", 100],
  ["-5s", -5_000],
  ["0", 0],
  ["5", undefined],
  ["", undefined],
  ["5 s", undefined],
])("reads %s as Go does", (text, ms) => {
  expect(goDurationMs(text)).toBe(ms);
});
