import { type ChildProcess, spawn } from "node:child_process";
import type { Processes } from "../../../platform/processes.ts";

/**
 * A node, its pods and somebody outside, each in a network namespace of its own, for tests:
 *
 *     outside 192.168.77.2 ── 192.168.77.1 node 10.244.0.1 (bridge) ── pods 10.244.0.2, .3, …
 */
export interface TestNamespaces {
  /** Runs programs inside the node. */
  readonly node: Processes;
  /** Starts an HTTP-less TCP server in a pod that answers every connection with its name and the client's address. */
  serve(pod: string, port: number): Promise<void>;
  /** Connects `times` times from a place; each gives the answer or the error's code. */
  connect(from: string, target: { readonly host: string; readonly port: number; readonly times: number }): Promise<readonly string[]>;
  close(): Promise<void>;
}

const server = `
  const [name, port] = process.argv.slice(1);
  require("net").createServer((s) => { s.on("error", () => {}); s.end(name + " " + s.remoteAddress.replace("::ffff:", "")); }).listen(Number(port), () => console.log("up"));
`;
const client = `
  const [host, port, times] = process.argv.slice(1);
  const one = () => new Promise((resolve) => {
    let text = "";
    const s = require("net").connect({ host, port: Number(port) });
    s.setTimeout(700, () => { s.destroy(); resolve("timeout"); });
    s.on("data", (d) => text += d).on("end", () => resolve(text)).on("error", (e) => resolve(e.code));
  });
  (async () => { const all = []; for (let i = 0; i < Number(times); i += 1) all.push(await one()); console.log(JSON.stringify(all)); })();
`;

export async function testNamespaces(pods: readonly string[], { processes, tag }: { readonly processes: Processes; readonly tag: string }): Promise<TestNamespaces> {
  const place = (name: string): string => `keles-${tag}-${name}`;
  const children: ChildProcess[] = [];
  const must = async (command: string, ...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await processes.run(command, args);
    if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
    return stdout;
  };
  const inside = (name: string, ...args: readonly string[]): Promise<string> => must("ip", "netns", "exec", place(name), ...args);
  const close = async (): Promise<void> => {
    for (const child of children) child.kill("SIGKILL");
    for (const name of ["node", "outside", ...pods]) await processes.run("ip", ["netns", "delete", place(name)]);
  };
  try {
    for (const name of ["node", "outside", ...pods]) {
      await must("ip", "netns", "add", place(name));
      await inside(name, "ip", "link", "set", "lo", "up");
    }
    await inside("node", "ip", "link", "add", "br0", "type", "bridge");
    await inside("node", "ip", "address", "add", "10.244.0.1/24", "dev", "br0");
    await inside("node", "ip", "link", "set", "br0", "up");
    for (const [index, pod] of pods.entries()) {
      await inside("node", "ip", "link", "add", `v${index}`, "type", "veth", "peer", "name", "eth0", "netns", place(pod));
      await inside("node", "ip", "link", "set", `v${index}`, "master", "br0", "up");
      await inside("node", "ip", "link", "set", `v${index}`, "type", "bridge_slave", "hairpin", "on");
      await inside(pod, "ip", "address", "add", `10.244.0.${index + 2}/24`, "dev", "eth0");
      await inside(pod, "ip", "link", "set", "eth0", "up");
      await inside(pod, "ip", "route", "add", "default", "via", "10.244.0.1");
    }
    await inside("node", "ip", "link", "add", "up0", "type", "veth", "peer", "name", "eth0", "netns", place("outside"));
    await inside("node", "ip", "address", "add", "192.168.77.1/24", "dev", "up0");
    await inside("node", "ip", "link", "set", "up0", "up");
    await inside("node", "ip", "route", "add", "default", "via", "192.168.77.2");
    await inside("outside", "ip", "address", "add", "192.168.77.2/24", "dev", "eth0");
    await inside("outside", "ip", "link", "set", "eth0", "up");
    await inside("outside", "ip", "route", "add", "10.96.0.0/16", "via", "192.168.77.1");
    await inside("node", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables");
  } catch (error) {
    await close();
    throw error;
  }
  return {
    node: {
      find: (command, alsoIn) => processes.find(command, alsoIn),
      run: (command, args, options) => processes.run("ip", ["netns", "exec", place("node"), command, ...args], options),
    },
    serve(pod, port) {
      const child = spawn("ip", ["netns", "exec", place(pod), process.execPath, "-e", server, pod, String(port)], { stdio: ["ignore", "pipe", "inherit"] });
      children.push(child);
      return new Promise((resolve, reject) => {
        child.stdout.once("data", () => resolve());
        child.once("error", reject);
        child.once("exit", (code) => reject(new Error(`the server of ${pod} ended with ${code}`)));
      });
    },
    async connect(from, { host, port, times }) {
      return JSON.parse(await inside(from, process.execPath, "-e", client, host, String(port), String(times))) as readonly string[];
    },
    close,
  };
}
