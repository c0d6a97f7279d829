import { describe, expect, it } from "vitest";
import type { Container, ContainerState, PodSandbox } from "../../cri/generated/cri-v1.ts";
import { RuntimeError } from "../../cri/runtime.ts";
import { podUidLabel } from "./runtime-labels.ts";
import { RuntimeCache } from "./runtime-cache.ts";

/** A runtime with one container for each pod, whose calls for details are counted; `absent` containers are listed but not found. */
function runtimeOf(states: Map<string, ContainerState>) {
  const calls = { details: 0 };
  const absent = new Set<string>();
  const labelled = (uid: string) => ({ [podUidLabel]: uid });
  const sandboxes = (): PodSandbox[] => [...states.keys()].map((uid) => ({ id: `s-${uid}`, state: "SANDBOX_READY", labels: labelled(uid) }));
  const containers = (): Container[] => [...states].map(([uid, state]) => ({ id: `c-${uid}`, podSandboxId: `s-${uid}`, state, labels: labelled(uid) }));
  const of = <T extends Pick<PodSandbox, "labels">>(items: readonly T[], uid: string | undefined): T[] =>
    items.filter(({ labels }) => uid === undefined || labels?.[podUidLabel] === uid);
  const runtime: ConstructorParameters<typeof RuntimeCache>[0]["runtime"] = {
    listPodSandbox: async (filter) => of(sandboxes(), filter?.labelSelector?.[podUidLabel]),
    listContainers: async (filter) => of(containers(), filter?.labelSelector?.[podUidLabel]),
    podSandboxStatus: async (id) => ({ status: { id, state: "SANDBOX_READY", network: { ip: "10.0.0.1" } }, info: {} }),
    containerStatus: async (id) => {
      calls.details += 1;
      if (absent.has(id)) throw new RuntimeError("NOT_FOUND", `no container ${id}`);
      return { status: { id, state: states.get(id.slice(2)) ?? "CONTAINER_UNKNOWN" }, info: {} };
    },
  };
  return { cache: new RuntimeCache({ runtime, terminationMessage: async () => "" }), calls, absent };
}

describe("RuntimeCache", () => {
  it("tells each change once, and nothing while nothing changes", async () => {
    const states = new Map<string, ContainerState>([
      ["a", "CONTAINER_RUNNING"],
      ["b", "CONTAINER_RUNNING"],
    ]);
    const { cache, calls } = runtimeOf(states);
    expect(await cache.relist()).toEqual(["a", "b"]);
    for (let look = 0; look < 3; look += 1) expect(await cache.relist()).toEqual([]);
    expect(calls.details).toBe(2);
    states.set("b", "CONTAINER_EXITED");
    expect(await cache.relist()).toEqual(["b"]);
    expect(cache.get("b")?.containers[0]?.state).toBe("exited");
    expect(await cache.relist()).toEqual([]);
    states.delete("a");
    expect(await cache.relist()).toEqual(["a"]);
    expect(cache.uids()).toEqual(["b"]);
  });

  it("sees what came and went again after a look at one pod", async () => {
    const states = new Map<string, ContainerState>([["a", "CONTAINER_RUNNING"]]);
    const { cache } = runtimeOf(states);
    for (let look = 0; look < 3; look += 1) await cache.relist();
    states.set("b", "CONTAINER_RUNNING");
    expect((await cache.refresh("b"))?.containers[0]?.state).toBe("running");
    states.delete("b");
    // The list is the very one that came before "b" was there.
    expect(await cache.relist()).toEqual(["b"]);
    expect(cache.get("b")).toBeUndefined();
  });

  it("asks again for what was listed but not found", async () => {
    const states = new Map<string, ContainerState>([["a", "CONTAINER_CREATED"]]);
    const { cache, absent } = runtimeOf(states);
    await cache.relist();
    states.set("a", "CONTAINER_RUNNING");
    absent.add("c-a");
    for (let look = 0; look < 3; look += 1) expect(await cache.relist()).toEqual([]);
    absent.clear();
    expect(await cache.relist()).toEqual(["a"]);
    expect(cache.get("a")?.containers[0]?.state).toBe("running");
  });
});
