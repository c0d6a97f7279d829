import { get } from "node:http";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { Cluster } from "./cluster.ts";
import { until } from "./until.ts";

const noContainers = inject("noContainers");
const REPLICAS = 3;
const CLIENTS = 6;

/** What one request got: the version that answered, or how it failed. */
function ask(url: string): Promise<string> {
  return new Promise((resolve) => {
    // A connection for each request: the service proxy chooses anew.
    const request = get(url, { agent: false, timeout: 5_000 }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on("error", (error) => resolve(`failed: ${error.message}`));
      response.on("end", () =>
        resolve(response.statusCode === 200 ? (/Hello from (v\d)/.exec(text)?.[1] ?? `failed: ${text.slice(0, 80)}`) : `failed: status ${response.statusCode ?? 0}`),
      );
    });
    request.on("timeout", () => request.destroy(new Error("no answer within 5 s")));
    request.on("error", (error) => resolve(`failed: ${error.message}`));
  });
}

describe.skipIf(noContainers !== "")(`a rolling update under load, in real containers${noContainers === "" ? "" : ` (skipped: ${noContainers})`}`, () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await Cluster.start({ runtime: "containerd" });
  });
  afterAll(() => cluster.dispose());

  it("fails no request and keeps to maxSurge and maxUnavailable", async () => {
    const container = {
      name: "demo",
      image: "keles.dev/demo:v1",
      ports: [{ containerPort: 80 }],
      readinessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 1 },
      lifecycle: { preStop: { sleep: { seconds: 3 } } },
    };
    const deployment = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "shop" },
      spec: {
        replicas: REPLICAS,
        strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        selector: { matchLabels: { app: "shop" } },
        template: { metadata: { labels: { app: "shop" } }, spec: { terminationGracePeriodSeconds: 20, containers: [container] } },
      },
    };
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: "shop" }, spec: { type: "NodePort", selector: { app: "shop" }, ports: [{ port: 80 }] } };
    await cluster.kubectl("apply -f -", { stdin: JSON.stringify({ apiVersion: "v1", kind: "List", items: [deployment, service] }) });
    await cluster.kubectl("rollout status deployment/shop --timeout=100s");
    const address = await cluster.field("nodes", ".items[0].status.addresses[0].address");
    const url = `http://${address}:${await cluster.field("service/shop", ".spec.ports[0].nodePort")}/`;
    await until("the service answers", async () => (await ask(url)) === "v1");

    const answers = new Map<string, number>();
    const counts = { most: 0, leastReady: REPLICAS };
    const rolled = new AbortController();
    const client = async (): Promise<void> => {
      while (!rolled.signal.aborted) {
        const answer = await ask(url);
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
      }
    };
    const count = async (): Promise<void> => {
      while (!rolled.signal.aborted) {
        const { items } = JSON.parse(await cluster.kubectl("get pods -l app=shop -o json")) as { readonly items: readonly ShopPod[] };
        const live = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
        counts.most = Math.max(counts.most, live.length);
        counts.leastReady = Math.min(counts.leastReady, live.filter(({ status }) => status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True")).length);
      }
    };
    const running = [...Array.from({ length: CLIENTS }, client), count()];
    await cluster.kubectl("set image deployment/shop demo=keles.dev/demo:v2");
    await cluster.kubectl("rollout status deployment/shop --timeout=100s");
    await until("the old pods are gone", async () => !(await cluster.kubectl("get pods -l app=shop -o jsonpath={.items[*].spec.containers[0].image}")).includes("v1"));
    rolled.abort();
    await Promise.all(running);
    expect([...answers.keys()].filter((answer) => answer.startsWith("failed"))).toEqual([]);
    expect([...answers.keys()].sort()).toEqual(["v1", "v2"]);
    expect(counts.most).toBeLessThanOrEqual(REPLICAS + 1);
    expect(counts.leastReady).toBeGreaterThanOrEqual(REPLICAS);
  });
});

interface ShopPod {
  readonly metadata: { readonly deletionTimestamp?: string };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}
