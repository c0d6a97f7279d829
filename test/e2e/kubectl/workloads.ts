import { expect } from "vitest";
import { until } from "../until.ts";
import type { Shell, Topic } from "./shell.ts";

async function scaling(shell: Shell): Promise<void> {
  await shell.read("create deployment web --image=nginx:1 --replicas=2 --port=80");
  await shell.says("rollout status deployment/web --timeout=60s", /deployment "web" successfully rolled out\n$/);
  await shell.fails("scale deployment web --replicas=1 --current-replicas=9", "error: Expected replicas to be 9, was 2\n");
  await shell.says("scale deployment web --replicas=1 --current-replicas=2", "deployment.apps/web scaled\n");
  await shell.fails("scale deployment web --replicas=-1", /^error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0\n$/);
  await shell.fails("scale deployment none --replicas=1", /^error: no objects passed to scale( deployments\.apps "none" not found)?\n$/);
  await shell.says("scale deployment --all --replicas=2", "deployment.apps/web scaled\n");
  await shell.says("autoscale deployment web --min=2 --max=5 --cpu-percent=80", "horizontalpodautoscaler.autoscaling/web autoscaled\n");
  await shell.fails("autoscale deployment web --min=1 --max=5", 'Error from server (AlreadyExists): horizontalpodautoscalers.autoscaling "web" already exists\n');
  await shell.fails("autoscale deployment web --min=6 --max=5", "error: --max=MAXPODS must be larger or equal to --min=MINPODS, max: 5, min: 6\n");
  await shell.says("get hpa", /^NAME +REFERENCE +TARGETS +MINPODS +MAXPODS +REPLICAS +AGE\nweb +Deployment\/web +cpu: <unknown>\/80% +2 +5 +\d +\d+s\n$/);
  await shell.says("delete hpa web", /^horizontalpodautoscaler\.autoscaling "web" deleted/);
  await shell.says("expose deployment web --port=80 --target-port=8080 --name=open --type=NodePort", "service/open exposed\n");
  await shell.says("expose deployment web", "service/web exposed\n");
  await shell.fails("expose deployment none --port=80", 'Error from server (NotFound): deployments.apps "none" not found\n');
  await shell.fails("expose serviceaccount default --port=80", "error: cannot expose a ServiceAccount\n");
}

async function rollouts(shell: Shell): Promise<void> {
  const settled = (): Promise<string> => shell.says("rollout status deployment/web --timeout=60s", /deployment "web" successfully rolled out\n$/);
  await shell.says("set image deployment/web nginx=nginx:2", "deployment.apps/web image updated\n");
  await settled();
  await shell.says("annotate deployment/web kubernetes.io/change-cause=second", /^deployment\.apps\/web annotated?\n$/);
  await until("the cause is recorded", async () => /^2 +second$/m.test(await shell.read("rollout history deployment/web")));
  await shell.says("rollout history deployment/web", "deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         <none>\n2         second\n\n");
  await shell.says(
    "rollout history deployment/web --revision=1",
    /^deployment\.apps\/web with revision #1\nPod Template:\n {2}Labels:\tapp=web\n\tpod-template-hash=\w+\n {2}Containers:\n {3}nginx:\n {4}Image:\tnginx:1\n/,
  );
  await shell.says("rollout pause deployment/web", "deployment.apps/web paused\n");
  await shell.fails("rollout pause deployment/web", 'error: deployments.apps "web" is already paused\n');
  await shell.fails("rollout undo deployment/web", /^error: you cannot rollback a paused deployment; resume it first with '?kubectl rollout resume/);
  await shell.says("rollout resume deployment/web", "deployment.apps/web resumed\n");
  await shell.fails("rollout resume deployment/web", 'error: deployments.apps "web" is not paused\n');
  await shell.fails("rollout undo deployment/web --to-revision=99", "error: unable to find specified revision 99 in history\n");
  await shell.says("rollout undo deployment/web", "deployment.apps/web rolled back\n");
  expect(await shell.field("deployment web", ".spec.template.spec.containers[0].image")).toBe("nginx:1");
  await settled();
  await shell.says("rollout restart deployment/web", "deployment.apps/web restarted\n");
  await settled();
  await shell.fails("rollout undo deployment/none", 'Error from server (NotFound): deployments.apps "none" not found\n');
}

async function running(shell: Shell): Promise<void> {
  await shell.says("run single --image=busybox --labels=app=single,c=d --env=A=B --port=80 --restart=Never --command -- sleep 100", "pod/single created\n");
  expect(await shell.field("pod single", ".spec.containers[0].command")).toBe('["sleep","100"]');
  await shell.fails("run single --image=busybox", 'Error from server (AlreadyExists): pods "single" already exists\n');
  await shell.says("run open --image=busybox --expose --port=80", "service/open created\npod/open created\n");
  await shell.says(
    ["run", "printed", "--image=busybox", "-o", "jsonpath={.metadata.name}", "--annotations=x=y", "--image-pull-policy=Never", "-l", "q=r", "--privileged"],
    "printed",
  );
  expect(await shell.field("pod printed", ".spec.containers[0].securityContext.privileged")).toBe("true");
  await shell.says(["run", "dry", "--image=busybox", "--dry-run=client", "-o", "jsonpath={.spec.priorityClassName}", '--overrides={"spec":{"priorityClassName":"high"}}'], "high");
  await shell.fails(["run", "bad", "--image=BAD IMAGE"], 'error: Invalid image name "BAD IMAGE": invalid reference format\n');
  await shell.says("wait pod/single --for=condition=Ready --timeout=60s", "pod/single condition met\n");
  await shell.says("get pod single -o wide", /single +1\/1 +Running +0 +\S+ +\d+\.\d+\.\d+\.\d+ +node-\d +<none> +<none>\n$/);
  await shell.says("describe pod single", /Normal +Scheduled +\S+ +default-scheduler +Successfully assigned \S+\/single to node-\d[\s\S]*Normal +Started/);
  await shell.says("events --for=pod/single", /Normal +Scheduled +Pod\/single +Successfully assigned/);
}

async function deleting(shell: Shell): Promise<void> {
  await shell.says("delete pod single --now", /^pod "single" deleted/);
  await shell.fails("delete pod single", 'Error from server (NotFound): pods "single" not found\n');
  await shell.warns("delete pod open --grace-period=0 --force", /^Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated/);
  await shell.says("delete pod printed --wait=false", /^pod "printed" deleted/);
  await shell.says("wait pod/printed --for=delete --timeout=60s", /^(pod\/printed condition met\n)?$/);
  await shell.says("delete deployment web --cascade=orphan", /^deployment\.apps "web" deleted/);
  expect((await shell.read("get replicasets -l app=web -o name")).split("\n").length).toBeGreaterThan(1);
  await shell.says("delete replicasets -l app=web --cascade=foreground --timeout=60s", /^replicaset\.apps "web-\w+" deleted/);
  await until("the pods went with it", async () => (await shell.read("get pods -l app=web -o name")) === "");
  await shell.says("delete service --all --dry-run=server", /^service "open" deleted.*\(server dry run\).*\nservice "web" deleted.*\(server dry run\).*\n$/);
  await shell.says("delete service open web --cascade=background", /^service "open" deleted.*\nservice "web" deleted.*\n$/);
  await shell.says("delete service none --ignore-not-found", "");
  await shell.says("delete pods,configmaps -l a=nobody", /^(No resources found\n)?$/);
  await shell.fails("delete configmap", "error: resource(s) were provided, but no name was specified\n");
  await shell.fails("delete nothings x", 'error: the server doesn\'t have a resource type "nothings"\n');
}

export const workloads: Topic = {
  name: "scale, autoscale, expose, rollout",
  async run(shell) {
    await scaling(shell);
    await rollouts(shell);
    await shell.read("delete deployment,service --all");
  },
};
export const pods: Topic = {
  name: "run and delete",
  async run(shell) {
    await shell.read("create deployment web --image=nginx --replicas=2 --port=80");
    await shell.read("expose deployment web");
    await running(shell);
    await deleting(shell);
  },
};
