import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { Container, PodSandbox } from "../../cri/generated/cri-v1.ts";
import type { RuntimeService } from "../../cri/runtime.ts";

/** What the runtime itself runs, whatever the API says: `/runningpods/`. @upstream pkg/kubelet/server/server.go getRunningPods */
export async function runningPods(runtime: Pick<RuntimeService, "listPodSandbox" | "listContainers">): Promise<readonly Pod[]> {
  const [sandboxes, containers] = await Promise.all([
    runtime.listPodSandbox({ state: { state: "SANDBOX_READY" } }),
    runtime.listContainers({ state: { state: "CONTAINER_RUNNING" } }),
  ]);
  return sandboxes.flatMap((sandbox) => {
    const own = containers.filter(({ podSandboxId }) => podSandboxId === sandbox.id);
    return own.length === 0 ? [] : [podOf(sandbox, own)];
  });
}

function podOf({ metadata }: PodSandbox, containers: readonly Container[]): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: metadata?.name ?? "", namespace: metadata?.namespace ?? "", uid: metadata?.uid ?? "" },
    spec: {
      containers: containers.map(({ metadata: own, image }) => ({
        name: own?.name ?? "",
        image: [image?.userSpecifiedImage, image?.image].find((name) => name !== undefined && name !== "") ?? "",
      })),
    },
  };
}
