import { stripVTControlCharacters } from "node:util";
import { expect } from "vitest";
import { until } from "../until.ts";
import type { Shell, Topic } from "./shell.ts";

async function forms(shell: Shell): Promise<void> {
  await shell.read("create configmap settings --from-literal=colour=blue --from-literal=size=small");
  await shell.read("label configmap settings app=demo");
  const get = (more: string | readonly string[]): readonly string[] => ["get", "configmap", "settings", ...(typeof more === "string" ? more.split(" ") : more)];
  await shell.says("get configmap settings", /^NAME +DATA +AGE\nsettings +2 +\d+s\n$/);
  await shell.says(get("--no-headers"), /^settings +2 +\d+s\n$/);
  await shell.says(get("--show-labels -L app"), /^NAME +DATA +AGE +APP +LABELS\nsettings +2 +\d+s +demo +app=demo\n$/);
  expect(JSON.parse(await shell.read(get("-o json")))).toMatchObject({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { colour: "blue" } });
  await shell.says(get("-o yaml"), /^apiVersion: v1\ndata:\n {2}colour: blue\n {2}size: small\nkind: ConfigMap\nmetadata:\n/);
  await shell.says(get("-o yaml --show-managed-fields"), /\n {2}managedFields:\n {2}- apiVersion: v1\n {4}fieldsType: FieldsV1\n/);
  await shell.says(get("-o name"), "configmap/settings\n");
  await shell.says(get("-o custom-columns=NAME:.metadata.name,COLOUR:.data.colour,NONE:.data.none"), "NAME       COLOUR   NONE\nsettings   blue     <none>\n");
  await shell.says(get(["-o", "jsonpath={.metadata.name}={.data.colour}"]), "settings=blue");
  await shell.says(get(["-o", "go-template={{range $k, $v := .data}}{{$k}}:{{$v}} {{end}}"]), "colour:blue size:small ");
  expect(JSON.parse(await shell.read("get configmaps -o json"))).toMatchObject({ kind: "List" });
  await shell.says(
    "get nodes -o wide",
    /^NAME +STATUS +ROLES +AGE +VERSION +INTERNAL-IP +EXTERNAL-IP +OS-IMAGE +KERNEL-VERSION +CONTAINER-RUNTIME\nnode-1 +Ready +<none> +\d+\w* +v1\.36\./,
  );
  await shell.says("get nodes node-3 node-1 -o name", "node/node-3\nnode/node-1\n");
  await shell.says("get nodes node-2 node-3 node-1 --sort-by=.metadata.name -o name", /^node\/node-1\nnode\/node-2\nnode\/node-3\n$/);
  await shell.says("get configmaps --field-selector=metadata.name=settings -o name", "configmap/settings\n");
  await shell.says("get configmap,serviceaccount -A --chunk-size=40 -o name", /^configmap\/settings$/m);
  await shell.says("get --raw /readyz", "ok");
  expect(JSON.parse(await shell.read(["get", "--raw", `/api/v1/namespaces/${shell.namespace}/configmaps?limit=1`]))).toMatchObject({ metadata: { remainingItemCount: 1 } });
  await shell.says("get componentstatuses", /^NAME +STATUS +MESSAGE +ERROR *\ncontroller-manager +Healthy +ok *\nscheduler +Healthy +ok *\netcd-0 +Healthy +ok *\n$/);
  const none = await shell.run("get hpa");
  expect([none.code, none.stdout, none.stderr]).toEqual([0, "", `No resources found in ${shell.namespace} namespace.\n`]);
  await shell.says("describe configmap settings", /^Name: +settings\nNamespace: +\S+\nLabels: +app=demo\nAnnotations: +<none>\n\nData\n====\n[\s\S]*colour:\n----\nblue\n/);
}

async function refusals(shell: Shell): Promise<void> {
  await shell.fails("get configmap nothing", 'Error from server (NotFound): configmaps "nothing" not found\n');
  await shell.fails("get nothings", 'error: the server doesn\'t have a resource type "nothings"\n');
  await shell.fails("get configmaps none-1 none-2", 'Error from server (NotFound): configmaps "none-1" not found\nError from server (NotFound): configmaps "none-2" not found\n');
  await shell.fails("get configmap settings -l a=b", "error: name cannot be provided when a selector is specified\n");
  await shell.fails(
    "get pods --field-selector=spec.nope=1",
    'Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "", field selector "spec.nope=1": field label not supported: spec.nope\n',
  );
  await shell.fails("get --raw /nope", "Error from server (NotFound): the server could not find the requested resource\n");
}

async function watching(shell: Shell): Promise<void> {
  const all = shell.follow("get configmaps --watch -o name");
  const news = shell.follow("get configmaps --watch-only --output-watch-events --no-headers");
  try {
    await until("the watch begins", () => all.text().includes("configmap/settings\n"));
    await until("what is new is seen", async () => {
      await shell.read("create configmap watched");
      await shell.read("delete configmap watched");
      return all.text().includes("configmap/watched\n") && /^ADDED +watched +0 +\d+s\nDELETED +watched +0 +\d+s$/m.test(news.text());
    });
    expect(news.text()).not.toContain("settings");
  } finally {
    await Promise.all([all.stop(), news.stop()]);
  }
}

async function documents(shell: Shell): Promise<void> {
  await shell.says("explain deployment.spec.strategy", /KIND: +Deployment\nVERSION: +(apps\/)?v1\n[\s\S]*rollingUpdate/);
  await shell.says("explain pod.spec.containers.image", /image[\s\S]*<?string>?/i);
  await shell.says("explain configmap --recursive", /binaryData\t<map\[string\]string>/);
  await shell.says("explain configmap --output plaintext-openapiv2", /^KIND: +ConfigMap\nVERSION: +v1\n[\s\S]*binaryData\t<map\[string\]string>/);
  await shell.says("explain horizontalpodautoscaler --api-version=autoscaling/v1", /VERSION: +(autoscaling\/)?v1\n/);
  await shell.fails("explain pods.spec.nothing", /error: field "nothing" does not exist\n$/);
  await shell.fails("explain nothing", /the server doesn't have a resource type "nothing"\n$/);
  const resources = await shell.read("api-resources -o wide --no-headers");
  for (const line of [
    /^pods +po +v1 +true +Pod +create,delete,deletecollection,get,list,patch,update,watch +all$/m,
    /^deployments +deploy +apps\/v1 +true +Deployment +create,delete,deletecollection,get,list,patch,update,watch +all$/m,
    /^nodes +no +v1 +false +Node +/m,
    /^bindings +v1 +true +Binding +create +$/m,
    /^componentstatuses +cs +v1 +false +ComponentStatus +get,list +$/m,
  ])
    expect(resources).toMatch(line);
  await shell.says("api-resources --api-group=batch --verbs=list,watch -o name", "cronjobs.batch\njobs.batch\n");
  expect((await shell.read("api-resources --namespaced=false --sort-by=kind -o name")).split("\n")).toContain("nodes");
  expect((await shell.read("api-versions")).split("\n")).toEqual(expect.arrayContaining(["apps/v1", "autoscaling/v2", "resource.k8s.io/v1", "v1"]));
  await shell.says("version", /^Server Version: .*v1\.36\./m);
  const info = stripVTControlCharacters(await shell.read("cluster-info"));
  expect(info).toMatch(/^Kubernetes control plane is running at https:\/\/127\.0\.0\.1:\d+\n/);
  expect(JSON.parse((await shell.read(`cluster-info dump --namespaces=${shell.namespace}`)).split("\n}\n")[0] + "}")).toMatchObject({ kind: "NodeList" });
  await shell.says("config get-contexts -o name", "keles-admin@keles\n");
  await shell.says("config view --minify -o jsonpath={.clusters[0].name}", "keles");
}

/** The client also grumbles when its own time ran out before the first event. */
const timedOut = /^(I\d+ .*very short watch.*\n)*error: timed out waiting for the condition on deployments\/web\n$/;

async function waiting(shell: Shell): Promise<void> {
  await shell.read("create deployment web --image=nginx");
  await shell.says("wait --for=condition=Available deployment/web --timeout=60s", "deployment.apps/web condition met\n");
  await shell.says("wait --for=jsonpath={.spec.replicas}=1 deployment/web", "deployment.apps/web condition met\n");
  if (shell.since(30)) await shell.says("wait --for=jsonpath={.status.replicas} deployment/web", "deployment.apps/web condition met\n");
  await shell.fails("wait --for=condition=Nope deployment/web --timeout=1s", timedOut);
  await shell.fails("wait --for=delete deployment/web --timeout=1s", timedOut);
  await shell.fails("wait pod -l app=none --for=condition=Ready", "error: no matching resources found\n");
  await shell.says("wait pod -l app=web --for=condition=Ready", /^pod\/web-\S+ condition met\n$/);
  if (shell.since(31)) {
    const later = shell.run("wait --for=create configmap/later --timeout=30s");
    await shell.read("create configmap later");
    expect(await later).toMatchObject({ code: 0, stdout: "configmap/later condition met\n" });
    await shell.fails("wait --for=create configmap/never --timeout=1s", /timed out waiting for the condition/);
  }
  await shell.says(
    "events --for=deployment/web",
    /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n\S+ +Normal +ScalingReplicaSet +Deployment\/web +Scaled up replica set web-\w+ from 0 to 1\n$/,
  );
  await shell.says("events --types=Warning", /^(No events found in \S+ namespace\.\n)?$/);
  await shell.fails("events --types=Nope", "error: valid --types are Normal or Warning\n");
  await shell.says("get events --field-selector=involvedObject.kind=Deployment,type=Normal -o custom-columns=R:.reason --no-headers", "ScalingReplicaSet\n");
}

export const read: Topic = {
  name: "get in every form, watch, describe",
  async run(shell) {
    await forms(shell);
    await refusals(shell);
    await watching(shell);
  },
};
export const learn: Topic = {
  name: "explain, api-resources, wait, events",
  async run(shell) {
    await documents(shell);
    await waiting(shell);
  },
};
