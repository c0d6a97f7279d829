import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeProcesses } from "../../platform/node/processes.ts";
import { cniConfig } from "./cni-config.ts";
import { findCniPlugins } from "./pod-network.ts";

const plugins = await findCniPlugins({ processes: nodeProcesses });
const why = process.getuid?.() !== 0 ? "needs root" : plugins === undefined ? "needs the CNI plugins" : undefined;
const [node, pod] = [`keles-cni-${process.pid}-node`, `keles-cni-${process.pid}-pod`];

describe.skipIf(why !== undefined)(`cniConfig and the real plugins${why === undefined ? "" : ` (${why})`}`, () => {
  let leasesDir: string;

  beforeAll(async () => {
    leasesDir = await mkdtemp(join(tmpdir(), "keles-cni-"));
    for (const name of [node, pod]) expect(await nodeProcesses.run("ip", ["netns", "add", name])).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    for (const name of [node, pod]) await nodeProcesses.run("ip", ["netns", "delete", name]);
    await rm(leasesDir, { recursive: true, force: true });
  });

  const inNode = (...args: readonly string[]) => nodeProcesses.run("ip", ["netns", "exec", node, ...args]);
  /** What a runtime does with the list: every plugin in turn, each told the result so far. */
  async function call(command: "ADD" | "DEL", config: string, known: unknown): Promise<unknown> {
    const {
      cniVersion,
      name,
      plugins: list,
    } = JSON.parse(config) as { readonly cniVersion: string; readonly name: string; readonly plugins: readonly { readonly type: string }[] };
    let result = known;
    for (const plugin of command === "ADD" ? list : list.toReversed()) {
      const stdin = JSON.stringify({
        ...plugin,
        cniVersion,
        name,
        ...(result === undefined ? {} : { prevResult: result }),
        runtimeConfig: { portMappings: [{ hostPort: 18081, containerPort: 80, protocol: "tcp" }] },
      });
      const env = [`CNI_COMMAND=${command}`, "CNI_CONTAINERID=c1", `CNI_NETNS=/var/run/netns/${pod}`, "CNI_IFNAME=eth0", `CNI_PATH=${plugins ?? ""}`];
      const { code, stdout } = await nodeProcesses.run("ip", ["netns", "exec", node, "env", ...env, `${plugins ?? ""}/${plugin.type}`], { stdin });
      expect({ code, stdout: code === 0 ? "" : stdout }).toEqual({ code: 0, stdout: "" });
      if (command === "ADD") result = JSON.parse(stdout);
    }
    return result;
  }

  it("gives a pod an address, a way out, its host port, and takes them back", async () => {
    const config = cniConfig({ bridge: "keles-trial", podCidr: "10.99.1.0/24", leasesDir, mtu: 1400 });
    const result = await call("ADD", config, undefined);
    expect(result).toMatchObject({ ips: [{ address: "10.99.1.2/24", gateway: "10.99.1.1" }] });
    expect((await inNode("ip", "-o", "-4", "address", "show", "dev", "keles-trial")).stdout).toContain("10.99.1.1/24");
    expect((await nodeProcesses.run("ip", ["netns", "exec", pod, "ip", "route"])).stdout).toContain("default via 10.99.1.1 dev eth0");
    expect((await nodeProcesses.run("ip", ["netns", "exec", pod, "cat", "/sys/class/net/eth0/mtu"])).stdout.trim()).toBe("1400");
    expect((await inNode("nft", "list", "ruleset")).stdout).toContain("18081");
    expect(await readdir(join(leasesDir, "keles-trial"))).toContain("10.99.1.2");
    await call("DEL", config, result);
    expect(await readdir(join(leasesDir, "keles-trial"))).not.toContain("10.99.1.2");
  });

  it("takes a bridge over from another range", async () => {
    const config = cniConfig({ bridge: "keles-trial", podCidr: "10.99.2.0/24", leasesDir });
    const result = await call("ADD", config, undefined);
    expect(result).toMatchObject({ ips: [{ gateway: "10.99.2.1" }] });
    await call("DEL", config, result);
  });
});
