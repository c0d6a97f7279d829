import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { fittingObject } from "../../integration/fitting-objects.ts";
import { until } from "../until.ts";
import type { Shell, Topic } from "./shell.ts";

async function rights(shell: Shell): Promise<void> {
  const robot = `system:serviceaccount:${shell.namespace}:default`;
  await shell.says("auth can-i create pods", "yes\n");
  await shell.says(["auth", "can-i", "*", "*"], "yes\n");
  const no = await shell.run(`auth can-i list pods --as=${robot}`);
  expect([no.code, no.stdout]).toEqual([1, "no\n"]);
  await shell.read("create role reader --verb=get,list --resource=pods,pods/log");
  await shell.read(`create rolebinding reader --role=reader --serviceaccount=${shell.namespace}:default`);
  await shell.says(`auth can-i list pods --as=${robot}`, "yes\n");
  await shell.says(`auth can-i get pods --subresource=log --as=${robot}`, "yes\n");
  const everywhere = await shell.run(`auth can-i list pods -A --as=${robot}`);
  expect([everywhere.code, everywhere.stdout]).toEqual([1, "no\n"]);
  await shell.says("auth can-i get /healthz --as=nobody", "yes\n");
  await shell.says(`auth can-i --list --as=${robot}`, /^Resources +Non-Resource URLs +Resource Names +Verbs\n[\s\S]*^pods(\/log)? +\[\] +\[\] +\[get list\]$/m);
  await shell.warns("auth can-i list nothings", /^Warning: the server doesn't have a resource type 'nothings'\n/);
  await shell.fails(
    `delete pod some --as=${robot}`,
    `Error from server (Forbidden): pods "some" is forbidden: User "${robot}" cannot delete resource "pods" in API group "" in the namespace "${shell.namespace}"\n`,
  );
  // Before 1.28 it knew only the versions of that kind that are no longer served.
  if (shell.since(28)) {
    await shell.says("auth whoami -o jsonpath={.status.userInfo.username}", "kubernetes-admin");
    await shell.says("auth whoami --as=bob --as-group=devs", "ATTRIBUTE   VALUE\nUsername    bob\nGroups      [devs system:authenticated]\n");
  }
  const role = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: { name: "reader", namespace: shell.namespace } };
  await shell.says("auth reconcile -f -", /^role\.rbac\.authorization\.k8s\.io\/reader reconciled\n/, {
    stdin: JSON.stringify({ ...role, rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["watch"] }] }),
  });
}

async function certificates(shell: Shell): Promise<void> {
  const kind = { group: "certificates.k8s.io", version: "v1", resource: "certificatesigningrequests", kind: "CertificateSigningRequest" };
  const names = [`yes-${shell.suffix}`, `no-${shell.suffix}`] as const;
  for (const name of names)
    await shell.says("create -f -", `certificatesigningrequest.certificates.k8s.io/${name} created\n`, {
      stdin: JSON.stringify({ ...fittingObject(kind, 1), metadata: { name } }),
    });
  const [yes, no] = names;
  await shell.says(`get csr ${yes}`, /^NAME +AGE +SIGNERNAME +REQUESTOR +REQUESTEDDURATION +CONDITION\n\S+ +\d+s +example\.com\/signer +kubernetes-admin +<none> +Pending\n$/);
  await shell.says(`certificate approve ${yes}`, `certificatesigningrequest.certificates.k8s.io/${yes} approved\n`);
  await shell.says(`certificate deny ${no}`, `certificatesigningrequest.certificates.k8s.io/${no} denied\n`);
  await shell.fails(`certificate deny ${yes}`, `error: certificate signing request "${yes}" is already Approved\n`);
  await shell.fails("certificate approve none", 'Error from server (NotFound): certificatesigningrequests.certificates.k8s.io "none" not found\n');
  await shell.says(`get csr ${yes} ${no} --no-headers`, /Approved\n.*Denied\n$/);
  await shell.read(`delete csr ${yes} ${no}`);
}

/** On a node of its own that nobody runs: the others must go on. */
async function nodes(shell: Shell): Promise<void> {
  const node = `paper-${shell.suffix}`;
  await shell.says("create -f -", `node/${node} created\n`, {
    stdin: JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name: node, labels: { paper: shell.suffix } } }),
  });
  await shell.says(`cordon ${node}`, `node/${node} cordoned\n`);
  await shell.says(`cordon ${node}`, `node/${node} already cordoned\n`);
  await shell.says(`get node ${node}`, /NotReady,SchedulingDisabled|Unknown,SchedulingDisabled/);
  await shell.says(`uncordon -l paper=${shell.suffix}`, `node/${node} uncordoned\n`);
  await shell.says(`uncordon ${node}`, `node/${node} already uncordoned\n`);
  await shell.fails("cordon none", 'Error from server (NotFound): nodes "none" not found\n');
  await shell.says(`taint node ${node} a=b:NoSchedule`, `node/${node} tainted\n`);
  await shell.fails(`taint node ${node} a=c:NoSchedule`, `error: node ${node} already has a taint(s) with same effect(s) and --overwrite is false\n`);
  await shell.says(`taint node ${node} a=c:NoSchedule --overwrite`, `node/${node} modified\n`);
  await shell.says(`taint node ${node} a:NoSchedule-`, `node/${node} untainted\n`);
  await shell.fails(`taint node ${node} a:NoSchedule-`, 'error: taint "a:NoSchedule" not found\n');
  await shell.fails(`taint node ${node} a=b:Nope`, /^error: invalid taint effect: Nope, unsupported taint effect\n/);
  const bare = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "bare" },
    spec: { nodeName: node, containers: [{ name: "a", image: "a" }], tolerations: [{ operator: "Exists" }] },
  };
  await shell.read("create -f -", { stdin: JSON.stringify(bare) });
  await shell.fails(
    `drain ${node}`,
    /cannot delete (cannot delete )?Pods (that declare no controller|declare no controller|not managed by ReplicationController, ReplicaSet, Job, DaemonSet or StatefulSet) \(use --force to override\): \S+\/bare/,
  );
  await shell.says(
    `drain ${node} --force --ignore-daemonsets --delete-emptydir-data --dry-run=server`,
    new RegExp(`evicting pod ${shell.namespace}/bare \\(server dry run\\)\\nnode/${node} drained \\(server dry run\\)\\n$`),
  );
  await shell.read("delete pod bare --grace-period=0 --force");
  await shell.says(`drain ${node}`, new RegExp(`^node/${node} already cordoned\\nnode/${node} drained\\n$`));
  await shell.says(`delete node ${node}`, /^node "paper-\S+" deleted/);
  const top = await shell.run("top nodes");
  expect([top.code === 0 && /^NAME +CPU\(cores\)/.test(top.stdout), top.code === 1 && top.stderr === "error: Metrics API not available\n"]).toContain(true);
}

async function kustomize(shell: Shell): Promise<void> {
  const folder = join(shell.folder, shell.suffix);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "kustomization.yaml"), "resources: [base.yaml]\nnamePrefix: pre-\nconfigMapGenerator: [{ name: made, literals: [a=b] }]\n");
  writeFileSync(join(folder, "base.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: base }\ndata: { x: y }\n");
  await shell.says(`kustomize ${folder}`, /name: pre-base\n---\n[\s\S]*name: pre-made-\w{10}\n$/);
  await shell.says(`apply -k ${folder}`, /^configmap\/pre-base created\nconfigmap\/pre-made-\w{10} created\n$/);
  await shell.says(`diff -k ${folder}`, "");
  await shell.says(`get -k ${folder} -o name`, /^configmap\/pre-base\nconfigmap\/pre-made-\w{10}\n$/);
  await shell.says(`delete -k ${folder}`, /^configmap "pre-base" deleted.*\nconfigmap "pre-made-\w{10}" deleted.*\n$/);
}

async function proxy(shell: Shell): Promise<void> {
  const running = shell.follow("proxy --port=0");
  try {
    const port = await until("the proxy listens", () => /Starting to serve on 127\.0\.0\.1:(\d+)/.exec(running.text())?.[1]);
    expect(await (await fetch(`http://127.0.0.1:${port}/version`)).json()).toMatchObject({ major: "1", minor: "36" });
    expect((await fetch(`http://127.0.0.1:${port}/api/v1/namespaces/${shell.namespace}/configmaps/kube-root-ca.crt`)).status).toBe(200);
  } finally {
    await running.stop();
  }
}

export const access: Topic = {
  name: "auth, certificate, proxy, kustomize",
  async run(shell) {
    await rights(shell);
    await certificates(shell);
    await kustomize(shell);
    await proxy(shell);
  },
};
export const onNodes: Topic = { name: "cordon, drain, taint, top", run: nodes };
