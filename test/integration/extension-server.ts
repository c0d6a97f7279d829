import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import type { KeyPair } from "../../src/cluster/pki/certificates.ts";

interface Widget {
  readonly metadata: { name: string; namespace: string; resourceVersion?: string; uid?: string; creationTimestamp?: string };
  readonly [field: string]: unknown;
}

/** What a request said of who made it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly user: string | undefined;
  readonly groups: readonly string[] | undefined;
  readonly extra: readonly string[];
  readonly authorization: string | undefined;
  /** Common name of the client certificate. */
  readonly proxy: string;
}

export interface ExtensionServerOptions {
  readonly certificate: KeyPair;
  /** PEM of who may sign the front proxy's certificate. */
  readonly frontProxyCa: string;
  /** Whether /apis is an APIGroupDiscoveryList. */
  readonly aggregated: boolean;
}

const GROUP = "widgets.example.com";
const BASE = `/apis/${GROUP}/v1`;
const verbs = ["create", "delete", "deletecollection", "get", "list", "watch"];

/**
 * The least of an API server that kubectl can work with: Widgets in memory. Only a front proxy with the right certificate
 * is let in, as aggregated servers do it.
 */
export class ExtensionServer {
  readonly seen: Seen[] = [];
  readonly #widgets = new Map<string, Widget>();
  readonly #watchers = new Set<ServerResponse>();
  readonly #server: Server;
  readonly #options: ExtensionServerOptions;
  #revision = 100;

  private constructor(options: ExtensionServerOptions) {
    this.#options = options;
    const { certificate, frontProxyCa } = options;
    this.#server = createServer(
      { cert: certificate.certificate, key: certificate.privateKey, ca: frontProxyCa, requestCert: true, rejectUnauthorized: true },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.on("upgrade", (request, socket) => {
      this.#see(request);
      socket.on("error", () => socket.destroy());
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n");
      socket.pipe(socket);
    });
  }

  static async start(options: ExtensionServerOptions): Promise<ExtensionServer> {
    const server = new ExtensionServer(options);
    await new Promise<void>((resolve) => {
      server.#server.listen(0, "127.0.0.1", resolve);
    });
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async kill(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeAllConnections();
    await closed;
  }

  #see(request: IncomingMessage): void {
    const header = (name: string): string | undefined => (Array.isArray(request.headers[name]) ? request.headers[name].join(",") : request.headers[name]);
    const certificate = (request.socket as TLSSocket).getPeerCertificate();
    this.seen.push({
      method: request.method ?? "",
      url: request.url ?? "",
      user: header("x-remote-user"),
      groups: request.headersDistinct["x-remote-group"],
      extra: Object.keys(request.headers).filter((name) => name.startsWith("x-remote-extra-")),
      authorization: header("authorization"),
      proxy: String(certificate.subject.CN),
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#see(request);
    const url = new URL(request.url ?? "/", "https://x");
    const send = (status: number, value: unknown, type = "application/json"): void => {
      response.writeHead(status, { "content-type": type });
      response.end(JSON.stringify(value));
    };
    const redirect = (location: string): void => {
      response.writeHead(301, { location });
      response.end();
    };
    const { pathname } = url;
    if (pathname === "/apis") {
      if (!this.#options.aggregated) return send(200, { kind: "APIGroupList", apiVersion: "v1", groups: [] });
      return send(200, aggregatedDocument, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    }
    if (pathname === BASE) return send(200, resourceList);
    if (pathname === "/openapi/v3") return send(200, { paths: { [`apis/${GROUP}/v1`]: { serverRelativeURL: `/openapi/v3/apis/${GROUP}/v1?hash=W1` } } });
    if (pathname === `/openapi/v3/apis/${GROUP}/v1`) {
      const hash = url.searchParams.get("hash");
      return hash === null || hash === "W1" ? send(200, openApiV3) : redirect(`${pathname}?hash=W1`);
    }
    if (pathname.endsWith("/widgets/elsewhere")) return redirect("https://127.0.0.1:1/");
    if (pathname === "/openapi/v2") return send(200, openApiV2);
    const match = /^\/apis\/widgets\.example\.com\/v1(?:\/namespaces\/([^/]+))?\/widgets(?:\/([^/]+))?$/.exec(pathname);
    if (match === null) return send(404, { kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", message: "no such path", code: 404 });
    await this.#serveWidgets(request, response, { namespace: match[1] ?? "", name: match[2] ?? "", watch: url.searchParams.get("watch") === "true" }, send);
  }

  async #serveWidgets(
    request: IncomingMessage,
    response: ServerResponse,
    { namespace, name, watch }: { readonly namespace: string; readonly name: string; readonly watch: boolean },
    send: (status: number, value: unknown) => void,
  ): Promise<void> {
    const key = `${namespace}/${name}`;
    const found = this.#widgets.get(key);
    const missing = { kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", message: `widgets.${GROUP} ${JSON.stringify(name)} not found`, code: 404 };
    if (request.method === "POST") {
      const body = JSON.parse(await textOf(request)) as Widget;
      this.#revision += 1;
      const widget = {
        ...body,
        metadata: { ...body.metadata, namespace, uid: `uid-${this.#revision}`, resourceVersion: String(this.#revision), creationTimestamp: "2026-01-01T00:00:00Z" },
      };
      this.#widgets.set(`${namespace}/${widget.metadata.name}`, widget);
      for (const watcher of this.#watchers) watcher.write(`${JSON.stringify({ type: "ADDED", object: widget })}\n`);
      return send(201, widget);
    }
    if (request.method === "DELETE" && name === "") {
      for (const one of this.#widgets.keys()) if (one.startsWith(`${namespace}/`)) this.#widgets.delete(one);
      return send(200, { kind: "Status", apiVersion: "v1", status: "Success" });
    }
    if (request.method === "DELETE") {
      this.#widgets.delete(key);
      return send(found === undefined ? 404 : 200, found ?? missing);
    }
    if (watch) {
      this.#watchers.add(response);
      response.on("close", () => this.#watchers.delete(response));
      response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
      return;
    }
    if (name !== "") return send(found === undefined ? 404 : 200, found ?? missing);
    const items = [...this.#widgets].filter(([one]) => namespace === "" || one.startsWith(`${namespace}/`)).map(([, widget]) => widget);
    send(200, { kind: "WidgetList", apiVersion: `${GROUP}/v1`, metadata: { resourceVersion: String(this.#revision) }, items });
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

const resourceList = {
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion: `${GROUP}/v1`,
  resources: [{ name: "widgets", singularName: "widget", namespaced: true, kind: "Widget", verbs, shortNames: ["wd"] }],
};
const aggregatedDocument = {
  kind: "APIGroupDiscoveryList",
  apiVersion: "apidiscovery.k8s.io/v2",
  metadata: {},
  items: [
    {
      metadata: { name: GROUP },
      versions: [
        {
          version: "v1",
          freshness: "Current",
          resources: [
            {
              resource: "widgets",
              responseKind: { group: GROUP, version: "v1", kind: "Widget" },
              scope: "Namespaced",
              singularResource: "widget",
              verbs,
              shortNames: ["wd"],
            },
          ],
        },
      ],
    },
  ],
};
const widgetSchema = {
  type: "object",
  description: "A thing of the extension server.",
  properties: { apiVersion: { type: "string" }, kind: { type: "string" }, spec: { type: "object", properties: { size: { type: "integer", description: "How large it is." } } } },
  "x-kubernetes-group-version-kind": [{ group: GROUP, version: "v1", kind: "Widget" }],
};
const action = { "x-kubernetes-action": "get", "x-kubernetes-group-version-kind": { group: GROUP, version: "v1", kind: "Widget" } };
const path = `${BASE}/namespaces/{namespace}/widgets/{name}`;
const openApiV3 = {
  openapi: "3.0.0",
  info: { title: "widgets", version: "v1" },
  paths: {
    [path]: {
      get: { ...action, responses: { 200: { description: "OK", content: { "application/json": { schema: { $ref: "#/components/schemas/com.example.widgets.v1.Widget" } } } } } },
    },
  },
  components: { schemas: { "com.example.widgets.v1.Widget": widgetSchema } },
};
const openApiV2 = {
  swagger: "2.0",
  info: { title: "widgets", version: "v1" },
  paths: {
    [path]: { get: { ...action, responses: { 200: { description: "OK", schema: { $ref: "#/definitions/com.example.widgets.v1.Widget" } } } } },
    "/apis/apps/v1/stolen": { get: { responses: { 200: { description: "OK" } } } },
  },
  definitions: {
    "com.example.widgets.v1.Widget": {
      ...widgetSchema,
      properties: { ...widgetSchema.properties, metadata: { $ref: "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" } },
    },
    "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": { type: "object", description: "Another one than the cluster's." },
    "com.example.widgets.v1.Unused": { type: "object" },
  },
};
