import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Cluster } from "./cluster.ts";
import { freePort } from "./free-port.ts";
import { runProgram } from "./run-program.ts";
import { until } from "./until.ts";

const isThere = existsSync("/usr/bin/prometheus");
const rights = `
apiVersion: v1
kind: ServiceAccount
metadata: { name: prometheus }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: prometheus }
rules:
  - { apiGroups: [""], resources: [nodes/metrics, nodes/proxy], verbs: [get] }
  - { nonResourceURLs: [/metrics], verbs: [get] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: prometheus }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: prometheus }
subjects: [{ kind: ServiceAccount, name: prometheus, namespace: default }]
`;

interface Target {
  readonly scrapePool: string;
  readonly health: string;
  readonly lastError: string;
}

// The distribution builds it without the discovery of Kubernetes: what it can show is that it reads all metrics there are.
it.skipIf(!isThere)(`prometheus reads the metrics of API server and kubelets by a service account's token${isThere ? "" : " (skipped: it is not installed)"}`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "keles-prometheus-"));
  const cluster = await Cluster.start({ runtime: "simulated", nodes: 2 });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  try {
    await cluster.kubectl("apply -f -", { stdin: rights });
    const root = await until("the authority is told", () => cluster.kubectl(["get", "configmap", "kube-root-ca.crt", "-o", "jsonpath={.data.ca\\.crt}"]));
    const access = {
      scheme: "https",
      scrape_interval: "1s",
      static_configs: [{ targets: [`127.0.0.1:${cluster.apiPort}`] }],
      authorization: { credentials_file: file("token", await cluster.kubectl("create token prometheus --duration=1h")) },
      tls_config: { ca_file: file("ca.crt", root) },
    };
    const paths = ["/metrics", ...["metrics", "metrics/resource", "metrics/cadvisor"].map((path) => `/api/v1/nodes/node-2/proxy/${path}`)];
    // JSON is YAML.
    const config = file("prometheus.yml", JSON.stringify({ scrape_configs: paths.map((path) => ({ job_name: path, metrics_path: path, ...access })) }));
    const child = spawn("prometheus", [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`], { stdio: "ignore" });
    const end = (): void => void child.kill("SIGKILL");
    process.once("exit", end);
    try {
      await until("all are up", async () => {
        const { data } = (await (await fetch(`${url}/api/v1/targets`)).json()) as { readonly data: { readonly activeTargets: readonly Target[] } };
        const problems = data.activeTargets.filter(({ health }) => health !== "up");
        if (problems.length > 0) throw new Error(problems.map(({ scrapePool, health, lastError }) => `${scrapePool} is ${health}: ${lastError}`).join("\n"));
        return data.activeTargets.length === paths.length;
      });
      const query = encodeURIComponent('sum(apiserver_request_total{verb="CREATE",resource="clusterroles"})');
      const found = await until("a metric is there", async () => {
        const { data } = (await (await fetch(`${url}/api/v1/query?query=${query}`)).json()) as {
          readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
        };
        return data.result[0]?.value[1];
      });
      expect(Number(found)).toBeGreaterThan(0);
    } finally {
      process.off("exit", end);
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
    for (const path of paths) {
      const { stdout, stderr } = await runProgram("promtool", ["check", "metrics"], { stdin: await cluster.kubectl(["get", "--raw", path]) });
      // Names that the metrics library of Node gives, and four that upstream gave before there was a rule; all else is as it should be.
      const known = /^(nodejs_|(authenticated_user_requests|authentication_attempts|endpoint_slice_controller_(changes|syncs)) counter metrics should have "_total" suffix)/;
      expect(`${stdout}${stderr}`.split("\n").filter((line) => line !== "" && !known.test(line))).toEqual([]);
    }
  } finally {
    await cluster.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
});
