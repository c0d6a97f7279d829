import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Shell, Topic } from "./shell.ts";

const settings = (colour: string, more: object = {}, name = "settings"): string =>
  JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels: { app: "demo" } }, data: { colour, size: "small", ...more } });
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

async function applyAndDiff(shell: Shell): Promise<void> {
  await shell.says("apply -f -", "configmap/settings created\n", { stdin: settings("blue") });
  await shell.says("apply -f -", "configmap/settings unchanged\n", { stdin: settings("blue") });
  await shell.says(["patch", "configmap", "settings", "-p", '{"data":{"theirs":"stays"}}'], "configmap/settings patched\n");
  await shell.says("apply -f -", "configmap/settings configured\n", { stdin: settings("green", { more: "yes" }) });
  await shell.says("apply -f - --dry-run=server", "configmap/settings configured (server dry run)\n", { stdin: settings("green") });
  await shell.says("apply -f -", "configmap/settings configured\n", { stdin: settings("green") });
  expect(JSON.parse(await shell.field("configmap settings", ".data"))).toEqual({ colour: "green", size: "small", theirs: "stays" });
  expect(JSON.parse(await shell.read("apply view-last-applied configmap/settings -o json"))).toMatchObject({ data: { colour: "green", size: "small" } });
  await shell.says("diff -f -", "", { stdin: settings("green") });
  const differs = await shell.run("diff -f -", { stdin: settings("red") });
  expect([differs.code, /^-  colour: green\n\+  colour: red$/m.test(differs.stdout)]).toEqual([1, true]);
  const server = await shell.run("diff --server-side --force-conflicts -f -", { stdin: settings("red") });
  expect([server.code, /^\+  colour: red$/m.test(server.stdout)]).toEqual([1, true]);
  expect(await shell.field("configmap settings", ".data.colour")).toBe("green");
  await shell.says("apply -f - --prune -l app=demo --prune-allowlist=core/v1/ConfigMap", /^configmap\/second created\nconfigmap\/settings pruned\n$/, {
    stdin: settings("x", {}, "second"),
  });
  await shell.read("delete configmap second");
}

async function serverSideApply(shell: Shell): Promise<void> {
  const mine = "apply --server-side -f -";
  await shell.says(mine, "configmap/settings serverside-applied\n", { stdin: settings("blue") });
  const conflict = await shell.run(`${mine} --field-manager=other`, { stdin: settings("red") });
  expect(conflict.code).toBe(1);
  expect(conflict.stderr).toBe(
    [
      'error: Apply failed with 1 conflict: conflict with "kubectl": .data.colour',
      "Please review the fields above--they currently have other managers. Here",
      "are the ways you can resolve this warning:",
      "* If you intend to manage all of these fields, please re-run the apply",
      "  command with the `--force-conflicts` flag.",
      "* If you do not intend to manage all of the fields, please edit your",
      "  manifest to remove references to the fields that should keep their",
      "  current managers.",
      "* You may co-own fields by updating your manifest to match the existing",
      "  value; in this case, you'll become the manager if the other manager(s)",
      "  stop managing the field (remove it from their configuration).",
      "See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts",
      "",
    ].join("\n"),
  );
  await shell.says(`${mine} --field-manager=other --force-conflicts`, "configmap/settings serverside-applied\n", { stdin: settings("red") });
  expect(await shell.field("configmap settings", ".data.colour")).toBe("red");
  expect((await shell.field("configmap settings", ".metadata.managedFields[*].manager")).split(" ").sort()).toEqual(["kubectl", "other"]);
  await shell.read("delete configmap settings");
}

async function editing(shell: Shell): Promise<void> {
  const editor = (name: string, script: string): Record<string, string> => {
    const path = join(shell.folder, `${shell.suffix}-${name}`);
    writeFileSync(path, `#!/bin/sh\n${script} "$1"\n`, { mode: 0o755 });
    return { KUBE_EDITOR: path };
  };
  await shell.read("create -f -", { stdin: settings("blue") });
  const red = editor("red", "sed -i s/colour:\\ blue/colour:\\ red/");
  await shell.says("edit configmap settings", "configmap/settings edited\n", { environment: red });
  const again = await shell.run("edit configmap settings", { environment: red });
  expect([again.code, again.stdout + again.stderr]).toEqual([0, "Edit cancelled, no changes made.\n"]);
  await shell.says("edit configmap settings -o json", /"colour": "blue"/, { environment: editor("json", 'sed -i \'s/"colour": "red"/"colour": "blue"/\'') });
  expect(await shell.field("configmap settings", ".data.colour")).toBe("blue");
}

async function patching(shell: Shell): Promise<void> {
  const patch = (...args: readonly string[]): readonly string[] => ["patch", "configmap", "settings", ...args];
  await shell.says(patch("-p", '{"data":{"colour":"one"}}'), "configmap/settings patched\n");
  await shell.says(patch("--type=merge", "-p", '{"data":{"colour":"two","size":null}}'), "configmap/settings patched\n");
  await shell.says(patch("--type=json", "-p", '[{"op":"add","path":"/data/new","value":"three"}]'), "configmap/settings patched\n");
  expect(JSON.parse(await shell.field("configmap settings", ".data"))).toEqual({ colour: "two", new: "three" });
  await shell.says(patch("-p", '{"data":{"colour":"two"}}'), "configmap/settings patched (no change)\n");
  const rejected = "The request is invalid: the server rejected our request due to an error in our request\n";
  await shell.fails(patch("--type=json", "-p", '[{"op":"remove","path":"/data/none"}]'), rejected);
  await shell.fails(patch("--type=json", "-p", '[{"op":"test","path":"/data/colour","value":"z"}]'), rejected);
  await shell.fails(patch("-p", '{"data":{"colour":1}}'), 'The request is invalid: patch: Invalid value: "map[data:map[colour:1]]": cannot convert int64 to string\n');
  await shell.fails("patch configmap none -p {}", 'Error from server (NotFound): configmaps "none" not found\n');
  await shell.says("replace -f -", "configmap/settings replaced\n", { stdin: settings("four") });
  expect(JSON.parse(await shell.field("configmap settings", ".data"))).toEqual({ colour: "four", size: "small" });
  const forced = await shell.read("replace --force -f -", { stdin: settings("five") });
  expect(forced).toMatch(/^configmap "settings" deleted.*\nconfigmap\/settings replaced\n$/);
  await shell.fails("replace -f -", 'Error from server (NotFound): error when replacing "STDIN": configmaps "absent" not found\n', { stdin: settings("x", {}, "absent") });
  const stale = JSON.parse(settings("x")) as { metadata: object };
  await shell.fails(
    "replace -f -",
    'Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled on configmaps "settings": the object has been modified; please apply your changes to the latest version and try again\n',
    { stdin: JSON.stringify({ ...stale, metadata: { ...stale.metadata, resourceVersion: "1" } }) },
  );
}

async function labelling(shell: Shell): Promise<void> {
  await shell.says("label configmap settings tier=front", "configmap/settings labeled\n");
  await shell.says("label configmap settings tier=front", "configmap/settings not labeled\n");
  await shell.fails("label configmap settings tier=back", "error: 'tier' already has a value (front), and --overwrite is false\n");
  await shell.says("label configmap settings tier=back --overwrite", "configmap/settings labeled\n");
  await shell.says("get configmap -l tier=back,app!=other -o name", "configmap/settings\n");
  await shell.says(["get", "configmap", "-l", "tier in (front,side)", "-o", "name"], "");
  await shell.says("label configmap settings --list", /^(app=demo\ntier=back|tier=back\napp=demo)\n$/);
  await shell.says("label configmap settings tier-", "configmap/settings unlabeled\n");
  await shell.says("label configmap settings none-", /configmap\/settings not labeled\n$/);
  await shell.fails(["label", "configmap", "settings", "bad key=x"], /^The ConfigMap "settings" is invalid: metadata\.labels: Invalid value: "bad key": name part must consist of/);
  await shell.says("annotate configmap settings note=here", /^configmap\/settings annotated?\n$/);
  await shell.fails("annotate configmap settings note=there", "error: --overwrite is false but found the following declared annotation(s): 'note' already has a value (here)\n");
  await shell.says("annotate configmap settings note=there --overwrite", /^configmap\/settings annotated?\n$/);
  expect(await shell.field("configmap settings", ".metadata.annotations.note")).toBe("there");
}

async function strategic(shell: Shell): Promise<void> {
  await shell.read("apply -f -", { stdin: web("nginx:1") });
  await shell.read(["patch", "deployment", "web", "-p", '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"busybox"}]}}}}']);
  expect((await shell.field("deployment web", ".spec.template.spec.containers[*].name")).split(" ").sort()).toEqual(["side", "web"]);
  await shell.says("apply -f -", "deployment.apps/web configured\n", { stdin: web("nginx:2") });
  expect((await shell.field("deployment web", ".spec.template.spec.containers[*].image")).split(" ").sort()).toEqual(["busybox", "nginx:2"]);
  await shell.says(
    ["patch", "deployment", "web", "--subresource=scale", "--type=merge", "-p", '{"spec":{"replicas":3}}'],
    /^(scale\.autoscaling|deployment\.apps)\/web patched\n$/,
  );
  expect(await shell.field("deployment web", ".spec.replicas")).toBe("3");
  await shell.says("get deployment web --subresource=scale", /^NAME +DESIRED +AVAILABLE +AGE\nweb +3 +\d +\d+s\n$/);
  await shell.says("get deployment web --subresource=status -o name", "deployment.apps/web\n");
}

async function setting(shell: Shell): Promise<void> {
  await shell.says("set image deploy/web web=nginx:3", "deployment.apps/web image updated\n");
  await shell.fails("set image deploy/web nope=x", 'error: unable to find container named "nope"\n');
  await shell.says("set env deploy/web A=B", "deployment.apps/web env updated\n");
  await shell.says("set env deploy/web --list", /# Deployment web, container web\nA=B\n/);
  await shell.says("set env deploy/web A-", "deployment.apps/web env updated\n");
  await shell.says("set resources deploy/web --limits=cpu=200m,memory=64Mi --requests=cpu=100m", "deployment.apps/web resource requirements updated\n");
  await shell.fails("set resources deploy/web --limits=cpu=x", /^error: quantities must match the regular expression/);
  await shell.says("set serviceaccount deploy/web default", "deployment.apps/web serviceaccount updated\n");
  await shell.read("create service clusterip web --tcp=80");
  await shell.says("set selector service/web app=web,x=y", "service/web selector updated\n");
  expect(JSON.parse(await shell.field("service web", ".spec.selector"))).toEqual({ app: "web", x: "y" });
  await shell.read("create rolebinding viewers --clusterrole=view --user=jane");
  await shell.says("set subject rolebinding viewers --user=bob", "rolebinding.rbac.authorization.k8s.io/viewers subjects updated\n");
}

export const apply: Topic = {
  name: "apply, diff, edit, patch, replace",
  async run(shell) {
    await applyAndDiff(shell);
    await serverSideApply(shell);
    await editing(shell);
    await patching(shell);
  },
};
export const change: Topic = {
  name: "label, annotate, set, strategic patches",
  async run(shell) {
    await shell.read("create -f -", { stdin: settings("blue") });
    await labelling(shell);
    await strategic(shell);
    await setting(shell);
  },
};
