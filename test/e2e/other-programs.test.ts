import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "./cluster.ts";
import { runProgram } from "./run-program.ts";

const program = (name: string): string | undefined =>
  (process.env["PATH"] ?? "")
    .split(":")
    .map((folder) => join(folder, name))
    .find(existsSync);
const settings = `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: default }
data: { a: b }
`;
const web = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: default }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: nginx }] }
`;

/** Programs of others that speak to Kubernetes and know nothing of Keles, as far as this machine has them. */
describe("programs of others", () => {
  let cluster: Cluster;
  let folder = "";
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "keles-programs-"));
    cluster = await Cluster.start({ runtime: "simulated", nodes: 2 });
  });
  afterAll(async () => {
    await cluster?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = async (name: string, args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runProgram(name, args, { folder, environment: { KUBECONFIG: cluster.kubeconfig, HOME: folder } });
    expect(code, `${name} ${args.join(" ")}\n${stdout}${stderr}`).toBe(0);
    return stdout;
  };

  const kpt = program("kpt");
  it.skipIf(kpt === undefined)(`kpt (client-go) applies, waits, prunes and destroys a package${kpt === undefined ? " (skipped: it is not installed)" : ""}`, async () => {
    writeFileSync(join(folder, "Kptfile"), "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata: { name: demo }\n");
    writeFileSync(join(folder, "settings.yaml"), settings);
    writeFileSync(join(folder, "web.yaml"), web);
    await run("kpt", ["live", "install-resource-group"]);
    await run("kpt", ["live", "init", "--namespace", "default"]);
    const first = await run("kpt", ["live", "apply", "--reconcile-timeout=50s"]);
    expect(first).toContain("apply result: 2 attempted, 2 successful, 0 skipped, 0 failed");
    expect(first).toContain("reconcile result: 2 attempted, 2 successful, 0 skipped, 0 failed, 0 timed out");
    expect(await run("kpt", ["live", "status"])).toContain("deployment.apps/default/web is Current: Deployment is available. Replicas: 2");
    rmSync(join(folder, "settings.yaml"));
    expect(await run("kpt", ["live", "apply", "--reconcile-timeout=50s"])).toContain("prune result: 1 attempted, 1 successful, 0 skipped, 0 failed");
    expect(await cluster.kubectl("get configmap settings --ignore-not-found")).toBe("");
    expect(await run("kpt", ["live", "destroy"])).toContain("delete result: 1 attempted, 1 successful, 0 skipped, 0 failed");
  });

  const hasRuby = existsSync("/usr/share/doc/ruby-kubeclient");
  it.skipIf(!hasRuby)(`ruby-kubeclient lists, patches and watches${hasRuby ? "" : " (skipped: it is not installed)"}`, async () => {
    await cluster.kubectl("create deployment ruby-web --image=nginx");
    expect(await run("/usr/bin/ruby", [fileURLToPath(new URL("programs/ruby_client.rb", import.meta.url))])).toBe(
      ["nodes node-1 node-2", 'data {"b":"2"}', "watched ADDED MODIFIED MODIFIED DELETED", 'missing 404 pods "none" not found', "deployments ruby-web", ""].join("\n"),
    );
  });

  const kubens = program("kubens");
  it.skipIf(kubens === undefined)(`kubectx and kubens choose context and namespace${kubens === undefined ? " (skipped: they are not installed)" : ""}`, async () => {
    expect((await run("kubectx", [])).trim()).toBe((await cluster.kubectl("config current-context")).trim());
    expect((await run("kubens", [])).trim().split("\n").sort()).toEqual(["default", "kube-node-lease", "kube-public", "kube-system"]);
    await run("kubens", ["kube-system"]);
    expect((await cluster.kubectl("config view --minify -o jsonpath={..namespace}")).trim()).toBe("kube-system");
    await run("kubens", ["default"]);
  });
});
