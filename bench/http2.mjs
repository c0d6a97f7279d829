import { spawnSync } from "node:child_process";

const BINDING = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";

/** GETs over HTTP/2 with h2load, which has no client certificates: a token stands for them. Nothing where h2load is not installed. */
export async function measureHttp2(cluster, bare, { clients = 16, streams = 8, seconds = 6 }) {
  if (spawnSync("h2load", ["--version"]).error !== undefined) return [{ name: "GET over HTTP/2", value: "not measured", note: "h2load (nghttp2-client) is not installed" }];
  await cluster.api("POST", "/api/v1/namespaces", { metadata: { name: "http2" } });
  await cluster.api("POST", "/api/v1/namespaces/http2/serviceaccounts", { metadata: { name: "reader" } });
  const subjects = [{ kind: "ServiceAccount", name: "reader", namespace: "http2" }];
  await cluster.api("POST", BINDING, {
    metadata: { name: "bench-reader" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects,
  });
  await cluster.api("POST", "/api/v1/namespaces/http2/configmaps", { metadata: { name: "one" }, data: { text: "x".repeat(1024) } });
  const { status } = await cluster.api("POST", "/api/v1/namespaces/http2/serviceaccounts/reader/token", { spec: { expirationSeconds: 3600 } });
  const load = (url, token) => {
    const flags = [
      "-c",
      String(clients),
      "-m",
      String(streams),
      "-t",
      "1",
      "--duration",
      String(seconds),
      ...(token === undefined ? [] : ["-H", `authorization: Bearer ${token}`]),
    ];
    const { stdout } = spawnSync("h2load", [...flags, url], { encoding: "utf8", maxBuffer: 1 << 24 });
    const rate = Number(/finished in [^,]+, ([\d.]+) req\/s/.exec(stdout)?.[1] ?? "0");
    const good = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(stdout);
    return { rate, failed: Number(good?.[3] ?? 0) + Number(good?.[4] ?? 0) };
  };
  load(`https://127.0.0.1:${cluster.apiPort}/api/v1/namespaces/http2/configmaps/one`, status.token);
  const own = load(`https://127.0.0.1:${cluster.apiPort}/api/v1/namespaces/http2/configmaps/one`, status.token);
  const least = load(`https://127.0.0.1:${bare.port}/?bytes=1500`);
  const ratio = least.rate === 0 ? undefined : own.rate / least.rate;
  return [
    {
      name: `GET of one over HTTP/2, h2load, ${clients} connections × ${streams}`,
      value: `${Math.round(own.rate).toLocaleString("en-US")}/s`,
      ratio,
      note: own.failed > 0 ? `FAILED ${own.failed}` : ratio === undefined ? "the bare server speaks HTTP/1.1 only" : "",
    },
  ];
}
