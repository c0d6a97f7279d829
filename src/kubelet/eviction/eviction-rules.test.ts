import { describe, expect, it } from "vitest";
import type { Pod, PodSpec } from "../../api/generated/types/core-v1.ts";
import { evictionMessage } from "./eviction-message.ts";
import { crossedThresholds } from "./find-pressure.ts";
import { exceededLimit } from "./local-storage.ts";
import { rankForEviction } from "./rank-pods.ts";
import { parseThreshold } from "./threshold.ts";

const mebibyte = 1024 ** 2;
const pod = (name: string, memory: string, spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: { containers: [{ name: "a", resources: { requests: { memory } } }], ...spec },
});

it.each([
  ["100Mi", 8 * 1024 * mebibyte, 100 * mebibyte],
  ["10%", 1000, 100],
  ["2.5%", 1000, 25],
])("%s of %i is %i", (text, capacity, bytes) => expect(parseThreshold(text).bytesOf(capacity)).toBe(bytes));

it("finds what runs short, memory first, and nothing of what is not there", () => {
  const thresholds = { "nodefs.available": "10%", "memory.available": "100", "imagefs.available": "1", "pid.available": "5" };
  const observations = {
    "nodefs.available": { available: 5, capacity: 100 },
    "memory.available": { available: 99, capacity: 1000 },
    "imagefs.available": { available: 0, capacity: 0 },
  };
  expect(crossedThresholds(thresholds, observations, true).map(({ signal, threshold }) => [signal, threshold])).toEqual([
    ["memory.available", 100],
    ["nodefs.available", 10],
  ]);
});

it("evicts the one above its request first, then the less important, then the larger", () => {
  const usage = (one: Pod, used: number): { pod: Pod; used: number } => ({ pod: one, used: used * mebibyte });
  const ranked = rankForEviction(
    [
      usage(pod("within", "100Mi"), 90),
      usage(pod("important", "10Mi", { priority: 10 }), 900),
      usage(pod("small excess", "10Mi"), 20),
      usage(pod("large excess", "10Mi"), 500),
      usage(pod("critical", "1Mi", { priority: 2_000_000_000 }), 999),
    ],
    "memory",
  );
  expect(ranked.map((each) => each.pod.metadata.name)).toEqual(["large excess", "small excess", "important", "within"]);
});

it("words an eviction", () => {
  const crossed = { signal: "memory.available", hard: true, threshold: 100 * mebibyte, observation: { available: 50 * mebibyte, capacity: 0 } };
  expect(evictionMessage(crossed, { pod: pod("p", "10Mi"), used: 1 }, new Map([["a", 20 * mebibyte]]))).toBe(
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container a was using 20Mi, request is 10Mi, has larger consumption of memory. ",
  );
});

describe("exceededLimit", () => {
  const limited: Partial<PodSpec> = {
    volumes: [
      { name: "v", emptyDir: { sizeLimit: "1Mi" } },
      { name: "w", emptyDir: {} },
    ],
    containers: [{ name: "a", resources: { limits: { "ephemeral-storage": "2Mi" } } }, { name: "b" }],
  };
  it.each<readonly [Partial<PodSpec>, Record<string, number>, Record<string, number>, string | undefined]>([
    [limited, { v: mebibyte }, { a: mebibyte }, undefined],
    [limited, { v: mebibyte + 1 }, {}, 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". '],
    [limited, { w: 99 * mebibyte }, { a: 3 * mebibyte }, 'Container a exceeded its local ephemeral storage limit "2Mi". '],
    [{ ...limited, containers: limited.containers?.slice(0, 1) ?? [] }, { w: 3 * mebibyte }, {}, "Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. "],
  ])("%#", (spec, emptyDirs, containers, expected) => {
    expect(exceededLimit(pod("p", "1", spec), { emptyDirs: new Map(Object.entries(emptyDirs)), containers: new Map(Object.entries(containers)) })).toBe(expected);
  });
});
