import { load } from "./cluster.mjs";
import { residentBytes } from "./machine.mjs";

const NAMESPACE = "/api/v1/namespaces/bench";
const filler = "x".repeat(1024);
const configMap = (name, extra = "") => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"${name}"${extra}},"data":{"turn":"0","text":"${filler}"}}`;
const millis = (value) => `${value.toFixed(1)} ms`;
const perSecond = (value) => `${Math.round(value).toLocaleString("en-US")}/s`;
const note = ({ p50, p99, failures }) => `p50 ${millis(p50)}, p99 ${millis(p99)}${failures.length === 0 ? "" : `, FAILED ${JSON.stringify(failures)}`}`;

/** Requests per second and list throughput, each beside the same load on the bare server. */
export async function measureRequests(cluster, bare, { clients = 64, seconds = 6 }) {
  const rows = [];
  const target = { ...cluster.credentials, port: cluster.apiPort, clients };
  const plain = { ...cluster.credentials, port: bare.port, clients };
  const compared = async (name, job, bareJob) => {
    await load({ ...target, ...job, seconds: 1 });
    const own = await load({ ...target, seconds, ...job });
    const least = await load({ ...plain, seconds: seconds / 2, ...bareJob });
    rows.push({ name, value: perSecond(own.perSecond), ratio: own.perSecond / least.perSecond, note: note(own) });
    return own;
  };
  await cluster.api("POST", "/api/v1/namespaces", { metadata: { name: "bench" } });

  const body = configMap("c{n}");
  const warm = await load({ ...target, seconds: 2, method: "POST", path: `${NAMESPACE}/configmaps`, body: configMap("warm{n}") });
  const created = await load({ ...target, seconds, method: "POST", path: `${NAMESPACE}/configmaps`, body });
  const least = await load({ ...plain, seconds: seconds / 2, method: "POST", path: "/", body });
  rows.push({
    name: `creates of 1 KiB ConfigMaps, ${clients} clients, durable`,
    value: perSecond(created.perSecond),
    ratio: created.perSecond / least.perSecond,
    note: note(created),
  });
  await cluster.api("DELETE", `${NAMESPACE}/configmaps`);
  if (warm.failures.length > 0) rows.push({ name: "warm-up creates", value: JSON.stringify(warm.failures), note: "" });

  const listed = 5_000;
  await load({ ...target, requests: listed, names: listed, method: "POST", path: `${NAMESPACE}/configmaps`, body: configMap("l{n}", ',"labels":{"app":"bench"}') });
  const names = listed;
  await compared("GET of one", { method: "GET", path: `${NAMESPACE}/configmaps/l{n}`, names }, { method: "GET", path: "/?bytes=1500" });
  await compared("GET then PUT of one, as one", { cycle: true, method: "GET", path: `${NAMESPACE}/configmaps/l{n}`, names }, { method: "POST", path: "/", body });
  const latency = await load({ ...target, clients: 1, seconds, method: "POST", path: `${NAMESPACE}/configmaps`, body: configMap("one{n}") });
  const bareLatency = await load({ ...plain, clients: 1, seconds: seconds / 2, method: "POST", path: "/", body });
  rows.push({ name: "create, one client, one at a time, median", value: `${latency.p50.toFixed(2)} ms`, ratio: latency.p50 / bareLatency.p50, note: note(latency) });
  const path = `${NAMESPACE}/configmaps`;
  rows.push(await measureList("LIST", { ...target, path: `${path}?labelSelector=app%3Dbench` }, plain, seconds));
  rows.push(await measureList("LIST in protobuf", { ...target, path: `${path}?labelSelector=app%3Dbench`, accept: "application/vnd.kubernetes.protobuf" }, plain, seconds));
  rows.push(await measureList("LIST whole, no selector", { ...target, path }, plain, seconds));
  return rows;
}

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** A namespace full of Secrets, and ten thousand objects of a definition. */
export async function measureKinds(cluster, bare, { clients = 64, seconds = 6 }) {
  const target = { ...cluster.credentials, port: cluster.apiPort, clients };
  const plain = { ...cluster.credentials, port: bare.port, clients };
  const rows = [];
  const fill = async (what, path, count, body) => {
    const made = await load({ ...target, requests: count, names: count, method: "POST", path, body });
    rows.push({ name: `creates of ${count.toLocaleString("en-US")} ${what}`, value: perSecond(made.perSecond), note: note(made) });
    const job = { ...target, method: "GET", clients: 4, path };
    rows.push(await measureList(`LIST of all ${what}`, job, plain, seconds));
  };
  await cluster.api("POST", "/api/v1/namespaces", { metadata: { name: "kinds" } });
  const data = Buffer.from(filler).toString("base64");
  await fill("Secrets", "/api/v1/namespaces/kinds/secrets", 3_000, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s{n}"},"data":{"text":"${data}"}}`);
  const properties = { spec: { type: "object", properties: { size: { type: "integer" }, text: { type: "string" } } } };
  const version = { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object", properties } } };
  const names = { plural: "widgets", singular: "widget", kind: "Widget" };
  await cluster.api("POST", DEFINITIONS, { metadata: { name: "widgets.bench.keles.dev" }, spec: { group: "bench.keles.dev", scope: "Namespaced", names, versions: [version] } });
  const established = ({ status }) => status?.conditions?.some(({ type, status: is }) => type === "Established" && is === "True") === true;
  while (!established(await cluster.api("GET", `${DEFINITIONS}/widgets.bench.keles.dev`))) await new Promise((resolve) => setTimeout(resolve, 50));
  const widget = `{"apiVersion":"bench.keles.dev/v1","kind":"Widget","metadata":{"name":"w{n}"},"spec":{"size":{n},"text":"${"x".repeat(200)}"}}`;
  await fill("custom objects", "/apis/bench.keles.dev/v1/namespaces/kinds/widgets", 10_000, widget);
  return rows;
}

/** Four clients, so that the client's own decryption is not what is measured alone. */
async function measureList(name, job, plain, seconds) {
  const four = { ...job, method: "GET", clients: 4, seconds };
  await load({ ...four, seconds: 1 });
  const own = await load(four);
  const size = Math.round(own.bytes / own.count);
  const least = await load({ ...plain, method: "GET", clients: 4, seconds, path: `/?bytes=${size}` });
  const rate = (result) => result.bytes / 1e6 / result.seconds;
  return { name: `${name} (${(size / 1e6).toFixed(1)} MB)`, value: `${Math.round(rate(own))} MB/s`, ratio: rate(own) / rate(least), note: note(own) };
}

export function memoryRow(name, pid, barePid) {
  const own = residentBytes(pid);
  const bare = residentBytes(barePid);
  return { name, value: own === undefined ? "unknown" : `${Math.round(own / 1e6)} MB`, ratio: own !== undefined && bare !== undefined ? own / bare : undefined, note: "" };
}
