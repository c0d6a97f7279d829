import { expect, it } from "vitest";
import { at, samplePod, sampleService } from "../sample-objects.ts";
import { TriggerTimes } from "./trigger-time.ts";

it("names the earliest change not seen before", () => {
  const times = new TriggerTimes();
  const service = sampleService({}, { creationTimestamp: at(5) });
  expect(times.note("k", service, [samplePod("a", { readyAt: 20 }), samplePod("b", { readyAt: 10 })])).toBe(at(5));
  expect(times.note("k", service, [samplePod("a", { readyAt: 20 }), samplePod("b", { readyAt: 10 })])).toBeUndefined();
  expect(times.note("k", service, [samplePod("a", { readyAt: 40 }), samplePod("b", { readyAt: 30 })])).toBe(at(30));
});
