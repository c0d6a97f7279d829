import { spawn } from "node:child_process";
import { once } from "node:events";
import { request as httpsRequest } from "node:https";
import { createInterface } from "node:readline";
import { afterEach, expect, it } from "vitest";
import { apiServices, configMaps, customResourceDefinitions, namespaces, services } from "../../src/api/generated/resources.ts";
import type { Namespace } from "../../src/api/generated/types/core-v1.ts";
import { silentLogger } from "../../src/base/log.ts";
import { noMetrics } from "../../src/base/metrics.ts";
import { createEventRecorder } from "../../src/client/event-recorder-writer.ts";
import { createInformerFactory } from "../../src/client/informer-factory.ts";
import { namespaceController } from "../../src/controllers/namespace/reconcile.ts";
import type { KubeObject } from "../../src/meta/object.ts";
import type { Resource } from "../../src/meta/resource.ts";
import type { WatchEvent } from "../../src/meta/watch-event.ts";
import { systemClock } from "../../src/platform/node/clock.ts";
import { systemRandom } from "../../src/platform/node/random.ts";
import { runControllers } from "../../src/reconcile/run-controllers.ts";
import { kubectlBinaries, kubectlPath } from "../e2e/kubectl-binaries.ts";
import { type ProgramResult, runProgram } from "../e2e/run-program.ts";
import { type AggregatedCluster, aggregatedCluster } from "./aggregated-cluster.ts";

/** Without a kubectl in PATH there is nothing to try it with. */
const withKubectl = it.skipIf(kubectlBinaries().length === 0);
const NAME = "v1.widgets.example.com";
let cluster: AggregatedCluster;
afterEach(async () => {
  await cluster.stop();
});

const arguments_ = (args: readonly string[]): readonly string[] => ["--kubeconfig", cluster.kubeconfig, "--cache-dir", cluster.cacheFolder, ...args];
const kubectl = (args: readonly string[], stdin?: string): Promise<ProgramResult> =>
  runProgram(kubectlPath(), arguments_(args), { environment: { HOME: cluster.cacheFolder }, ...(stdin === undefined ? {} : { stdin }) });
const widget = (name: string): string => JSON.stringify({ apiVersion: "widgets.example.com/v1", kind: "Widget", metadata: { name }, spec: { size: 3 } });

interface Answer {
  readonly status: number;
  readonly headers: { readonly [name: string]: unknown };
  readonly text: string;
}

/** One HTTPS request with a client certificate. */
async function ask(path: string, identity: { readonly certificate: string; readonly privateKey: string }, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const request = httpsRequest({
    host: "127.0.0.1",
    port: cluster.port,
    path,
    headers,
    agent: false,
    ca: cluster.pki.ca.certificate,
    cert: identity.certificate,
    key: identity.privateKey,
  });
  request.end();
  const [response] = (await once(request, "response")) as [import("node:http").IncomingMessage];
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

withKubectl.each([{ aggregated: false }, { aggregated: true }])(
  "kubectl works with a kind of another server (aggregated discovery: $aggregated)",
  async ({ aggregated }) => {
    cluster = await aggregatedCluster();
    const server = await cluster.startExtension({ aggregated });
    await cluster.register(server);
    expect(await cluster.available(NAME, { status: "True" })).toMatchObject({ reason: "Passed", message: "all checks passed" });

    const resources = await kubectl(["api-resources", "--api-group=widgets.example.com"]);
    expect(resources.stdout).toMatch(/widgets\s+wd\s+widgets.example.com\/v1\s+true\s+Widget/);
    expect(await kubectl(["create", "--validate=strict", "-f", "-"], widget("one"))).toMatchObject({ code: 0, stdout: "widget.widgets.example.com/one created\n" });
    expect((await kubectl(["get", "wd"])).stdout).toMatch(/^NAME\s+AGE\none\s+/);

    const watching = spawn(kubectlPath(), arguments_(["get", "widgets", "--watch", "-o", "name"]), {
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, HOME: cluster.cacheFolder },
    });
    const lines = createInterface({ input: watching.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe("widget.widgets.example.com/one");
    await kubectl(["create", "-f", "-"], widget("two"));
    expect((await lines.next()).value).toBe("widget.widgets.example.com/two");
    watching.kill();

    // Who asked is said by the server alone, which shows its certificate.
    const creation = server.seen.find(({ method }) => method === "POST");
    expect(creation).toMatchObject({ user: "kubernetes-admin", groups: ["system:masters", "system:authenticated"], proxy: "front-proxy-client", authorization: undefined });
    const forged = { "x-remote-user": "root", "x-remote-group": "evil", "x-remote-extra-scopes": "all", authorization: "Bearer x" };
    await ask("/apis/widgets.example.com/v1/namespaces/default/widgets/forged", cluster.pki.admin, forged);
    const seen = server.seen.find(({ url }) => url.endsWith("/forged"));
    expect(seen).toMatchObject({ user: "kubernetes-admin", groups: ["system:masters", "system:authenticated"], authorization: undefined });
    expect(seen?.extra).not.toContain("x-remote-extra-scopes");

    // Nobody is led elsewhere, and an old hash leads to the newest document.
    expect(await ask("/apis/widgets.example.com/v1/namespaces/default/widgets/elsewhere", cluster.pki.admin)).toMatchObject({
      status: 502,
      text: "the backend attempted to redirect this request, which is not permitted",
    });
    for (const hash of ["W1", "OLD"]) expect((await ask(`/openapi/v3/apis/widgets.example.com/v1?hash=${hash}`, cluster.pki.admin)).status).toBe(200);

    // Nobody passes who has no right here.
    const before = server.seen.length;
    const refused = await ask("/apis/widgets.example.com/v1/widgets", await cluster.certificateFor("bob"));
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('cannot list resource \\"widgets\\" in API group \\"widgets.example.com\\"');
    expect(server.seen.length).toBe(before);

    const v2 = JSON.parse((await ask("/openapi/v2", cluster.pki.admin)).text) as { readonly paths: object; readonly definitions: { readonly [name: string]: object } };
    expect(Object.keys(v2.paths)).toContain("/apis/widgets.example.com/v1/namespaces/{namespace}/widgets/{name}");
    expect(Object.keys(v2.paths)).not.toContain("/apis/apps/v1/stolen");
    const meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    expect(v2.definitions["com.example.widgets.v1.Widget"]).toMatchObject({ properties: { metadata: { $ref: `#/definitions/${meta}_v2` } } });
    expect(v2.definitions[`${meta}_v2`]).toMatchObject({ description: "Another one than the cluster's." });
    expect(v2.definitions["com.example.widgets.v1.Unused"]).toBeUndefined();
    const old = await kubectl(["explain", "widgets.spec", "--output=plaintext-openapiv2"]);
    expect(old).toMatchObject({ code: 0, stdout: expect.stringContaining("How large it is.") });

    const columns = (await kubectl(["get", "apiservices"])).stdout.split("\n");
    expect(columns[0]).toMatch(/^NAME\s+SERVICE\s+AVAILABLE\s+AGE$/);
    expect(columns.find((line) => line.startsWith("v1.apps"))).toMatch(/^v1\.apps\s+Local\s+True\s/);
    expect(columns.find((line) => line.startsWith(NAME))).toMatch(/default\/extension\s+True\s/);
  },
  60_000,
);

it("an upgraded connection is joined with the other server's", async () => {
  cluster = await aggregatedCluster();
  const server = await cluster.startExtension({ aggregated: true });
  await cluster.register(server);
  await cluster.available(NAME, { status: "True" });
  const request = httpsRequest({
    host: "127.0.0.1",
    port: cluster.port,
    path: "/apis/widgets.example.com/v1/namespaces/default/widgets/one/console",
    headers: { connection: "Upgrade", upgrade: "echo" },
    ca: cluster.pki.ca.certificate,
    cert: cluster.pki.admin.certificate,
    key: cluster.pki.admin.privateKey,
  });
  request.end();
  const [, socket] = (await once(request, "upgrade")) as [unknown, import("node:net").Socket];
  socket.write("hello");
  const [chunk] = (await once(socket, "data")) as [Buffer];
  expect(chunk.toString()).toBe("hello");
  socket.destroy();
  expect(server.seen.find(({ url }) => url.endsWith("/console"))).toMatchObject({ user: "kubernetes-admin", proxy: "front-proxy-client" });
});

withKubectl(
  "a server that dies is told of, and takes nobody with it",
  async () => {
    cluster = await aggregatedCluster();
    const { admin } = cluster;
    const server = await cluster.startExtension({ aggregated: true });
    await cluster.register(server);
    await cluster.available(NAME, { status: "True" });
    const { port } = server;
    await server.kill();

    // Before it is noticed: the reason, as the dialer words it.
    const direct = await ask("/apis/widgets.example.com/v1/widgets", cluster.pki.admin);
    expect(direct).toMatchObject({ status: 503, text: `error trying to reach service: dial tcp 127.0.0.1:${port}: connect: connection refused\n` });

    const service = await admin.get(services, "extension", { namespace: "default" });
    await admin.update(services, { ...service, metadata: { ...service.metadata, labels: { touched: "yes" } } }, { namespace: "default" });
    const { reason, message } = await cluster.available(NAME, { status: "False" });
    expect(reason).toBe("FailedDiscoveryCheck");
    const url = `https://127.0.0.1:${port}/apis/widgets.example.com/v1`;
    expect(message).toBe(`failing or missing response from ${url}: Get "${url}": dial tcp 127.0.0.1:${port}: connect: connection refused`);
    expect(await ask("/apis/widgets.example.com/v1/widgets", cluster.pki.admin)).toMatchObject({ status: 503, text: "service unavailable\n" });

    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const discovery = JSON.parse((await ask("/apis", cluster.pki.admin, { accept })).text) as {
      readonly items: readonly { readonly metadata: { readonly name: string }; readonly versions: readonly { readonly freshness: string }[] }[];
    };
    const freshness = new Map(discovery.items.map(({ metadata, versions }) => [metadata.name, versions[0]?.freshness]));
    expect([freshness.get("widgets.example.com"), freshness.get("apps")]).toEqual(["Stale", "Current"]);
    const listed = await kubectl(["api-resources", "--api-group=apps", "-o", "name"]);
    expect(listed.stdout).toContain("deployments.apps");
    expect((await kubectl(["get", "apiservice", NAME])).stdout).toMatch(/False \(FailedDiscoveryCheck\)/);

    await admin.delete(services, "extension", { namespace: "default" });
    expect(await cluster.available(NAME, { reason: "ServiceNotFound" })).toMatchObject({ message: 'service/extension in "default" is not present' });
    await admin.delete(apiServices, NAME);
    expect((await ask("/apis/widgets.example.com/v1/widgets", cluster.pki.admin)).status).toBe(404);
  },
  60_000,
);

it("what is served here registers itself", async () => {
  cluster = await aggregatedCluster();
  const { admin } = cluster;
  await cluster.available("v1.apps", { reason: "Local" });
  await cluster.available("v1.", { reason: "Local" });
  const apps = await admin.get(apiServices, "v1.apps");
  expect(apps.metadata.labels).toEqual({ "kube-aggregator.kubernetes.io/automanaged": "onstart" });
  expect(apps.spec).toEqual({ group: "apps", version: "v1", groupPriorityMinimum: 17_800, versionPriority: 15 });
  expect(apps.status?.conditions?.[0]).toMatchObject({ type: "Available", status: "True", reason: "Local", message: "Local APIServices are always available" });

  let from = await apiServiceVersion();
  await admin.delete(apiServices, "v1.apps");
  await apiServiceEvent("v1.apps", from, "ADDED");

  from = await apiServiceVersion();
  await admin.create(customResourceDefinitions, {
    metadata: { name: "stars.stars.example.com" },
    spec: {
      group: "stars.example.com",
      scope: "Namespaced",
      names: { plural: "stars", kind: "Star" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
    },
  });
  await apiServiceEvent("v1.stars.example.com", from, "ADDED");
  expect(await admin.get(apiServices, "v1.stars.example.com")).toMatchObject({
    metadata: { labels: { "kube-aggregator.kubernetes.io/automanaged": "true" } },
    spec: { groupPriorityMinimum: 1000, versionPriority: 100 },
  });
  await admin.delete(customResourceDefinitions, "stars.stars.example.com");
  await apiServiceEvent("v1.stars.example.com", from, "DELETED");
});

it("a namespace takes with it what other servers keep in it, and waits for those that do not answer", async () => {
  cluster = await aggregatedCluster();
  const { admin } = cluster;
  const server = await cluster.startExtension({ aggregated: false });
  await cluster.register(server);
  await cluster.available(NAME, { status: "True" });
  const stop = new AbortController();
  const { signal } = stop;
  const deps = { client: admin, clock: systemClock, random: systemRandom, log: silentLogger };
  const informers = createInformerFactory({}, deps);
  const recorder = createEventRecorder({ ...deps, component: "test" });
  const controller = namespaceController({ ...deps, informers, recorder, metrics: noMetrics });
  const running = [informers.run(signal), runControllers([controller], { ...deps, informers, metrics: noMetrics }, signal)];
  const widgets: Resource<KubeObject> = { group: "widgets.example.com", version: "v1", resource: "widgets", kind: "Widget", namespaced: true };
  for (const name of ["first", "second"]) await admin.create(namespaces, { metadata: { name } });
  await admin.create(widgets, { metadata: { name: "kept", namespace: "second" } }, { namespace: "second" });
  await admin.create(widgets, { metadata: { name: "lost", namespace: "first" } }, { namespace: "first" });

  const before = await namespaceVersion();
  await admin.delete(namespaces, "first");
  await namespaceEvent("first", before, ({ type }) => type === "DELETED");
  expect((await admin.list(widgets)).items.map(({ metadata }) => metadata.name)).toEqual(["kept"]);

  await server.kill();
  await admin.delete(services, "extension", { namespace: "default" });
  await cluster.available(NAME, { reason: "ServiceNotFound" });
  await admin.delete(namespaces, "second");
  const failed = ({ object }: WatchEvent<Namespace>): boolean =>
    object.status?.conditions?.some(({ type, status }) => type === "NamespaceDeletionDiscoveryFailure" && status === "True") ?? false;
  const condition = (await namespaceEvent("second", before, failed)).status?.conditions?.find(({ type }) => type === "NamespaceDeletionDiscoveryFailure");
  const stale = "widgets.example.com/v1: stale GroupVersion discovery: widgets.example.com/v1";
  expect(condition).toMatchObject({
    reason: "DiscoveryFailed",
    message: `Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: ${stale}`,
  });
  await admin.delete(apiServices, NAME);
  await namespaceEvent("second", before, ({ type }) => type === "DELETED");
  stop.abort();
  await Promise.allSettled(running);
});

const namespaceVersion = async (): Promise<string> => (await cluster.admin.list(namespaces)).metadata.resourceVersion ?? "";

/** Resolves with a namespace when something has been seen of it after a resourceVersion. */
async function namespaceEvent(name: string, resourceVersion: string, wanted: (event: WatchEvent<Namespace>) => boolean): Promise<Namespace> {
  const stop = new AbortController();
  for await (const events of cluster.admin.watch(namespaces, { resourceVersion, fieldSelector: `metadata.name=${name}`, signal: stop.signal })) {
    const found = events.find(wanted);
    if (found === undefined) continue;
    stop.abort();
    return found.object;
  }
  throw new Error("the watch ended");
}

it("other servers can learn whom to trust, again after somebody took it away", async () => {
  cluster = await aggregatedCluster();
  const { admin, pki } = cluster;
  const name = "extension-apiserver-authentication";
  const data = {
    "client-ca-file": pki.ca.certificate,
    "requestheader-client-ca-file": pki.frontProxyCa.certificate,
    "requestheader-allowed-names": '["front-proxy-client"]',
    "requestheader-username-headers": '["X-Remote-User"]',
  };
  const { resourceVersion } = await seenConfigMap(name, "0");
  expect(await admin.get(configMaps, name, { namespace: "kube-system" })).toMatchObject({ data });
  await admin.delete(configMaps, name, { namespace: "kube-system" });
  expect(await seenConfigMap(name, resourceVersion)).toMatchObject({ data });
});

/** Resolves with the ConfigMap when it is made after a resourceVersion. */
async function seenConfigMap(name: string, resourceVersion: string): Promise<{ readonly resourceVersion: string; readonly data: unknown }> {
  const selection = { namespace: "kube-system", fieldSelector: `metadata.name=${name}` };
  const options = resourceVersion === "0" ? selection : { ...selection, resourceVersion };
  for await (const events of cluster.admin.watch(configMaps, { ...options, signal: new AbortController().signal }))
    for (const { type, object } of events) if (type === "ADDED") return { resourceVersion: object.metadata.resourceVersion ?? "", data: object.data };
  throw new Error("the watch ended");
}

const apiServiceVersion = async (): Promise<string> => (await cluster.admin.list(apiServices)).metadata.resourceVersion ?? "";

/** Resolves when an APIService has come or gone after a resourceVersion. */
async function apiServiceEvent(name: string, resourceVersion: string, type: "ADDED" | "DELETED"): Promise<void> {
  const stop = new AbortController();
  for await (const events of cluster.admin.watch(apiServices, { resourceVersion, fieldSelector: `metadata.name=${name}`, signal: stop.signal }))
    if (events.some((event) => event.type === type)) stop.abort();
}
