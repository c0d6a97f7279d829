/** Pods with an image that is present: from the answer to the create until the API says Running. */
export async function measurePods(cluster, { pods = 10, image = "keles.dev/demo:v1" } = {}) {
  const [{ metadata }] = (await cluster.api("GET", "/api/v1/nodes")).items;
  await imageThere(cluster, metadata.name, image);
  const times = [];
  for (let index = 0; index < pods; index += 1) {
    const path = "/api/v1/namespaces/default/pods";
    const name = `bench-${index}`;
    const pod = await cluster.api("POST", path, { metadata: { name }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: "c", image, imagePullPolicy: "Never" }] } });
    const created = performance.now();
    for await (const { object } of cluster.watch(`${path}?watch=true&fieldSelector=metadata.name%3D${name}&resourceVersion=${pod.metadata.resourceVersion}`)) {
      if (object.status.phase !== "Running") continue;
      times.push(performance.now() - created);
      break;
    }
    await cluster.api("DELETE", `${path}/${name}?gracePeriodSeconds=0`);
  }
  times.sort((a, b) => a - b);
  const middle = times[Math.floor(times.length / 2)];
  return [
    {
      name: `pod with a present image: created to Running (median of ${pods})`,
      value: `${(middle / 1000).toFixed(2)} s`,
      note: `fastest ${(times[0] / 1000).toFixed(2)} s, slowest ${(times.at(-1) / 1000).toFixed(2)} s`,
    },
  ];
}

/** The quick start's image is made in the background after the start. */
async function imageThere(cluster, node, image) {
  for (;;) {
    const { status } = await cluster.api("GET", `/api/v1/nodes/${node}`);
    if (status.images?.some(({ names }) => names.some((name) => name === image)) === true) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
