import type { Processes } from "../../platform/processes.ts";

const rules = (bridge: string): readonly (readonly string[])[] =>
  ["-i", "-o"].map((side) => ["FORWARD", side, bridge, "-m", "comment", "--comment", `keles ${bridge}`, "-j", "ACCEPT"]);

/**
 * Lets the bridge's packets pass where the host's iptables drops what it forwards (Docker sets that policy): an accept in
 * a table of our own cannot override another table's drop. Does nothing where forwarding is open or iptables is missing.
 */
export async function allowForwarding(bridge: string, { processes }: { readonly processes: Processes }): Promise<boolean> {
  const iptables = await processes.find("iptables", ["/usr/sbin", "/sbin"]);
  if (iptables === undefined) return false;
  const listed = await processes.run(iptables, ["-w", "5", "-S", "FORWARD"]);
  if (listed.code !== 0 || !/^-P FORWARD (DROP|REJECT)$/m.test(listed.stdout)) return false;
  for (const rule of rules(bridge)) {
    const present = await processes.run(iptables, ["-w", "5", "-C", ...rule]);
    if (present.code === 0) continue;
    const { code, stderr } = await processes.run(iptables, ["-w", "5", "-I", ...rule]);
    if (code !== 0) throw new Error(`iptables cannot accept forwarding over ${bridge}: ${stderr.trim()}`);
  }
  return true;
}

/** Takes back what `allowForwarding` added, if it did. */
export async function disallowForwarding(bridge: string, { processes }: { readonly processes: Processes }): Promise<void> {
  const iptables = await processes.find("iptables", ["/usr/sbin", "/sbin"]);
  if (iptables === undefined) return;
  for (const rule of rules(bridge)) {
    const present = await processes.run(iptables, ["-w", "5", "-C", ...rule]);
    if (present.code === 0) await processes.run(iptables, ["-w", "5", "-D", ...rule]);
  }
}
