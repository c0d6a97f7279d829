import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";

/** One line each: what the figures were measured on. */
export function machineLines(folder) {
  const [cpu] = cpus();
  const distribution = /^PRETTY_NAME="?([^"\n]*)/m.exec(textOf("/etc/os-release"))?.[1] ?? process.platform;
  return [
    `${cpus().length} × ${cpu?.model.trim() ?? "unknown processor"}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB memory`,
    `${distribution}, kernel ${release()}, file system ${fileSystemOf(folder)}`,
    `Node.js ${process.versions.node}`,
    `load before the run: ${loadavg()
      .map((value) => value.toFixed(2))
      .join(" ")}`,
  ];
}

function textOf(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function fileSystemOf(folder) {
  try {
    return execFileSync("stat", ["-f", "-c", "%T", folder], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}

/** Resident memory of a process in bytes; undefined where /proc is missing. */
export function residentBytes(pid) {
  const pages = /^VmRSS:\s+(\d+) kB/m.exec(textOf(`/proc/${pid}/status`))?.[1];
  return pages === undefined ? undefined : Number(pages) * 1024;
}

/** Processor time that a process has used so far, all its threads together, in milliseconds; undefined where /proc is missing. */
export function processorMs(pid) {
  const fields = textOf(`/proc/${pid}/stat`).split(") ")[1]?.split(" ");
  // In ticks of a hundredth of a second: user, then system.
  return fields === undefined ? undefined : (Number(fields[11]) + Number(fields[12])) * 10;
}
