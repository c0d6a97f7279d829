/** A Deployment of many pods on simulated nodes: until all run, and until all are gone. */
export async function measureDeployment(cluster, { pods = 1_000 }) {
  const path = "/apis/apps/v1/namespaces/default/deployments";
  const labels = { app: "many" };
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: "c", image: "keles.dev/demo:v1" }] } };
  const created = performance.now();
  await cluster.api("POST", path, { metadata: { name: "many" }, spec: { replicas: pods, selector: { matchLabels: labels }, template } });
  const upMs = await until(cluster, `${path}/many`, created, ({ status }) => status.readyReplicas === pods);
  const deleted = performance.now();
  await cluster.api("DELETE", `${path}/many`);
  const left = "/api/v1/namespaces/default/pods?labelSelector=app%3Dmany&limit=1";
  while ((await cluster.api("GET", left)).items.length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  const downMs = performance.now() - deleted;
  return [
    { name: `Deployment of ${pods} pods on 100 simulated nodes: all ready`, value: `${(upMs / 1000).toFixed(2)} s`, note: `${Math.round(pods / (upMs / 1000))} pods/s` },
    { name: "… deleted, all pods collected", value: `${(downMs / 1000).toFixed(2)} s`, note: `${Math.round(pods / (downMs / 1000))} pods/s` },
  ];
}

async function until(cluster, path, started, holds) {
  for (;;) {
    if (holds(await cluster.api("GET", path))) return performance.now() - started;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
