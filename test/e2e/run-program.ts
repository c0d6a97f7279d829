import { spawn } from "node:child_process";

export interface ProgramOptions {
  readonly stdin?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly folder?: string;
  /** 60 s when left out. */
  readonly timeoutMs?: number;
}

export interface ProgramResult {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Throws only when it cannot be started or takes too long. */
export function runProgram(program: string, args: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  const { stdin, environment = {}, folder, timeoutMs = 60_000 } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: folder, env: { ...process.env, ...environment }, stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString("utf8");
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`\`${program} ${args.join(" ")}\` did not end within ${timeoutMs / 1000} s; it said: ${text(out)}${text(err)}`));
    }, timeoutMs);
    child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? undefined, stdout: text(out), stderr: text(err) });
    });
    // A program that ends without reading its input is no failure of ours.
    child.stdin?.on("error", () => {});
    child.stdin?.end(stdin);
  });
}
