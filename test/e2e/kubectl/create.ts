import { expect } from "vitest";
import type { Shell, Topic } from "./shell.ts";

/** `create` of everything that it has a generator for, with what the server then has. */
async function run(shell: Shell): Promise<void> {
  const { namespace, suffix } = shell;
  await shell.says("create deployment web --image=nginx --replicas=2 --port=80", "deployment.apps/web created\n");
  await shell.fails("create deployment web --image=nginx", 'error: failed to create deployment: deployments.apps "web" already exists\n');
  await shell.says("create job hello --image=busybox -- echo hi", "job.batch/hello created\n");
  await shell.says(["create", "cronjob", "tick", "--image=busybox", "--schedule=0 0 1 1 *", "--", "date"], "cronjob.batch/tick created\n");
  await shell.says("create job manual --from=cronjob/tick", "job.batch/manual created\n");
  expect(await shell.field("job manual", ".metadata.ownerReferences[0].kind")).toBe("CronJob");
  await shell.says("create ingress shop --rule=shop.example.com/cart*=web:80,tls=shop-cert --class=nginx --annotation a=b", "ingress.networking.k8s.io/shop created\n");
  await shell.says("get ingress shop", /^NAME +CLASS +HOSTS +ADDRESS +PORTS +AGE\nshop +nginx +shop\.example\.com +80, 443 +\d+s\n$/);
  await shell.says("create quota team --hard=configmaps=50", "resourcequota/team created\n");
  await shell.says("create role reader --verb=get,list --resource=pods,deployments.apps --resource-name=one", "role.rbac.authorization.k8s.io/reader created\n");
  await shell.says("describe role reader", /pods +\[\] +\[one\] +\[get list\]\n +deployments\.apps +\[\] +\[one\] +\[get list\]/);
  await shell.fails("create role bad --verb=get --resource=nothings", 'the server doesn\'t have a resource type "nothings"\n');
  await shell.says(
    `create rolebinding readers --role=reader --user=jane --group=devs --serviceaccount=${namespace}:default`,
    "rolebinding.rbac.authorization.k8s.io/readers created\n",
  );
  expect(await shell.field("rolebinding readers", ".subjects[*].kind")).toBe("User Group ServiceAccount");
  await shell.says(`create clusterrole all-${suffix} --aggregation-rule=rbac.example.com/all-${suffix}=true`, `clusterrole.rbac.authorization.k8s.io/all-${suffix} created\n`);
  await shell.says(`create clusterrole logs-${suffix} --verb=get --non-resource-url=/logs/*`, `clusterrole.rbac.authorization.k8s.io/logs-${suffix} created\n`);
  await shell.says(`create clusterrolebinding view-${suffix} --clusterrole=view --user=jim`, `clusterrolebinding.rbac.authorization.k8s.io/view-${suffix} created\n`);
  expect((await shell.read("create token default --duration=10m")).split(".")).toHaveLength(3);
  await shell.fails(
    "create token default --duration=1m",
    'error: failed to create token: TokenRequest.authentication.k8s.io "default" is invalid: spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes\n',
  );
  await shell.says("create secret generic plain --from-literal=a=b --type=example.com/kind", "secret/plain created\n");
  expect([await shell.field("secret plain", ".data.a"), await shell.field("secret plain", ".type")]).toEqual(["Yg==", "example.com/kind"]);
  await shell.says("create secret docker-registry pull --docker-server=reg.example.com --docker-username=u --docker-password=p --docker-email=e@x", "secret/pull created\n");
  expect(await shell.field("secret pull", ".type")).toBe("kubernetes.io/dockerconfigjson");
  await shell.fails("create secret tls cert --cert=/nonexistent --key=/nonexistent", "error: Cannot read file /nonexistent, open /nonexistent: no such file or directory\n");
  await shell.says(`create priorityclass high-${suffix} --value=1000 --description=d --preemption-policy=Never`, `priorityclass.scheduling.k8s.io/high-${suffix} created\n`);
  await shell.says("create pdb web --selector=app=web --min-available=50%", "poddisruptionbudget.policy/web created\n");
  await shell.says("create service clusterip plain --tcp=8080:80", "service/plain created\n");
  await shell.says("create service clusterip headless --clusterip=None", "service/headless created\n");
  await shell.says("create service nodeport open --tcp=80", "service/open created\n");
  expect(Number(await shell.field("service open", ".spec.ports[0].nodePort"))).toBeGreaterThanOrEqual(30_000);
  await shell.says("create service externalname far --external-name=example.com", "service/far created\n");
  await shell.says("get service far", /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nfar +ExternalName +<none> +example\.com +<none> +\d+s\n$/);
  await shell.says("create serviceaccount robot", "serviceaccount/robot created\n");
  await shell.says("create configmap given --from-literal=a=b --from-file=hosts=/etc/hostname", "configmap/given created\n");
  await shell.fails("create configmap given", 'error: failed to create configmap: configmaps "given" already exists\n');
  await shell.says("create configmap other --from-literal=a=b --dry-run=client -o name", "configmap/other\n");
  await shell.says("create configmap other --from-literal=a=b --dry-run=server -o name", "configmap/other\n");
  await shell.says("get configmap other --ignore-not-found", "");
  await shell.fails(`create namespace ${namespace}`, `Error from server (AlreadyExists): namespaces "${namespace}" already exists\n`);
  await shell.fails("create quota bad --hard=pods=x", "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'\n");
  await shell.fails(
    "create -f -",
    /^The Pod "Bad_Name" is invalid: \n\* metadata\.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of .*\n\* spec\.containers: Required value\n$/,
    { stdin: '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"Bad_Name"},"spec":{"containers":[]}}' },
  );
  const misspelled = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"misspelled"},"dataa":{}}';
  await shell.fails("create -f -", /strict decoding error: unknown field "dataa"\n$/, { stdin: misspelled });
  await shell.warns("create -f - --validate=warn", 'Warning: unknown field "dataa"\n', { stdin: misspelled });
  await shell.says(`delete clusterrole all-${suffix} logs-${suffix}`, /^clusterrole.*deleted/);
  await shell.read(`delete clusterrolebinding/view-${suffix} priorityclass/high-${suffix}`);
}

export const create: Topic = { name: "create, with every generator", run };
