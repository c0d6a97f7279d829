import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { Processes, RunOptions, RunResult } from "../processes.ts";

/** More output than this of one stream is read and thrown away. */
const mostOutputBytes = 64 * 2 ** 20;
/** How long a program's children may hold its output open after it has ended. */
const lingerMs = 250;

/** Programs of this machine. A program that outlives its timeout or signal is ended with SIGKILL. */
export const nodeProcesses: Processes = { run: runToEnd, find: findProgram };

function runToEnd(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted === true) {
      reject(options.signal.reason);
      return;
    }
    const child = spawn(command, [...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: options.env === undefined ? process.env : { ...process.env, ...options.env },
    });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    const kill = (): void => void child.kill("SIGKILL");
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(kill, options.timeoutMs);
    options.signal?.addEventListener("abort", kill, { once: true });
    const settle = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", kill);
    };
    child.once("error", (error) => {
      settle();
      reject(error);
    });
    child.once("exit", () => {
      settle();
      const linger = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, lingerMs);
      child.once("close", () => clearTimeout(linger));
    });
    child.once("close", (code) => resolve({ code: code ?? -1, stdout: stdout(), stderr: stderr() }));
    // A program may end without reading its input.
    child.stdin.on("error", () => {});
    child.stdin.end(options.stdin ?? "");
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on("data", (chunk: Buffer) => {
    const room = mostOutputBytes - size;
    if (room <= 0) return;
    const kept = chunk.length > room ? chunk.subarray(0, room) : chunk;
    chunks.push(kept);
    size += kept.length;
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

async function findProgram(command: string, alsoIn: readonly string[] = []): Promise<string | undefined> {
  if (command.includes("/")) return (await isProgram(command)) ? command : undefined;
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...alsoIn].filter((folder) => folder !== "");
  for (const folder of folders) {
    const path = join(folder, command);
    if (await isProgram(path)) return path;
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
