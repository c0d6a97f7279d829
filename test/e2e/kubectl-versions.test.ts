import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { Cluster } from "./cluster.ts";
import { access, onNodes } from "./kubectl/access.ts";
import { apply, change } from "./kubectl/change.ts";
import { create } from "./kubectl/create.ts";
import { learn, read } from "./kubectl/read.ts";
import { Shell, type Topic } from "./kubectl/shell.ts";
import { sharedPods, streams } from "./kubectl/streams.ts";
import { pods, workloads } from "./kubectl/workloads.ts";
import { kubectlBinaries } from "./kubectl-binaries.ts";
import { until } from "./until.ts";

const topics: readonly Topic[] = [create, apply, change, read, learn, workloads, pods, access, onNodes];
const all = kubectlBinaries();
/** The one of PATH only where it is the only one: it is tried everywhere else. */
const binaries = all.length > 1 ? all.filter(({ version }) => version !== "default") : all;

/** The same words of every kubectl that is at hand, each topic in a namespace of its own, on one simulated cluster. */
describe("every kubectl at hand", () => {
  let cluster: Cluster;
  let folder = "";
  const namespaceOf = (version: string, topic: Topic): string => `v${version.replace(".", "-")}-${topics.indexOf(topic)}`;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "keles-kubectl-"));
    cluster = await Cluster.start({ runtime: "simulated", nodes: 3 });
    const namespaces = binaries.flatMap(({ version }) => topics.map((topic) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespaceOf(version, topic) } })));
    await cluster.kubectl("create -f -", { stdin: JSON.stringify({ apiVersion: "v1", kind: "List", items: namespaces }) });
    await until("all namespaces have their account", async () => (await cluster.kubectl("get serviceaccounts -A -o name")).trim().split("\n").length >= namespaces.length + 4);
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await cluster?.dispose();
  });

  it("is there, the one of PATH at least", () => {
    expect(all.map(({ version }) => version)).toContain("default");
  });

  describe.concurrent.each(binaries.map((binary) => [binary.version, binary] as const))("kubectl %s", (version, binary) => {
    it.each(topics.map((topic) => [topic.name, topic] as const))("%s", { timeout: 240_000, retry: 0 }, async (_name, topic) => {
      await topic.run(new Shell({ binary, namespace: namespaceOf(version, topic), folder }, { cluster }));
    });
  });
});

const noContainers = inject("noContainers");

/** What goes into containers and comes out of them. */
describe.skipIf(noContainers !== "")(`every kubectl at hand, with containers${noContainers === "" ? "" : ` (skipped: ${noContainers})`}`, () => {
  let cluster: Cluster;
  let folder = "";
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "keles-kubectl-"));
    cluster = await Cluster.start({ runtime: "containerd", registry: inject("registry") });
    await cluster.kubectl("create -f -", { stdin: sharedPods });
    await cluster.kubectl("wait pod shell page --for=condition=Ready --timeout=90s");
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await cluster?.dispose();
  });

  it.concurrent.each(binaries.map((binary) => [binary.version, binary] as const))(
    "kubectl %s: exec, logs, cp, attach, port-forward, debug",
    { timeout: 240_000, retry: 0 },
    async (_version, binary) => {
      await streams(new Shell({ binary, namespace: "default", folder }, { cluster }));
    },
  );
});
