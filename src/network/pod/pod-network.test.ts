import { describe, expect, it } from "vitest";
import { findCniPlugins, preparePodNetwork, removePodNetwork } from "./pod-network.ts";

/** A host of texts and programs: `files` by path, `answers` by command line (code 0 and no output otherwise). */
function host(files: Record<string, string>, answers: Readonly<Record<string, { readonly code: number; readonly stdout?: string }>> = {}) {
  const ran: string[] = [];
  return {
    files,
    ran,
    deps: {
      files: {
        readIfPresent: (path: string) => Promise.resolve(files[path] === undefined ? undefined : new TextEncoder().encode(files[path])),
        append: (path: string, text: Uint8Array | string) => Promise.resolve(void (files[path] = String(text))),
        write: (path: string, text: Uint8Array | string) => Promise.resolve(void (files[path] = String(text))),
        mkdir: () => Promise.resolve(),
        remove: (path: string) => {
          for (const name of Object.keys(files)) if (name === path || name.startsWith(`${path}/`)) delete files[name];
          return Promise.resolve();
        },
      },
      processes: {
        find: (command: string) => Promise.resolve(answers[command]?.code === 127 ? undefined : command),
        run: (command: string, args: readonly string[]) => {
          const line = [command, ...args].join(" ");
          ran.push(line);
          const { code = 0, stdout = "" } = answers[line] ?? {};
          return Promise.resolve({ code, stdout, stderr: "" });
        },
      },
    },
  };
}

const options = { podCidr: "10.244.1.0/24", cniConfDir: "/net.d", stateDir: "/state", bridge: "keles0" };
const kernel = {
  "/proc/sys/net/ipv4/ip_forward": "0\n",
  "/proc/sys/net/bridge/bridge-nf-call-iptables": "1\n",
  "/proc/sys/net/ipv4/conf/all/rp_filter": "0\n",
  "/proc/sys/net/ipv4/conf/default/rp_filter": "1\n",
};
const open = { "iptables -w 5 -S FORWARD": { code: 0, stdout: "-P FORWARD ACCEPT\n" } };

describe("preparePodNetwork", () => {
  it("writes the configuration once and sets what differs", async () => {
    const { files, ran, deps } = host({ ...kernel }, open);
    expect(await preparePodNetwork(options, deps)).toEqual({ changed: true, bridgeFiltered: true, forwardingAllowed: false });
    expect(files).toMatchObject({ "/proc/sys/net/ipv4/ip_forward": "1\n", "/proc/sys/net/ipv4/conf/all/rp_filter": "2\n" });
    expect(JSON.parse(files["/net.d/10-keles0.conflist"] ?? "")).toEqual({
      cniVersion: "1.0.0",
      name: "keles0",
      plugins: [
        {
          type: "bridge",
          bridge: "keles0",
          isGateway: true,
          forceAddress: true,
          ipMasq: false,
          hairpinMode: true,
          promiscMode: false,
          ipam: { type: "host-local", dataDir: "/state/leases", ranges: [[{ subnet: "10.244.1.0/24" }]], routes: [{ dst: "0.0.0.0/0" }] },
        },
        { type: "portmap", capabilities: { portMappings: true }, snat: true },
      ],
    });
    expect(await preparePodNetwork(options, deps)).toMatchObject({ changed: false });
    expect(await preparePodNetwork({ ...options, mtu: 1400 }, deps)).toMatchObject({ changed: true });
    expect(ran.every((line) => line === "iptables -w 5 -S FORWARD")).toBe(true);
  });

  it("asks for br_netfilter where it is not loaded, and says when it stays away", async () => {
    const { ran, deps } = host({ "/proc/sys/net/ipv4/ip_forward": "1\n" }, open);
    expect(await preparePodNetwork(options, deps)).toMatchObject({ bridgeFiltered: false });
    expect(ran).toContain("modprobe br_netfilter");
  });

  it("lets the bridge's packets pass where forwarding is dropped, and takes that back", async () => {
    const rule = "FORWARD -i keles0 -m comment --comment keles keles0 -j ACCEPT";
    const closed = { "iptables -w 5 -S FORWARD": { code: 0, stdout: "-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n" }, [`iptables -w 5 -C ${rule}`]: { code: 1 } };
    const { ran, deps } = host({ ...kernel }, closed);
    expect(await preparePodNetwork(options, deps)).toMatchObject({ forwardingAllowed: true });
    expect(ran.filter((line) => line.includes(" -I "))).toEqual([`iptables -w 5 -I ${rule}`]);
    const after = host(
      { ...kernel, "/net.d/10-keles0.conflist": "{}", "/state/leases/keles0/10.244.1.2": "x" },
      { "ip -o link show dev keles0 type bridge": { code: 0, stdout: "5: keles0\n" } },
    );
    await removePodNetwork(options, after.deps);
    expect(Object.keys(after.files)).toEqual(Object.keys(kernel));
    expect(after.ran).toContain(`iptables -w 5 -D ${rule}`);
    expect(after.ran.at(-1)).toBe("ip link delete dev keles0");
  });

  it("does not delete a link that is not a bridge", async () => {
    const { ran, deps } = host({}, { iptables: { code: 127 } });
    await removePodNetwork(options, deps);
    expect(ran).toEqual(["ip -o link show dev keles0 type bridge"]);
  });

  it("refuses names no link can have, ranges that are none, and kernels that cannot forward", async () => {
    await expect(preparePodNetwork({ ...options, bridge: "a-name-too-long0" }, host({ ...kernel }).deps)).rejects.toThrow("cannot be a link's name");
    await expect(preparePodNetwork({ ...options, podCidr: "fd00::/64" }, host({ ...kernel }).deps)).rejects.toThrow("no IPv4 range");
    await expect(preparePodNetwork(options, host({}).deps)).rejects.toThrow("cannot forward");
  });
});

describe("findCniPlugins", () => {
  it("takes the first folder that has all of them", async () => {
    expect(await findCniPlugins(host({}, { "/opt/cni/bin/portmap": { code: 127 } }).deps)).toBe("/usr/lib/cni");
    expect(await findCniPlugins({ processes: { ...host({}).deps.processes, find: () => Promise.resolve(undefined) } })).toBeUndefined();
  });
});
