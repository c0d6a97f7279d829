import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "./run-program.ts";

const hashOf = (dataDir: string): string => createHash("sha256").update(dataDir).digest("hex");

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Processes that name a cluster's folders among their arguments, or run in its control groups. */
function processesOf(dataDir: string, stateDir: string, podsCgroup: string): readonly string[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    const args = readOrEmpty(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
    const isOurs = args.includes(dataDir) || args.includes(stateDir) || readOrEmpty(`/proc/${pid}/cgroup`).includes(podsCgroup);
    return isOurs ? [`process ${pid}: ${args.slice(0, 120)}`] : [];
  });
}

function cgroupsOf(folder: string, name: string): readonly string[] {
  if (!existsSync(folder)) return [];
  // Version 1 has a tree per controller, version 2 one alone: one level below the root covers both.
  const roots = [folder, ...readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [join(folder, entry.name)] : []))];
  return [...new Set(roots.map((root) => join(root, name)))].filter((path) => existsSync(path)).map((path) => `control group ${path}`);
}

/** Mount points, as deep as they lie. */
export function mountsBelow(folder: string): readonly string[] {
  const points = readOrEmpty("/proc/self/mountinfo")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "");
  return points.filter((point) => point.startsWith(`${folder}/`));
}

/**
 * What a cluster in `dataDir` has left on this machine besides its data, in words; empty when nothing. The names of links,
 * tables and control groups end with six digits of the data folder's hash, so that other clusters are never looked at.
 */
export async function remainsOf(dataDir: string): Promise<readonly string[]> {
  const hash = hashOf(dataDir);
  const instance = hash.slice(0, 6);
  const stateDir = `/run/keles/${hash.slice(0, 10)}`;
  const found = [...processesOf(dataDir, stateDir, `kubepods-${instance}`), ...cgroupsOf("/sys/fs/cgroup", `kubepods-${instance}`)];
  for (const folder of [dataDir, stateDir]) found.push(...mountsBelow(folder).map((point) => `mount ${point}`));
  if (existsSync(stateDir)) found.push(`folder ${stateDir}`);
  const listings = [
    { what: "link", program: "ip", args: ["-o", "link", "show"] },
    { what: "table", program: "nft", args: ["list", "tables"] },
    { what: "rule", program: "iptables-save", args: [] },
  ];
  for (const { what, program, args } of listings) {
    const { stdout } = await runProgram(program, args).catch(() => ({ stdout: "" }));
    for (const line of stdout.split("\n")) if (new RegExp(`(keles|kdns)-${instance}\\b`).test(line)) found.push(`${what} ${line.trim()}`);
  }
  return found;
}

/** Ends, unmounts and deletes what a failed test has left of the cluster in `dataDir`, and of no other. */
export async function sweep(dataDir: string): Promise<void> {
  const hash = hashOf(dataDir);
  const instance = hash.slice(0, 6);
  const stateDir = `/run/keles/${hash.slice(0, 10)}`;
  // Containers first: a runtime that ended earlier would leave them to nobody.
  for (const line of processesOf(dataDir, stateDir, `kubepods-${instance}`)) {
    const pid = Number(/^process (\d+)/.exec(line)?.[1]);
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
  for (const point of (await remainsOf(dataDir)).filter((text) => text.startsWith("mount ")).reverse())
    await runProgram("umount", ["-l", point.slice("mount ".length)]).catch(() => {});
  for (const link of [`keles-${instance}`, `kdns-${instance}`]) await runProgram("ip", ["link", "delete", link]).catch(() => {});
  await runProgram("nft", ["delete", "table", "ip", `keles-${instance}`]).catch(() => {});
  for (const path of cgroupsOf("/sys/fs/cgroup", `kubepods-${instance}`))
    await runProgram("find", [path.slice("control group ".length), "-depth", "-type", "d", "-delete"]).catch(() => {});
  // Never through a mount that would not go.
  if (mountsBelow(stateDir).length === 0) rmSync(stateDir, { recursive: true, force: true });
}
