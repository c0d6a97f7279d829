import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readSchedulerConfig } from "./scheduler-config.ts";
import { readSettings } from "./settings.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "keles-scheduler-config-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (text: string): string => {
  const path = join(folder, "scheduler.yaml");
  writeFileSync(path, text);
  return path;
};
const head = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";

it("reads profiles, waits and extenders from a file", () => {
  const path = file(`${head}podMaxBackoffSeconds: 20
profiles:
- schedulerName: packer
  pluginConfig:
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: MostAllocated}}
extenders:
- urlPrefix: https://ext.example.com
  filterVerb: filter
  enableHTTPS: true
`);
  const { profiles, queue, extenders } = readSchedulerConfig(path);
  expect(profiles).toMatchObject([{ schedulerName: "packer", scoringStrategy: { type: "MostAllocated" } }]);
  expect(queue).toEqual({ initialBackoffMs: 1_000, maxBackoffMs: 20_000 });
  expect(extenders).toMatchObject([{ urlPrefix: "https://ext.example.com", tls: { insecure: true, ca: "" } }]);
  expect(readSettings({ schedulerConfig: path }, {}).schedulerConfig).toBe(path);
});

it("needs no file", () => {
  expect(readSchedulerConfig("")).toEqual({});
});

it.each([
  ["a field that does not exist", `${head}percentageOfNodes: 5\n`, 'strict decoding error: unknown field "percentageOfNodes"'],
  ["a field given twice", `${head}parallelism: 5\nparallelism: 6\n`, "parallelism"],
  ["another kind", "apiVersion: v1\nkind: Pod\n", "it must be kind KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1"],
  ["a wrong number", `${head}parallelism: 0\n`, "parallelism: Invalid value: 0: should be an integer value greater than zero"],
  ["an extender that is nowhere", `${head}extenders:\n- urlPrefix: ext\n`, 'extenders[0].urlPrefix: "ext" is not a URL'],
  ["a certificate without key", `${head}extenders:\n- urlPrefix: https://e\n  tlsConfig: {caFile: /nowhere.pem}\n`, "cannot read the file /nowhere.pem"],
  ["what is no certificate", `${head}extenders:\n- urlPrefix: https://e\n  tlsConfig: {caData: bm8=}\n`, "extenders[0].tlsConfig: caData holds no certificate in PEM"],
])("tells of %s before anything starts", (_what, text, problem) => {
  const path = file(text);
  expect(() => readSettings({ schedulerConfig: path }, {})).toThrow(problem);
});

it("tells of a file that is not there", () => {
  expect(() => readSettings({ schedulerConfig: join(folder, "none") }, {})).toThrow("cannot read the scheduler configuration");
});
