import { expect, it } from "vitest";
import type { Job } from "../../api/generated/types/batch-v1.ts";
import { at, epochMs } from "../sample-objects.ts";
import { timeLeftMs } from "./plan.ts";

const job = (ttl: number | undefined, condition?: string, deleted = false): Job => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "j", ...(deleted ? { deletionTimestamp: at(0) } : {}) },
  spec: { template: {}, ttlSecondsAfterFinished: ttl },
  status: { conditions: condition === undefined ? [] : [{ type: condition, status: "True", lastTransitionTime: at(10) }] },
});

it.each([
  ["unfinished", job(5), undefined],
  ["without a limit", job(undefined, "Complete"), undefined],
  ["suspended", job(5, "Suspended"), undefined],
  ["complete", job(5, "Complete"), 3000],
  ["failed", job(0, "Failed"), -2000],
  ["being deleted", job(0, "Failed", true), undefined],
])("a job %s", (_name, given, left) => {
  expect(timeLeftMs(given, epochMs + 12_000)).toBe(left);
});
