import { describe, expect, it } from "vitest";
import type { Clock } from "../../base/clock.ts";
import { seededRandom } from "../../base/random.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import type { PodSandboxConfig } from "../generated/cri-v1.ts";
import { runtimeContract } from "../runtime-contract.ts";
import { AddressPool } from "./address-pool.ts";
import { duration, scriptOf } from "./behaviour.ts";
import { simulatedRuntime } from "./simulated-runtime.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function settledWith<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  const state = { done: false };
  const finish = (): void => {
    state.done = true;
  };
  work.then(finish, finish);
  for (let round = 0; round < 1_000 && !state.done; round += 1) await clock.advance(10);
  return work;
}

function open(podCidrs: readonly string[] = ["10.244.1.0/24"]) {
  const clock = new VirtualClock({ turn });
  const timers = new Set<number>();
  let last = 0;
  const counted: Clock = {
    now: () => clock.now(),
    after(delayMs, callback) {
      last += 1;
      const timer = last;
      timers.add(timer);
      const cancel = clock.after(delayMs, () => {
        timers.delete(timer);
        callback();
      });
      return () => {
        timers.delete(timer);
        cancel();
      };
    },
  };
  const simulated = simulatedRuntime({ podCidrs }, { clock: counted, random: seededRandom(1) });
  return { ...simulated, clock, timers, settled: <T>(work: Promise<T>) => settledWith(clock, work) };
}

runtimeContract("the simulated runtime", async () => {
  const { runtime, images, clock, settled, close } = open();
  return {
    runtime,
    images,
    image: "docker.io/library/busybox:latest",
    bringImage: async () => void (await settled(images.pullImage({ image: "busybox" }))),
    sandboxDefaults: { logDirectory: "/var/log/pods/web" },
    settled,
    async until(condition) {
      for (let round = 0; round < 1_000; round += 1) {
        if (await condition()) return;
        await clock.advance(10);
      }
      throw new Error("it never came to be");
    },
    dispose: async () => close(),
  };
});

describe("the simulated runtime", () => {
  const pod = (name: string, annotations: Readonly<Record<string, string>> = {}): PodSandboxConfig => ({
    metadata: { name, namespace: "default", uid: name, attempt: 0 },
    annotations,
  });
  const started = async (annotations: Readonly<Record<string, string>>, name = "main") => {
    const subject = open();
    await subject.settled(subject.images.pullImage({ image: "nginx" }));
    const sandbox = await subject.settled(subject.runtime.runPodSandbox(pod("a", annotations)));
    const id = await subject.runtime.createContainer(sandbox, { metadata: { name, attempt: 0 }, image: { image: "nginx" } }, pod("a", annotations));
    const before = subject.clock.now();
    await subject.settled(subject.runtime.startContainer(id));
    return { ...subject, id, startMs: subject.clock.now() - before, status: async () => (await subject.runtime.containerStatus(id)).status };
  };

  it("ends a container as its pod's annotations say", async () => {
    const { clock, status } = await started({ "simulate.keles.dev/exit-after": "30s", "simulate.keles.dev/exit-code": "7" });
    await clock.advance(29_000);
    expect((await status())?.state).toBe("CONTAINER_RUNNING");
    await clock.advance(1_000);
    expect(await status()).toMatchObject({ state: "CONTAINER_EXITED", exitCode: 7 });
  });

  it("hears the annotation of one container before the pod's", async () => {
    const annotations = { "simulate.keles.dev/exit-after.init": "1s", "simulate.keles.dev/start-delay": "2s", "simulate.keles.dev/start-delay.main": "4s" };
    const init = await started(annotations, "init");
    expect(init.startMs).toBe(2_000);
    await init.clock.advance(1_000);
    expect((await init.status())?.state).toBe("CONTAINER_EXITED");
    const main = await started(annotations);
    expect(main.startMs).toBe(4_000);
    await main.clock.advance(1_000_000);
    expect((await main.status())?.state).toBe("CONTAINER_RUNNING");
  });

  it("kills what does not stop in time", async () => {
    const slow = await started({ "simulate.keles.dev/stop-delay": "60s" });
    await slow.settled(slow.runtime.stopContainer(slow.id, 2));
    expect(await slow.status()).toMatchObject({ exitCode: 137 });
    const obedient = await started({ "simulate.keles.dev/stop-delay": "1s" });
    await obedient.settled(obedient.runtime.stopContainer(obedient.id, 30));
    expect(await obedient.status()).toMatchObject({ exitCode: 143 });
  });

  it("fails a pull as the pod's annotation says", async () => {
    const { images, settled } = open();
    const sandboxConfig = pod("a", { "simulate.keles.dev/pull-error": "no such host" });
    await expect(settled(images.pullImage({ image: "x" }, { sandboxConfig }))).rejects.toMatchObject({
      code: "UNKNOWN",
      message: 'failed to pull and unpack image "docker.io/library/x:latest": no such host',
    });
    expect(await images.listImages()).toEqual([]);
  });

  it("answers probes and shows use as annotated", async () => {
    const { runtime, clock, id } = await started({ "simulate.keles.dev/exec-exit-code": "1", "simulate.keles.dev/cpu": "250m", "simulate.keles.dev/memory": "64Mi" });
    expect((await runtime.execSync(id, ["healthy"], 1)).exitCode).toBe(1);
    await clock.advance(8_000);
    const [stats] = await runtime.listContainerStats();
    expect(stats?.memory?.workingSetBytes?.value).toBe(64 * 2 ** 20);
    expect(stats?.cpu?.usageCoreNanoSeconds?.value).toBe(2e9);
  });

  it("gives every pod an address of its own and takes it back", async () => {
    const { runtime, settled } = open(["10.0.0.0/29", "fd00::/125"]);
    const ids = [];
    for (const name of ["a", "b", "c", "d", "e"]) ids.push(await settled(runtime.runPodSandbox(pod(name))));
    const ips = await Promise.all(ids.map(async (id) => (await runtime.podSandboxStatus(id)).status?.network));
    expect(ips.map((network) => network?.ip)).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
    expect(ips[0]?.additionalIps).toEqual([{ ip: "fd00::2" }]);
    await expect(settled(runtime.runPodSandbox(pod("f")))).rejects.toThrow("no IP addresses available in range set: 10.0.0.0/29");
    await settled(runtime.removePodSandbox(ids[1] ?? ""));
    const again = await settled(runtime.runPodSandbox(pod("f")));
    expect((await runtime.podSandboxStatus(again)).status?.network?.ip).toBe("10.0.0.3");
  });

  it("waits for its range of addresses", async () => {
    const { runtime, settled } = open([]);
    const ready = async () => (await runtime.status()).status?.conditions?.find(({ type }) => type === "NetworkReady")?.status;
    expect(await ready()).toBe(false);
    await expect(settled(runtime.runPodSandbox(pod("a")))).rejects.toMatchObject({ name: "RuntimeError" });
    await runtime.updateRuntimeConfig({ networkConfig: { podCidr: "10.9.0.0/24,fd09::/64" } });
    expect(await ready()).toBe(true);
    const id = await settled(runtime.runPodSandbox(pod("a")));
    expect((await runtime.podSandboxStatus(id)).status?.network).toEqual({ ip: "10.9.0.2", additionalIps: [{ ip: "fd09::2" }] });
  });

  it("leaves no timer behind", async () => {
    const one = await started({ "simulate.keles.dev/exit-after": "1h" });
    expect(one.timers.size).toBe(1);
    one.exit(one.id, 9);
    expect(await one.status()).toMatchObject({ exitCode: 9 });
    expect(one.timers.size).toBe(0);
    const other = await started({ "simulate.keles.dev/exit-after": "1h" });
    other.close();
    expect(other.timers.size).toBe(0);
  });
});

describe("AddressPool", () => {
  it("counts across byte borders and never hands out network, gateway or broadcast", () => {
    const pool = new AddressPool("10.1.254.0/23");
    const taken = Array.from({ length: 509 }, () => pool.take());
    expect(new Set(taken).size).toBe(509);
    expect(taken[0]).toBe("10.1.254.2");
    expect(taken[508]).toBe("10.1.255.254");
    expect(() => pool.take()).toThrow("no IP addresses");
  });
});

describe("scriptOf", () => {
  it.each([
    [["true"], { exitAfterMs: 0, exitCode: 0 }],
    [["/bin/false"], { exitAfterMs: 0, exitCode: 1 }],
    [["sleep", "5"], { exitAfterMs: 5_000, exitCode: 0 }],
    [["sh", "-c", "echo hi; sleep 2 && exit 4"], { exitAfterMs: 2_000, exitCode: 4 }],
    [["/bin/bash", "-ec", "false && exit 4"], { exitAfterMs: 0, exitCode: 1 }],
    [["sh", "-c", "sleep 1\nsleep 1m"], { exitAfterMs: 61_000, exitCode: 0 }],
    [["sh", "-c", "while true; do sleep 1; done"], undefined],
    [["sh", "-c", "echo $(curl x)"], undefined],
    [["sleep", "infinity"], undefined],
    [["nginx", "-g", "daemon off;"], undefined],
    [[], undefined],
  ])("%j", (argv, script) => {
    expect(scriptOf(argv)).toEqual(script);
  });

  it("reads durations", () => {
    expect(["10", "1.5s", "250ms", "2m", "1h", "soon", ""].map(duration)).toEqual([10_000, 1_500, 250, 120_000, 3_600_000, undefined, undefined]);
  });
});
