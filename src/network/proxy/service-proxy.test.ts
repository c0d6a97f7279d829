import { afterEach, describe, expect, it } from "vitest";
import { endpointSlices, services } from "../../api/generated/resources.ts";
import { silentLogger } from "../../base/log.ts";
import { noMetrics } from "../../base/metrics.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { fedInformers } from "../fed-informers.ts";
import { sampleService, sampleSlice } from "../sample-services.ts";
import { ServiceProxy } from "./service-proxy.ts";

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

/** A proxy whose programs are recorded; `refuse` makes nft fail once per true. */
async function setup() {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const informers = fedInformers();
  const scripts: { readonly atMs: number; readonly text: string }[] = [];
  const forgotten: string[] = [];
  const refuse: boolean[] = [];
  const startMs = clock.now();
  const proxy = new ServiceProxy(
    { nodeName: "n1", nodeIps: ["192.168.1.5"], clusterCidr: "10.244.0.0/16", table: "t" },
    {
      informers: informers.factory,
      clock,
      log: silentLogger,
      metrics: noMetrics,
      processes: {
        find: (command) => Promise.resolve(`/sbin/${command}`),
        run: (command, args, options) => {
          if (command === "/sbin/conntrack") forgotten.push(args.join(" "));
          else scripts.push({ atMs: clock.now() - startMs, text: String(options?.stdin) });
          return Promise.resolve({ code: refuse.shift() === true ? 1 : 0, stdout: "", stderr: "no" });
        },
      },
    },
  );
  const ending = new AbortController();
  const running = proxy.run(ending.signal);
  endings.push(async () => {
    ending.abort();
    await running;
  });
  await clock.settle();
  return { clock, informers, scripts, forgotten, refuse, proxy };
}

describe("ServiceProxy", () => {
  it("replaces the table first, then sends differences: at once after a calm, together in a storm", async () => {
    const { clock, informers, scripts, proxy } = await setup();
    expect(scripts.map(({ text }) => text.split("\n")[1])).toEqual(["delete table ip t"]);
    expect(proxy.synced).toBe(true);
    await clock.advance(1_000);
    informers.put(services, sampleService("a"));
    await clock.settle();
    for (const name of ["b", "c", "d"]) informers.put(services, sampleService(name, { clusterIP: `10.96.1.${name.charCodeAt(0)}` }));
    await clock.advance(1_000);
    expect(scripts.slice(1).map(({ atMs, text }) => [atMs, new Set(text.match(/10\.96\.1\.\d+/g)).size])).toEqual([
      [1_000, 0],
      [1_050, 3],
    ]);
  });

  it("writes everything again every five minutes, without deleting", async () => {
    const { clock, scripts } = await setup();
    await clock.advance(5 * 60_000);
    expect(scripts.map(({ atMs }) => atMs)).toEqual([0, 300_000]);
    expect(scripts[1]?.text).not.toContain("delete");
  });

  it("starts over when the rules are refused, more and more seldom", async () => {
    const { clock, informers, scripts, refuse } = await setup();
    await clock.advance(1_000);
    refuse.push(true, true, true);
    informers.put(services, sampleService("a"));
    await clock.advance(10_000);
    expect(scripts.slice(1).map(({ atMs }) => atMs)).toEqual([1_000, 1_250, 1_750, 2_750]);
    expect(scripts.at(-1)?.text).toContain("delete table ip t");
    informers.remove(services, "default/a");
    await clock.settle();
    expect(scripts.at(-1)?.text).toBe("delete element ip t cluster-ips { 10.96.0.20 }\ndelete element ip t no-endpoint-services { 10.96.0.20 . tcp . 80 }\n");
  });

  it("makes connection tracking forget UDP endpoints that went, and clients that came too early", async () => {
    const { clock, informers, forgotten } = await setup();
    const ports = [{ name: "dns", port: 53, protocol: "UDP" }];
    informers.put(services, sampleService("dns", { ports }));
    await clock.advance(100);
    expect(forgotten).toEqual([]);
    informers.put(endpointSlices, sampleSlice("dns", ["10.244.0.2", "10.244.0.3"], { ports }));
    await clock.advance(100);
    informers.put(endpointSlices, sampleSlice("dns", ["10.244.0.3"], { ports }));
    await clock.advance(100);
    expect(forgotten).toEqual(["-D -p udp --orig-dst 10.96.0.20 --orig-port-dst 53", "-D -p udp --dst-nat 10.244.0.2 --reply-port-src 53"]);
  });
});
