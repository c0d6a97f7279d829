import { describe, expect, it } from "vitest";
import type { StatsSummary } from "../../kubelet/stats/stats-summary.ts";
import { cadvisorMetrics, resourceMetrics } from "./resource-metrics.ts";

const time = "1970-01-01T00:01:00Z";
const fs = { time, usedBytes: 0 };
const summary: StatsSummary = {
  node: {
    nodeName: "n1",
    cpu: { time, usageCoreNanoSeconds: 2_500_000_000 },
    memory: { time, usageBytes: 30, workingSetBytes: 20 },
    network: { time, name: "eth0", rxBytes: 0, txBytes: 0 },
    fs,
    runtime: { imageFs: fs },
    rlimit: { time, maxpid: 1, curproc: 1 },
  },
  pods: [
    {
      podRef: { name: "web", namespace: "shop", uid: "u1" },
      containers: [
        {
          name: "main",
          startTime: "1970-01-01T00:00:30Z",
          cpu: { time, usageCoreNanoSeconds: 500_000_000 },
          memory: { time, usageBytes: 9, workingSetBytes: 8, rssBytes: 7 },
        },
      ],
      cpu: { time, usageCoreNanoSeconds: 600_000_000 },
      memory: { time, usageBytes: 10, workingSetBytes: 9 },
    },
  ],
};
const samples = (text: string): string[] => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

describe("resource metrics", () => {
  it("are what metrics-server reads", () => {
    const text = resourceMetrics(summary);
    expect(text).toContain("# TYPE container_cpu_usage_seconds_total counter\n");
    expect(samples(text)).toEqual([
      "node_cpu_usage_seconds_total 2.5 60000",
      "node_memory_working_set_bytes 20 60000",
      'container_cpu_usage_seconds_total{container="main",namespace="shop",pod="web"} 0.5 60000',
      'container_memory_working_set_bytes{container="main",namespace="shop",pod="web"} 8 60000',
      'container_start_time_seconds{container="main",namespace="shop",pod="web"} 30',
      'pod_cpu_usage_seconds_total{namespace="shop",pod="web"} 0.6 60000',
      'pod_memory_working_set_bytes{namespace="shop",pod="web"} 9 60000',
      "resource_scrape_error 0",
    ]);
  });

  it("leave out families without samples", () => {
    expect(resourceMetrics({ ...summary, pods: [] })).not.toContain("container_");
  });
});

describe("cAdvisor's metrics", () => {
  it("name the container's image and id", () => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web", namespace: "shop", uid: "u1" },
      spec: { containers: [] },
      status: { containerStatuses: [{ name: "main", image: "nginx:1", imageID: "", containerID: "containerd://abc", ready: true, restartCount: 0 }] },
    } as const;
    const labels = 'container="main",image="nginx:1",name="abc",namespace="shop",pod="web"';
    expect(samples(cadvisorMetrics(summary, [pod]))).toEqual([
      'container_cpu_usage_seconds_total{id="/"} 2.5 60000',
      `container_cpu_usage_seconds_total{${labels}} 0.5 60000`,
      'container_memory_usage_bytes{id="/"} 30 60000',
      `container_memory_usage_bytes{${labels}} 9 60000`,
      'container_memory_working_set_bytes{id="/"} 20 60000',
      `container_memory_working_set_bytes{${labels}} 8 60000`,
      `container_memory_rss{${labels}} 7 60000`,
      `container_start_time_seconds{${labels}} 30`,
    ]);
  });
});
