import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Cluster, type KubectlOptions } from "./cluster.ts";
import { kubectlBinaries } from "./kubectl-binaries.ts";
import type { ProgramResult } from "./run-program.ts";
import { until } from "./until.ts";

/** The same words of every kubectl that is at hand, each in a namespace of its own on one simulated cluster. */
describe("every kubectl at hand", () => {
  const binaries = kubectlBinaries();
  let cluster: Cluster;
  let folder = "";
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "keles-kubectl-"));
    writeFileSync(join(folder, "editor"), '#!/bin/sh\nsed -i s/colour:\\ blue/colour:\\ red/ "$1"\n', { mode: 0o755 });
    cluster = await Cluster.start({ runtime: "simulated", nodes: 3 });
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await cluster?.dispose();
  });

  it("is there, the one of PATH at least", () => {
    expect(binaries.map(({ version }) => version)).toContain("default");
  });

  describe.each(binaries.map(({ version, path }) => [version, path] as const))("kubectl %s", (version, binary) => {
    const namespace = `v-${version.replace(".", "-")}`;
    const options = (more: KubectlOptions): KubectlOptions => ({ ...more, binary, environment: { ...more.environment } });
    const inNamespace = (args: string | readonly string[]): readonly string[] => ["--namespace", namespace, ...(typeof args === "string" ? args.split(" ") : args)];
    const kubectl = (args: string | readonly string[], more: KubectlOptions = {}): Promise<string> => cluster.kubectl(inNamespace(args), options(more));
    const tryKubectl = (args: string | readonly string[], more: KubectlOptions = {}): Promise<ProgramResult> => cluster.tryKubectl(inNamespace(args), options(more));
    const field = (what: string, path: string): Promise<string> => kubectl([...`get ${what}`.split(" "), "-o", `jsonpath={${path}}`]);
    const settings = (colour: string, more: object = {}): string =>
      JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings", labels: { app: "demo" } }, data: { colour, size: "small", ...more } });
    const web = (image: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: "${image}" }] }
`;

    beforeAll(async () => {
      expect(await cluster.kubectl(["create", "namespace", namespace], options({}))).toBe(`namespace/${namespace} created\n`);
    });
    afterAll(async () => {
      expect(await cluster.kubectl(["delete", "namespace", namespace, "--timeout=60s"], options({}))).toMatch(/^namespace "v-[\w-]+" deleted/);
    });
    beforeEach(async () => {
      await tryKubectl("delete configmap settings --ignore-not-found");
    });

    it("version and cluster-info: the server answers as v1.36", async () => {
      expect(await kubectl("version")).toMatch(/^Server Version: .*v1\.36\./m);
      expect(stripVTControlCharacters(await kubectl("cluster-info"))).toContain(`Kubernetes control plane is running at https://127.0.0.1:${cluster.apiPort}`);
    });

    it("create, and a second create is refused", async () => {
      expect(await kubectl("create -f -", { stdin: settings("blue") })).toBe("configmap/settings created\n");
      const again = await tryKubectl("create -f -", { stdin: settings("blue") });
      expect(again).toMatchObject({ code: 1, stderr: 'Error from server (AlreadyExists): error when creating "STDIN": configmaps "settings" already exists\n' });
      expect((await tryKubectl("create configmap settings --from-literal=a=b")).stderr).toBe('error: failed to create configmap: configmaps "settings" already exists\n');
      expect(await kubectl("create configmap other --from-literal=a=b --dry-run=client -o name")).toBe("configmap/other\n");
      expect(await kubectl("create configmap other --from-literal=a=b --dry-run=server -o name")).toBe("configmap/other\n");
      expect(await kubectl("get configmap other --ignore-not-found")).toBe("");
    });

    it("apply merges only what changed", async () => {
      expect(await kubectl("apply -f -", { stdin: settings("blue") })).toBe("configmap/settings created\n");
      expect(await kubectl("apply -f -", { stdin: settings("blue") })).toBe("configmap/settings unchanged\n");
      await kubectl(["patch", "configmap", "settings", "-p", '{"data":{"theirs":"stays"}}']);
      expect(await kubectl("apply -f -", { stdin: settings("green", { more: "yes" }) })).toBe("configmap/settings configured\n");
      expect(JSON.parse(await field("configmap settings", ".data"))).toEqual({ colour: "green", size: "small", more: "yes", theirs: "stays" });
      expect(await kubectl("apply -f -", { stdin: settings("green") })).toBe("configmap/settings configured\n");
      expect(JSON.parse(await field("configmap settings", ".data"))).toEqual({ colour: "green", size: "small", theirs: "stays" });
    });

    it("apply --server-side: owners of fields, conflicts, and taking over", async () => {
      const mine = "apply --server-side -f -";
      expect(await kubectl(mine, { stdin: settings("blue") })).toBe("configmap/settings serverside-applied\n");
      const conflict = await tryKubectl(`${mine} --field-manager=other`, { stdin: settings("red") });
      expect(conflict.code).toBe(1);
      expect(conflict.stderr).toContain('Apply failed with 1 conflict: conflict with "kubectl": .data.colour');
      expect(await kubectl(`${mine} --field-manager=other --force-conflicts`, { stdin: settings("red") })).toBe("configmap/settings serverside-applied\n");
      expect(await field("configmap settings", ".data.colour")).toBe("red");
      expect((await field("configmap settings", ".metadata.managedFields[*].manager")).split(" ").sort()).toEqual(["kubectl", "other"]);
    });

    it("diff tells what an apply would change", async () => {
      await kubectl("apply -f -", { stdin: settings("blue") });
      expect(await tryKubectl("diff -f -", { stdin: settings("blue") })).toMatchObject({ code: 0, stdout: "" });
      const differs = await tryKubectl("diff -f -", { stdin: settings("green") });
      expect(differs.code).toBe(1);
      expect(differs.stdout).toMatch(/^-  colour: blue\n\+  colour: green$/m);
      expect(await field("configmap settings", ".data.colour")).toBe("blue");
    });

    it("edit", async () => {
      await kubectl("create -f -", { stdin: settings("blue") });
      const environment = { EDITOR: join(folder, "editor"), KUBE_EDITOR: join(folder, "editor") };
      expect(await kubectl("edit configmap settings", { environment })).toBe("configmap/settings edited\n");
      expect(await field("configmap settings", ".data.colour")).toBe("red");
      const second = await tryKubectl("edit configmap settings", { environment });
      expect(second.code).toBe(0);
      expect(`${second.stdout}${second.stderr}`).toContain("Edit cancelled, no changes made");
    });

    it("patch in all three ways, and replace", async () => {
      await kubectl("create -f -", { stdin: settings("blue") });
      expect(await kubectl(["patch", "configmap", "settings", "-p", '{"data":{"colour":"one"}}'])).toBe("configmap/settings patched\n");
      expect(await kubectl(["patch", "configmap", "settings", "--type=merge", "-p", '{"data":{"colour":"two","size":null}}'])).toBe("configmap/settings patched\n");
      expect(await kubectl(["patch", "configmap", "settings", "--type=json", "-p", '[{"op":"add","path":"/data/new","value":"three"}]'])).toBe("configmap/settings patched\n");
      expect(JSON.parse(await field("configmap settings", ".data"))).toEqual({ colour: "two", new: "three" });
      expect(await kubectl(["patch", "configmap", "settings", "-p", '{"data":{"colour":"two"}}'])).toBe("configmap/settings patched (no change)\n");
      expect((await tryKubectl(["patch", "configmap", "settings", "--type=json", "-p", '[{"op":"remove","path":"/data/none"}]'])).code).toBe(1);
      expect(await kubectl("replace -f -", { stdin: settings("four") })).toBe("configmap/settings replaced\n");
      expect(JSON.parse(await field("configmap settings", ".data"))).toEqual({ colour: "four", size: "small" });
      const missing = await tryKubectl("replace -f -", { stdin: settings("x").replace('"settings"', '"absent"') });
      expect(missing.stderr).toBe('Error from server (NotFound): error when replacing "STDIN": configmaps "absent" not found\n');
    });

    it("a strategic patch merges containers by name", async () => {
      await kubectl("apply -f -", { stdin: web("nginx:1") });
      await kubectl(["patch", "deployment", "web", "-p", '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"busybox"}]}}}}']);
      expect((await field("deployment web", ".spec.template.spec.containers[*].name")).split(" ").sort()).toEqual(["side", "web"]);
      expect(await kubectl("apply -f -", { stdin: web("nginx:2") })).toBe("deployment.apps/web configured\n");
      expect((await field("deployment web", ".spec.template.spec.containers[*].image")).split(" ").sort()).toEqual(["busybox", "nginx:2"]);
      expect(await kubectl("rollout status deployment/web --timeout=60s")).toContain("successfully rolled out");
      expect(await kubectl("wait deployment web --for=condition=Available --timeout=60s")).toBe("deployment.apps/web condition met\n");
      expect(await kubectl("scale deployment web --replicas=1")).toBe("deployment.apps/web scaled\n");
      await until("one is left", async () => (await kubectl("get pods -l app=web -o name")).trim().split("\n").length === 1);
    });

    it("label and annotate", async () => {
      await kubectl("create -f -", { stdin: settings("blue") });
      expect(await kubectl("label configmap settings tier=front")).toBe("configmap/settings labeled\n");
      expect((await tryKubectl("label configmap settings tier=back")).stderr).toContain("'tier' already has a value (front), and --overwrite is false");
      expect(await kubectl("label configmap settings tier=back --overwrite")).toBe("configmap/settings labeled\n");
      expect(await kubectl("get configmap -l tier=back,app!=other -o name")).toBe("configmap/settings\n");
      expect(await kubectl(["get", "configmap", "-l", "tier in (front,side)", "-o", "name"])).toBe("");
      expect(await kubectl("label configmap settings tier-")).toMatch(/^configmap\/settings unlabeled\n$/);
      expect(await kubectl("annotate configmap settings note=here")).toMatch(/^configmap\/settings annotated?\n$/);
      expect(await field("configmap settings", ".metadata.annotations.note")).toBe("here");
    });

    it("get in every form", async () => {
      await kubectl("create -f -", { stdin: settings("blue") });
      expect(await kubectl("get configmap settings")).toMatch(/^NAME +DATA +AGE\nsettings +2 +\d+s\n$/);
      expect(await kubectl("get configmap settings --no-headers")).toMatch(/^settings +2 +\d+s\n$/);
      expect(await kubectl("get configmap settings --show-labels")).toMatch(/LABELS\nsettings .*app=demo\n$/);
      expect(await kubectl("get configmap settings -L app")).toMatch(/APP\nsettings .*demo\n$/);
      expect(JSON.parse(await kubectl("get configmap settings -o json"))).toMatchObject({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "settings", namespace },
        data: { colour: "blue" },
      });
      expect(await kubectl("get configmap settings -o yaml")).toMatch(/^apiVersion: v1\ndata:\n {2}colour: blue\n {2}size: small\nkind: ConfigMap\n/);
      expect(await kubectl("get configmap settings -o name")).toBe("configmap/settings\n");
      expect(await kubectl("get cm settings -o custom-columns=NAME:.metadata.name,COLOUR:.data.colour")).toBe("NAME       COLOUR\nsettings   blue\n");
      expect(await kubectl(["get", "cm", "settings", "-o", "jsonpath={.metadata.name}={.data.colour}"])).toBe("settings=blue");
      expect(await kubectl(["get", "cm", "settings", "-o", "go-template={{.data.size}}"])).toBe("small");
      expect(JSON.parse(await kubectl("get configmaps -o json"))).toMatchObject({ kind: "List" });
      expect(await kubectl("get nodes -o wide")).toMatch(
        /^NAME +STATUS +ROLES +AGE +VERSION +INTERNAL-IP +EXTERNAL-IP +OS-IMAGE +KERNEL-VERSION +CONTAINER-RUNTIME\nnode-1 +Ready/,
      );
      expect(await kubectl("get nodes --sort-by=.metadata.name -o name")).toBe("node/node-1\nnode/node-2\nnode/node-3\n");
      expect(await kubectl("get configmaps --field-selector=metadata.name=settings -o name")).toBe("configmap/settings\n");
      expect(await kubectl("get configmap,secret -A --chunk-size=1 -o name")).toContain("configmap/settings");
      expect(await kubectl("get --raw /readyz")).toBe("ok");
      expect((await tryKubectl("get configmap nothing")).stderr).toBe('Error from server (NotFound): configmaps "nothing" not found\n');
      expect((await tryKubectl("get nothings")).stderr).toBe('error: the server doesn\'t have a resource type "nothings"\n');
    });

    it("explain and api-resources", async () => {
      expect(await kubectl("explain deployment.spec.strategy")).toMatch(/KIND: +Deployment[\s\S]*RESOURCE|FIELDS[\s\S]*rollingUpdate/);
      expect(await kubectl("explain pod.spec.containers.image")).toMatch(/image.*<?string>?/i);
      expect(await kubectl("explain configmap --recursive")).toMatch(/binaryData/);
      const resources = await kubectl("api-resources --no-headers");
      for (const line of [/^pods +po +v1 +true +Pod$/m, /^deployments +deploy +apps\/v1 +true +Deployment$/m, /^nodes +no +v1 +false +Node$/m]) expect(resources).toMatch(line);
      expect(await kubectl("api-resources --api-group=batch --verbs=list -o name")).toMatch(/^cronjobs\.batch\njobs\.batch\n$/);
      expect(await kubectl("api-versions")).toMatch(/^apps\/v1$/m);
    });

    it("auth can-i", async () => {
      expect(await kubectl("auth can-i create pods")).toBe("yes\n");
      expect(await tryKubectl(`auth can-i create pods --as=system:serviceaccount:${namespace}:default`)).toMatchObject({ code: 1, stdout: "no\n" });
      await kubectl(`create role reader --verb=get,list --resource=pods`);
      await kubectl(`create rolebinding reader --role=reader --serviceaccount=${namespace}:default`);
      expect(await kubectl(`auth can-i list pods --as=system:serviceaccount:${namespace}:default`)).toBe("yes\n");
      expect(await kubectl(`auth can-i --list --as=system:serviceaccount:${namespace}:default`)).toMatch(/pods +\[\] +\[\] +\[get list\]/);
      expect((await tryKubectl(`delete pod some --as=system:serviceaccount:${namespace}:default`)).stderr).toBe(
        `Error from server (Forbidden): pods "some" is forbidden: User "system:serviceaccount:${namespace}:default" cannot delete resource "pods" in API group "" in the namespace "${namespace}"\n`,
      );
    });

    it("run, wait, events, logs of what is simulated, and delete", async () => {
      expect(await kubectl("run single --image=busybox --labels=app=single --port=80 --env=A=b")).toBe("pod/single created\n");
      expect(await kubectl("wait pod/single --for=condition=Ready --timeout=60s")).toBe("pod/single condition met\n");
      expect(await kubectl("get pod single -o wide")).toMatch(/single +1\/1 +Running +0 +\S+ +\d+\.\d+\.\d+\.\d+ +node-\d/);
      expect(await kubectl("events --for=pod/single")).toMatch(/Normal +Scheduled +Pod\/single +Successfully assigned v-[\w-]+\/single to node-\d/);
      expect(await kubectl("get events --field-selector=reason=Started")).toMatch(/pod\/single/);
      expect(await kubectl("describe pod single")).toMatch(/Normal +Started/);
      expect(await kubectl("delete pod single --wait=false")).toMatch(/^pod "single" deleted/);
      expect(await kubectl("wait pod/single --for=delete --timeout=60s")).toMatch(/^(pod\/single condition met\n)?$/);
      expect((await tryKubectl("delete pod single")).stderr).toBe('Error from server (NotFound): pods "single" not found\n');
      expect(await kubectl("delete pods,configmaps -l app=demo --ignore-not-found")).toMatch(/^(No resources found\n)?$/);
    });
  });
});
