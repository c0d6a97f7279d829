import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { builtinResources, type ResourceFact } from "../../src/api/resource-facts.ts";
import type { ApiRequest, ApiResponse } from "../../src/meta/wire.ts";
import { operationLines } from "../generated/operations.ts";
import { fittingObject } from "./fitting-objects.ts";
import { serveCluster, type ServedCluster } from "./served-cluster.ts";

const notByDefault = "a version before stable, which a cluster serves only when it is told to";
/** What is not served, and why: each a path with all below it. */
const exempt: Readonly<Record<string, string>> = {
  "/apis/admissionregistration.k8s.io/v1alpha1/": notByDefault,
  "/apis/admissionregistration.k8s.io/v1beta1/": notByDefault,
  "/apis/certificates.k8s.io/v1alpha1/": notByDefault,
  "/apis/certificates.k8s.io/v1beta1/": notByDefault,
  "/apis/coordination.k8s.io/v1alpha2/": notByDefault,
  "/apis/coordination.k8s.io/v1beta1/": notByDefault,
  "/apis/internal.apiserver.k8s.io/": notByDefault,
  "/apis/networking.k8s.io/v1beta1/": notByDefault,
  "/apis/resource.k8s.io/v1alpha3/": notByDefault,
  "/apis/resource.k8s.io/v1beta1/": notByDefault,
  "/apis/resource.k8s.io/v1beta2/": notByDefault,
  "/apis/scheduling.k8s.io/v1alpha2/": notByDefault,
  "/apis/storage.k8s.io/v1beta1/": notByDefault,
  "/logs/": "files of the control plane's host: deprecated, and nobody's business over the API",
};

interface Operation {
  readonly path: string;
  readonly method: ApiRequest["method"];
  /** `get`, `list`, `connect`, ...; `-` for what is about no resource. */
  readonly action: string;
}

const operations: readonly Operation[] = operationLines
  .trim()
  .split("\n")
  .flatMap((line) => {
    const [path = "", ...methods] = line.split(" ");
    return methods.map((text) => {
      const [method = "", action = ""] = text.split(":");
      return { path, method: method.toUpperCase() as ApiRequest["method"], action };
    });
  });
const isExempt = ({ path }: Operation): boolean => Object.keys(exempt).some((prefix) => path.startsWith(prefix));
const folderOf = (path: string): string =>
  path
    .split("/")
    .slice(1, path.startsWith("/apis/") ? 4 : 3)
    .join("/");

const patchTypes = {
  "application/json-patch+json": [{ op: "add", path: "/metadata/annotations", value: { x: "y" } }],
  "application/merge-patch+json": { metadata: { annotations: { x: "y" } } },
  "application/strategic-merge-patch+json": { metadata: { annotations: { x: "y" } } },
};

let cluster: ServedCluster;
const stop = new AbortController();
let number = 0;

async function ask(
  method: ApiRequest["method"],
  url: string,
  body?: unknown,
  contentType = "application/json",
): Promise<ApiResponse & { readonly object: Record<string, unknown> }> {
  const [path = "", query = ""] = url.split("?");
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  const response = await cluster.api.handle(
    {
      method,
      path,
      query,
      headers: body === undefined ? {} : { "content-type": contentType },
      body: body === undefined ? { type: "none" } : { type: "bytes", read: () => Promise.resolve(bytes) },
      caller: {
        type: "network",
        address: "192.0.2.1",
        upgradable: true,
        certificate: { commonName: "root", organizations: ["system:masters"], fingerprint: "ab", notAfter: Number.MAX_SAFE_INTEGER },
      },
    },
    stop,
  );
  const text = response.body.type === "bytes" ? Buffer.concat(response.body.chunks).toString() : "";
  return { ...response, object: text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : { text } };
}

/** Makes what a request needs, or says why it could not. */
async function make(method: "POST" | "PUT", url: string, body: unknown): Promise<Record<string, unknown>> {
  const { status, object } = await ask(method, url, body);
  if (status > 299) throw new Error(`${method} ${url}: ${status} ${JSON.stringify(object)}`);
  return object;
}

beforeAll(async () => {
  cluster = await serveCluster();
  const core = { apiVersion: "v1" };
  await make("POST", "/api/v1/namespaces/default/serviceaccounts", { ...core, kind: "ServiceAccount", metadata: { name: "default" } });
  const status = { addresses: [{ type: "InternalIP", address: "192.0.2.10" }], daemonEndpoints: { kubeletEndpoint: { Port: 10250 } } };
  await make("POST", "/api/v1/nodes", { ...core, kind: "Node", metadata: { name: "node" }, status });
  const pod = { ...core, kind: "Pod", metadata: { name: "running" }, spec: { nodeName: "node", containers: [{ name: "a", image: "a", ports: [{ containerPort: 80 }] }] } };
  await make("POST", "/api/v1/namespaces/default/pods", pod);
  await make("PUT", "/api/v1/namespaces/default/pods/running/status", { ...pod, status: { podIP: "10.42.0.9", podIPs: [{ ip: "10.42.0.9" }], phase: "Running" } });
  await make("POST", "/api/v1/namespaces/default/services", { ...core, kind: "Service", metadata: { name: "running" }, spec: { selector: { app: "a" }, ports: [{ port: 80 }] } });
  await make("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "running", labels: { "kubernetes.io/service-name": "running" } },
    addressType: "IPv4",
    ports: [{ port: 80, name: "" }],
    endpoints: [{ addresses: ["10.42.0.9"], conditions: { ready: true }, targetRef: { kind: "Pod", name: "running", namespace: "default" } }],
  });
});
afterAll(async () => {
  stop.abort();
  await cluster.stop();
});

/** The resource of a path, with the path of its collection in the namespace default. */
function resourceOf(path: string): { readonly fact: ResourceFact; readonly collection: string; readonly subresource: string } {
  const parts = path.split("/").filter((part) => part !== "watch");
  const base = parts.slice(0, parts[1] === "api" ? 3 : 4);
  let rest = parts.slice(base.length);
  if (rest[0] === "namespaces" && rest[1] === "{namespace}") rest = rest.slice(2);
  const [resource = "", , subresource = ""] = rest;
  const [group, version] = parts[1] === "api" ? ["", base[2]] : [base[2], base[3]];
  const fact = builtinResources.find((candidate) => candidate.group === group && candidate.version === version && candidate.resource === resource);
  if (fact === undefined) throw new Error(`${path} is nobody's`);
  return { fact, collection: `${base.join("/")}${fact.namespaced ? "/namespaces/default" : ""}/${resource}`, subresource };
}

const podFact = { group: "", version: "v1", resource: "pods", kind: "Pod" };
const subresourceBodies: Readonly<Record<string, (name: string) => unknown>> = {
  binding: (name) => ({ apiVersion: "v1", kind: "Binding", metadata: { name }, target: { kind: "Node", name: "node" } }),
  eviction: (name) => ({ apiVersion: "policy/v1", kind: "Eviction", metadata: { name } }),
  token: () => ({ apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { audiences: ["a"] } }),
};

/** Performs one operation with all that it needs; what is wrong with the answer, if anything. */
async function complaintsOf({ path, method, action }: Operation): Promise<readonly string[]> {
  const complaints: string[] = [];
  const check = ({ status, object, body }: Awaited<ReturnType<typeof ask>>, expected: readonly number[], what = ""): void => {
    if (!expected.includes(status)) complaints.push(`${method} ${path} ${what}: ${status} ${body.type} ${String(object["message"] ?? object["text"])}`);
  };
  if (action === "-" && !path.endsWith("reviews")) {
    for (const url of [path, path.replace(/\/$/, "")]) check(await ask(method, url), [200], url);
    return complaints;
  }
  if (action === "connect") {
    // As the Python client writes it.
    const query = path.includes("/exec") ? "?command=true&stdout=True&stdin=False" : path.includes("/portforward") ? "?ports=80" : "";
    const name = path.includes("/nodes/") ? "node" : "running";
    const answer = await ask(method, path.replace("{namespace}", "default").replace("{name}", name).replace("{path}", "a/b") + query, method === "POST" ? {} : undefined);
    check(answer, [200]);
    if (answer.body.type === "proxy" && path.includes("/exec") && !answer.body.target.path.endsWith("?command=true&output=1")) complaints.push(answer.body.target.path);
    if (answer.body.type !== "proxy") complaints.push(`${method} ${path} is not joined with anything: ${answer.body.type}`);
    return complaints;
  }
  const { fact, collection, subresource } = resourceOf(path);
  const url = (name: string): string => path.replace("{namespace}", fact.resource === "namespaces" ? name : "default").replace("{name}", name);
  const isWatch = action === "watch" || action === "watchlist";
  const isAboutOne = path.includes("{name}");
  const stored = fact.verbs.includes("get") && fact.resource !== "componentstatuses";
  const fresh = async (labels = {}): Promise<{ readonly name: string; readonly object: Record<string, unknown> }> => {
    number += 1;
    const object = fittingObject(fact, number);
    const metadata = { ...(object["metadata"] as { readonly name: string }), labels: { fit: "yes", ...labels } };
    return { name: metadata.name, object: stored ? await make("POST", collection, { ...object, metadata }) : { ...object, metadata } };
  };
  if (isWatch) {
    const { name } = await fresh();
    const answer = await ask(method, `${url(name)}?timeoutSeconds=1`);
    check(answer, [200]);
    if (answer.body.type !== "stream") return [...complaints, `${method} ${path} is no stream`];
    for await (const chunk of answer.body.chunks) {
      if (!new TextDecoder().decode(chunk).includes('"type":"ADDED"')) complaints.push(`${method} ${path} begins with ${new TextDecoder().decode(chunk)}`);
      break;
    }
    return complaints;
  }
  if (action === "post" || action === "-") {
    number += 1;
    if (path.endsWith("/bindings")) await make("POST", "/api/v1/namespaces/default/pods", fittingObject(podFact, number));
    const body = subresource === "" ? fittingObject(fact, number) : undefined;
    if (body !== undefined) check(await ask(method, url("")), [415, 400], "without a body");
    if (body !== undefined) check(await ask(method, url(""), body), [201]);
    else {
      const { name } = await fresh();
      check(await ask(method, url(name), subresourceBodies[subresource]?.(name)), [201]);
      if (subresource === "eviction") {
        const older = await fresh();
        check(await ask(method, url(older.name), { apiVersion: "policy/v1beta1", kind: "Eviction", metadata: { name: older.name } }), [201], "as older clients say it");
        check(await ask(method, url(older.name), { apiVersion: "policy/v9", kind: "Eviction", metadata: { name: older.name } }), [400]);
        check(await ask(method, url(older.name)), [400, 415], "without a body");
      }
    }
    return complaints;
  }
  if (!isAboutOne) {
    if (action === "list") {
      if (stored) await fresh();
      const answer = await ask(method, url(""));
      check(answer, [200]);
      if (!Array.isArray(answer.object["items"]) || answer.object["items"].length === 0) complaints.push(`${method} ${path} lists nothing`);
      return complaints;
    }
    // Of all objects only one that was made for it.
    const { name } = await fresh({ gone: `n${number}` });
    check(await ask(method, `${url("")}?labelSelector=gone%3Dn${number - 1}`), [200]);
    // Some stay until a controller takes its finalizer off.
    const left = (await ask("GET", `${collection}/${name}`)).object;
    const { metadata } = left as { readonly metadata?: { readonly deletionTimestamp?: string } };
    if (left["kind"] !== "Status" && metadata?.deletionTimestamp === undefined) complaints.push(`${method} ${path} left ${name}`);
    return complaints;
  }
  if (fact.resource === "componentstatuses") {
    check(await ask(method, url("etcd-0")), [200]);
    return complaints;
  }
  const { name } = await fresh();
  switch (action) {
    case "get":
      check(await ask(method, url(name)), [200]);
      break;
    case "put": {
      const change = async () => ask(method, url(name), (await ask("GET", subresource === "finalize" ? `${collection}/${name}` : url(name))).object);
      let answer = await change();
      // A controller may write the status meanwhile: whoever lost looks again.
      for (let tries = 0; answer.status === 409 && tries < 10; tries += 1) answer = await change();
      check(answer, [200]);
      break;
    }
    case "delete":
      check(await ask(method, url(name)), [200]);
      break;
    case "patch":
      for (const [type, body] of Object.entries(patchTypes)) check(await ask(method, url(name), body, type), [200], type);
      {
        const { object } = await ask("GET", url(name));
        const metadata = { name, annotations: { applied: "yes" } };
        check(
          await ask(method, `${url(name)}?fieldManager=test&force=true`, { apiVersion: object["apiVersion"], kind: object["kind"], metadata }, "application/apply-patch+yaml"),
          [200],
          "apply",
        );
      }
      break;
    default:
      complaints.push(`nobody here knows the action ${action} of ${method} ${path}`);
  }
  return complaints;
}

describe("every operation of the published API is served", () => {
  it("which are this many", () => {
    expect(operations).toHaveLength(1123);
  });

  const served = operations.filter((operation) => !isExempt(operation));
  describe.each([...new Set(served.map(({ path }) => folderOf(path)))])("%s", (folder) => {
    it("with a fitting request", async () => {
      const complaints: string[] = [];
      for (const operation of served.filter(({ path }) => folderOf(path) === folder))
        complaints.push(...(await complaintsOf(operation).catch((error: unknown) => [`${operation.method} ${operation.path}: ${String(error)}`])));
      expect(complaints).toEqual([]);
    });
  });

  it("but those with a reason, which are really not", async () => {
    const answers = await Promise.all(
      operations
        .filter(isExempt)
        .map(async ({ method, path }) => `${(await ask(method, path.replaceAll(/\{\w+\}/g, "a"), method === "GET" ? undefined : {})).status} ${method} ${path}`),
    );
    expect(answers.filter((answer) => !answer.startsWith("404 "))).toEqual([]);
    expect(Object.keys(exempt).filter((prefix) => !operations.some(({ path }) => path.startsWith(prefix)))).toEqual([]);
  });
});
