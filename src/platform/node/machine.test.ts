import { availableParallelism, totalmem } from "node:os";
import { expect, it } from "vitest";
import { nodeMachine } from "./machine.ts";

it.skipIf(process.platform !== "linux")("tells what this machine is", async () => {
  const info = await nodeMachine.info();
  expect(info.operatingSystem).toBe("linux");
  expect(info.architecture).toBe({ x64: "amd64", arm64: "arm64" }[process.arch as "x64"] ?? process.arch);
  expect(info.cpus).toBeGreaterThanOrEqual(availableParallelism());
  expect(Math.abs(info.memoryBytes - totalmem())).toBeLessThan(totalmem() * 0.01);
  expect(info.osImage).not.toBe("");
  expect(info.bootId).toMatch(/^[0-9a-f-]{36}$/);
});

it.skipIf(process.platform !== "linux")("tells how busy it is", async () => {
  const usage = await nodeMachine.usage();
  expect(usage.memoryAvailableBytes).toBeGreaterThan(0);
  expect(usage.memoryAvailableBytes).toBeLessThan(totalmem());
  expect(usage.cpuNanoseconds).toBeGreaterThan(0);
  expect(usage.processes).toBeGreaterThan(1);
  expect(usage.maxProcesses).toBeGreaterThan(usage.processes);
});
