import { describe, expect, it } from "vitest";
import { nodeProcesses } from "./processes.ts";

const node = process.execPath;

describe("nodeProcesses", () => {
  it("gives input, environment, output and exit code", async () => {
    const script = `process.stdin.on("data", (d) => process.stdout.write(process.env.GREETING + d)).on("end", () => { console.error("bad"); process.exit(3); })`;
    const result = await nodeProcesses.run(node, ["-e", script], { stdin: "you", env: { GREETING: "hello " } });
    expect(result).toEqual({ code: 3, stdout: "hello you", stderr: "bad\n" });
  });

  it("ends a program that outlives its timeout", async () => {
    const result = await nodeProcesses.run(node, ["-e", "setInterval(() => {}, 1000)"], { timeoutMs: 150 });
    expect(result.code).toBe(-1);
  });

  it("does not wait for a child of the program that keeps the output open", async () => {
    const script = `const c = require("child_process").spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"], { stdio: "inherit", detached: true }); console.log(c.pid); process.exit(0)`;
    const started = Date.now();
    const result = await nodeProcesses.run(node, ["-e", script]);
    process.kill(Number(result.stdout.trim()), "SIGKILL");
    expect(result.code).toBe(0);
    expect(Date.now() - started).toBeLessThan(15_000);
  });

  it("rejects what cannot be started", async () => {
    await expect(nodeProcesses.run("/nonexistent/program", [])).rejects.toMatchObject({ code: "ENOENT" });
    await expect(nodeProcesses.run(node, [], { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  });

  it("finds programs on PATH and in further folders", async () => {
    expect(await nodeProcesses.find(node)).toBe(node);
    expect(await nodeProcesses.find("keles-no-such-program")).toBeUndefined();
    const slash = node.lastIndexOf("/");
    expect(await nodeProcesses.find(node.slice(slash + 1), [node.slice(0, slash)])).toMatch(/\/node$/);
  });
});
