import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StoreInUseError } from "./errors.ts";

/** Locks that this process holds: it cannot recognise itself by its pid alone. */
const held = new Set<string>();

/**
 * `keles.lock` in the data directory names its owner as `PID START`, where START is the process's start in clock ticks
 * since boot as Linux tells it, so that a pid used again is not mistaken for the owner. A dead owner's lock is taken
 * over. Returns what releases it.
 */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, "keles.lock");
  const mine = `${process.pid} ${startOf(process.pid) ?? "-"}\n`;
  for (let attempt = 0; attempt < 10; attempt += 1) {
    if (tryCreate(path, mine)) {
      held.add(path);
      return () => {
        held.delete(path);
        if (read(path) === mine) unlinkSync(path);
      };
    }
    const found = read(path);
    if (found === undefined) continue;
    const owner = liveOwner(path, found);
    if (owner !== undefined) throw new StoreInUseError(directory, owner);
    discard(path, found);
  }
  throw new StoreInUseError(directory, 0);
}

/** The pid that stands in the lock, when that very process still runs. */
function liveOwner(path: string, content: string): number | undefined {
  const [pidText = "", start = "-"] = content.trim().split(" ");
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (pid === process.pid) {
    const own = startOf(pid);
    return held.has(path) || (own !== undefined && own === start && start !== "-") ? pid : undefined;
  }
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, as somebody else.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return undefined;
  }
  const now = startOf(pid);
  return now !== undefined && start !== "-" && now !== start ? undefined : pid;
}

/** Moves a dead owner's lock away; of several that try, one succeeds. A lock that is not the dead one is put back. */
function discard(path: string, expected: string): void {
  const aside = `${path}.${process.pid}.old`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (read(aside) !== expected) {
    try {
      linkSync(aside, path);
    } catch {
      // A third process was faster; its lock counts.
    }
  }
  unlinkSync(aside);
}

/** The lock appears with its content or not at all, so that no reader finds it empty. */
function tryCreate(path: string, content: string): boolean {
  const ready = `${path}.${process.pid}.new`;
  writeFileSync(ready, content, { mode: 0o600 });
  try {
    linkSync(ready, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    unlinkSync(ready);
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Field 22 of /proc/PID/stat; the second field may hold spaces. Undefined where there is no /proc. */
function startOf(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}
