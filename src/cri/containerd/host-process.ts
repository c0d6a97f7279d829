import { readdir, readFile } from "node:fs/promises";
import { type Clock, sleep } from "../../base/clock.ts";

/** A process of this machine. The kernel gives a pid again, but never with the same start. */
export interface HostProcess {
  readonly pid: number;
  readonly parentPid: number;
  /** Clock ticks between the machine's start and the process's. */
  readonly startTicks: string;
  readonly args: readonly string[];
}

/** All processes that can be seen, zombies left out. */
export async function listProcesses(): Promise<readonly HostProcess[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => readProcess(Number(pid))));
  return found.filter((process) => process !== undefined);
}

export async function readProcess(pid: number): Promise<HostProcess | undefined> {
  try {
    const [stat, commandLine] = await Promise.all([readFile(`/proc/${pid}/stat`, "utf8"), readFile(`/proc/${pid}/cmdline`, "utf8")]);
    // The name stands in brackets and may hold anything; fields are counted behind its end: state, ppid, …, start (22nd).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    return { pid, parentPid: Number(fields[1]), startTicks: fields[19] ?? "", args: commandLine.split("\0").slice(0, -1) };
  } catch {
    return undefined;
  }
}

export async function isAlive(process: HostProcess): Promise<boolean> {
  return (await readProcess(process.pid))?.startTicks === process.startTicks;
}

/** Sends a signal unless the process is gone and its pid given to another. */
export async function signalProcess(target: HostProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (!(await isAlive(target))) return;
  try {
    process.kill(target.pid, signal);
  } catch (error) {
    if ((error as { readonly code?: string }).code !== "ESRCH") throw error;
  }
}

/** SIGTERM, and SIGKILL when that has not ended it within `graceMs`. Resolves when it is gone, or 10 s after SIGKILL. */
export async function endProcess(target: HostProcess, graceMs: number, clock: Clock): Promise<void> {
  await signalProcess(target, "SIGTERM");
  if (await isGoneWithin(target, graceMs, clock)) return;
  await signalProcess(target, "SIGKILL");
  await isGoneWithin(target, 10_000, clock);
}

async function isGoneWithin(target: HostProcess, limitMs: number, clock: Clock): Promise<boolean> {
  const end = clock.now() + limitMs;
  while (await isAlive(target)) {
    if (clock.now() >= end) return false;
    await sleep(clock, 10);
  }
  return true;
}

/** The roots and all that descends from them. */
export function withDescendants(all: readonly HostProcess[], roots: readonly HostProcess[]): readonly HostProcess[] {
  const children = new Map<number, HostProcess[]>();
  for (const process of all) {
    const siblings = children.get(process.parentPid);
    if (siblings === undefined) children.set(process.parentPid, [process]);
    else siblings.push(process);
  }
  const found = new Set<HostProcess>();
  const queue = [...roots];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    queue.push(...(children.get(next.pid) ?? []));
  }
  return [...found];
}
