import { describe, expect, it } from "vitest";
import type { Event } from "../generated/types/core-v1.ts";
import { rowOf, tryCreate, tryUpdate } from "../kind-trial.ts";
import { eventFromV1, eventToV1 } from "./convert.ts";
import { eventKind, eventV1Kind } from "./event.ts";

const core = "apiVersion: v1\nkind: Event\nmetadata: { name: e, namespace: default }\n";
const v1 = "apiVersion: events.k8s.io/v1\nkind: Event\nmetadata: { name: e, namespace: default }\n";
const nowMs = Date.parse("2026-01-01T00:10:00Z");
const full: Event = {
  apiVersion: "v1",
  kind: "Event",
  metadata: { name: "e", namespace: "default", uid: "u" },
  involvedObject: { kind: "Pod", namespace: "default", name: "p", uid: "pod", fieldPath: "spec.containers{c}" },
  reason: "Pulled",
  message: " done \n",
  source: { component: "kubelet", host: "n1" },
  firstTimestamp: "2026-01-01T00:00:00Z",
  lastTimestamp: "2026-01-01T00:09:00Z",
  count: 4,
  type: "Normal",
  eventTime: "2026-01-01T00:00:00.000000Z",
  series: { count: 5, lastObservedTime: "2026-01-01T00:09:30.000000Z" },
  action: "Pull",
  related: { kind: "Node", name: "n1" },
  reportingComponent: "kubelet",
  reportingInstance: "n1",
};

describe("conversion", () => {
  it("gives each field its other name, and loses none", () => {
    const other = eventToV1(full);
    expect(other).toMatchObject({
      apiVersion: "events.k8s.io/v1",
      regarding: full.involvedObject,
      note: full.message,
      reportingController: "kubelet",
      deprecatedSource: full.source,
      deprecatedFirstTimestamp: full.firstTimestamp,
      deprecatedLastTimestamp: full.lastTimestamp,
      deprecatedCount: 4,
    });
    expect(eventFromV1(other)).toEqual(full);
  });

  it("adds nothing to what is absent", () => {
    const bare: Event = { apiVersion: "v1", kind: "Event", metadata: { name: "e" }, involvedObject: {} };
    expect(Object.keys(eventToV1(bare)).sort()).toEqual(["apiVersion", "kind", "metadata", "regarding"]);
    expect(eventFromV1(eventToV1(bare))).toEqual(bare);
  });
});

describe("of the core group", () => {
  it.each([
    ["involvedObject: { kind: Pod, namespace: default, name: p }", []],
    ["involvedObject: { kind: Node, name: n1 }", []],
    ["involvedObject: { namespace: other }", ['involvedObject.namespace: Invalid value: "other": does not match event.namespace']],
    [
      "involvedObject: { namespace: default }\neventTime: '2026-01-01T00:00:00.000000Z'",
      [
        "reportingComponent: Required value",
        'reportingComponent: Invalid value: "": name part must be non-empty',
        expect.stringMatching(/^reportingComponent: Invalid value: "": name part must consist of/),
        "reportingInstance: Required value",
        "action: Required value",
        "reason: Required value",
      ],
    ],
    [
      `involvedObject: { namespace: default }\neventTime: '2026-01-01T00:00:00.000000Z'\nreportingComponent: c\nreportingInstance: i\naction: a\nreason: ${"r".repeat(129)}\nmessage: ${"m".repeat(1025)}`,
      ['reason: Invalid value: "": can have at most 128 characters', 'message: Invalid value: "": can have at most 1024 characters'],
    ],
  ])("%.90s", (text, expected) => {
    expect(tryCreate(eventKind, core + text).errors).toEqual(expected);
  });

  it("may be of a cluster's object only in the namespaces default and kube-system", () => {
    const text = (namespace: string, time: string): string =>
      `apiVersion: v1\nkind: Event\nmetadata: { name: e, namespace: ${namespace} }\ninvolvedObject: { kind: Node, name: n1 }\nreportingComponent: c\nreportingInstance: i\naction: a\nreason: r\n${time}`;
    const mismatch = ['involvedObject.namespace: Invalid value: "": does not match event.namespace'];
    expect(tryCreate(eventKind, text("kube-system", "")).errors).toEqual(mismatch);
    expect(tryCreate(eventKind, text("kube-system", "eventTime: '2026-01-01T00:00:00.000000Z'")).errors).toEqual([]);
    expect(tryCreate(eventKind, text("apps", "eventTime: '2026-01-01T00:00:00.000000Z'")).errors).toEqual(mismatch);
  });
});

describe("of events.k8s.io", () => {
  const sound =
    "regarding: { kind: Pod, namespace: default, name: p }\neventTime: '2026-01-01T00:00:00.000000Z'\nreportingController: c\nreportingInstance: i\naction: a\nreason: r\ntype: Normal\n";
  it.each([
    [sound, []],
    [`${sound}series: { count: 1, lastObservedTime: '2026-01-01T00:00:00.000000Z' }`, ['series.count: Invalid value: "": should be at least 2']],
    [
      `${sound.replace("Normal", "Odd")}deprecatedCount: 2\ndeprecatedSource: { component: x }`,
      ['type: Invalid value: "": has invalid value: Odd', 'count: Invalid value: "": needs to be unset', 'source: Invalid value: "": needs to be unset'],
    ],
    ["regarding: { namespace: default }\ntype: Normal", ["eventTime: Required value"]],
  ])("%.400s", (text, expected) => {
    expect(tryCreate(eventV1Kind, v1 + text).errors).toEqual(expected);
  });

  it("only its series may go on", () => {
    const { object } = tryCreate(eventV1Kind, v1 + sound);
    const going = tryUpdate(eventV1Kind, object, (draft) => {
      draft.series = { count: 2, lastObservedTime: "2026-01-01T00:01:00.000000Z" };
    });
    expect(going.errors).toEqual([]);
    const changed = tryUpdate(eventV1Kind, object, (draft) => {
      draft.note = "other";
      draft.reportingController = "d";
    });
    expect(changed.errors).toEqual(['message: Invalid value: "other": field is immutable', 'reportingController: Invalid value: "d": field is immutable']);
  });

  it("shows the same row as the core group, and selects by its own paths", () => {
    expect(rowOf(eventV1Kind, eventToV1(full), nowMs)).toEqual(rowOf(eventKind, full, nowMs));
    expect(eventV1Kind.fieldSelectors?.["regarding.uid"]?.(eventToV1(full))).toBe("pod");
    expect(eventKind.fieldSelectors?.["involvedObject.uid"]?.(full)).toBe("pod");
  });
});

describe("the table", () => {
  it("has upstream's columns", () => {
    expect(rowOf(eventKind, full, nowMs)).toEqual({
      "Last Seen": "30s",
      Type: "Normal",
      Reason: "Pulled",
      Object: "pod/p",
      Subobject: "spec.containers{c}",
      Source: "kubelet, n1",
      Message: "done",
      "First Seen": "10m",
      Count: 5,
      Name: "e",
    });
    expect(eventKind.columns?.filter(({ priority = 0 }) => priority === 0).map(({ name }) => name)).toEqual(["Last Seen", "Type", "Reason", "Object", "Message"]);
  });

  it("knows events of the older form and those that happened once", () => {
    const { series: _series, eventTime: _time, ...older } = full;
    expect(rowOf(eventKind, older, nowMs)).toMatchObject({ "Last Seen": "60s", "First Seen": "10m", Count: 4 });
    const { firstTimestamp: _first, lastTimestamp: _last, series: _none, count: _count, source: _source, ...newer } = full;
    expect(rowOf(eventKind, newer, nowMs)).toMatchObject({ "Last Seen": "10m", "First Seen": "10m", Count: 1, Source: "kubelet, n1" });
  });
});
