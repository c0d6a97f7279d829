import { expect, it } from "vitest";
import { emptyRuntimePod, type RuntimeContainer, type RuntimePod } from "../runtime/runtime-pod.ts";
import { podGarbage } from "./container-gc.ts";

const container = (name: string, restartCount: number, state: RuntimeContainer["state"], sandboxId = "s1"): RuntimeContainer => ({
  id: `${name}${restartCount}`,
  name,
  sandboxId,
  restartCount,
  state,
  resources: "",
  hash: "",
  createdMs: restartCount,
  startedMs: 0,
  finishedMs: 0,
  exitCode: 0,
  reason: "",
  message: "",
  image: "",
  imageId: "",
  logPath: `/${name}${restartCount}.log`,
  mounts: [],
  user: undefined,
  stopSignal: undefined,
});
const sandbox = (id: string, ready: boolean): RuntimePod["sandboxes"][number] => ({ id, attempt: 0, ready, createdMs: 0, ips: [], hostNetwork: false });
const pod = (containers: readonly RuntimeContainer[], sandboxes: RuntimePod["sandboxes"] = [sandbox("s1", true)]): RuntimePod => ({
  ...emptyRuntimePod("u", "p", "n"),
  containers,
  sandboxes,
});

it.each<readonly [string, RuntimePod, boolean, readonly string[], readonly string[]]>([
  ["keeps the last dead one beside the running", pod([container("a", 3, "running"), container("a", 2, "exited"), container("a", 1, "exited")]), false, ["a1"], []],
  ["keeps the present one though it is dead", pod([container("a", 2, "exited"), container("a", 1, "exited")]), false, ["a1"], []],
  ["counts each container for itself", pod([container("a", 1, "running"), container("a", 0, "exited"), container("b", 0, "exited")]), false, [], []],
  ["removes old sandboxes that hold nothing", pod([container("a", 0, "running", "s2")], [sandbox("s2", true), sandbox("s1", false)]), false, [], ["s1"]],
  ["keeps old sandboxes that hold a log", pod([container("a", 1, "running", "s2"), container("a", 0, "exited", "s1")], [sandbox("s2", true), sandbox("s1", false)]), false, [], []],
  ["removes everything of a pod that is gone", pod([container("a", 1, "exited"), container("a", 0, "exited")], [sandbox("s1", false)]), true, ["a1", "a0"], ["s1"]],
  ["leaves what still runs of a pod that is gone", pod([container("a", 1, "running")]), true, [], []],
])("%s", (_what, one, gone, containers, sandboxes) => {
  const garbage = podGarbage(one, { gone, keepDead: 1, nowMs: 100, minimumAgeMs: 0 });
  expect(garbage.containers.map(({ id }) => id)).toEqual(containers);
  expect(garbage.sandboxes).toEqual(sandboxes);
});
