import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MachineCode } from "./elf-program.ts";
import { readElfNeeds } from "./elf-needs.ts";
import { machineArchitecture } from "./demo-image.ts";
import { pauseProgram } from "./pause-program.ts";

describe("pauseProgram", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "keles-pause-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("is a few hundred bytes for either machine", () => {
    expect(pauseProgram("amd64").length).toBeLessThan(300);
    expect(pauseProgram("arm64").length).toBeLessThan(300);
  });

  it("needs no loader", async () => {
    await writeFile(join(folder, "pause-arm64"), pauseProgram("arm64"));
    expect(await readElfNeeds(join(folder, "pause-arm64"))).toEqual({ libraries: [], runPaths: [], machine: "183" });
  });

  // Each signal sent to a process of its own; it must end by itself with 0, not by the signal.
  it.each(["SIGTERM", "SIGINT"] as const)("waits, and ends with 0 on %s", async (signal) => {
    const architecture = machineArchitecture();
    if (process.platform !== "linux" || (architecture !== "amd64" && architecture !== "arm64")) return;
    const path = join(folder, `pause-${signal}`);
    await writeFile(path, pauseProgram(architecture), { mode: 0o755 });
    const child = spawn(path, { stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("exit", (code, by) => resolve([code, by])));
    await new Promise((resolve) => child.once("spawn", resolve));
    try {
      await waits(child.pid ?? -1);
      // A signal that it does not wait for changes nothing.
      child.kill("SIGCHLD");
      child.kill(signal);
      expect(await ended).toEqual([0, null]);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("reads as the wanted instructions to a disassembler", async (context) => {
    const listing = (await disassemble(folder, pauseProgram("arm64").subarray(120))) ?? "";
    context.skip(listing === "", "no llvm-objdump on this machine");
    const instructions = listing.replaceAll(/0x[0-9a-f]+ <[^>]*>/g, "label");
    expect(instructions.match(/svc|b\.\w+|cmp|adr/g)).toEqual(["adr", "svc", "svc", "cmp", "b.gt", "adr", "svc", "cmp", "b.eq", "cmp", "b.ne", "svc"]);
    expect([...instructions.matchAll(/mov\s+x8, #(\d+)/g)].map((match) => Number(match[1]))).toEqual([135, 260, 137, 94]);
  });
});

/** Resolves when the process sleeps, which it does in sigtimedwait alone. */
async function waits(pid: number): Promise<void> {
  for (let round = 0; round < 10_000; round += 1) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    if (stat.startsWith("S", stat.lastIndexOf(")") + 2)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("it never waited");
}

async function disassemble(folder: string, code: Uint8Array): Promise<string | undefined> {
  const run = (command: string, args: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      execFile(command, [...args], (error, stdout) => {
        if (error === null) resolve(stdout);
        else reject(error);
      });
    });
  await writeFile(join(folder, "code"), code);
  try {
    await run("llvm-objcopy", ["-I", "binary", "-O", "elf64-littleaarch64", "--rename-section=.data=.text,code", join(folder, "code"), join(folder, "object")]);
    return await run("llvm-objdump", ["-d", join(folder, "object")]);
  } catch {
    return undefined;
  }
}

describe("MachineCode", () => {
  it("fills in distances forwards and backwards", () => {
    const code = new MachineCode().label("start").bytes(0x90, 0xeb).rel8("end").bytes(0xeb).rel8("start").rel32("end").label("end");
    expect([...code.assemble()]).toEqual([0x90, 0xeb, 6, 0xeb, 0xfb, 0, 0, 0, 0]);
  });

  it("refuses what a short jump cannot reach, and unknown labels", () => {
    const far = new MachineCode()
      .rel8("end")
      .bytes(...Array.from({ length: 200 }, () => 0))
      .label("end");
    expect(() => far.assemble()).toThrow(RangeError);
    expect(() => new MachineCode().rel8("nowhere").assemble()).toThrow("no label nowhere");
  });
});
