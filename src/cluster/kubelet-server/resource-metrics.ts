import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { StatsSummary } from "../../kubelet/stats/stats-summary.ts";

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** RFC 3339; absent: the reader's own time. */
  readonly time?: string;
}

interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** `/metrics/resource` in Prometheus' text format: what metrics-server reads. @upstream pkg/kubelet/metrics/collectors/resource_metrics.go */
export function resourceMetrics({ node, pods }: StatsSummary): string {
  const containers = pods.flatMap(({ podRef, containers: own }) =>
    own.map((container) => ({ ...container, labels: { container: container.name, namespace: podRef.namespace, pod: podRef.name } })),
  );
  const all = pods.map((pod) => ({ ...pod, labels: { namespace: pod.podRef.namespace, pod: pod.podRef.name } }));
  const cpu = ({ cpu: { time, usageCoreNanoSeconds } }: StatsSummary["node"] | StatsSummary["pods"][number]): Omit<Sample, "labels"> => ({
    time,
    value: usageCoreNanoSeconds / 1e9,
  });
  return families([
    { name: "node_cpu_usage_seconds_total", type: "counter", help: "Seconds of CPU time that the node has used.", samples: [{ labels: {}, ...cpu(node) }] },
    {
      name: "node_memory_working_set_bytes",
      type: "gauge",
      help: "Working set of the node.",
      samples: [{ labels: {}, time: node.memory.time, value: node.memory.workingSetBytes }],
    },
    {
      name: "container_cpu_usage_seconds_total",
      type: "counter",
      help: "Seconds of CPU time that the container has used.",
      samples: containers.map(({ labels, cpu: { time, usageCoreNanoSeconds } }) => ({ labels, time, value: usageCoreNanoSeconds / 1e9 })),
    },
    {
      name: "container_memory_working_set_bytes",
      type: "gauge",
      help: "Working set of the container.",
      samples: containers.map(({ labels, memory }) => ({ labels, time: memory.time, value: memory.workingSetBytes })),
    },
    {
      name: "container_start_time_seconds",
      type: "gauge",
      help: "When the container started, in seconds since the epoch.",
      samples: containers.map(({ labels, startTime }) => ({ labels, value: Date.parse(startTime) / 1000 })),
    },
    { name: "pod_cpu_usage_seconds_total", type: "counter", help: "Seconds of CPU time that the pod has used.", samples: all.map((pod) => ({ labels: pod.labels, ...cpu(pod) })) },
    {
      name: "pod_memory_working_set_bytes",
      type: "gauge",
      help: "Working set of the pod.",
      samples: all.map(({ labels, memory }) => ({ labels, time: memory.time, value: memory.workingSetBytes })),
    },
    { name: "resource_scrape_error", type: "gauge", help: "1 when the figures could not be had.", samples: [{ labels: {}, value: 0 }] },
  ]);
}

/** `/metrics/cadvisor`: those of cAdvisor's families that the runtime knows the figures of. */
export function cadvisorMetrics({ node, pods }: StatsSummary, specs: readonly Pod[]): string {
  const containers = pods.flatMap(({ podRef, containers: own }) => {
    const statuses = specs.find(({ metadata }) => metadata.uid === podRef.uid)?.status?.containerStatuses ?? [];
    return own.map((container) => {
      const status = statuses.find(({ name }) => name === container.name);
      const image = status?.image ?? "";
      const id = status?.containerID?.split("://")[1] ?? "";
      return { ...container, labels: { container: container.name, image, name: id, namespace: podRef.namespace, pod: podRef.name } };
    });
  });
  const root = { id: "/" };
  const memory = (name: string, help: string, of: (memory: StatsSummary["node"]["memory"]) => number | undefined): Family => ({
    name,
    type: "gauge",
    help,
    samples: [{ labels: root, memory: node.memory }, ...containers].flatMap((one) => {
      const value = of(one.memory);
      return value === undefined ? [] : [{ labels: one.labels, value, time: one.memory.time }];
    }),
  });
  return families([
    {
      name: "container_cpu_usage_seconds_total",
      type: "counter",
      help: "Cumulative CPU time consumed in seconds.",
      samples: [{ labels: root, cpu: node.cpu }, ...containers].map(({ labels, cpu }) => ({ labels, time: cpu.time, value: cpu.usageCoreNanoSeconds / 1e9 })),
    },
    memory("container_memory_usage_bytes", "Current memory usage in bytes, including all memory regardless of when it was accessed.", ({ usageBytes }) => usageBytes),
    memory("container_memory_working_set_bytes", "Current working set in bytes.", ({ workingSetBytes }) => workingSetBytes),
    memory("container_memory_rss", "Size of RSS in bytes.", ({ rssBytes }) => rssBytes),
    {
      name: "container_start_time_seconds",
      type: "gauge",
      help: "Start time of the container since the epoch in seconds.",
      samples: containers.map(({ labels, startTime }) => ({ labels, value: Date.parse(startTime) / 1000 })),
    },
  ]);
}

function families(all: readonly Family[]): string {
  return all
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, type, help, samples }) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.map((sample) => `${name}${sampleText(sample)}\n`).join("")}`)
    .join("");
}

function sampleText({ labels, value, time }: Sample): string {
  const pairs = Object.entries(labels)
    .map(([name, text]) => `${name}=${JSON.stringify(text)}`)
    .join(",");
  return `${pairs === "" ? "" : `{${pairs}}`} ${value}${time === undefined ? "" : ` ${Date.parse(time)}`}`;
}
