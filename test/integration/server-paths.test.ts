import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Person, serveCluster, type ServedCluster } from "./served-cluster.ts";

let cluster: ServedCluster;
beforeAll(async () => {
  cluster = await serveCluster();
});
afterAll(() => cluster.stop());

const monitor: Person = { name: "prometheus", groups: ["system:monitoring"] };

describe("what a server says of itself", () => {
  it.each<[string, Person | undefined, number]>([
    ["/livez", undefined, 200],
    ["/readyz", undefined, 200],
    ["/readyz/etcd", monitor, 200],
    ["/readyz/etcd", undefined, 403],
    ["/livez/ping", monitor, 200],
    ["/livez/nothing", monitor, 404],
    ["/statusz", monitor, 200],
    ["/flagz", monitor, 200],
    ["/statusz", undefined, 403],
    ["/flagz", { name: "jane" }, 403],
    ["/metrics", monitor, 200],
    ["/metrics", { name: "jane" }, 403],
    ["/logs/", { name: "root", groups: ["system:masters"] }, 404],
    ["/configz", { name: "root", groups: ["system:masters"] }, 404],
  ])("%s for %j: %i", async (url, as, status) => {
    expect((await cluster.ask("GET", url, { as })).status).toBe(status);
  });

  it("names its checks as upstream's does", async () => {
    const { body } = await cluster.ask("GET", "/readyz?verbose", { as: monitor });
    expect(String(body).split("\n")).toEqual(["[+]ping ok", "[+]shutdown ok", "[+]log ok", "[+]etcd ok", "[+]etcd-readiness ok", "[+]informer-sync ok", "readyz check passed", ""]);
  });

  it("has the components' states", async () => {
    const { body } = await cluster.ask("GET", "/api/v1/componentstatuses", { as: { name: "root", groups: ["system:masters"] } });
    const items = (body as { readonly items: readonly { readonly metadata: { readonly name: string }; readonly conditions: readonly object[] }[] }).items;
    expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(["controller-manager", "etcd-0", "scheduler"]);
    for (const { conditions } of items) expect(conditions).toMatchObject([{ type: "Healthy", status: "True" }]);
  });
});
